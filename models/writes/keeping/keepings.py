"""Rounds of the keeper: begun once, by whoever comes first."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.keeping.keeping import Keeping


async def begin_keeping(session: AsyncSession, *, id: UUID, asked_by: str, at: datetime) -> None:
    """The row of a round, made unless it is there: who asked and who keeps may both come first."""
    row = insert(Keeping).values(id=id, asked_by=asked_by, started_at=at, looked_at=0, tasks=0)
    await session.exec(row.on_conflict_do_nothing())
