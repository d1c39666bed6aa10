"""Pages of a list: where the last one ended, as an opaque cursor. Rows added meanwhile shift nothing."""

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeVar, TypeVarTuple, overload
from uuid import UUID

from sqlalchemy import ColumnElement, tuple_
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select, SelectOfScalar

DEFAULT_LIMIT = 50
MOST = 200

_NUMBER = re.compile(r"[0-9]{1,10}")
LARGEST_NUMBER = 2**31 - 1  # of the columns that lists are sorted by


class BadCursor(ValueError):
    """A cursor that no list ever gave."""


@dataclass(frozen=True)
class Page:
    """How many rows, and after which one: the sort values of the last row of the page before."""

    limit: int = DEFAULT_LIMIT
    after: tuple[Any, ...] | None = None


def cursor_of(*values: datetime | date | UUID | str | int) -> str:
    """An opaque cursor behind a row with these sort values."""
    plain = [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]
    written = json.dumps(plain, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(written.encode()).decode().rstrip("=")


def read_cursor(cursor: str, kinds: tuple[type, ...]) -> tuple[Any, ...]:
    """The sort values in a cursor, each of its kind. Raises BadCursor."""
    try:
        plain = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        return tuple(_read(value, kind) for value, kind in zip(plain, kinds, strict=True))
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise BadCursor("this is no cursor of this list") from error


def _read(value: object, kind: type) -> Any:
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004 - one kind of error for every bad cursor
    if kind is datetime:
        instant = datetime.fromisoformat(value)
        if instant.utcoffset() is None:
            raise ValueError
        return instant.astimezone(UTC)
    if kind is date:
        return date.fromisoformat(value)
    if kind is UUID:
        return UUID(value)
    if kind is int:
        if not _NUMBER.fullmatch(value) or int(value) > LARGEST_NUMBER:
            raise ValueError
        return int(value)
    if "\0" in value:
        raise ValueError
    value.encode()  # half of a character is none
    return value


def beyond(page: Page, *columns: Any, descending: bool = False) -> ColumnElement[bool] | None:
    """The condition for rows behind the cursor of a list sorted by these columns; None on the first page."""
    if page.after is None:
        return None
    row = tuple_(*columns)
    after = tuple_(*page.after)
    return row < after if descending else row > after


Row = TypeVar("Row")
Columns = TypeVarTuple("Columns")


@overload
async def one_page(
    session: AsyncSession, statement: SelectOfScalar[Row], page: Page, *columns: Any, descending: bool = False
) -> Sequence[Row]: ...


@overload
async def one_page(
    session: AsyncSession, statement: Select[*Columns], page: Page, *columns: Any, descending: bool = False
) -> Sequence[tuple[*Columns]]: ...


async def one_page(
    session: AsyncSession, statement: Any, page: Page, *columns: Any, descending: bool = False
) -> Sequence[Any]:
    """The rows of a page of a statement that is sorted by these columns; one more, if there are more behind it."""
    behind = beyond(page, *columns, descending=descending)
    if behind is not None:
        statement = statement.where(behind)
    rows: Sequence[Any] = (await session.exec(statement.limit(page.limit + 1))).all()
    return rows
