"""Times: may this appointment move there, and the hold that a booking or a move uses up."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from activities.earned import AppointmentRow
from activities.types import RescheduleOrder
from models.calendar import (
    busy_margin,
    drop_expired_holds,
    horizon_end,
    live_hold,
    load_availability,
    load_busy,
    load_client_busy,
)
from models.client import Client
from models.occupied_time import OccupiedTime
from models.therapist import Therapist
from rules import availability as slots
from rules.booking import not_open, slot_refusal
from rules.refusals import Refusal
from rules.words import AppointmentStatus, AppointmentType


@dataclass(frozen=True, kw_only=True)
class Around:
    """What stands around a wanted time. ``busy`` leaves out the hold that is presented and the appointment that moves;
    ``held_since`` is when that hold was made, from which the notice is measured."""

    availability: slots.Availability
    busy: list[slots.Busy]
    client_busy: list[slots.Busy]
    held_since: datetime | None


async def look_around(
    session: AsyncSession,
    client: Client,
    therapist: Therapist,
    *,
    type: AppointmentType,
    starts_at: datetime,
    until: datetime,
    hold_id: str | None,
    now: datetime,
    moving: UUID | None = None,
) -> Around:
    """Hours and busy times from now to ``until`` and the horizon. Therapist and client are locked, so it stays true."""
    await drop_expired_holds(session, therapist_id=therapist.id, now=now)
    availability = await load_availability(session, therapist)
    margin = busy_margin(availability)
    hold = None
    if hold_id is not None:
        hold = await live_hold(
            session, hold_id=UUID(hold_id), therapist_id=therapist.id, type=type, starts_at=starts_at, now=now
        )
    own = [id for id in (moving, hold.id if hold else None) if id is not None]
    starts_before = max(until, horizon_end(availability, now=now)) + margin
    return Around(
        availability=availability,
        busy=await load_busy(
            session,
            therapist_id=therapist.id,
            starts_before=starts_before,
            ends_after=now - margin,
            now=now,
            leave_out=own,
        ),
        client_busy=await load_client_busy(
            session,
            client_id=client.id,
            starts_before=starts_before,
            ends_after=now - margin,
            now=now,
            leave_out=own,
        ),
        held_since=hold.made_at if hold else None,
    )


async def refuse_new_time(
    session: AsyncSession, row: AppointmentRow, order: RescheduleOrder, *, now: datetime
) -> Refusal | None:
    appointment, therapist = row.appointment, row.therapist
    if appointment.status is not AppointmentStatus.SCHEDULED:
        return not_open(appointment.status)
    around = await look_around(
        session,
        row.client,
        therapist,
        type=appointment.type,
        starts_at=order.starts_at,
        until=order.starts_at,
        hold_id=order.hold_id,
        now=now,
        moving=appointment.id,
    )
    problem = slots.check_slot(
        availability=around.availability,
        type=appointment.type,
        starts_at=order.starts_at,
        ends_at=order.starts_at + (appointment.ends_at - appointment.starts_at),
        busy=around.busy,
        now=now,
        notice_from=around.held_since,
        practice=order.by.is_practice,
        client_busy=around.client_busy,
    )
    if problem is None:
        return None
    others = slots.alternatives(
        availability=around.availability,
        type=appointment.type,
        busy=around.busy,
        now=now,
        near=order.starts_at,
        client_busy=around.client_busy,
    )
    return slot_refusal(
        taken=problem.kind is slots.SlotProblemKind.TAKEN,
        because=problem.because,
        alternatives=[(slot.starts_at, slot.ends_at) for slot in others],
    )


async def use_hold(session: AsyncSession, hold_id: str | None, *, starts_at: datetime) -> None:
    """A booking uses up the hold it presents. It goes first, so that the constraint sees one row at a time."""
    if hold_id is None:
        return
    hold = await session.get(OccupiedTime, UUID(hold_id))
    if hold is not None and hold.expires_at is not None and hold.starts_at == starts_at:
        await session.delete(hold)
        await session.flush()
