"""Lists and their pages, and amounts of money."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel

from models.paging import Page, cursor_of

Item = TypeVar("Item")
Row = TypeVar("Row")


class Listed(BaseModel, Generic[Item]):
    items: list[Item]
    next_cursor: str | None = None


class Polled(Listed[Item], Generic[Item]):
    """A list that can be asked for what has changed."""

    as_of: datetime | None = None


def cut(rows: Sequence[Row], page: Page) -> tuple[Sequence[Row], Row | None]:
    """The rows of this page, and its last one if there are more behind it."""
    return (rows[: page.limit], rows[page.limit - 1]) if len(rows) > page.limit else (rows, None)


class MoneyView(BaseModel):
    amount: int
    currency: str


def listed(items: list[Item], last: tuple[datetime | date | UUID | str | int, ...] | None) -> Listed[Item]:
    """A page of a list; ``last`` has the sort values of its last row when there are more rows behind it."""
    return Listed[Any](items=items, next_cursor=cursor_of(*last) if last else None)
