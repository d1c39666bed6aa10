"""A payment that should have been tried in time, and was not: written down once, and tried all the same."""

from datetime import datetime, timedelta

from sqlmodel.ext.asyncio.session import AsyncSession

from activities.locked import LockedPayment
from models.writes.timeline import tell
from rules.accounts.caller import SYSTEM
from rules.enums import PaymentStatus
from rules.timeline import FactKind

A_MOMENT = timedelta(minutes=5)  # that a step which was planned for the deadline itself may take


def note_lateness(session: AsyncSession, row: LockedPayment, *, at: datetime) -> None:
    """A try that was planned in time and begins after the deadline is a breach, recorded once. It is made all the
    same: late is better than never."""
    payment, appointment = row.payment, row.appointment
    planned = payment.due_at if payment.status is PaymentStatus.SCHEDULED else payment.next_try_at
    in_time = planned is None or planned > payment.deadline or at - payment.deadline <= A_MOMENT
    if in_time or appointment.breached_at is not None:
        return
    appointment.breached_at = at
    session.add(appointment)
    tell(
        session,
        row.client,
        FactKind.CHARGE_BREACH,
        at=at,
        by=SYSTEM,
        text="The payment was not tried within the time in which it must be made; it is tried now.",
        data={"appointment_id": str(appointment.id), "payment_id": str(payment.id)},
    )
