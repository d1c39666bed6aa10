"""AppointmentJourney: remind, wait for the outcome, settle the payment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from temporalio import exceptions, workflow

from workflows import steps
from workflows.handling.handlers import answers_query, takes_signal, takes_update
from workflows.handling.starts import Start, has_a_row
from workflows.parts import details, waitlist
from workflows.parts import payment as money
from workflows.parts.appointment import FollowedAppointment, attributes_of
from workflows.parts.cancelling import heedless, record_cancellation
from workflows.parts.outbox import Outbox
from workflows.parts.search_attributes import SearchAttributes
from workflows.parts.stumbling import stumble
from workflows.parts.wait import Wait
from workflows.shown.appointment import describe_appointment, waiting_for
from workflows.shown.watch import keep_shown
from workflows.shown.words import label_of

with workflow.unsafe.imports_passed_through():
    from activities.types.booking import CancelOrder, Changed, OutcomeOrder, RescheduleOrder
    from activities.types.clients import TaskOrder
    from activities.types.facts import AppointmentFacts
    from rules.enums import AppointmentStatus, TaskKind
    from rules.journey.reminders import OUTCOME_BREACH, OUTCOME_TASK, Due
    from rules.journey.settling import next_step
    from rules.keeping import Kept
    from rules.mail.kinds import MAILS, Mail
    from rules.mail.orders import mail_order
    from rules.policy import JourneyPolicy
    from workflows.messages import (
        APPOINTMENT_JOURNEY,
        APPOINTMENT_QUERY,
        CANCEL,
        FACTS_CHANGED,
        RECORD_OUTCOME,
        RESCHEDULE,
        SETTINGS_CHANGED,
        AppointmentInput,
        AppointmentProgress,
    )


_FRESH = timedelta(minutes=1)  # for so long what its journey has read counts for an appointment that begins
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
    def __init__(self, *said: Any) -> None:
        self.start = Start(AppointmentInput, said, of=Kept.APPOINTMENT, key="appointment_id")
        self.id = self.start.input.appointment_id
        self.wait = Wait(lambda: self.policy.history_limit)
        self.known: FollowedAppointment | None = None
        self.early: list[AppointmentFacts] = []  # told before the rows were read
        self.turn = asyncio.Lock()  # one change at a time, in the order of arrival
        self.search_attributes = SearchAttributes()

    @property
    def followed(self) -> FollowedAppointment:
        assert self.known is not None, "the rows are read before anything is done"
        return self.known

    @property
    def facts(self) -> AppointmentFacts:
        return self.followed.facts

    @property
    def policy(self) -> JourneyPolicy:
        return self.followed.settings.present

    @property
    def outbox(self) -> Outbox:
        return self.followed.outbox

    @workflow.run
    async def run(self, *said: Any) -> None:
        self.start.must_be_sound()
        await heedless(self.follow(), instead=_INSTEAD, heard=self.record_cancellation)

    async def record_cancellation(self) -> None:
        _ = await record_cancellation()

    async def follow(self) -> None:
        await self.resume()
        outbox = asyncio.create_task(self.outbox.work())
        shown = asyncio.create_task(keep_shown(lambda: (self.wait.changes, len(self.followed.plan)), self.show))
        while await self.goes_on():
            try:
                await self.take_the_next_step()
            except exceptions.ActivityError as error:
                await stumble(error, self.wait, client_id=self.facts.client_id, appointment_id=self.id)
            if self.wait.history_is_long() and not self.followed.is_over():
                await self.continue_as_new()
        self.wait.end()
        await self.outbox.finish()
        await outbox
        await workflow.wait_condition(workflow.all_handlers_finished)
        if not self.followed.is_over():  # its payment was restored while this run was ending
            await self.continue_as_new()
        shown.cancel()
        self.show()

    async def resume(self) -> None:
        """Started with nothing but the id, everything is read from the rows. So it is where what came along may be
        old: no worker was there meanwhile, or somebody has reset the workflow."""
        resumed = self.start.input.read
        if resumed is None or workflow.now() - workflow.info().start_time > _FRESH:
            with has_a_row():
                resumed = await steps.resume_appointment(self.id)
        self.known = FollowedAppointment(resumed, self.wait)
        for facts in self.early:
            self.known.take(facts)

    # ------------------------------------------------------------ the story

    async def take_the_next_step(self) -> None:
        if self.facts.status is AppointmentStatus.SCHEDULED:
            await self.remind_and_wait_for_the_outcome()
        else:
            await self.settle_the_payment()

    async def goes_on(self) -> bool:
        """False at the end, once the last mail is out. While mails wait, a payment that is restored does not."""
        if self.followed.is_over():
            await workflow.wait_condition(lambda: self.outbox.is_empty() or not self.followed.is_over())
        return not self.followed.is_over()

    async def remind_and_wait_for_the_outcome(self) -> None:
        """Before the start: reminders. After the end: ask the therapist, then the care team; never guess."""
        if not self.followed.plan:
            await self.wait.until(None, label="the outcome")
            return
        due = self.followed.plan[0]
        if await self.wait.until(due.at, label=label_of(due)):
            return
        await self.act_on(due)
        self.followed.note_done(due)

    async def act_on(self, due: Due) -> None:
        facts = self.facts
        if due.kind in MAILS:
            order = mail_order(Mail(due.kind), key=f"{facts.id}:{due.key}", client_id=facts.client_id)
            self.outbox.remind([replace(order, appointment_ids=(facts.id,), only_if_starts_at=facts.starts_at)])
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
            await self.followed.follow(await steps.owe_payment(payment.id))
        else:
            await self.followed.follow_try(await steps.try_payment(self.followed.begin_try(payment)))

    # ------------------------------------------------------------ messages

    @asynccontextmanager
    async def own_turn(self) -> AsyncIterator[None]:
        await workflow.wait_condition(lambda: self.known is not None)
        async with self.turn:
            yield

    @takes_update(RECORD_OUTCOME, "Record that it occurred, or that the client did not come.")
    async def record_outcome(self, order: OutcomeOrder) -> Changed:
        async with self.own_turn():
            result = await steps.record_outcome(order)
            await self.followed.follow(result)
            return result

    @takes_update(CANCEL, "Cancel, with the fee that is due for it, if any.")
    async def cancel(self, order: CancelOrder) -> Changed:
        async with self.own_turn():
            result = await steps.cancel_appointment(order)
            await self.followed.follow(result)
            await waitlist.wake(result.lines)
            return result

    @takes_update(RESCHEDULE, "Move to another time; the appointment keeps its id.")
    async def reschedule(self, order: RescheduleOrder) -> Changed:
        async with self.own_turn():
            result = await steps.reschedule_appointment(order)
            await self.followed.follow(result)
            await waitlist.wake(result.lines)
            return result

    @takes_signal(
        FACTS_CHANGED, "The client's journey changed something here (archive, new card, Stripe's word): take it over."
    )
    def facts_changed(self, facts: AppointmentFacts) -> None:
        if self.known is None:
            self.early.append(facts)
        else:
            self.known.take(facts)

    @takes_signal(SETTINGS_CHANGED, "The practice's settings have changed: everything is planned by the new ones.")
    async def settings_changed(self) -> None:
        await workflow.wait_condition(lambda: self.known is not None)
        try:
            resumed = await steps.resume_appointment(self.id)
        except exceptions.FailureError as error:
            workflow.logger.warning("the settings could not be read: %s", error)
        else:
            self.followed.go_by(resumed.settings)

    # ------------------------------------------------------------ what is seen

    @answers_query(APPOINTMENT_QUERY, "Where this appointment stands, and what comes next.")
    def progress(self) -> AppointmentProgress:
        if self.known is None:
            message = "the appointment is being read"
            raise exceptions.ApplicationError(message, type="NotYetRead")
        return AppointmentProgress(
            id=self.facts.id,
            type=self.facts.type.value,
            status=self.facts.status.value,
            starts_at=self.facts.starts_at,
            ends_at=self.facts.ends_at,
            waiting_for=waiting_for(self.facts, self.followed.plan, zone=self.policy.time_zone),
            next_step_at=self._next_step_at(),
            payment=self.facts.payment,
        )

    def show(self) -> None:
        facts, plan, now, zone = self.facts, self.followed.plan, workflow.now(), self.policy.time_zone
        details.show(lambda: describe_appointment(facts, plan, now=now, zone=zone))
        if not self.followed.is_over():  # else the attributes stay as they were
            self.search_attributes.upsert(attributes_of(facts, now=now))

    def _next_step_at(self) -> datetime | None:
        if self.facts.status is AppointmentStatus.SCHEDULED:
            return self.followed.plan[0].at if self.followed.plan else None
        payment = self.facts.payment
        return next_step(payment).at if payment is not None and money.is_open(payment) else None

    # ------------------------------------------------------------ from one run to the next

    async def continue_as_new(self) -> None:
        await self.outbox.pause()
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(AppointmentInput(appointment_id=self.id))
