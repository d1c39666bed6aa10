"""AppointmentJourney: remind, wait for the outcome, settle the payment."""

import asyncio
from dataclasses import replace
from datetime import datetime

from temporalio import workflow

from workflows import steps
from workflows.handling.handlers import answers_query, takes_signal, takes_update
from workflows.parts import details, waitlist
from workflows.parts import payment as money
from workflows.parts.appointment import FollowedAppointment
from workflows.parts.cancelling import heedless, record_cancellation
from workflows.parts.mail_orders import change_told
from workflows.parts.mail_outbox import MailOutbox
from workflows.parts.search_attributes import (
    CHARGE_DUE_AT,
    CLIENT_REF,
    NEXT_APPOINTMENT_AT,
    THERAPIST_SLUG,
    SearchAttributes,
)
from workflows.parts.ui_text import describe_appointment, label_of, waiting_for
from workflows.parts.wait import Wait

with workflow.unsafe.imports_passed_through():
    from activities.types.booking import CancelOrder, Changed, OutcomeOrder, RescheduleOrder
    from activities.types.clients import TaskOrder
    from activities.types.facts import AppointmentFacts
    from activities.types.mail import MailOrder, mail_order
    from rules.enums import AppointmentStatus, TaskKind
    from rules.journey.reminders import APPOINTMENT_STARTS, OUTCOME_BREACH, OUTCOME_TASK, Due
    from rules.journey.settling import next_step
    from rules.mail.kinds import MAILS, Mail, to_both_sides
    from workflows.messages import (
        APPOINTMENT_JOURNEY,
        APPOINTMENT_QUERY,
        CANCEL,
        FACTS_CHANGED,
        RECORD_OUTCOME,
        RESCHEDULE,
        AppointmentInput,
        AppointmentProgress,
    )


_INSTEAD = (
    "to cancel the appointment, send the update `cancel`; to stop everything for the client, `archive` to theirs."
)


