"""Reconciliations: begun once, by whoever comes first."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.money.reconciliation import Reconciliation


async def begin_reconciliation(
    session: AsyncSession, *, id: UUID, asked_by: str, since: datetime, until: datetime, at: datetime
) -> Reconciliation:
    """The row of a comparison, made unless it is there: who asked and who compares may both come first."""
    row = insert(Reconciliation).values(
        id=id,
        asked_by=asked_by,
        started_at=at,
        since=since,
        until=until,
        compared={},
        healed=[],
        differences=[],
    )
    await session.exec(row.on_conflict_do_nothing())
    return await session.get_one(Reconciliation, id)
