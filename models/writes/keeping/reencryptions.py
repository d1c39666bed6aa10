"""Sealing anew: rows are sealed with the present key, a page at a time, each in a transaction of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Column, LargeBinary, Table, and_, case, func, select, tuple_, type_coerce, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import Sessions
from models.sealed import Ciphertext, NotOfThisRow, RowKeys, RowPlace, Sealed, UnknownRowKey, prefix_of, row_id
from models.sealing import row_keys
from models.tables.care.document import DocumentContent
from models.tables.keeping.reencryption import Reencryption

log = structlog.get_logger(__name__)

ROWS = 500
_ROWS_OF = {DocumentContent.__tablename__: 8}  # of a megabyte each


@dataclass(frozen=True, kw_only=True)
class SealedPage:
    """``last`` is the key of the last row that was looked at; None behind the end of the table."""

    looked_at: int = 0
    sealed: int = 0
    unreadable: int = 0
    last: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class _Stale:
    """A row that is sealed with another key than the present one, in the columns that are."""

    key: tuple[Any, ...]
    columns: Mapping[str, bytes] = field(repr=False)


@cache
def sealed_tables() -> tuple[str, ...]:
    """Those that have sealed columns, in the order in which they are worked off."""
    found = (table for table in SQLModel.metadata.tables.values() if _sealed(table))
    return tuple(sorted(table.name for table in found))


async def begin_reencryption(session: AsyncSession, *, id: UUID, asked_by: str, at: datetime) -> None:
    """The row of a round, made unless it is there: who asks and who works it off may both come first."""
    row = insert(Reencryption).values(id=id, asked_by=asked_by, started_at=at, sealed=0, unreadable=0)
    await session.exec(row.on_conflict_do_nothing())


async def seal_page(sessions: Sessions, name: str, *, after: Sequence[str] = (), rows: int = ROWS) -> SealedPage:
    """Seal the next rows of a table anew, behind the key ``after``. Done twice, it finds nothing more to do.

    A row that somebody changes at the same moment is left to them; one that does not open is left as it is, and named
    in the log.
    """
    table = SQLModel.metadata.tables[name]
    limit = min(rows, _ROWS_OF.get(name, rows))
    async with sessions() as session:
        keys = row_keys(session)
        looked_at, last, stale = await _page(session, table, keys, after=after, limit=limit)
    sealed = unreadable = 0
    for row in stale:
        async with sessions() as session:
            try:
                sealed += await _seal(session, table, row, keys)
            except (NotOfThisRow, UnknownRowKey) as error:
                log.warning("a row cannot be sealed anew", because=str(error))
                unreadable += 1
            await session.commit()
    return SealedPage(
        looked_at=looked_at, sealed=sealed, unreadable=unreadable, last=last if looked_at == limit else None
    )


async def _page(
    session: AsyncSession, table: Table, keys: RowKeys, *, after: Sequence[str], limit: int
) -> tuple[int, tuple[str, ...] | None, list[_Stale]]:
    """How many rows there are, the key of the last, and those to be sealed anew. Only what is stale leaves the
    database."""
    key, columns, prefix = tuple(table.primary_key), _sealed(table), prefix_of(keys.current)
    stale = [case((func.substr(_raw(each), 1, len(prefix)) != prefix, _raw(each))) for each in columns]
    statement = select(*key, *stale).order_by(*key).limit(limit)
    if after:
        place = [each.type.python_type(value) for each, value in zip(key, after, strict=True)]
        statement = statement.where(tuple_(*key) > tuple_(*place))
    found = (await (await session.connection()).execute(statement)).all()
    rows = [
        _Stale(
            key=tuple(row[: len(key)]),
            columns={
                column.name: value for column, value in zip(columns, row[len(key) :], strict=True) if value is not None
            },
        )
        for row in found
    ]
    last = tuple(map(str, rows[-1].key)) if rows else None
    return len(rows), last, [row for row in rows if row.columns]


async def _seal(session: AsyncSession, table: Table, row: _Stale, keys: RowKeys) -> int:
    """Compare and set: what was read must still stand there."""
    anew = {}
    for name, value in row.columns.items():
        place = RowPlace(table=table.name, column=name, row=row_id(row.key))
        anew[name] = Ciphertext(keys.seal(keys.open(value, place), place))
    same_row = [column == value for column, value in zip(table.primary_key, row.key, strict=True)]
    as_read = [_raw(table.c[name]) == value for name, value in row.columns.items()]
    changed = await (await session.connection()).execute(update(table).where(and_(*same_row, *as_read)).values(anew))
    return changed.rowcount


def _sealed(table: Table) -> list[Column[Any]]:
    return [column for column in table.c if isinstance(column.type, Sealed)]


def _raw(column: Column[Any]) -> Any:
    return type_coerce(column, LargeBinary)
