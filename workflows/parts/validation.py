"""Validation: what a workflow checks of a request before any step sees it.

The API sends only what is sound; a person in the Temporal UI may type anything. A step that met a broken id or a
character that the database cannot store would be tried again for ever, so such a request is turned down at the door.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from uuid import UUID

_FIRST_YEAR, _LAST_YEAR = 2000, 2199


def flaws(value: object, name: str = "") -> Iterator[str]:
    """Every reason why ``value`` cannot be carried out, as ``field: message``."""
    if is_dataclass(value):
        for field in fields(value):
            yield from flaws(getattr(value, field.name), f"{name}.{field.name}" if name else field.name)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            # Its keys may have been typed by a person, and are not repeated.
            yield from flaws(key, name)
            yield from flaws(inner, name)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from flaws(inner, name)
    elif isinstance(value, str):
        yield from _text_flaws(value, name)
    elif isinstance(value, datetime):
        if value.utcoffset() is None:
            yield f"{name}: must be a time with its offset"
        elif not _FIRST_YEAR <= value.year <= _LAST_YEAR:
            yield f"{name}: must be between the years {_FIRST_YEAR} and {_LAST_YEAR}"


def _text_flaws(value: str, name: str) -> Iterator[str]:
    try:
        storable = b"\x00" not in value.encode()
    except UnicodeEncodeError:
        storable = False
    if not storable:
        yield f"{name}: has a character that cannot be stored"
    elif name.rpartition(".")[2].endswith("_id"):
        try:
            UUID(value)
        except ValueError:
            yield f"{name}: is not an id"
