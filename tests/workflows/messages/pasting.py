"""A support person who reads current details, and pastes what stands there."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from workflows.shown import sending

_MESSAGE = re.compile(r": (update|signal) `([\w.]+)`(?: to `([^`]+)`)?, (?:input `(.+)`|no input)$", re.MULTILINE)
_KNOWN = {
    sending.THERAPIST: "ana",
    sending.REASON: "the client asked for it",
    sending.NOTE: "the client was called",
    sending.START: "2026-12-04T09:00-05:00",
    sending.ADDRESS: "sara@example.com",
    sending.OTHER_RECORD: str(UUID(int=99)),
}


@dataclass(frozen=True, order=True)
class Pasted:
    """``input`` is JSON, or empty."""

    kind: str
    name: str
    workflow_id: str
    input: str


def pasted_from(details: str, *, own: str) -> Iterator[Pasted]:
    """Every message that stands there; those that name no workflow are for the one that shows them, ``own``."""
    for kind, name, workflow_id, input in _MESSAGE.findall(details):
        yield Pasted(kind=kind, name=name, workflow_id=workflow_id or own, input=input)


def filled_in(input: str) -> str:
    """The input with its brackets filled in."""
    for bracket, value in _KNOWN.items():
        input = input.replace(json.dumps(bracket, ensure_ascii=False), json.dumps(value))
    assert "<" not in input, input
    return input
