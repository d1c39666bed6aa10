"""Leaves of therapists, and whom each touches: what is booked, held or offered in it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.paging import Page, one_page
from models.reads.visibility import may_see_client
from models.tables.booking.appointment import Appointment
from models.tables.booking.leave import Leave
from models.tables.booking.occupied_time import OccupiedTime
from models.tables.booking.therapist import TimeOffPeriod
from models.tables.booking.waitlist import WaitlistOfferRecord, WaitlistPlace
from models.tables.clients.client import Client
from models.tables.mail.outbox import OutboxItem
from rules.accounts.caller import Caller
from rules.enums import AppointmentStatus
from rules.mail.kinds import Mail

_SAME_TIME = and_(
    col(TimeOffPeriod.therapist_id) == col(Leave.therapist_id),
    col(TimeOffPeriod.starts_at) == col(Leave.starts_at),
    col(TimeOffPeriod.ends_at) == col(Leave.ends_at),
)


def leave_stands() -> ColumnElement[bool]:
    """Not taken back, nor was its time off taken out of the hours."""
    return and_(col(Leave.ended_at).is_(None), exists().where(_SAME_TIME))


async def standing_leave(session: AsyncSession, therapist_id: UUID, leave_id: UUID) -> Leave | None:
    statement = select(Leave).where(col(Leave.id) == leave_id, col(Leave.therapist_id) == therapist_id, leave_stands())
    return (await session.exec(statement)).first()


async def list_leaves(session: AsyncSession, therapist_id: UUID, *, page: Page, now: datetime) -> Sequence[Leave]:
    """Those that are not over, in the order of time; one more than the page holds, if there are more."""
    statement = (
        select(Leave)
        .where(col(Leave.therapist_id) == therapist_id, col(Leave.ends_at) > now, leave_stands())
        .order_by(col(Leave.starts_at), col(Leave.id))
    )
    return await one_page(session, statement, page, Leave.starts_at, Leave.id)


async def reasons_of(session: AsyncSession, leaves: Collection[Leave]) -> dict[UUID, str | None]:
    """Why each was taken, by leave."""
    statement = select(Leave.id, TimeOffPeriod).join(TimeOffPeriod, _SAME_TIME)
    found = await session.exec(statement.where(col(Leave.id).in_([leave.id for leave in leaves])))
    return {id: period.reason for id, period in found}


async def told_of(session: AsyncSession, leave_id: UUID, clients: Collection[UUID]) -> int:
    """How many of these clients were told of it, or are about to be."""
    statement = select(func.count()).where(
        col(OutboxItem.template) == Mail.LEAVE_NOTICE.value,
        col(OutboxItem.client_id).in_(clients),
        col(OutboxItem.order)["text"].astext == str(leave_id),
    )
    return (await session.exec(statement)).one()


@dataclass(frozen=True, kw_only=True)
class OfferedTime:
    """A time that the waitlist offers, and to whom."""

    offer: WaitlistOfferRecord
    place: WaitlistPlace
    client: Client


@dataclass(frozen=True, kw_only=True)
class Touched:
    """What lies in a stretch of a therapist's time, from now on.

    ``booked``: by client, the ids of their appointments. ``held``: times that somebody chooses just now, of whom nobody
    knows. ``offers`` are those whose client the caller sees, ``offered`` how many there are in all.
    """

    booked: dict[UUID, list[UUID]] = field(default_factory=dict)
    held: Sequence[OccupiedTime] = ()
    offers: Sequence[OfferedTime] = ()
    offered: int = 0

    @property
    def appointments(self) -> list[UUID]:
        return [id for ids in self.booked.values() for id in ids]


async def touched_in(
    session: AsyncSession,
    caller: Caller,
    therapist_id: UUID,
    *,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
) -> Touched:
    booked: dict[UUID, list[UUID]] = {}
    appointments = select(Appointment.client_id, Appointment.id).where(
        col(Appointment.therapist_id) == therapist_id,
        col(Appointment.status) == AppointmentStatus.SCHEDULED,
        col(Appointment.starts_at) < ends_at,
        col(Appointment.ends_at) > max(starts_at, now),
    )
    for client_id, id in await session.exec(appointments.order_by(col(Appointment.starts_at), col(Appointment.id))):
        booked.setdefault(client_id, []).append(id)
    offered = (
        select(WaitlistOfferRecord, WaitlistPlace, Client, may_see_client(caller))
        .join(WaitlistPlace, col(WaitlistPlace.id) == col(WaitlistOfferRecord.place_id))
        .join(Client, col(Client.id) == col(WaitlistPlace.client_id))
        .where(
            col(WaitlistPlace.therapist_id) == therapist_id,
            col(WaitlistOfferRecord.closed_at).is_(None),
            col(WaitlistOfferRecord.expires_at) > now,
            col(WaitlistOfferRecord.starts_at) < ends_at,
            col(WaitlistOfferRecord.ends_at) > starts_at,
        )
        .order_by(col(WaitlistOfferRecord.starts_at))
    )
    offers = (await session.exec(offered)).all()
    holds = select(OccupiedTime).where(
        col(OccupiedTime.therapist_id) == therapist_id,
        col(OccupiedTime.expires_at) > now,
        col(OccupiedTime.starts_at) < ends_at,
        col(OccupiedTime.ends_at) > starts_at,
        col(OccupiedTime.id).not_in([offer.id for offer, *_ in offers]),
    )
    return Touched(
        booked=booked,
        held=(await session.exec(holds.order_by(col(OccupiedTime.starts_at)))).all(),
        offers=[OfferedTime(offer=offer, place=place, client=client) for offer, place, client, seen in offers if seen],
        offered=len(offers),
    )
