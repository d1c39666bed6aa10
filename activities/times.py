"""Times: may this appointment move there, and the hold that a booking or a move uses up."""

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
from models.occupied_time import OccupiedTime
from rules import availability as slots
from rules.booking import not_open, slot_refusal
from rules.refusals import Refusal
from rules.words import (
    AppointmentStatus,
)


async def refuse_new_time(
    session: AsyncSession, row: AppointmentRow, order: RescheduleOrder, *, now: datetime
) -> Refusal | None:
    appointment, therapist = row.appointment, row.therapist
    if appointment.status is not AppointmentStatus.SCHEDULED:
        return not_open(appointment.status)
    await drop_expired_holds(session, therapist_id=therapist.id, now=now)
    availability = await load_availability(session, therapist)
    margin = busy_margin(availability)
    hold = None
    if order.hold_id is not None:
        hold = await live_hold(
            session,
            hold_id=UUID(order.hold_id),
            therapist_id=therapist.id,
            type=appointment.type,
            starts_at=order.starts_at,
            now=now,
        )
    own = [appointment.id, *([hold.id] if hold else [])]
    until = max(order.starts_at, horizon_end(availability, now=now)) + margin
    busy = await load_busy(
        session,
        therapist_id=therapist.id,
        starts_before=until,
        ends_after=now - margin,
        now=now,
        leave_out=own,
    )
    client_busy = await load_client_busy(
        session, client_id=row.client.id, starts_before=until, ends_after=now - margin, now=now, leave_out=own
    )
    problem = slots.check_slot(
        availability=availability,
        type=appointment.type,
        starts_at=order.starts_at,
        ends_at=order.starts_at + (appointment.ends_at - appointment.starts_at),
        busy=busy,
        now=now,
        notice_from=hold.made_at if hold else None,
        practice=order.by.is_practice,
        client_busy=client_busy,
    )
    if problem is None:
        return None
    others = slots.alternatives(
        availability=availability,
        type=appointment.type,
        busy=busy,
        now=now,
        near=order.starts_at,
        client_busy=client_busy,
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
