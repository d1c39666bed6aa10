"""Views: what an answer shows of a row, field by field of the same name, and to whom."""

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from rules.accounts.caller import Caller
from rules.enums import Role


class _PracticeOnly:
    """Marks a field of a view that nobody but the practice is told."""


class _SignedInOnly:
    """Marks a field of a view that whoever has a pass alone is not told."""


_MISSING: Any = object()
_Shown = TypeVar("_Shown")
PracticeOnly = Annotated[_Shown, _PracticeOnly()]
SignedInOnly = Annotated[_Shown, _SignedInOnly()]


class View(BaseModel):
    """An answer that is built from a row. A field that is for the practice alone is declared ``PracticeOnly[...]``,
    with a default: for everybody else it stays unset, and its route leaves out what is unset. One that a client's pass
    does not open is declared ``SignedInOnly[...]`` in the same way."""

    @classmethod
    def of(cls, *rows: object, caller: Caller | None = None, **more: Any) -> Self:
        """The view of what has its fields as attributes, the first row that has one counting. ``more`` is what no row
        has, or what is shown otherwise. Without a ``caller`` nothing is told that is for the practice alone."""
        shown = {}
        for name in cls.model_fields.keys() - _hidden_from(caller, cls):
            value = more.get(name, _MISSING)
            for row in rows:
                if value is not _MISSING:
                    break
                value = getattr(row, name, _MISSING)
            if value is not _MISSING:
                shown[name] = value
        return cls(**shown)


def sees_what_is_practice_only(caller: Caller | None) -> bool:
    """The practice, and admins, who are shown no view of a client."""
    return caller is not None and (caller.is_practice or caller.role is Role.ADMIN)


def _hidden_from(caller: Caller | None, view: type[View]) -> frozenset[str]:
    if sees_what_is_practice_only(caller):
        return frozenset()
    by_pass = caller is not None and caller.by_pass
    return practice_only_fields(view) | (signed_in_only_fields(view) if by_pass else frozenset())


@cache
def practice_only_fields(view: type[View]) -> frozenset[str]:
    """The fields of a view that nobody but the practice is told."""
    return _marked(view, _PracticeOnly)


@cache
def signed_in_only_fields(view: type[View]) -> frozenset[str]:
    """The fields of a view that whoever has a pass alone is not told."""
    return _marked(view, _SignedInOnly)


def _marked(view: type[View], kind: type) -> frozenset[str]:
    fields = view.model_fields.items()
    return frozenset(name for name, field in fields if any(isinstance(mark, kind) for mark in field.metadata))


Plain = str | int | bool | None
"""What a member of a document may be that is not listed: a word, a number, yes or no."""


@dataclass(frozen=True)
class DescribedAs:
    """``Annotated[dict[str, Any], DescribedAs(FactData)]``: nothing is read into the model and written again, since
    what was signed is shown as it was signed; the description names its schema."""

    model: type[BaseModel]

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        # Within definitions it is named; by itself it would be written out wherever it stands.
        return handler(core_schema.definitions_schema(self.model.__pydantic_core_schema__, []))
