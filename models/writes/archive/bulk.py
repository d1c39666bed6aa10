"""The rows of an archive of many clients, made once, and locked by whoever works on them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, literal
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select

from models.reads.clients.clients import Chosen
from models.sealing import sealed_values
from models.tables.archive.bulk_archive import BulkArchiveLine, BulkArchiveRecord
from rules.enums import ArchiveResult


async def make_bulk_archive(
    session: AsyncSession,
    *,
    id: UUID,
    whom: Sequence[UUID] | Chosen,
    asked_by: str,
    at: datetime,
    group_id: UUID | None,
    reason: str | None,
    notify: bool,
    most: int,
) -> tuple[bool, int]:
    """The rows of an archive of many, made unless they are there; whether they were made now, and of how many clients.

    ``whom``: ids, or what finds them, which is asked once, in the statement that writes them down; more than ``most``
    are never written, but for one, by which it is seen. The first one's clients count: a group may have others by the
    time it is asked again.
    """
    record = BulkArchiveRecord(id=id, group_id=group_id, reason=reason, notify=notify, asked_by=asked_by, asked_at=at)
    row = insert(BulkArchiveRecord).values(sealed_values(session, record))
    made = await session.exec(row.on_conflict_do_nothing().returning(col(BulkArchiveRecord.id)))
    new = made.first() is not None
    if new:
        await session.exec(_lines(id, whom, most=most))
    lines = select(func.count()).where(col(BulkArchiveLine.archive_id) == id)
    return new, (await session.exec(lines)).one()


def _lines(id: UUID, whom: Sequence[UUID] | Chosen, *, most: int) -> Insert:
    line = insert(BulkArchiveLine)
    if isinstance(whom, Select):
        every = whom.add_columns(literal(id), literal(ArchiveResult.PENDING.value)).limit(most + 1)
        return line.from_select(["client_id", "number", "archive_id", "result"], every)
    return line.values(
        [
            {"archive_id": id, "client_id": client_id, "number": number, "result": ArchiveResult.PENDING}
            for number, client_id in enumerate(whom, start=1)
        ]
    )


async def lock_bulk_archive(session: AsyncSession, id: UUID) -> BulkArchiveRecord:
    """To itself: a step of a worker that was given up may still be running beside the one that follows it."""
    statement = select(BulkArchiveRecord).where(col(BulkArchiveRecord.id) == id).with_for_update(key_share=True)
    return (await session.exec(statement.execution_options(populate_existing=True))).one()
