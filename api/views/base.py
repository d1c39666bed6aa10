"""Views: what an answer shows of a row, field by field of the same name, and to whom."""

from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel

from rules.accounts.caller import Caller


class _PracticeOnly:
    """Marks a field of a view that nobody but the practice is told."""


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
        shown: dict[str, Any] = {}
        for name, field in cls.model_fields.items():
            if not practice and any(isinstance(mark, _PracticeOnly) for mark in field.metadata):
                continue
            if name in more:
                shown[name] = more[name]
            elif any(hasattr(row, name) for row in rows):
                shown[name] = next(getattr(row, name) for row in rows if hasattr(row, name))
        return cls(**shown)
