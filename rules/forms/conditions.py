"""When a question of a form is asked: only while another one, which stands before it, has one of these answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Decided = str | bool | int


@dataclass(frozen=True, kw_only=True)
class Condition:
    """``field`` has one of the answers ``is_``; of a question with several answers, at least one is among them."""

    field: str
    is_: tuple[Decided, ...]

    def to_document(self) -> dict[str, Any]:
        return {"field": self.field, "is": list(self.is_)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Condition":
        return cls(field=document["field"], is_=tuple(document["is"]))


def holds(condition: Condition, answers: Mapping[str, Any]) -> bool:
    """Whether the question is asked, given the answers to those before it. What has no answer decides nothing."""
    answer = answers.get(condition.field)
    given = answer if isinstance(answer, list) else [answer]
    return any(_same(one, wanted) for one in given for wanted in condition.is_)


def _same(one: object, wanted: object) -> bool:
    return type(one) is type(wanted) and one == wanted  # true is no 1
