"""The rows of an archive of many clients, made once, and locked by whoever works on them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.sealing import sealed_values
from models.tables.archive.bulk_archive import BulkArchiveLine, BulkArchiveRecord
from rules.enums import ArchiveResult


async def make_bulk_archive(
    session: AsyncSession,
    *,
    id: UUID,
    client_ids: Sequence[UUID],
    asked_by: str,
    at: datetime,
    group_id: UUID | None,
    reason: str | None,
    notify: bool,
) -> BulkArchiveRecord:
    """The rows of an archive of many, made unless they are there: who asked and who archives may both come first.

    The first one's clients count: a group may have others by the time it is asked again.
    """
    record = BulkArchiveRecord(id=id, group_id=group_id, reason=reason, notify=notify, asked_by=asked_by, asked_at=at)
    row = insert(BulkArchiveRecord).values(sealed_values(session, record))
    made = await session.exec(row.on_conflict_do_nothing().returning(col(BulkArchiveRecord.id)))
    if made.first() is not None:
        lines = [
            {"archive_id": id, "client_id": client_id, "number": number, "result": ArchiveResult.PENDING}
            for number, client_id in enumerate(client_ids, start=1)
        ]
        await session.exec(insert(BulkArchiveLine).values(lines))
    return await session.get_one(BulkArchiveRecord, id)


async def lock_bulk_archive(session: AsyncSession, id: UUID) -> BulkArchiveRecord:
    """To itself: a step of a worker that was given up may still be running beside the one that follows it."""
    statement = select(BulkArchiveRecord).where(col(BulkArchiveRecord.id) == id).with_for_update(key_share=True)
    return (await session.exec(statement.execution_options(populate_existing=True))).one()
