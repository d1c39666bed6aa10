"""A calendar that is connected at its vendor. The caller commits."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.booking.outside_calendar import OutsideCalendarRow
from rules.enums import CalendarTrouble


async def connect_calendar(session: AsyncSession, calendar_id: UUID, access: Mapping[str, Any]) -> bool:
    """Whether it is still there. A look that is under way, by what it was read with before, counts no more. What people
    were told of it settles with the next look, if that succeeds."""
    row = await session.get(OutsideCalendarRow, calendar_id, with_for_update=True, populate_existing=True)
    if row is None or row.ended_at is not None:
        return False
    row.access, row.known, row.covers_until = dict(access), None, None
    row.failing_since = row.trouble = None
    row.looks += 1
    session.add(row)
    return True


def wait_for_consent(row: OutsideCalendarRow, *, at: datetime) -> None:
    """Nobody has consented yet: it cannot be read from its beginning on, and nobody is told of that."""
    row.failing_since, row.trouble = at, CalendarTrouble.NOT_CONNECTED
