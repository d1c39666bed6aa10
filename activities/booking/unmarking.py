"""An outcome taken back: nobody has said yet how the appointment went, and what it had earned is cancelled."""

from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.answers import AnsweredOnce
from activities.base import Activities
from activities.locked import LockedAppointment
from activities.money.credits import give_back
from activities.money.payments import close_payment_tasks, move, tell_payment
from activities.tasks import open_task_once
from activities.types.booking import Changed, UnmarkOrder
from models.tables.booking.appointment import Appointment
from models.tables.clients.task import Task
from models.tables.mail.outbox import OutboxKind
from models.writes.locks import lock_appointment
from models.writes.outbox import order_errands
from models.writes.timeline import tell
from rules.booking.eligibility import refuse_unmark
from rules.enums import AppointmentStatus, AppointmentType, TaskKind
from rules.money.payment_states import Because, PaymentEvent
from rules.refusals import Problem, Refusal
from rules.timeline import FactKind

UNMARKED = AnsweredOnce("unmark_outcome", Changed)
_NAMES = {AppointmentType.INTRO_CALL: "intro call", AppointmentType.SESSION: "session"}


class UnmarkingActivities(Activities):
    @activity.defn
    async def unmark_outcome(self, order: UnmarkOrder) -> Changed:
        """Make an appointment that was marked ``scheduled`` again, and cancel the payment that the mark had caused.
        One that nobody has marked stands as it is. What was booked since because it took place stays."""
        now = await self.now()
        async with self.transaction() as session:
            found = await session.get(Appointment, UUID(order.appointment_id))
            if found is None:
                return Changed(refusal=_NOT_THEIRS)
            row = LockedAppointment(*await lock_appointment(session, found.id))
            appointment = row.appointment
            if str(row.client.id) != order.client_id:
                return Changed(refusal=_NOT_THEIRS)
            given = await UNMARKED.given(session, row.client, order)
            if given is not None:
                return given
            if appointment.status is AppointmentStatus.SCHEDULED:
                return UNMARKED.keep(session, row.client, order, await row.stands(session), at=now)
            refusal = refuse_unmark(
                status=appointment.status,
                payment=row.payment.status if row.payment else None,
                marked_at=appointment.outcome_at,
                now=now,
            )
            if refusal is not None:
                return Changed(refusal=refusal)
            was = appointment.status.value
            appointment.status = AppointmentStatus.SCHEDULED
            appointment.outcome_at, appointment.outcome_by = None, None
            appointment.changed_by = UUID(order.request_id)
            session.add(appointment)
            tell(
                session,
                row.client,
                FactKind.OUTCOME_UNMARKED,
                at=now,
                by=order.by.actor,
                text=f"The mark of the {_NAMES[appointment.type]} was taken back.",
                data={"appointment_id": order.appointment_id, "request_id": order.request_id, "outcome": was},
            )
            await _cancel_payment(session, row, order, now=now)
            await self._ask_again(session, row, order, now=now)
            return UNMARKED.keep(session, row.client, order, await row.changed(session), at=now)

    async def _ask_again(
        self, session: AsyncSession, row: LockedAppointment, order: UnmarkOrder, *, now: datetime
    ) -> None:
        """What the plan does only once, and the mark had settled: the task for the care team. One that is not open yet
        opens in its time, by the plan."""
        appointment = row.appointment
        if now < appointment.ends_at + self.deps.policy.outcome_task:
            return
        about = col(Task.data)["appointment_id"].astext == str(appointment.id)
        settled = select(Task.id).where(
            col(Task.client_id) == row.client.id, col(Task.kind) == TaskKind.OUTCOME_MISSING, about
        )
        if (await session.exec(settled.limit(1))).first() is None:
            return
        await open_task_once(
            session,
            row.client,
            key=f"{appointment.id}:unmarked:{order.request_id}",
            kind=TaskKind.OUTCOME_MISSING,
            text=f"The outcome of an appointment of client {row.client.ref} is missing: its mark was taken back.",
            at=now,
            appointment_id=appointment.id,
        )


async def _cancel_payment(session: AsyncSession, row: LockedAppointment, order: UnmarkOrder, *, now: datetime) -> None:
    payment = row.payment
    if payment is None:
        return
    move(payment, PaymentEvent.UNMARKED, because=Because.UNMARKED, at=now)
    session.add(payment)
    await give_back(session, payment, at=now)
    text = "The payment was cancelled: its appointment is not marked any more."
    tell_payment(session, row.client, payment, at=now, by=order.by.actor, text=text)
    await close_payment_tasks(session, row.client, payment, at=now, note=text)
    if payment.intent is not None:  # of a try before an archive that was restored since
        kind, reason = OutboxKind.CANCEL_INTENT, order.request_id
        await order_errands(session, row.client.id, kind, [payment.intent], reason=reason, at=now)


_NOT_THEIRS = Refusal(name=Problem.NOT_FOUND, detail="There is no such appointment of this client.")
