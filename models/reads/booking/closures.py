"""Days on which the practice is closed, and what is booked on them all the same."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.paging import Page, one_page
from models.tables.booking.appointment import Appointment
from models.tables.booking.closure import Closure
from models.tables.booking.therapist import Therapist
from rules.booking.availability import Availability, ClosedDay, closure_of
from rules.enums import AppointmentStatus

_DAY = timedelta(days=1)


async def list_closures(
    session: AsyncSession, *, page: Page, first: date | None = None, last: date | None = None
) -> Sequence[Closure]:
    """Closures by day, from the first to the last date, both included; one more than the page holds, if there are
    more."""
    statement = select(Closure).order_by(col(Closure.day))
    if first is not None:
        statement = statement.where(col(Closure.day) >= first)
    if last is not None:
        statement = statement.where(col(Closure.day) <= last)
    return await one_page(session, statement, page, Closure.day)


async def days_closed(session: AsyncSession, days: Collection[date]) -> set[date]:
    """Those of these days on which the practice is closed."""
    return set((await session.exec(select(col(Closure.day)).where(col(Closure.day).in_(days)))).all())


@dataclass(frozen=True, kw_only=True)
class BookedOnClosure:
    """An appointment, ahead or running, on a day on which the practice is closed. ``therapist`` is a slug."""

    day: date
    appointment_id: UUID
    therapist: str


async def booked_on(session: AsyncSession, closures: Sequence[Closure], *, now: datetime) -> list[BookedOnClosure]:
    """What is booked on these days of the therapists' own calendars, in the order of time."""
    if not closures:
        return []
    near = [
        # A date anywhere on earth lies inside three of UTC.
        and_(
            col(Appointment.starts_at) < datetime.combine(one.day + 2 * _DAY, time.min, UTC),
            col(Appointment.ends_at) > datetime.combine(one.day - _DAY, time.min, UTC),
        )
        for one in closures
    ]
    statement: Any = (
        select(Appointment.id, Appointment.starts_at, Appointment.ends_at, Therapist.slug, Therapist.time_zone)  # type: ignore[call-overload]
        .join(Therapist, col(Therapist.id) == col(Appointment.therapist_id))
        .where(
            col(Appointment.status) == AppointmentStatus.SCHEDULED,
            col(Appointment.ends_at) > now,
            or_(*near),
        )
        .order_by(col(Appointment.starts_at), col(Appointment.id))
    )
    closed = tuple(ClosedDay(day=one.day, name=one.name) for one in closures)
    found = []
    for id, starts_at, ends_at, slug, zone in await session.exec(statement):
        day = closure_of(
            availability=Availability(time_zone=zone, closures=closed), starts_at=starts_at, ends_at=ends_at
        )
        if day is not None:
            found.append(BookedOnClosure(day=day.day, appointment_id=id, therapist=slug))
    return found
