"""One appointment: cancelled, moved, started, and what came of it. The money it causes is written in the same step."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.core import Activities, appointment_facts, close_tasks, derived_id, open_task_once
from activities.types import CancelOrder, Changed, OutcomeOrder, RescheduleOrder, Settled, TaskOrder
from models.appointment import Appointment
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
from models.form import FormAnswer, FormRequest
from models.locks import lock_appointment
from models.occupied_time import OccupiedTime
from models.payment import Payment
from models.snapshots import project
from models.therapist import Therapist
from models.timeline import append_fact
from rules import availability as slots
from rules.archive import BECAUSE_ARCHIVED
from rules.booking import not_open, refuse_change, refuse_outcome, slot_refusal
from rules.fees import Money, cancellation, due_times, fee_due
from rules.policy import JourneyPolicy
from rules.refusals import Problem, Refusal, invalid
from rules.words import (
    AppointmentStatus,
    AppointmentType,
    ClientStatus,
    FormKind,
    Outcome,
    PaymentKind,
    PaymentStatus,
    TaskKind,
)


class AppointmentActivities(Activities):
    @activity.defn
    async def cancel_appointment(self, order: CancelOrder, policy: JourneyPolicy) -> Changed:
        """Cancel, with the fee that is due for it, if any. The practice always may; the client side in time."""
        now = await self.now()
        async with self.transaction() as session:
            row = _Row(*await lock_appointment(session, UUID(order.appointment_id)))
            if row.appointment.changed_by == UUID(order.request_id):
                return await row.stands(session)
            refusal = refuse_change(
                status=row.appointment.status,
                type=row.appointment.type,
                starts_at=row.appointment.starts_at,
                fee=row.fee,
                therapist=row.therapist.slug,
                now=now,
                by_practice=order.by.is_practice,
                notice_window=policy.notice_window,
            ) or _refuse_waiver(waive=order.waive_fee, reason=order.waive_reason)
            if refusal is not None:
                return Changed(refusal=refusal)
            asked_by_client = order.requested_by_client or not order.by.is_practice
            result = cancellation(
                type=row.appointment.type,
                fee=row.fee,
                starts_at=row.appointment.starts_at,
                now=now,
                requested_by_client=asked_by_client,
                notice_window=policy.notice_window,
            )
            await cancel_row(
                session,
                row.appointment,
                by=order.by.actor,
                at=now,
                reason=order.reason,
                request_id=UUID(order.request_id),
                status=AppointmentStatus.LATE_CANCELLED if result.late else AppointmentStatus.CANCELLED,
            )
            append_fact(
                session,
                row.client,
                at=now,
                actor=order.by.actor,
                kind="appointment_cancelled",
                text="The appointment was cancelled"
                + (" at the client's request" if asked_by_client else " by the practice")
                + (", inside the notice window." if result.late else "."),
                data={
                    "appointment_id": order.appointment_id,
                    "request_id": order.request_id,
                    "late": result.late,
                },
            )
            await _outcome_is_known(session, row, at=now)
            if result.late:
                await _earn(
                    session,
                    row,
                    PaymentKind.LATE_CANCELLATION,
                    at=now,
                    by=order.by.actor,
                    waiver=order.waive_reason if order.waive_fee else None,
                    policy=policy,
                )
            return await row.changed(session)

    @activity.defn
    async def reschedule_appointment(self, order: RescheduleOrder, policy: JourneyPolicy) -> Changed:
        """Move an appointment; it keeps its id, its length and its fee. Its own old time is no conflict."""
        now = await self.now()
        async with self.transaction() as session:
            row = _Row(*await lock_appointment(session, UUID(order.appointment_id)))
            if row.appointment.changed_by == UUID(order.request_id):
                return await row.stands(session)
            refusal = refuse_change(
                status=row.appointment.status,
                type=row.appointment.type,
                starts_at=row.appointment.starts_at,
                fee=row.fee,
                therapist=row.therapist.slug,
                now=now,
                by_practice=order.by.is_practice,
                notice_window=policy.notice_window,
            ) or _refuse_archived(row)
            refusal = refusal or await _refuse_new_time(session, row, order, now=now)
            if refusal is not None:
                return Changed(refusal=refusal)
            was = row.appointment.starts_at
            length = row.appointment.ends_at - was
            row.appointment.starts_at, row.appointment.ends_at = order.starts_at, order.starts_at + length
            row.appointment.sequence += 1
            row.appointment.changed_by = UUID(order.request_id)
            # What was noted of the old time says nothing of the new one.
            row.appointment.breached_at, row.appointment.forms_warned = None, False
            session.add(row.appointment)
            await _outcome_is_known(session, row, at=now)
            await use_hold(session, order.hold_id, starts_at=order.starts_at)
            occupied = await session.get(OccupiedTime, row.appointment.id)
            if occupied is not None:
                occupied.starts_at, occupied.ends_at = row.appointment.starts_at, row.appointment.ends_at
                session.add(occupied)
            append_fact(
                session,
                row.client,
                at=now,
                actor=order.by.actor,
                kind="appointment_rescheduled",
                text="The appointment was moved." + (f" Reason: {order.reason}" if order.reason else ""),
                data={
                    "appointment_id": order.appointment_id,
                    "request_id": order.request_id,
                    "from": was.isoformat(),
                    "to": order.starts_at.isoformat(),
                },
            )
            return await row.changed(session)

    @activity.defn
    async def record_outcome(self, order: OutcomeOrder, policy: JourneyPolicy) -> Changed:
        """Record what happened, and the payment it earns. The same outcome again changes nothing."""
        now = await self.now()
        async with self.transaction() as session:
            row = _Row(*await lock_appointment(session, UUID(order.appointment_id)))
            appointment, payment = row.appointment, row.payment
            if appointment.status.value == order.outcome.value:
                return await self._waived_afterwards(session, row, order, policy) or await row.stands(session)
            untouched = payment is not None and (
                payment.status in (PaymentStatus.SCHEDULED, PaymentStatus.WAIVED)
                or (payment.status is PaymentStatus.CANCELLED and payment.attempts == 0 and payment.intent is None)
            )
            refusal = refuse_outcome(
                status=appointment.status,
                outcome=order.outcome,
                starts_at=appointment.starts_at,
                now=now,
                money_untouched=untouched,
            ) or _refuse_waiver(waive=order.waive_fee, reason=order.waive_reason)
            if refusal is not None:
                return Changed(refusal=refusal)
            corrected = appointment.status is not AppointmentStatus.SCHEDULED
            appointment.status = AppointmentStatus(order.outcome.value)
            appointment.outcome_at, appointment.outcome_by = now, order.by.actor
            appointment.changed_by = UUID(order.request_id)
            session.add(appointment)
            append_fact(
                session,
                row.client,
                at=now,
                actor=order.by.actor,
                kind="outcome_corrected" if corrected else "outcome_recorded",
                text=("Corrected: the " if corrected else "The ")
                + _NAMES[appointment.type]
                + (" took place." if order.outcome is Outcome.OCCURRED else " was a no-show."),
                data={
                    "appointment_id": order.appointment_id,
                    "request_id": order.request_id,
                    "outcome": order.outcome.value,
                },
            )
            await _outcome_is_known(session, row, at=now)
            await _earn(
                session,
                row,
                PaymentKind.SESSION if order.outcome is Outcome.OCCURRED else PaymentKind.NO_SHOW,
                at=now,
                by=order.by.actor,
                waiver=order.waive_reason if order.waive_fee else None,
                policy=policy,
            )
            return await row.changed(session)

    async def _waived_afterwards(
        self, session: AsyncSession, row: "_Row", order: OutcomeOrder, policy: JourneyPolicy
    ) -> Changed | None:
        """The same outcome again, now with a waiver: possible while nothing has been asked of a card."""
        payment = row.payment
        if not order.waive_fee or (payment is not None and payment.status is PaymentStatus.WAIVED):
            return None
        refusal = _refuse_waiver(waive=True, reason=order.waive_reason)
        if refusal is None and (payment is None or payment.status is not PaymentStatus.SCHEDULED):
            refusal = not_open(row.appointment.status)
        if refusal is not None or payment is None:
            return Changed(refusal=refusal)
        by, now = order.by.actor, await self.now()
        row.appointment.changed_by = UUID(order.request_id)
        await _earn(session, row, payment.kind, at=now, by=by, waiver=order.waive_reason, policy=policy)
        return await row.changed(session)

    @activity.defn
    async def appointment_started(self, appointment_id: str) -> Settled:
        """The start time has come: what was ahead now runs. Missing intake forms are noted, and stop nothing."""
        now = await self.now()
        async with self.transaction() as session:
            row = _Row(*await lock_appointment(session, UUID(appointment_id)))
            facts = await project(session, row.client)
            if (
                facts.outstanding_forms
                and row.appointment.status is AppointmentStatus.SCHEDULED
                and not facts.archived
                and not row.appointment.forms_warned
            ):
                row.appointment.forms_warned = True
                session.add(row.appointment)
                append_fact(
                    session,
                    row.client,
                    at=now,
                    actor="system",
                    kind="forms_incomplete_at_start",
                    text="An appointment starts while intake forms are incomplete.",
                    data={"appointment_id": appointment_id, "outstanding": list(facts.outstanding_forms)},
                )
            return await row.settled(session)

    @activity.defn
    async def outcome_overdue(self, order: TaskOrder) -> Settled:
        """Nobody has said how it went: open the task for the care team."""
        now = await self.now()
        async with self.transaction() as session:
            row = _Row(*await lock_appointment(session, UUID(str(order.appointment_id))))
            if row.appointment.status is AppointmentStatus.SCHEDULED:
                await open_task_once(
                    session,
                    row.client,
                    key=order.key,
                    kind=TaskKind.OUTCOME_MISSING,
                    text=order.text,
                    at=now,
                    appointment_id=row.appointment.id,
                )
            return await row.settled(session)

    @activity.defn
    async def record_breach(self, appointment_id: str) -> Settled:
        """The 48 hours are over and nobody has said how it went. Recorded once."""
        now = await self.now()
        async with self.transaction() as session:
            row = _Row(*await lock_appointment(session, UUID(appointment_id)))
            if row.appointment.status is AppointmentStatus.SCHEDULED:
                _breach(session, row, at=now)
            return await row.settled(session)


async def cancel_row(
    session: AsyncSession,
    appointment: Appointment,
    *,
    by: str,
    at: datetime,
    reason: str | None,
    request_id: UUID,
    status: AppointmentStatus,
) -> None:
    """Mark one appointment cancelled and free its time. The locks are held, and it was ``scheduled``."""
    appointment.status = status
    appointment.cancelled_at, appointment.cancelled_by, appointment.cancel_reason = at, by, reason
    appointment.sequence += 1
    appointment.changed_by = request_id
    session.add(appointment)
    occupied = await session.get(OccupiedTime, appointment.id)
    if occupied is not None:
        await session.delete(occupied)


class _Row:
    """One appointment with everything it depends on, locked."""

    def __init__(self, appointment: Appointment, therapist: Therapist, client: Client, payment: Payment | None) -> None:
        self.appointment = appointment
        self.therapist = therapist
        self.client = client
        self.payment = payment

    @property
    def fee(self) -> Money:
        return Money(self.appointment.fee_amount, self.appointment.fee_currency)

    async def stands(self, session: AsyncSession) -> Changed:
        return replace(await self.changed(session), changed=False)

    async def changed(self, session: AsyncSession) -> Changed:
        settled = await self.settled(session)
        return Changed(
            appointment=settled.appointment,
            journey=settled.journey,
            changed=True,
            sequence=self.appointment.sequence,
        )

    async def settled(self, session: AsyncSession) -> Settled:
        journey = await project(session, self.client)
        return Settled(
            appointment=appointment_facts(self.appointment, self.client, self.therapist, self.payment),
            journey=journey,
        )


_NAMES = {AppointmentType.INTRO_CALL: "intro call", AppointmentType.SESSION: "session"}


def _refuse_archived(row: _Row) -> Refusal | None:
    """What an archive left (running, or not yet marked) can be marked, but not moved ahead past the archive."""
    if row.client.status is not ClientStatus.ARCHIVED:
        return None
    return Refusal(name=Problem.CLIENT_ARCHIVED, detail="This client is archived; make the client active first.")


def _refuse_waiver(*, waive: bool, reason: str | None) -> Refusal | None:
    if waive and not (reason or "").strip():
        return invalid("waive_reason", "say why the fee is waived")
    return None


async def _earn(
    session: AsyncSession,
    row: _Row,
    kind: PaymentKind,
    *,
    at: datetime,
    by: str,
    waiver: str | None,
    policy: JourneyPolicy,
) -> None:
    """Write the payment that an event causes, or change the one that a corrected event had caused."""
    fee = fee_due(event=kind, fee=row.fee, type=row.appointment.type, waived=False)
    if fee is None:
        return
    due = due_times(
        marked_at=at,
        ends_at=row.appointment.ends_at,
        charge_after=policy.charge_after,
        charge_deadline=policy.charge_deadline,
    )
    if due.late:
        _breach(session, row, at=at)
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
    payment.kind, payment.due_at, payment.deadline = kind, due.due_at, due.deadline
    payment.next_try_at, payment.exception = None, None
    if waiver is not None:
        payment.status, payment.because = PaymentStatus.WAIVED, "waived"
        payment.exception = await _exception(session, row.client, by=by, why=waiver, at=at)
        text = "The fee was waived."
    elif archived:
        # The client was archived meanwhile: the fee is known, and nothing is taken.
        payment.status, payment.because = PaymentStatus.CANCELLED, BECAUSE_ARCHIVED
        text = "A fee was earned; nothing is charged while the client is archived."
    else:
        payment.status, payment.because = PaymentStatus.SCHEDULED, None
        text = "A payment was scheduled."
    session.add(payment)
    row.payment = payment
    append_fact(
        session,
        row.client,
        at=at,
        actor=by,
        kind=f"payment_{payment.status.value}",
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


async def _exception(session: AsyncSession, client: Client, *, by: str, why: str, at: datetime) -> dict[str, Any]:
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


async def _outcome_is_known(session: AsyncSession, row: _Row, *, at: datetime) -> None:
    await close_tasks(
        session,
        row.client,
        about=str(row.appointment.id),
        kinds=(TaskKind.OUTCOME_MISSING,),
        at=at,
        note="The outcome is known.",
    )


def _breach(session: AsyncSession, row: _Row, *, at: datetime) -> None:
    if row.appointment.breached_at is not None or row.appointment.type is not AppointmentType.SESSION:
        return
    row.appointment.breached_at = at
    session.add(row.appointment)
    append_fact(
        session,
        row.client,
        at=at,
        actor="system",
        kind="outcome_breach",
        text="The outcome was not recorded within the time in which the payment must be made.",
        data={"appointment_id": str(row.appointment.id)},
    )


async def _refuse_new_time(
    session: AsyncSession, row: _Row, order: RescheduleOrder, *, now: datetime
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
