"""Calendars that therapists keep elsewhere: one therapist's, what is busy there, and what was booked into it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import String, cast, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.booking.appointment import Appointment
from models.tables.booking.outside_calendar import OutsideBusy, OutsideCalendarRow
from models.tables.clients.task import Task
from rules.enums import AppointmentStatus, TaskKind


async def calendars_of(session: AsyncSession, therapist_id: UUID) -> list[tuple[OutsideCalendarRow, int]]:
    """Those that were not taken away, in the order in which they were added, each with the number of its busy times."""
    number = select(func.count()).where(col(OutsideBusy.calendar_id) == col(OutsideCalendarRow.id)).scalar_subquery()
    statement = (
        select(OutsideCalendarRow, number)
        .where(col(OutsideCalendarRow.therapist_id) == therapist_id, col(OutsideCalendarRow.ended_at).is_(None))
        .order_by(col(OutsideCalendarRow.made_at), col(OutsideCalendarRow.id))
    )
    return [(row, busy) for row, busy in await session.exec(statement)]


async def calendar_of_channel(session: AsyncSession, channel_id: UUID) -> OutsideCalendarRow | None:
    """The one of which a vendor tells by this channel."""
    statement = select(OutsideCalendarRow).where(
        col(OutsideCalendarRow.channel_id) == channel_id, col(OutsideCalendarRow.ended_at).is_(None)
    )
    return (await session.exec(statement)).first()


async def busy_times(
    session: AsyncSession, therapist_id: UUID, *, starts_before: datetime, ends_after: datetime, limit: int
) -> Sequence[OutsideBusy]:
    """What is busy elsewhere and touches the stretch, in the order of time."""
    statement = (
        select(OutsideBusy)
        .where(
            col(OutsideBusy.therapist_id) == therapist_id,
            col(OutsideBusy.starts_at) < starts_before,
            col(OutsideBusy.ends_at) > ends_after,
        )
        .order_by(col(OutsideBusy.starts_at), col(OutsideBusy.ends_at), col(OutsideBusy.id))
    )
    return (await session.exec(statement.limit(limit))).all()


async def busy_rows(session: AsyncSession, calendar_id: UUID) -> Sequence[Any]:
    """All that is known of one calendar: bare columns of `OutsideBusy`, since there may be thousands."""
    columns: list[Any] = [
        OutsideBusy.id,
        OutsideBusy.event,
        OutsideBusy.starts_at,
        OutsideBusy.ends_at,
        OutsideBusy.all_day,
        OutsideBusy.tentative,
    ]
    found: Sequence[Any] = (
        await session.exec(select(*columns).where(col(OutsideBusy.calendar_id) == calendar_id))
    ).all()
    return found


async def booked_into(
    session: AsyncSession, therapist_id: UUID, busy_ids: Collection[UUID], *, now: datetime
) -> Sequence[tuple[Appointment, UUID]]:
    """The therapist's appointments ahead or running that overlap these busy times, each with the id of one of them."""
    if not busy_ids:
        return []
    statement = (
        select(Appointment, OutsideBusy.id)
        .join(
            OutsideBusy,
            (col(OutsideBusy.starts_at) < col(Appointment.ends_at))
            & (col(Appointment.starts_at) < col(OutsideBusy.ends_at)),
        )
        .where(
            col(Appointment.therapist_id) == therapist_id,
            col(Appointment.status) == AppointmentStatus.SCHEDULED,
            col(Appointment.ends_at) > now,
            col(OutsideBusy.id).in_(busy_ids),
        )
        .order_by(col(Appointment.starts_at), col(Appointment.id), col(OutsideBusy.starts_at), col(OutsideBusy.id))
        .execution_options(populate_existing=True)
    )
    return (await session.exec(statement)).all()


async def tasks_of_gone_times(session: AsyncSession, calendar_id: UUID) -> Sequence[Task]:
    """Open tasks about busy times of this calendar that are not there any more."""
    still = select(cast(OutsideBusy.id, String)).where(col(OutsideBusy.calendar_id) == calendar_id)
    statement = select(Task).where(
        col(Task.kind) == TaskKind.BOOKED_TIME_BUSY,
        col(Task.resolved_at).is_(None),
        col(Task.data)["calendar"].astext == str(calendar_id),
        col(Task.data)["busy"].astext.not_in(still),
    )
    return (await session.exec(statement.execution_options(populate_existing=True))).all()


async def failure_tasks(session: AsyncSession, calendar_id: UUID) -> Sequence[Task]:
    """The open task that this calendar cannot be read."""
    statement = select(Task).where(
        col(Task.kind) == TaskKind.CALENDAR_FAILED,
        col(Task.resolved_at).is_(None),
        col(Task.data)["calendar"].astext == str(calendar_id),
    )
    return (await session.exec(statement)).all()
