"""Whose a payload is that is JSON, of the engine's or an answer that was kept, as far as it says so."""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID


def clients_named_in(payloads: Iterable[bytes]) -> Iterator[UUID]:
    """The ids that stand as ``client_id`` anywhere in payloads that are JSON."""
    for payload in payloads:
        with suppress(ValueError, RecursionError):
            yield from _named_in(json.loads(payload))


def _named_in(document: Any) -> Iterator[UUID]:
    if isinstance(document, list):
        for each in document:
            yield from _named_in(each)
    elif isinstance(document, dict):
        for name, value in document.items():
            if name == "client_id" and isinstance(value, str):
                with suppress(ValueError):
                    yield UUID(value)
            else:
                yield from _named_in(value)
