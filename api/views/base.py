"""Views: what an answer shows of a row, field by field of the same name, and to whom."""

from functools import cache
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel

from rules.accounts.caller import Caller


class _PracticeOnly:
    """Marks a field of a view that nobody but the practice is told."""


_MISSING: Any = object()
_Shown = TypeVar("_Shown")
PracticeOnly = Annotated[_Shown, _PracticeOnly()]


class View(BaseModel):
    """An answer that is built from a row. A field that is for the practice alone is declared ``PracticeOnly[...]``,
    with a default: for everybody else it stays unset, and its route leaves out what is unset."""

    @classmethod
    def of(cls, *rows: object, caller: Caller | None = None, **more: Any) -> Self:
        """The view of what has its fields as attributes, the first row that has one counting. ``more`` is what no row
        has, or what is shown otherwise. Without a ``caller`` nothing is told that is for the practice alone."""
        practice = caller is not None and caller.is_practice
        shown = {}
        for name in cls.model_fields.keys() - (frozenset() if practice else practice_only_fields(cls)):
            value = more.get(name, _MISSING)
            for row in rows:
                if value is not _MISSING:
                    break
                value = getattr(row, name, _MISSING)
            if value is not _MISSING:
                shown[name] = value
        return cls(**shown)


@cache
def practice_only_fields(view: type[View]) -> frozenset[str]:
    """The fields of a view that nobody but the practice is told."""
    fields = view.model_fields.items()
    return frozenset(name for name, field in fields if any(isinstance(mark, _PracticeOnly) for mark in field.metadata))
