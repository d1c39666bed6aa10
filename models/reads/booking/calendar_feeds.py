"""Therapists' calendar feeds: found by their secret's hash, and what is in one: appointments, and all else that takes a
therapist's time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import and_, exists
from sqlalchemy.orm import defer
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.booking.appointment import Appointment
from models.tables.booking.calendar_feed import CalendarFeed
from models.tables.booking.closure import Closure
from models.tables.booking.leave import Leave
from models.tables.booking.occupied_time import OccupiedTime
from models.tables.booking.therapist import Therapist, TimeOffPeriod
from models.tables.booking.waitlist import WaitlistOfferRecord
from models.tables.clients.client import Client
from rules.enums import AppointmentStatus


@dataclass(frozen=True, kw_only=True)
class FoundFeed:
    feed: CalendarFeed
    therapist: Therapist


@dataclass(frozen=True, kw_only=True)
class FeedRow:
    """An appointment, and by which reference staff know its client."""

    appointment: Appointment
    client_ref: str
    test: bool


async def feed_by_secret(session: AsyncSession, slug: str, secret_hash: str) -> FoundFeed | None:
    """The feed with this secret, under its own therapist's slug alone."""
    statement = (
        select(CalendarFeed, Therapist)
        .join(Therapist, col(Therapist.id) == col(CalendarFeed.therapist_id))
        .where(col(CalendarFeed.secret_hash) == secret_hash, col(Therapist.slug) == slug)
    )
    found = (await session.exec(statement)).first()
    return FoundFeed(feed=found[0], therapist=found[1]) if found else None


async def feed_rows(session: AsyncSession, therapist_id: UUID, *, since: datetime) -> Sequence[FeedRow]:
    """The therapist's appointments from then on that are not cancelled, in the order of time."""
    statement = (
        select(Appointment, Client.ref, Client.test)
        .join(Client, col(Client.id) == col(Appointment.client_id))
        .where(
            col(Appointment.therapist_id) == therapist_id,
            col(Appointment.starts_at) >= since,
            col(Appointment.status).not_in((AppointmentStatus.CANCELLED, AppointmentStatus.LATE_CANCELLED)),
        )
        .order_by(col(Appointment.starts_at), col(Appointment.id))
    )
    return [
        FeedRow(appointment=appointment, client_ref=ref, test=test)
        for appointment, ref, test in await session.exec(statement)
    ]


@dataclass(frozen=True, kw_only=True)
class HeldTime:
    """``offered``: to somebody on the waitlist; else whoever books keeps it for a moment."""

    time: OccupiedTime
    offered: bool


@dataclass(frozen=True, kw_only=True)
class TimeAway:
    """``made_at``: of a leave that was given in one call; what was saved with the hours does not say when."""

    time_off: TimeOffPeriod
    made_at: datetime | None


async def held_times(session: AsyncSession, therapist_id: UUID, *, now: datetime) -> list[HeldTime]:
    """The holds that live, in the order of time."""
    offered = exists().where(col(WaitlistOfferRecord.id) == col(OccupiedTime.id))
    statement = (
        select(OccupiedTime, offered)
        .where(
            col(OccupiedTime.therapist_id) == therapist_id,
            col(OccupiedTime.appointment_id).is_(None),
            col(OccupiedTime.expires_at) > now,
        )
        .order_by(col(OccupiedTime.starts_at), col(OccupiedTime.id))
    )
    return [HeldTime(time=time, offered=is_offer) for time, is_offer in await session.exec(statement)]


async def times_away(session: AsyncSession, therapist_id: UUID, *, since: datetime) -> list[TimeAway]:
    """The therapist's time off that ends after ``since``, in the order of time. Why is their own matter: it is not
    read."""
    leave = and_(
        col(Leave.therapist_id) == col(TimeOffPeriod.therapist_id),
        col(Leave.starts_at) == col(TimeOffPeriod.starts_at),
        col(Leave.ends_at) == col(TimeOffPeriod.ends_at),
        col(Leave.ended_at).is_(None),
    )
    statement = (
        select(TimeOffPeriod, Leave.made_at)
        .join(Leave, leave, isouter=True)
        .options(defer(TimeOffPeriod.reason))  # type: ignore[arg-type]
        .where(col(TimeOffPeriod.therapist_id) == therapist_id, col(TimeOffPeriod.ends_at) > since)
        .order_by(col(TimeOffPeriod.starts_at), col(TimeOffPeriod.id))
    )
    return [TimeAway(time_off=time_off, made_at=made_at) for time_off, made_at in await session.exec(statement)]


async def closures_since(session: AsyncSession, first: date) -> Sequence[Closure]:
    """In the order of days."""
    statement = select(Closure).where(col(Closure.day) >= first).order_by(col(Closure.day))
    return (await session.exec(statement)).all()
