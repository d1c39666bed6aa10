"""Sealing anew: rows are sealed with the present key, a page at a time, each in a transaction of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import and_, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import Sessions
from models.reads.keeping.sealed_rows import SealedRow, raw, sealed_rows
from models.sealed import Ciphertext, NotOfThisRow, RowKeys, UnknownRowKey, prefix_of
from models.sealing import row_keys
from models.tables.keeping.reencryption import Reencryption

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class SealedPage:
    """``last`` is the key of the last row that was looked at; None behind the end of the table."""

    looked_at: int = 0
    sealed: int = 0
    unreadable: int = 0
    last: tuple[str, ...] | None = None


async def begin_reencryption(session: AsyncSession, *, id: UUID, asked_by: str, at: datetime) -> None:
    """The row of a round, made unless it is there: who asks and who works it off may both come first."""
    row = insert(Reencryption).values(id=id, asked_by=asked_by, started_at=at, sealed=0, unreadable=0)
    await session.exec(row.on_conflict_do_nothing())


async def seal_page(sessions: Sessions, name: str, *, after: Sequence[str] = (), rows: int | None = None) -> SealedPage:
    """Seal the next rows of a table anew, behind the key ``after``. Done twice, it finds nothing more to do.

    A row that somebody changes at the same moment is left to them; one that does not open is left as it is, and named
    in the log.
    """
    async with sessions() as session:
        keys = row_keys(session)
        page = await sealed_rows(session, name, after=after, rows=rows, but=prefix_of(keys.current))
    sealed = unreadable = 0
    for row in page.rows:
        async with sessions() as session:
            try:
                sealed += await _seal(session, row, keys)
            except (NotOfThisRow, UnknownRowKey) as error:
                log.warning("a row cannot be sealed anew", because=str(error))
                unreadable += 1
            await session.commit()
    return SealedPage(looked_at=page.looked_at, sealed=sealed, unreadable=unreadable, last=page.last)


async def _seal(session: AsyncSession, row: SealedRow, keys: RowKeys) -> int:
    """Compare and set: what was read must still stand there."""
    table, anew = SQLModel.metadata.tables[row.table], {}
    for name, value in row.columns.items():
        place = row.place(name)
        anew[name] = Ciphertext(keys.seal(keys.open(value, place), place))
    same_row = [column == value for column, value in zip(table.primary_key, row.key, strict=True)]
    as_read = [raw(table.c[name]) == value for name, value in row.columns.items()]
    changed = await (await session.connection()).execute(update(table).where(and_(*same_row, *as_read)).values(anew))
    return changed.rowcount
