"""Therapists' calendar feeds: found by their secret's hash, and what is in one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.booking.appointment import Appointment
from models.tables.booking.calendar_feed import CalendarFeed
from models.tables.booking.therapist import Therapist
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
