"""AppointmentJourney: remind, wait for the outcome, settle the payment."""

import asyncio
from datetime import datetime

from temporalio import exceptions, workflow

from workflows import steps
from workflows.parts import payment as money
from workflows.parts import waitlist as lines
from workflows.parts.mail_outbox import Postman
from workflows.parts.search_attributes import CHARGE_DUE_AT, CLIENT_REF, NEXT_APPOINTMENT_AT, THERAPIST_SLUG, Shown
from workflows.parts.ui_text import describe_appointment, waiting_for, words_of
from workflows.parts.validation import admit
from workflows.parts.wait import Pace

with workflow.unsafe.imports_passed_through():
    from activities.types import (
        AppointmentFacts,
        CancelOrder,
        Changed,
        MailOrder,
        OutcomeOrder,
        RescheduleOrder,
        Settled,
        TaskOrder,
    )
    from rules.enums import AppointmentStatus, TaskKind
    from rules.journey.reminders import (
        APPOINTMENT_REMINDER,
        APPOINTMENT_STARTS,
        OUTCOME_BREACH,
        OUTCOME_NUDGE,
        OUTCOME_TASK,
        Due,
        appointment_plan,
        outcome_plan,
        replan,
    )
    from rules.journey.settling import next_step
    from rules.journey.stage import JourneyFacts
    from workflows.messages import (
        APPOINTMENT_JOURNEY,
        APPOINTMENT_QUERY,
        APPOINTMENT_REPORTED,
        CANCEL,
        FACTS_CHANGED,
        RECORD_OUTCOME,
        RESCHEDULE,
        AppointmentInput,
        AppointmentProgress,
        AppointmentState,
        journey_id,
    )


