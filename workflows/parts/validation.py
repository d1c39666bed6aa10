"""Validation: what a workflow checks of a request before any step sees it.

The API sends only what is sound; a person in the Temporal UI may type anything. A step that met a broken id or a
character that the database cannot store would be tried again for ever, so such a request is turned down at the door.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from uuid import UUID

from temporalio import exceptions, workflow

with workflow.unsafe.imports_passed_through():
    from rules.refusals import Problem

_FIRST_YEAR, _LAST_YEAR = 2000, 2199


def flaws(value: object, name: str = "") -> Iterator[str]:
    """Every reason why ``value`` cannot be carried out, as ``field: message``."""
    if is_dataclass(value):
        for field in fields(value):
            yield from flaws(getattr(value, field.name), f"{name}.{field.name}" if name else field.name)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from flaws(key, name)
            yield from flaws(inner, f"{name}.{key}")
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


def validate(order: object, **own: str) -> None:
    """Turn down what cannot be carried out, or is meant for another workflow. ``own`` are the ids it must name.

    Raises ApplicationError, by which an update fails and changes nothing.
    """
    found: list[str] = list(flaws(order))
    found += [f"{name}: is not this one, {id}" for name, id in own.items() if getattr(order, name, id) != id]
    if found:
        lines = [line.partition(": ") for line in found]
        errors = [{"field": field, "message": message} for field, _, message in lines]
        raise exceptions.ApplicationError(
            "; ".join(found),
            {"errors": errors},
            type=Problem.VALIDATION_FAILED.value,
            non_retryable=True,
            category=exceptions.ApplicationErrorCategory.BENIGN,
        )