@workflow.defn(name=APPOINTMENT_JOURNEY)
class AppointmentJourney:
    """One appointment, from booking until its outcome is known and its money is settled.

    The database decides what becomes of it; this workflow follows the newest facts, keeps the timers, and tells the
    client's journey before it answers anybody.
    """

    @workflow.init
    def __init__(self, start: AppointmentInput) -> None:
        self.policy = start.policy
        self.wait = Wait(start.policy)
        self.followed = FollowedAppointment(start, self.wait)
        self.state = self.followed.state
        self.turn = asyncio.Lock()  # one change at a time, in the order of arrival
        self.search_attributes = SearchAttributes()
        self.mail_outbox = MailOutbox(self.state.mails, self.policy)

    @property
    def facts(self) -> AppointmentFacts:
        return self.state.facts

    @workflow.run
    async def run(self, start: AppointmentInput) -> None:
        await heedless(self.follow(start), instead=_INSTEAD, heard=self.record_cancellation)

    async def record_cancellation(self) -> None:
        _ = await record_cancellation()

    async def follow(self, start: AppointmentInput) -> None:
        outbox = asyncio.create_task(self.mail_outbox.work())
        while await self.goes_on():
            if self.facts.status is AppointmentStatus.SCHEDULED:
                await self.remind_and_wait_for_the_outcome()
            else:
                await self.settle_the_payment()
            if self.wait.history_is_long() and not self.followed.is_over():
                await self.continue_as_new()
        await self.mail_outbox.finish()
        await outbox
        await workflow.wait_condition(workflow.all_handlers_finished)
        if not self.followed.is_over():  # its payment was restored while this run was ending
            await self.continue_as_new()

    # ------------------------------------------------------------ the story

    async def goes_on(self) -> bool:
        """False at the end, once the last mail is out. While mails wait, a payment that is restored does not."""
        self.show()
        if self.followed.is_over():
            await workflow.wait_condition(lambda: self.mail_outbox.is_idle() or not self.followed.is_over())
        return not self.followed.is_over()

    async def remind_and_wait_for_the_outcome(self) -> None:
        """Before the start: reminders. After the end: ask the therapist, then the care team; never guess."""
        if not self.state.plan:
            await self.wait.until(None, label="the outcome")
            return
        due = self.state.plan[0]
        if await self.wait.until(due.at, label=label_of(due)):
            return
        self.state.plan.remove(due)
        self.state.done.append(due.key)
        await self.act_on(due)

    async def act_on(self, due: Due) -> None:
        facts = self.facts
        if due.kind in MAILS:
            order = mail_order(Mail(due.kind), key=f"{facts.id}:{due.key}", client_id=facts.client_id)
            self.mail(replace(order, appointment_ids=(facts.id,), only_if_starts_at=facts.starts_at))
        elif due.kind == APPOINTMENT_STARTS:
            await self.followed.follow(await steps.appointment_started(facts.id))
        elif due.kind == OUTCOME_TASK:
            await self.open_a_task(due)
        elif due.kind == OUTCOME_BREACH:
            await self.followed.follow(await steps.record_breach(facts.id))

    async def open_a_task(self, due: Due) -> None:
        order = TaskOrder(
            key=f"{self.facts.id}:{due.key}",
            client_id=self.facts.client_id,
            kind=TaskKind.OUTCOME_MISSING,
            text=f"The outcome of an appointment of client {self.facts.ref} is missing.",
            appointment_id=self.facts.id,
        )
        await self.followed.follow(await steps.outcome_overdue(order))

    async def settle_the_payment(self) -> None:
        """Due, try, and try again while there is time; then paid, or owed."""
        payment = self.facts.payment
        if payment is None:
            return
        step = next_step(payment)
        if await self.wait.until(step.at, label=step.why):
            return
        payment = self.facts.payment
        if payment is None or next_step(payment) != step:
            return
        if step.owe:
            settled = await steps.owe_payment(payment.id)
        else:
            settled = await money.attempt(
                payment, self.policy, began=lambda begun: self.followed.take(begun.appointment)
            )
        await self.followed.follow(settled)

    # ------------------------------------------------------------ messages

    @takes_update(RECORD_OUTCOME, "Record that it occurred, or that the client did not come.")
    async def record_outcome(self, order: OutcomeOrder) -> Changed:
        async with self.turn:
            result = await steps.record_outcome(order, self.policy)
            await self.followed.follow(result)
            return result

    @takes_update(CANCEL, "Cancel, with the fee that is due for it, if any.")
    async def cancel(self, order: CancelOrder) -> Changed:
        async with self.turn:
            result = await steps.cancel_appointment(order, self.policy)
            by_client = order.requested_by_client or not order.by.is_practice
            self.tell_of_change(Mail.APPOINTMENT_CANCELLED, "cancelled", result, by_client=by_client)
            await self.followed.follow(result)
            await waitlist.wake(result.lines, self.policy)
            return result

    @takes_update(RESCHEDULE, "Move to another time; the appointment keeps its id.")
    async def reschedule(self, order: RescheduleOrder) -> Changed:
        async with self.turn:
            result = await steps.reschedule_appointment(order, self.policy)
            self.tell_of_change(Mail.APPOINTMENT_RESCHEDULED, "moved", result, by_client=not order.by.is_practice)
            await self.followed.follow(result)
            await waitlist.wake(result.lines, self.policy)
            return result

    @takes_signal(
        FACTS_CHANGED, "The client's journey changed something here (archive, new card, Stripe's word): take it over."
    )
    def facts_changed(self, facts: AppointmentFacts) -> None:
        self.followed.take(facts)

    # ------------------------------------------------------------ mails

    def mail(self, order: MailOrder) -> None:
        self.state.mails.append(order)

    def tell_of_change(self, about: Mail, change: str, result: Changed, *, by_client: bool) -> None:
        """The client and the therapist hear of a moved or cancelled appointment, with a calendar file.

        What counts is what is new here: the step may have run before, and its answer been lost.
        """
        facts = result.appointment
        if facts is None or facts == self.facts:
            return
        payment_id = facts.payment.id if facts.payment else None
        for mail in to_both_sides(about):
            self.mail(
                replace(
                    mail_order(mail, key=f"{mail}:{facts.id}:{result.sequence}", client_id=facts.client_id),
                    appointment_ids=(facts.id,),
                    payment_id=payment_id,
                    text=change_told(mail, change),
                    by_client=by_client,
                    moves={facts.id: self.facts.starts_at} if change == "moved" else {},
                )
            )

    # ------------------------------------------------------------ what is seen

    @answers_query(APPOINTMENT_QUERY, "Where this appointment stands, and what comes next.")
    def progress(self) -> AppointmentProgress:
        return AppointmentProgress(
            id=self.facts.id,
            type=self.facts.type.value,
            status=self.facts.status.value,
            starts_at=self.facts.starts_at,
            ends_at=self.facts.ends_at,
            waiting_for=waiting_for(self.facts, self.state.plan),
            next_step_at=self._next_step_at(),
            payment=self.facts.payment,
        )

    def show(self) -> None:
        details.show(describe_appointment(self.facts, self.state.plan))
        payment = self.facts.payment
        ahead = self.facts.status is AppointmentStatus.SCHEDULED and self.facts.starts_at > workflow.now()
        self.search_attributes.upsert(
            {
                CLIENT_REF: self.facts.ref,
                THERAPIST_SLUG: self.facts.therapist,
                NEXT_APPOINTMENT_AT: self.facts.starts_at if ahead else None,
                CHARGE_DUE_AT: next_step(payment).at if payment and money.is_open(payment) else None,
            }
        )

    def _next_step_at(self) -> datetime | None:
        if self.facts.status is AppointmentStatus.SCHEDULED:
            return self.state.plan[0].at if self.state.plan else None
        payment = self.facts.payment
        return next_step(payment).at if payment is not None and money.is_open(payment) else None

    # ------------------------------------------------------------ from one run to the next

    async def continue_as_new(self) -> None:
        await self.mail_outbox.pause()
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(AppointmentInput(policy=self.policy, facts=self.facts, state=self.state))
