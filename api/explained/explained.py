"""How one problem is explained, and the JSON schemas of what the documents add."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
INSTANT: Json = {"type": "string", "format": "date-time"}
ID: Json = {"type": "string", "format": "uuid"}
WHOLE: Json = {"type": "integer"}


def ref(model: str) -> Json:
    return {"$ref": f"#/components/schemas/{model}"}


def listed(item: Json) -> Json:
    return {"type": "array", "items": item}


def with_parts(**parts: Json) -> Json:
    """An object that has all of these."""
    return {"type": "object", "required": list(parts), "properties": parts}


@dataclass(frozen=True, kw_only=True)
class AddedMember:
    """What the document adds under one name: its meaning, its schema, an example. ``always``: it is never left out."""

    meaning: str
    schema: Json
    example: Any
    always: bool = False


@dataclass(frozen=True, kw_only=True)
class Explained:
    """``request`` and ``body`` are one that is refused so, ``detail`` the sentence it is answered with."""

    meaning: str
    remedy: str
    request: str
    detail: str
    body: Json | None = None
    members: Mapping[str, AddedMember] = field(default_factory=dict)


ALTERNATIVES = AddedMember(
    meaning="At most three other times that are free.",
    schema=listed(ref("SlotView")),
    example=[{"starts_at": "2026-03-09T16:00:00Z", "ends_at": "2026-03-09T16:50:00Z"}],
    always=True,
)
CLOSURE = AddedMember(
    meaning="The day in the way on which the practice is closed.",
    schema=ref("ClosureInTheWay"),
    example={"date": "2026-11-26", "name": "Thanksgiving"},
)
