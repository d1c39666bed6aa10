"""Rows that are numbered and signed, one after the other: the newest that holds, and the next number that is free.

The programs' role can add a row, but not sign it: one that it made up, of whatever number, is passed by.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import chain_keys
from models.tables.accounts.access_log import AccessBlock
from models.tables.keeping.anchor import Anchor
from rules.chain import Entry, entry_holds

Row = TypeVar("Row", AccessBlock, Anchor)
_HIGHEST = 2**31 - 1  # number that a row can have
_AT_A_TIME = 100


@dataclass(frozen=True, kw_only=True)
class Newest(Generic[Row]):
    """``row`` is the newest whose signature holds, ``unsigned`` the highest number above it, of a row that nobody with
    the keys wrote."""

    row: Row | None = None
    unsigned: int | None = None


async def newest_signed(session: AsyncSession, table: type[Row], entry_of: Callable[[Row], Entry]) -> Newest[Row]:
    keys, unsigned, below = chain_keys(session), None, _HIGHEST
    while True:
        statement = select(table).where(col(table.number) <= below).order_by(col(table.number).desc())
        page = (await session.exec(statement.limit(_AT_A_TIME))).all()
        for row in page:
            if entry_holds(keys, entry_of(row)):
                return Newest(row=row, unsigned=unsigned)
            unsigned = unsigned if unsigned is not None else row.number
        if len(page) < _AT_A_TIME:
            return Newest(unsigned=unsigned)
        below = page[-1].number - 1


async def first_free(session: AsyncSession, taken: Any, *, behind: int) -> int:
    """The first number behind this one that is not among those ``taken``, a query for numbers in their order: the next
    one, unless somebody put a row of theirs in its place."""
    numbers = iter((await session.exec(taken)).all())
    number = behind + 1
    while next(numbers, None) == number:
        number += 1
    return number
