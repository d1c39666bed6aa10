"""What of a client's goals is written without their therapist: for which instant each was reminded of last."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlmodel import col, update
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.care.goal import Goal


async def note_reminders(session: AsyncSession, client_id: UUID, reminded: Mapping[str, datetime]) -> None:
    """``reminded``: the instant for which each goal, by id, is reminded of."""
    for id, at in reminded.items():
        one = (col(Goal.id) == UUID(id), col(Goal.client_id) == client_id)
        await session.exec(update(Goal).where(*one).values(reminded_at=at))
