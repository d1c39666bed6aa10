"""Accrual: the fee that an appointment earns, as the payment which an event causes; and marks that came too late."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import derived_id
from activities.locked import LockedAppointment
from activities.money.payments import move, tell_payment
from activities.tasks import close_tasks
from models.tables.clients.client import Client
from models.tables.forms.form import FormAnswer, FormRequest
from models.tables.money.payment import Payment
from models.writes.timeline import tell
from rules.accounts.caller import SYSTEM
from rules.enums import AppointmentType, ClientStatus, PaymentKind, PaymentStatus, TaskKind
from rules.forms.intake import BILLING_INFO
from rules.money.fees import due_times, fee_due
from rules.money.payment_states import FIRST, Because, PaymentEvent
from rules.timeline import FactKind


async def accrue_fee(
    session: AsyncSession,
    row: LockedAppointment,
    kind: PaymentKind,
    *,
    at: datetime,
    by: str,
    waiver: str | None,
    first: bool = True,
    reason: str | None = None,
) -> None:
    """Write the payment that an event causes, or change the one that a corrected event had caused.

    Only the ``first`` mark can be a late one; ``reason`` is why. A fee that was waived stays waived.
    """
    fee = fee_due(event=kind, fee=row.fee, type=row.appointment.type, waived=False)
    if fee is None:
        return
    due = due_times(
        marked_at=at,
        ends_at=row.appointment.ends_at,
        charge_after=row.terms.charge_after,
        charge_deadline=row.terms.charge_deadline,
    )
    if first and due.late:
        note_breach(session, row, at=at, marked_by=by, reason=reason)
    archived = row.client.status is ClientStatus.ARCHIVED
    payment = row.payment or Payment(
        id=derived_id(row.appointment.id, "payment"),
        appointment_id=row.appointment.id,
        client_id=row.client.id,
        kind=kind,
        amount=fee.amount,
        currency=fee.currency,
        status=FIRST,
        created_at=at,
        due_at=due.due_at,
        deadline=due.deadline,
    )
    # What was restored from the archive keeps the time that it has got.
    payment.kind, payment.due_at, payment.deadline = kind, due.due_at, max(payment.deadline, due.deadline)
    if waiver is not None:
        move(payment, PaymentEvent.WAIVED, because=Because.WAIVED, at=at)
        payment.exception = await waiver_record(session, row.client, by=by, at=at)
        payment.exception_why = waiver
        text = "The fee was waived."
    elif payment.status is PaymentStatus.WAIVED:
        move(payment, PaymentEvent.EARNED, because=Because.WAIVED, at=at)
        text = "The fee stays waived."
    elif archived:
        # The client was archived meanwhile: the fee is known, and nothing is taken.
        move(payment, PaymentEvent.STOPPED, because=Because.ARCHIVED, at=at)
        text = "A fee was earned; nothing is charged while the client is archived."
    else:
        move(payment, PaymentEvent.EARNED, at=at)
        text = "A payment was scheduled."
    session.add(payment)
    row.payment = payment
    tell_payment(
        session,
        row.client,
        payment,
        at=at,
        by=by,
        text=text,
        data={
            "payment_id": str(payment.id),
            "appointment_id": str(row.appointment.id),
            "kind": kind.value,
            "amount": payment.amount,
            "currency": payment.currency,
            "due_at": payment.due_at.isoformat(),
            **({"waiver": payment.exception} if payment.exception else {}),
        },
        words=waiver,
    )


async def waiver_record(
    session: AsyncSession, client: Client, *, by: str, at: datetime, told: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Who made an exception, when, and which fee policy the client had signed by then. ``told``: who approved it, where
    somebody had to."""
    statement = (
        select(FormAnswer.consent_version)
        .join(FormRequest, col(FormRequest.id) == col(FormAnswer.request_id))
        .where(col(FormRequest.client_id) == client.id, col(FormRequest.kind) == BILLING_INFO)
        .order_by(col(FormAnswer.answered_at).desc())
        .limit(1)
    )
    signed = (await session.exec(statement)).first()
    return {"who": by, "when": at.isoformat(), "consent_version": signed, **(told or {})}


async def close_appointment_tasks(session: AsyncSession, row: LockedAppointment, *, at: datetime, note: str) -> None:
    """It was marked, moved or cancelled: no outcome is missing, and that its time is busy elsewhere is settled."""
    kinds = (TaskKind.OUTCOME_MISSING, TaskKind.BOOKED_TIME_BUSY)
    await close_tasks(session, row.client, about=str(row.appointment.id), kinds=kinds, at=at, note=note)


def note_breach(
    session: AsyncSession,
    row: LockedAppointment,
    *,
    at: datetime,
    marked_by: str | None = None,
    reason: str | None = None,
) -> None:
    """Record once that the outcome was not known in time: found out at the deadline, or by who ``marked`` it late."""
    if row.appointment.breached_at is not None or row.appointment.type is not AppointmentType.SESSION:
        return
    row.appointment.breached_at = at
    session.add(row.appointment)
    tell(
        session,
        row.client,
        FactKind.OUTCOME_BREACH,
        at=at,
        by=marked_by or SYSTEM,
        text="The outcome was not recorded within the time in which the payment must be made.",
        data={
            "appointment_id": str(row.appointment.id),
            **({"late": True} if marked_by else {}),
        },
        words=reason,
    )
