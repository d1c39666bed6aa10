"""Leaves, written: the time off that one takes out of a therapist's hours, and gives back. The therapist is locked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import delete, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.booking.leaves import standing_leave
from models.tables.booking.leave import Leave
from models.tables.booking.therapist import Therapist, TimeOffPeriod
from models.tables.clients.client import Client
from models.writes.events.publish import publish_therapist
from models.writes.locks import lock_clients
from models.writes.outbox import client_mail, order_mails
from rules.accounts.caller import Caller
from rules.events.kinds import TherapistPart
from rules.mail.kinds import Mail


async def take_leave(
    session: AsyncSession,
    therapist: Therapist,
    *,
    id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    reason: str | None,
    by: Caller,
    at: datetime,
) -> Leave:
    """The leave, and its time off. One of the same instants that is there already is answered, as it is."""
    same = (
        col(Leave.therapist_id) == therapist.id,
        col(Leave.starts_at) == starts_at,
        col(Leave.ends_at) == ends_at,
        col(Leave.ended_at).is_(None),
    )
    known = (await session.exec(select(Leave).where(*same))).first()
    if known is not None and await standing_leave(session, therapist.id, known.id) is not None:
        return known
    if known is not None:  # its time off was taken out of the hours
        known.ended_at, known.ended_by = at, by.actor
        session.add(known)
        await session.flush()
    last = select(func.coalesce(func.max(TimeOffPeriod.number), -1)).where(
        col(TimeOffPeriod.therapist_id) == therapist.id
    )
    number = (await session.exec(last)).one() + 1
    leave = Leave(id=id, therapist_id=therapist.id, starts_at=starts_at, ends_at=ends_at, made_by=by.actor, made_at=at)
    session.add(leave)
    session.add(
        TimeOffPeriod(
            id=uuid5(therapist.id, f"time off/{number}"),
            therapist_id=therapist.id,
            number=number,
            starts_at=starts_at,
            ends_at=ends_at,
            reason=reason,
        )
    )
    publish_therapist(session, therapist.slug, TherapistPart.LEAVE, at=at)
    await session.flush()
    return leave


async def take_back(session: AsyncSession, therapist: Therapist, leave: Leave, *, by: Caller, at: datetime) -> None:
    """The time is free again, unless other time off or the hours say otherwise."""
    publish_therapist(session, therapist.slug, TherapistPart.LEAVE, at=at)
    leave.ended_at, leave.ended_by = at, by.actor
    session.add(leave)
    await session.exec(
        delete(TimeOffPeriod).where(
            col(TimeOffPeriod.therapist_id) == leave.therapist_id,
            col(TimeOffPeriod.starts_at) == leave.starts_at,
            col(TimeOffPeriod.ends_at) == leave.ends_at,
        )
    )


async def order_notices(
    session: AsyncSession, leave: Leave, booked: Mapping[UUID, Sequence[UUID]], *, at: datetime
) -> list[Client]:
    """A mail to each client who has something booked in it, once per leave; and who they are that can be written to.
    ``booked``: their appointments, by client."""
    clients = [client for client in await lock_clients(session, booked.keys()) if client.email is not None]
    mails = [
        client_mail(
            Mail.LEAVE_NOTICE,
            client,
            str(leave.id),
            appointment_ids=tuple(str(id) for id in booked[client.id]),
            text=str(leave.id),
        )
        for client in clients
    ]
    await order_mails(session, mails, at=at)
    return clients
