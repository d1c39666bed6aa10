"""One appointment: cancelled, moved, started, and what came of it. The money it causes is written in the same step."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.exc import NoResultFound
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.answers import AnsweredOnce
from activities.base import Activities, looks_again
from activities.booking.changes import cancel, fee_waived, move, refuse_cancel, refuse_move, refuse_waiver, would_cancel
from activities.booking.dates import plan_move
from activities.booking.telling import change_mails
from activities.locked import LockedAppointment
from activities.money.approval.second_person import refuse_waiver_alone
from activities.money.fee import accrue_fee, close_appointment_tasks, note_breach
from activities.snapshots import appointments_as_they_stand
from activities.tasks import open_task_once
from activities.types.booking import AppointmentResumed, CancelOrder, Changed, OutcomeOrder, RescheduleOrder
from activities.types.clients import TaskOrder
from activities.types.money import Settled
from activities.words import heard
from models.reads.booking.waitlist import lines_freed_by
from models.reads.journey import project
from models.reads.keeping.settings import settings_in_force
from models.tables.clients.client import Client
from models.tables.mail.outbox import OutboxItem
from models.tables.money.payment import Payment
from models.writes.booking.holds import use_hold
from models.writes.locks import lock_appointment
from models.writes.outbox import order_mails
from models.writes.timeline import tell
from rules.accounts.caller import SYSTEM
from rules.booking.eligibility import not_open, refuse_outcome
from rules.enums import AppointmentStatus, AppointmentType, Outcome, PaymentKind, PaymentStatus, TaskKind
from rules.journey.stage import JourneyFacts
from rules.mail.kinds import Mail
from rules.money.fees import Money, fee_due
from rules.money.payment_states import CORRECTABLE
from rules.refusals import Refusal
from rules.timeline import FactKind

CANCELLED = AnsweredOnce("cancel_appointment", Changed)
MOVED = AnsweredOnce("reschedule_appointment", Changed)
MARKED = AnsweredOnce("record_outcome", Changed)


class AppointmentActivities(Activities):
    @activity.defn
    async def resume_appointment(self, appointment_id: str) -> AppointmentResumed:
        """Everything that its workflow follows, from the rows alone. Raises NoResultFound where there are none."""
        async with self.transaction() as session:
            found = await appointments_as_they_stand(session, [UUID(appointment_id)])
            if not found:
                raise NoResultFound
            [facts] = found
            about = select(OutboxItem.key).where(col(OutboxItem.appointment_id) == UUID(appointment_id))
            mailed = (await session.exec(about)).all()
            joined = select(Client.id).where(col(Client.joined_into) == UUID(facts.client_id))
            former = tuple(str(id) for id in (await session.exec(joined)).all())
            settings = await settings_in_force(session, self.deps.policy)
        return AppointmentResumed(facts=facts, settings=settings, mailed=tuple(mailed), former=former)

    @activity.defn
    async def cancel_appointment(self, order: CancelOrder) -> Changed:
        """Cancel, with the fee that is due for it, if any. The practice always may; the client side in time."""
        now = await self.now()
        async with self.transaction() as session:
            row = LockedAppointment(*await lock_appointment(session, UUID(order.appointment_id)))
            given = await CANCELLED.given(session, row.client, order)
            if given is not None:
                return given
            order = await heard(session, order, about=row.appointment.id)
            refusal = refuse_cancel(row, order, now=now) or await refuse_waiver_alone(
                session, row.client, order.by, fee_waived([row], order, now=now), policy=self.deps.policy, at=now
            )
            if refusal is not None:
                return Changed(refusal=refusal)
            if not order.confirm:
                return Changed(would=(would_cancel(row, order, now=now),))
            lines = await lines_freed_by(session, row.client, row.therapist)
            await cancel(session, row, order, now=now)
            by_client = order.requested_by_client or not order.by.is_practice
            mails = change_mails(row, Mail.APPOINTMENT_CANCELLED, "cancelled", by_client=by_client)
            await order_mails(session, mails, at=now, by_appointment=row.appointment.id)
            return CANCELLED.keep(session, row.client, order, await row.changed(session, lines=lines), at=now)

    @activity.defn
    @looks_again
    async def reschedule_appointment(self, order: RescheduleOrder) -> Changed:
        """Move an appointment; it keeps its id, its length and its fee. Its own old time is no conflict.

        An order that is not confirmed is only tested: nothing changes.
        """
        now = await self.now()
        async with self.transaction() as session:
            row = LockedAppointment(*await lock_appointment(session, UUID(order.appointment_id)))
            given = await MOVED.given(session, row.client, order)
            if given is not None:
                return given
            order = await heard(session, order, about=row.appointment.id)
            refusal = refuse_move(row, order, now=now)
            if refusal is not None:
                return Changed(refusal=refusal)
            plan = await plan_move(session, [row], order, now=now)
            if plan.refusal is not None or not order.confirm:
                await session.rollback()
                return Changed(refusal=plan.refusal, exceptions=plan.exceptions)
            if order.starts_at == row.appointment.starts_at:
                # Where it is already: nothing moves, and nobody is told.
                return MOVED.keep(session, row.client, order, await row.stands(session), at=now)
            lines = await lines_freed_by(session, row.client, row.therapist)
            await use_hold(session, UUID(order.hold_id) if order.hold_id else None, therapist_id=row.therapist.id)
            was = row.appointment.starts_at
            await move(session, row, plan.free[0], order, exceptions=plan.exceptions, now=now)
            by_client = not order.by.is_practice
            mails = change_mails(row, Mail.APPOINTMENT_RESCHEDULED, "moved", by_client=by_client, was=was)
            await order_mails(session, mails, at=now, by_appointment=row.appointment.id)
            moved = await row.changed(session, lines=lines, exceptions=plan.exceptions)
            return MOVED.keep(session, row.client, order, moved, at=now)

    @activity.defn
    async def record_outcome(self, order: OutcomeOrder) -> Changed:
        """Record what happened, and the payment it earns. The same outcome again changes nothing."""
        now = await self.now()
        async with self.transaction() as session:
            row = LockedAppointment(*await lock_appointment(session, UUID(order.appointment_id)))
            given = await MARKED.given(session, row.client, order)
            if given is not None:
                return given
            order = await heard(session, order, about=row.appointment.id)
            appointment, payment = row.appointment, row.payment
            if appointment.status.value == order.outcome.value:
                return await self._marked_again(session, row, order, now=now)
            refusal = refuse_outcome(
                status=appointment.status,
                outcome=order.outcome,
                starts_at=appointment.starts_at,
                now=now,
                money_untouched=_is_untouched(payment),
            ) or refuse_waiver(waive=order.waive_fee, reason=order.waive_reason)
            kind = PaymentKind.SESSION if order.outcome is Outcome.OCCURRED else PaymentKind.NO_SHOW
            if refusal is None and order.waive_fee:
                fee = fee_due(event=kind, fee=row.fee, type=appointment.type, waived=False)
                refusal = await self._refuse_waiver_alone(session, row, order, fee, now=now)
            if refusal is not None:
                return Changed(refusal=refusal)
            corrected = appointment.status is not AppointmentStatus.SCHEDULED
            appointment.status = AppointmentStatus(order.outcome.value)
            appointment.outcome_at, appointment.outcome_by = now, order.by.actor
            appointment.changed_by = UUID(order.request_id)
            session.add(appointment)
            tell(
                session,
                row.client,
                FactKind.OUTCOME_CORRECTED if corrected else FactKind.OUTCOME_RECORDED,
                at=now,
                by=order.by.actor,
                text=("Corrected: the " if corrected else "The ")
                + _NAMES[appointment.type]
                + (" took place." if order.outcome is Outcome.OCCURRED else " was a no-show."),
                data={
                    "appointment_id": order.appointment_id,
                    "request_id": order.request_id,
                    "outcome": order.outcome.value,
                    "type": appointment.type.value,
                    "therapist": row.therapist.slug,
                    "starts_at": appointment.starts_at.isoformat(),
                    **({} if corrected else _lateness(row, now=now)),
                },
                words=order.reason,
            )
            await close_appointment_tasks(session, row, at=now, note="The outcome is known.")
            await accrue_fee(
                session,
                row,
                kind,
                at=now,
                by=order.by.actor,
                waiver=order.waive_reason if order.waive_fee else None,
                first=not corrected,
                reason=order.reason,
            )
            return MARKED.keep(session, row.client, order, await row.changed(session), at=now)

    async def _marked_again(
        self,
        session: AsyncSession,
        row: LockedAppointment,
        order: OutcomeOrder,
        *,
        now: datetime,
    ) -> Changed:
        """The same outcome again, perhaps now with a waiver: possible while nothing has been asked of a card."""
        payment = row.payment
        if not order.waive_fee or (payment is not None and payment.status is PaymentStatus.WAIVED):
            return MARKED.keep(session, row.client, order, await row.stands(session), at=now)
        refusal = refuse_waiver(waive=True, reason=order.waive_reason)
        scheduled = payment is not None and payment.status is PaymentStatus.SCHEDULED
        if refusal is None and not (scheduled and _is_untouched(payment)):
            refusal = not_open(row.appointment.status)
        if refusal is None and payment is not None:
            fee = Money(payment.amount, payment.currency)
            refusal = await self._refuse_waiver_alone(session, row, order, fee, now=now)
        if refusal is not None or payment is None:
            return Changed(refusal=refusal)
        row.appointment.changed_by = UUID(order.request_id)
        waiver = order.waive_reason
        await accrue_fee(session, row, payment.kind, at=now, by=order.by.actor, waiver=waiver, first=False)
        return MARKED.keep(session, row.client, order, await row.changed(session), at=now)

    async def _refuse_waiver_alone(
        self, session: AsyncSession, row: LockedAppointment, order: OutcomeOrder, fee: Money | None, *, now: datetime
    ) -> Refusal | None:
        return await refuse_waiver_alone(session, row.client, order.by, fee, policy=self.deps.policy, at=now)

    @activity.defn
    async def appointment_started(self, appointment_id: str) -> JourneyFacts:
        """The start time has come. Intake forms that are missing then are noted, and stop nothing."""
        now = await self.now()
        async with self.transaction() as session:
            row = LockedAppointment(*await lock_appointment(session, UUID(appointment_id)))
            stands = await project(session, row.client)
            missing = stands.outstanding_forms
            is_ahead = row.appointment.status is AppointmentStatus.SCHEDULED and not stands.archived
            if not (missing and is_ahead) or row.appointment.forms_warned:
                return stands
            row.appointment.forms_warned = True
            session.add(row.appointment)
            tell(
                session,
                row.client,
                FactKind.FORMS_INCOMPLETE_AT_START,
                at=now,
                by=SYSTEM,
                text="An appointment starts while intake forms are incomplete.",
                data={"appointment_id": appointment_id, "outstanding": list(missing)},
            )
            return await project(session, row.client)

    @activity.defn
    async def outcome_overdue(self, order: TaskOrder) -> Settled:
        """Nobody has said how it went: open the task for the care team."""
        now = await self.now()
        async with self.transaction() as session:
            row = LockedAppointment(*await lock_appointment(session, UUID(str(order.appointment_id))))
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
            row = LockedAppointment(*await lock_appointment(session, UUID(appointment_id)))
            if row.appointment.status is AppointmentStatus.SCHEDULED:
                note_breach(session, row, at=now)
            return await row.settled(session)


def _is_untouched(payment: Payment | None) -> bool:
    """Whether nothing has been asked of a card for it, nor prepared."""
    if payment is None or payment.attempts or payment.intent is not None:
        return False
    return payment.status in CORRECTABLE


def _lateness(row: LockedAppointment, *, now: datetime) -> dict[str, Any]:
    """What the fact of a late mark says of it: who made it is its actor."""
    late_by = now - row.appointment.ends_at - row.terms.charge_deadline
    if row.appointment.type is not AppointmentType.SESSION or late_by <= timedelta(0):
        return {}
    return {"late": True, "late_by_minutes": -(-late_by // timedelta(minutes=1))}


_NAMES = {AppointmentType.INTRO_CALL: "intro call", AppointmentType.SESSION: "session"}
