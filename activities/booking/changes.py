"""What a change does to one appointment's row, inside a running transaction: cancelled, or moved."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete
from sqlmodel import col, or_
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.booking.dates import WantedDate
from activities.booking.waitlist_places import end_places
from activities.locked import LockedAppointment
from activities.money.fee import accrue_fee, close_appointment_tasks
from activities.types.booking import CancelOrder, RescheduleOrder, WouldCancel
from models.reads.booking.waitlist import own_offer
from models.tables.booking.appointment import Appointment
from models.tables.booking.occupied_time import OccupiedTime
from models.writes.timeline import tell
from rules.booking.eligibility import BOOKING_DISABLED, refuse_change
from rules.enums import AppointmentStatus, ClientStatus, Mode, PaymentKind, PlaceEnd
from rules.money.fees import Cancellation, Money, cancellation
from rules.refusals import Problem, Refusal, invalid
from rules.timeline import FactKind

# ---------------------------------------------------------------- cancelled


def refuse_cancel(row: LockedAppointment, order: CancelOrder, *, now: datetime) -> Refusal | None:
    return _refuse_change(row, by_practice=order.by.is_practice, now=now) or refuse_waiver(
        waive=order.waive_fee, reason=order.waive_reason
    )


def would_cancel(row: LockedAppointment, order: CancelOrder, *, now: datetime) -> WouldCancel:
    """What cancelling now would mean; by the same rule as the cancellation itself."""
    result = _result(row, order, now=now)
    fee = result.fee if result.fee is not None and not order.waive_fee else None
    return WouldCancel(
        appointment_id=str(row.appointment.id),
        starts_at=row.appointment.starts_at,
        late=result.late,
        fee=fee.amount if fee else 0,
        currency=row.fee.currency,
    )


def fee_waived(rows: Sequence[LockedAppointment], order: CancelOrder, *, now: datetime) -> Money | None:
    """What cancelling all of these would waive, together; None for nothing."""
    fees = [_result(row, order, now=now).fee for row in rows] if order.waive_fee else []
    due = [fee for fee in fees if fee is not None]
    return Money(sum(fee.amount for fee in due), due[0].currency) if due else None


def _result(row: LockedAppointment, order: CancelOrder, *, now: datetime) -> Cancellation:
    return cancellation(
        type=row.appointment.type,
        fee=row.fee,
        starts_at=row.appointment.starts_at,
        now=now,
        requested_by_client=order.requested_by_client or not order.by.is_practice,
        notice_window=row.terms.notice_window,
    )


async def cancel(session: AsyncSession, row: LockedAppointment, order: CancelOrder, *, now: datetime) -> None:
    """Cancel one appointment, with the fee that is due for it, if any. It was not refused."""
    asked_by_client = order.requested_by_client or not order.by.is_practice
    result = _result(row, order, now=now)
    await cancel_rows(
        session,
        [row.appointment],
        by=order.by.actor,
        at=now,
        reason=order.reason,
        request_id=UUID(order.request_id),
        status=AppointmentStatus.LATE_CANCELLED if result.late else AppointmentStatus.CANCELLED,
    )
    tell(
        session,
        row.client,
        FactKind.APPOINTMENT_CANCELLED,
        at=now,
        by=order.by.actor,
        text="The appointment was cancelled"
        + (" at the client's request" if asked_by_client else " by the practice")
        + (", inside the notice window." if result.late else "."),
        data={
            "appointment_id": str(row.appointment.id),
            "request_id": order.request_id,
            "type": row.appointment.type.value,
            "therapist": row.therapist.slug,
            "starts_at": row.appointment.starts_at.isoformat(),
            "late": result.late,
        },
        words=order.reason,
    )
    await close_appointment_tasks(session, row, at=now, note="The appointment was cancelled.")
    if result.late:
        await accrue_fee(
            session,
            row,
            PaymentKind.LATE_CANCELLATION,
            at=now,
            by=order.by.actor,
            waiver=order.waive_reason if order.waive_fee else None,
        )


async def cancel_rows(
    session: AsyncSession,
    appointments: Collection[Appointment],
    *,
    by: str,
    at: datetime,
    reason: str | None,
    request_id: UUID,
    status: AppointmentStatus,
    and_free: ColumnElement[bool] | None = None,
) -> None:
    """Mark appointments cancelled and free their times, and other times, if a condition on ``OccupiedTime`` names any.
    The locks are held, and they were ``scheduled``."""
    for appointment in appointments:
        appointment.status = status
        appointment.cancelled_at, appointment.cancelled_by, appointment.cancel_reason = at, by, reason
        appointment.sequence += 1
        appointment.changed_by = request_id
        session.add(appointment)
    times = col(OccupiedTime.id).in_([appointment.id for appointment in appointments])
    await session.exec(delete(OccupiedTime).where(times if and_free is None else or_(times, and_free)))


# ---------------------------------------------------------------- moved


def refuse_move(row: LockedAppointment, order: RescheduleOrder, *, now: datetime) -> Refusal | None:
    """Everything but the new time itself."""
    return (
        _refuse_change(row, by_practice=order.by.is_practice, now=now)
        or _refuse_disabled(row, by_practice=order.by.is_practice)
        or _refuse_archived(row)
    )


async def move(
    session: AsyncSession,
    row: LockedAppointment,
    date: WantedDate,
    order: RescheduleOrder,
    *,
    exceptions: Sequence[dict[str, Any]],
    now: datetime,
) -> None:
    """Move one appointment to a date that is free. It keeps its id and its fee."""
    appointment, was = row.appointment, row.appointment.starts_at
    await _take_own_offer(session, row, date, by=order.by.actor, now=now)
    appointment.starts_at, appointment.ends_at = date.starts_at, date.ends_at
    appointment.planned_at = now
    if appointment.mode is Mode.ZOOM and row.therapist.zoom_link:
        appointment.join_url = row.therapist.zoom_link  # it may have changed while this appointment lay in the past
    appointment.sequence += 1
    appointment.changed_by = UUID(order.request_id)
    # What was noted of the old time says nothing of the new one.
    appointment.breached_at, appointment.forms_warned = None, False
    session.add(appointment)
    await close_appointment_tasks(session, row, at=now, note="The appointment was moved.")
    occupied = await session.get(OccupiedTime, appointment.id)
    if occupied is not None:
        occupied.starts_at, occupied.ends_at = appointment.starts_at, appointment.ends_at
        session.add(occupied)
    tell(
        session,
        row.client,
        FactKind.APPOINTMENT_RESCHEDULED,
        at=now,
        by=order.by.actor,
        text="The appointment was moved.",
        data={
            "appointment_id": str(appointment.id),
            "request_id": order.request_id,
            "from": was.isoformat(),
            "to": date.starts_at.isoformat(),
            "ends_at": date.ends_at.isoformat(),
            "type": appointment.type.value,
            "therapist": row.therapist.slug,
            "exceptions": list(exceptions),
        },
        words=order.reason,
    )


async def _take_own_offer(
    session: AsyncSession, row: LockedAppointment, date: WantedDate, *, by: str, now: datetime
) -> None:
    """Moving into the time that a waitlist offers is what the client waited for."""
    appointment = row.appointment
    offer = await own_offer(
        session, client_id=row.client.id, therapist_id=row.therapist.id, type=appointment.type, now=now
    )
    if offer is not None and offer.starts_at < date.ends_at and date.starts_at < offer.ends_at:
        await end_places(
            session,
            row.client,
            because=PlaceEnd.BOOKED,
            at=now,
            by=by,
            therapist_id=row.therapist.id,
            type=appointment.type,
        )


# ---------------------------------------------------------------- refusals of both


def _refuse_change(row: LockedAppointment, *, by_practice: bool, now: datetime) -> Refusal | None:
    return refuse_change(
        status=row.appointment.status,
        type=row.appointment.type,
        starts_at=row.appointment.starts_at,
        fee=row.fee,
        therapist=row.therapist.slug,
        now=now,
        by_practice=by_practice,
        notice_window=row.terms.notice_window,
    )


def _refuse_disabled(row: LockedAppointment, *, by_practice: bool) -> Refusal | None:
    """Whoever may not book may not choose another time either; cancelling stays theirs."""
    enabled = by_practice or row.client.portal_settings.get("schedule_appointments", True)
    return None if enabled else BOOKING_DISABLED


def _refuse_archived(row: LockedAppointment) -> Refusal | None:
    """What an archive left (running, or not yet marked) can be marked, but not moved ahead past the archive."""
    if row.client.status is not ClientStatus.ARCHIVED:
        return None
    return Refusal(name=Problem.CLIENT_ARCHIVED, detail="This client is archived; make the client active first.")


def refuse_waiver(*, waive: bool, reason: str | None) -> Refusal | None:
    if waive and not (reason or "").strip():
        return invalid("waive_reason", "say why the fee is waived")
    return None
