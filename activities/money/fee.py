"""What an appointment earns: its row with all it depends on, the payment an event causes, waivers and breaches."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import derived_id
from activities.clients.tasks import close_tasks
from activities.snapshots import appointment_facts
from activities.types import AppointmentFacts, Changed, Settled
from models.reads.journey import project
from models.tables.booking.appointment import Appointment
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.tables.forms.form import FormAnswer, FormRequest
from models.tables.money.payment import Payment
from models.writes.timeline import tell
from rules.accounts.caller import SYSTEM
from rules.archive.plan import BECAUSE_ARCHIVED
from rules.booking.series import Member
from rules.enums import AppointmentType, ClientStatus, FormKind, PaymentKind, PaymentStatus, TaskKind
from rules.money.fees import Money, due_times, fee_due
from rules.policy import JourneyPolicy
from rules.timeline import FactKind


class LockedAppointment:
    """One appointment with everything it depends on, locked."""

    def __init__(self, appointment: Appointment, therapist: Therapist, client: Client, payment: Payment | None) -> None:
        self.appointment = appointment
        self.therapist = therapist
        self.client = client
        self.payment = payment

    @property
    def member(self) -> Member:
        """Its place in its series."""
        one = self.appointment
        return Member(id=str(one.id), week=one.week, status=one.status, starts_at=one.starts_at)

    @property
    def fee(self) -> Money:
        return Money(self.appointment.fee_amount, self.appointment.fee_currency)

    async def stands(self, session: AsyncSession) -> Changed:
        return replace(await self.changed(session), changed=False)

    async def changed(
        self, session: AsyncSession, *, lines: tuple[str, ...] = (), exceptions: tuple[dict[str, Any], ...] = ()
    ) -> Changed:
        return Changed(
            journey=await project(session, self.client),
            appointment=self.facts(),
            changed=True,
            sequence=self.appointment.sequence,
            lines=lines,
            exceptions=exceptions,
        )

    async def settled(self, session: AsyncSession) -> Settled:
        return Settled(journey=await project(session, self.client), appointment=self.facts())

    def facts(self) -> AppointmentFacts:
        return appointment_facts(self.appointment, self.client, self.therapist, self.payment)


async def earn(
    session: AsyncSession,
    row: LockedAppointment,
    kind: PaymentKind,
    *,
    at: datetime,
    by: str,
    waiver: str | None,
    policy: JourneyPolicy,
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
        charge_after=policy.charge_after,
        charge_deadline=policy.charge_deadline,
    )
    if first and due.late:
        breach(session, row, at=at, marked_by=by, reason=reason)
    archived = row.client.status is ClientStatus.ARCHIVED
    payment = row.payment or Payment(
        id=derived_id(row.appointment.id, "payment"),
        appointment_id=row.appointment.id,
        client_id=row.client.id,
        kind=kind,
        amount=fee.amount,
        currency=fee.currency,
        status=PaymentStatus.SCHEDULED,
        created_at=at,
        due_at=due.due_at,
        deadline=due.deadline,
    )
    # What was restored from the archive keeps the time that it has got.
    payment.kind, payment.due_at, payment.deadline = kind, due.due_at, max(payment.deadline, due.deadline)
    payment.next_try_at = None
    if waiver is not None:
        payment.status, payment.because = PaymentStatus.WAIVED, "waived"
        payment.exception = await exception_of(session, row.client, by=by, why=waiver, at=at)
        text = "The fee was waived."
    elif payment.status is PaymentStatus.WAIVED:
        text = "The fee stays waived."
    elif archived:
        # The client was archived meanwhile: the fee is known, and nothing is taken.
        payment.status, payment.because, payment.stopped_at = PaymentStatus.CANCELLED, BECAUSE_ARCHIVED, at
        text = "A fee was earned; nothing is charged while the client is archived."
    else:
        payment.status, payment.because = PaymentStatus.SCHEDULED, None
        text = "A payment was scheduled."
    session.add(payment)
    row.payment = payment
    tell(
        session,
        row.client,
        FactKind.of_payment(payment.status),
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
    )


async def exception_of(session: AsyncSession, client: Client, *, by: str, why: str, at: datetime) -> dict[str, Any]:
    """Who made an exception, why and when, and which fee policy the client had signed by then."""
    statement = (
        select(FormAnswer.consent_version)
        .join(FormRequest, col(FormRequest.id) == col(FormAnswer.request_id))
        .where(col(FormRequest.client_id) == client.id, col(FormRequest.kind) == FormKind.BILLING_INFO.value)
        .order_by(col(FormAnswer.answered_at).desc())
        .limit(1)
    )
    signed = (await session.exec(statement)).first()
    return {"who": by, "why": why, "when": at.isoformat(), "consent_version": signed}


async def outcome_is_known(session: AsyncSession, row: LockedAppointment, *, at: datetime) -> None:
    await close_tasks(
        session,
        row.client,
        about=str(row.appointment.id),
        kinds=(TaskKind.OUTCOME_MISSING,),
        at=at,
        note="The outcome is known.",
    )


def breach(
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
            **({"reason": reason} if reason else {}),
        },
    )
