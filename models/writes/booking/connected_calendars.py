"""A calendar that is connected at its vendor. The caller commits."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.booking.outside_calendar import OutsideCalendarRow
from rules.booking.calendar_pushes import HEARD_EVERY
from rules.enums import CalendarTrouble


async def connect_calendar(session: AsyncSession, calendar_id: UUID, access: Mapping[str, Any]) -> bool:
    """Whether it is still there. A look that is under way, by what it was read with before, counts no more. What people
    were told of it settles with the next look, if that succeeds."""
    row = await session.get(OutsideCalendarRow, calendar_id, with_for_update=True, populate_existing=True)
    if row is None or row.ended_at is not None:
        return False
    row.access, row.known, row.covers_until = dict(access), None, None
    row.failing_since = row.trouble = None
    row.channel_id = row.channel = row.channel_until = None  # perhaps of another account
    row.looks += 1
    session.add(row)
    return True


async def hear_push(session: AsyncSession, calendar_id: UUID, *, at: datetime) -> bool:
    """Whether this push is heard: of many at once, one is, and then none for half a minute."""
    seen = col(OutsideCalendarRow.pushed_at)
    statement = (
        update(OutsideCalendarRow)
        .where(
            col(OutsideCalendarRow.id) == calendar_id,
            col(OutsideCalendarRow.ended_at).is_(None),
            seen.is_(None) | (seen <= at - HEARD_EVERY),
        )
        .values(pushed_at=at)
    )
    return (await session.exec(statement)).rowcount == 1


def wait_for_consent(row: OutsideCalendarRow, *, at: datetime) -> None:
    """Nobody has consented yet: it cannot be read from its beginning on, and nobody is told of that."""
    row.failing_since, row.trouble = at, CalendarTrouble.NOT_CONNECTED