@workflow.defn(name=APPOINTMENT_JOURNEY)
class AppointmentJourney(Pace):
    """One appointment, from booking until its outcome is known and its money is settled.

    The database decides what becomes of it; this workflow follows the newest facts, keeps the timers, and tells the
    client's journey before it answers anybody.
    """

    @workflow.init
    def __init__(self, start: AppointmentInput) -> None:
        self.policy = start.policy
        self.state = start.state or AppointmentState(facts=start.facts, plan=[], mails=[], done=[])
        self.turn = asyncio.Lock()  # one change at a time, in the order of arrival
        self.news = 0  # counts the changes of facts, so that every wait notices them
        self.shown = Shown()
        self.postman = Postman(self.state.mails, self.policy, self._ignore)
        self._replan()

    @property
    def facts(self) -> AppointmentFacts:
        return self.state.facts

    @workflow.run
    async def run(self, start: AppointmentInput) -> None:
        post = asyncio.create_task(self.postman.work())
        while await self.goes_on():
            if self.facts.status is AppointmentStatus.SCHEDULED:
                await self.remind_and_wait_for_the_outcome()
            else:
                await self.settle_the_payment()
            if self.history_is_long() and not self.is_over():
                await self.continue_as_new()
        await self.postman.finish()
        await post
        await workflow.wait_condition(workflow.all_handlers_finished)
        if not self.is_over():  # its payment was restored while this run was ending
            await self.continue_as_new()

    # ------------------------------------------------------------ the story

    async def remind_and_wait_for_the_outcome(self) -> None:
        """Before the start: reminders. After the end: ask the therapist, then the care team; never guess."""
        if not self.state.plan:
            await self.wait(until=None, label="the outcome")
            return
        due = self.state.plan[0]
        if await self.wait(until=due.at, label=words_of(due)):
            return
        self.state.plan.remove(due)
        self.state.done.append(due.key)
        await self.act_on(due)

    async def act_on(self, due: Due) -> None:
        facts = self.facts
        if due.kind == APPOINTMENT_REMINDER:
            self.mail(
                MailOrder(
                    key=f"{facts.id}:{due.key}",
                    template="appointment_reminder",
                    client_id=facts.client_id,
                    appointment_ids=(facts.id,),
                    only_if_starts_at=facts.starts_at,
                )
            )
        elif due.kind == APPOINTMENT_STARTS:
            await self.follow(await steps.appointment_started(facts.id))
        elif due.kind == OUTCOME_NUDGE:
            self.mail(
                MailOrder(
                    key=f"{facts.id}:{due.key}",
                    template="mark_outcome",
                    client_id=facts.client_id,
                    to="therapist",
                    appointment_ids=(facts.id,),
                    only_if_starts_at=facts.starts_at,
                )
            )
        elif due.kind == OUTCOME_TASK:
            await self.follow(
                await steps.outcome_overdue(
                    TaskOrder(
                        key=f"{facts.id}:{due.key}",
                        client_id=facts.client_id,
                        kind=TaskKind.OUTCOME_MISSING,
                        text=f"The outcome of an appointment of client {facts.ref} is missing.",
                        appointment_id=facts.id,
                    )
                )
            )
        elif due.kind == OUTCOME_BREACH:
            await self.follow(await steps.record_breach(facts.id))

    async def settle_the_payment(self) -> None:
        """Due, try, and try again while there is time; then paid, or owed."""
        payment = self.facts.payment
        if payment is None:
            return
        step = next_step(payment)
        if await self.wait(until=step.at, label=step.why):
            return
        payment = self.facts.payment
        if payment is None or next_step(payment) != step:
            return
        if step.owe:
            settled = await steps.owe_payment(payment.id)
        else:
            settled = await money.attempt(payment, self.policy, began=lambda begun: self.take(begun.appointment))
        await self.follow(settled)

    async def goes_on(self) -> bool:
        """False at the end, once the last mail is out. While mails wait, a payment that is restored does not."""
        self.show()
        if self.is_over():
            await workflow.wait_condition(lambda: self.postman.is_idle() or not self.is_over())
        return not self.is_over()

    def is_over(self) -> bool:
        return self.facts.status is not AppointmentStatus.SCHEDULED and not money.is_open(self.facts.payment)

    # ------------------------------------------------------------ messages

    @workflow.update(name=RECORD_OUTCOME.name, description="Record that it occurred, or that the client did not come.")
    async def record_outcome(self, order: OutcomeOrder) -> Changed:
        async with self.turn:
            result = await steps.record_outcome(order, self.policy)
            await self.follow(result)
            return result

    @workflow.update(name=CANCEL.name, description="Cancel, with the fee that is due for it, if any.")
    async def cancel(self, order: CancelOrder) -> Changed:
        async with self.turn:
            result = await steps.cancel_appointment(order, self.policy)
            by_client = order.requested_by_client or not order.by.is_practice
            self.tell_of_change("appointment_cancelled", "cancelled", result, by_client=by_client)
            await self.follow(result)
            await lines.wake(result.lines, self.policy)
            return result

    @workflow.update(name=RESCHEDULE.name, description="Move to another time; the appointment keeps its id.")
    async def reschedule(self, order: RescheduleOrder) -> Changed:
        async with self.turn:
            result = await steps.reschedule_appointment(order, self.policy)
            self.tell_of_change("appointment_rescheduled", "moved", result, by_client=not order.by.is_practice)
            await self.follow(result)
            await lines.wake(result.lines, self.policy)
            return result

    @record_outcome.validator
    def _outcome_is_for_this(self, order: OutcomeOrder) -> None:
        admit(order, appointment_id=self.facts.id)

    @cancel.validator
    def _cancel_is_for_this(self, order: CancelOrder) -> None:
        admit(order, appointment_id=self.facts.id)

    @reschedule.validator
    def _reschedule_is_for_this(self, order: RescheduleOrder) -> None:
        admit(order, appointment_id=self.facts.id)

    @workflow.signal(
        name=FACTS_CHANGED,
        description="The client's journey changed something here (archive, new card, Stripe's word): take it over.",
    )
    def facts_changed(self, facts: AppointmentFacts) -> None:
        self.take(facts)

    @workflow.query(name=APPOINTMENT_QUERY, description="Where this appointment stands, and what comes next.")
    def appointment(self) -> AppointmentProgress:
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

    # ------------------------------------------------------------ how it is done

    async def follow(self, answer: Changed | Settled) -> None:
        """Take the facts over and tell the journey: always before anybody gets an answer. What was refused, or only
        asked, has none."""
        if answer.appointment is None or answer.journey is None:
            return
        if self.take(answer.appointment) or answer.changed:
            await self._report(answer.journey)

    def take(self, facts: AppointmentFacts) -> bool:
        """Keep the newer facts, and order the mails about what became of the payment. False if these are old.

        What Stripe reports may be here before the answer of the step that charged: one of them is news, once.

        Once the client's record was joined into another, the versions are that one's, and what still comes from the
        former is old.
        """
        if facts == self.facts or facts.client_id in self.state.former:
            return False
        if facts.client_id != self.facts.client_id:
            self.state.former.append(self.facts.client_id)
        elif facts.version < self.facts.version:
            return False
        if self.facts.payment is not None:
            self.state.mails.extend(money.mails_about(self.facts.payment, facts))
        self.state.facts = facts
        self.news += 1
        self._replan()
        return True

    def mail(self, order: MailOrder) -> None:
        self.state.mails.append(order)

    def tell_of_change(self, template: str, change: str, result: Changed, *, by_client: bool) -> None:
        """The client and the therapist hear of a moved or cancelled appointment, with a calendar file.

        What counts is what is news here: the step may have run before, and its answer been lost.
        """
        facts = result.appointment
        if facts is None or facts == self.facts:
            return
        payment_id = facts.payment.id if facts.payment else None
        for to, name in (("client", template), ("therapist", "appointment_changed")):
            self.mail(
                MailOrder(
                    key=f"{name}:{facts.id}:{result.sequence}",
                    template=name,
                    client_id=facts.client_id,
                    to=to,
                    appointment_ids=(facts.id,),
                    payment_id=payment_id,
                    vital=True,
                    text=change if to == "therapist" else "",
                    by_client=by_client,
                    moves={facts.id: self.facts.starts_at} if change == "moved" else {},
                )
            )

    def show(self) -> None:
        workflow.set_current_details(describe_appointment(self.facts, self.state.plan))
        payment = self.facts.payment
        ahead = self.facts.status is AppointmentStatus.SCHEDULED and self.facts.starts_at > workflow.now()
        self.shown.show(
            {
                CLIENT_REF: self.facts.ref,
                THERAPIST_SLUG: self.facts.therapist,
                NEXT_APPOINTMENT_AT: self.facts.starts_at if ahead else None,
                CHARGE_DUE_AT: next_step(payment).at if payment and money.is_open(payment) else None,
            }
        )

    async def continue_as_new(self) -> None:
        await self.postman.pause()
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(AppointmentInput(policy=self.policy, facts=self.facts, state=self.state))

    def _replan(self) -> None:
        facts = self.facts
        fresh: list[Due] = []
        if facts.status is AppointmentStatus.SCHEDULED and not facts.client_archived:
            fresh = appointment_plan(starts_at=facts.starts_at, policy=self.policy) + outcome_plan(
                ends_at=facts.ends_at, type=facts.type, policy=self.policy
            )
        wanted = [due for due in fresh if due.key not in self.state.done]
        self.state.plan = replan(before=self.state.plan, fresh=wanted, now=workflow.now())

    def _next_step_at(self) -> datetime | None:
        if self.facts.status is AppointmentStatus.SCHEDULED:
            return self.state.plan[0].at if self.state.plan else None
        payment = self.facts.payment
        return next_step(payment).at if payment is not None and money.is_open(payment) else None

    async def _report(self, journey: JourneyFacts) -> None:
        handle = workflow.get_external_workflow_handle(journey_id(self.facts.client_id))
        try:
            await handle.signal(APPOINTMENT_REPORTED, journey)
        except exceptions.FailureError as error:
            # A journey that is gone cannot act on it; the database knows all the same.
            workflow.logger.warning("the journey could not be told: %s", error)

    def _ignore(self, journey: JourneyFacts) -> None:
        """Facts that a mail brought are of the journey; it reads them with the next change."""
