"""ClientJourney: one client's story, from the first form to years of sessions, to the archive and back."""

import asyncio
from dataclasses import replace
from typing import Any

from temporalio import exceptions, workflow

from workflows import steps
from workflows.handling.handlers import answers_query, takes_signal, takes_update
from workflows.handling.starts import Start
from workflows.parts import details
from workflows.parts.cancelling import heedless, record_cancellation
from workflows.parts.journey import Journey
from workflows.parts.search_attributes import (
    ARCHIVED,
    CLIENT_REF,
    JOURNEY_STAGE,
    NEEDS_ATTENTION,
    NEXT_APPOINTMENT_AT,
    THERAPIST_SLUG,
    SearchAttributes,
)
from workflows.parts.stumbling import stumble
from workflows.requests.archive import ArchiveRequests
from workflows.requests.booking import BookingRequests
from workflows.requests.care import CareRequests
from workflows.requests.clients import ClientRequests
from workflows.requests.forms import FormRequests
from workflows.requests.joining import JoiningRequests
from workflows.requests.money import MoneyRequests
from workflows.shown.journey import WAITING_FOR, describe_joined, describe_journey
from workflows.shown.watch import keep_shown
from workflows.shown.words import label_of

with workflow.unsafe.imports_passed_through():
    from activities.types.clients import CloseOrder, NewJourney, Opened, TaskOrder
    from activities.types.forms import GateOrder
    from activities.types.money import AttemptOrder
    from rules.enums import TaskKind
    from rules.journey.reminders import ANONYMOUS_EXPIRY, APPOINTMENT_STARTS, FIRST_SESSION_TASK, FORM_GATES, Due
    from rules.journey.stage import Debt, stage_of
    from rules.keeping import Kept
    from rules.mail.kinds import Mail, to_both_sides
    from rules.mail.orders import MailOrder, mail_order
    from workflows.messages import BEGIN, CLIENT_JOURNEY, JOURNEY_QUERY, SETTINGS_CHANGED, JourneyInput, JourneyProgress


_INSTEAD = "to stop everything for the client, send the signal `archive`; `unarchive` takes it back."
_OWED_AGAIN = "another try at what is owed"


@workflow.defn(name=CLIENT_JOURNEY)
class ClientJourney(
    ClientRequests, BookingRequests, FormRequests, MoneyRequests, CareRequests, ArchiveRequests, JoiningRequests
):
    """One client's journey. What the database knows decides; the journey follows it, keeps the timers and acts.

    This file is the story; what can be asked of it meanwhile is in the groups of requests.
    """

    @workflow.init
    def __init__(self, *said: Any) -> None:
        self.start = Start(JourneyInput, said, of=Kept.JOURNEY, key="client_id")
        self.journey = Journey(self.start.input.client_id)
        self.search_attributes = SearchAttributes()

    @workflow.run
    async def run(self, *said: Any) -> None:
        self.start.must_be_sound()
        await heedless(self.follow(self.start.input.new), instead=_INSTEAD, heard=self.record_cancellation)

    async def follow(self, new: NewJourney | None) -> None:
        journey = self.journey
        if not await self.begin_run(new):
            self.show()
            await workflow.wait_condition(workflow.all_handlers_finished)
            return
        outbox = asyncio.create_task(journey.outbox.work())
        shown = asyncio.create_task(keep_shown(lambda: (journey.wait.changes, len(journey.plan)), self.show))
        while not journey.closed:
            try:
                await self.take_the_next_step()
            except exceptions.ActivityError as error:
                await stumble(error, journey.wait, client_id=journey.client_id)
            if journey.wait.history_is_long() and not journey.closed:
                await self.continue_as_new()
        shown.cancel()
        journey.wait.end()
        self.show()
        await journey.outbox.finish()
        await outbox
        if not journey.outbox.is_empty():
            await steps.leave_to_practice_mail(journey.client_id)
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def record_cancellation(self) -> None:
        self.journey.take(await record_cancellation())

    # ------------------------------------------------------------ the story

    async def begin_run(self, new: NewJourney | None) -> bool:
        """Make the client and find a therapist; or read where the journey stands. False if there is none."""
        async with self.journey.turn:
            if new is not None:
                return self.journey.begin(await steps.open_journey(new))
            return self.journey.begin(await steps.resume_journey(self.journey.client_id))

    async def take_the_next_step(self) -> None:
        """Whatever follows from the facts: a run may begin anywhere in the story."""
        debt = self.journey.debt_to_settle()
        if debt is not None:
            await self.settle(debt)
        elif self.journey.facts.archived:
            await self.rest_in_the_archive()
        else:
            await self.accompany()

    async def accompany(self) -> None:
        """Remind in time: to book, to activate, to fill in forms. Whom nobody knows, and who never books, is let go."""
        plan, debt_at = self.journey.plan, self.journey.next_debt_at()
        if not plan or (debt_at is not None and debt_at < plan[0].at):
            await self.journey.wait.until(debt_at, label=_OWED_AGAIN)
            return
        due = plan[0]
        if not await self.journey.wait.until(due.at, label=label_of(due)):
            await self.act_on(due)

    async def act_on(self, due: Due) -> None:
        journey = self.journey
        if due.kind == ANONYMOUS_EXPIRY:
            await self.let_go()
        elif due.kind == FIRST_SESSION_TASK:
            await self.ask_for_a_first_session(due)
        elif due.kind == FORM_GATES:
            await journey.apply(await steps.form_gates(GateOrder(client_id=journey.client_id, at=due.at)))
        elif due.kind == APPOINTMENT_STARTS:
            journey.take(await steps.appointment_started(due.about))
        elif due.kind == Mail.GOAL_REMINDER:
            self.remind_of_goals(due)
        else:
            for mail in to_both_sides(Mail(due.kind)):
                card = journey.facts.card.key if mail is Mail.CARD_EXPIRING and journey.facts.card else ""
                journey.outbox.remind([replace(self.order_of(mail, due), form_id=due.about or None, text=card)])
        journey.settle(due)

    def order_of(self, mail: Mail, due: Due) -> MailOrder:
        client_id = self.journey.client_id
        return mail_order(mail, key=f"{mail}:{client_id}:{due.key}", client_id=client_id)

    def remind_of_goals(self, due: Due) -> None:
        """One mail for all goals that are due at this instant."""
        journey = self.journey
        together = [d for d in journey.plan if (d.kind, d.at) == (due.kind, due.at)]
        at = {d.about: due.at for d in together}
        goals = {goal.id: goal.since for goal in journey.facts.goals if goal.id in at}
        journey.outbox.remind([replace(self.order_of(Mail.GOAL_REMINDER, due), goals=goals)], at)
        journey.reminded_of(at)

    async def let_go(self) -> None:
        """Nobody gave a name or booked: the journey is closed, unless somebody just did."""
        async with self.journey.turn:
            done = await steps.close_anonymous_journey(CloseOrder(client_id=self.journey.client_id))
            await self.journey.apply(done)
            self.journey.closed = done.changed

    async def ask_for_a_first_session(self, due: Due) -> None:
        order = TaskOrder(
            key=f"{self.journey.client_id}:{due.key}",
            client_id=self.journey.client_id,
            kind=TaskKind.NO_FIRST_SESSION,
            text=f"Client {self.journey.facts.ref} had an intro call, and no session is booked.",
        )
        await self.journey.apply(await steps.open_task(order))

    async def settle(self, debt: Debt) -> None:
        """What is owed is to be tried again: one debt at a time."""
        tried = await steps.try_payment(AttemptOrder(payment_id=debt.payment_id, attempt=debt.attempts + 1))
        self.journey.take(tried.journey)

    async def rest_in_the_archive(self) -> None:
        """No timer runs, but for a try that was begun before. An `unarchive` signal or a booking ends the rest."""
        await self.journey.wait.until(self.journey.next_debt_at(), label=_OWED_AGAIN)

    @takes_signal(SETTINGS_CHANGED, "The practice's settings have changed: everything is planned by the new ones.")
    async def settings_changed(self) -> None:
        if await self.journey.can_act():
            self.journey.go_by((await steps.resume_journey(self.journey.client_id)).settings)

    # ------------------------------------------------------------ the beginning, for whoever asked for it

    @takes_update(BEGIN, "Start the journey and answer who the therapist is.")
    async def begin(self, new: NewJourney) -> Opened:
        journey = self.journey
        await workflow.wait_condition(lambda: journey.opened is not None or journey.known is not None)
        return journey.opened or await steps.open_journey(new)

    # ------------------------------------------------------------ what is seen

    @answers_query(JOURNEY_QUERY, "Where the client is, what is awaited, and what comes next.")
    def progress(self) -> JourneyProgress:
        journey, facts, plan = self.journey, self.journey.facts, self.journey.plan
        stage = stage_of(facts)
        return JourneyProgress(
            ref=facts.ref,
            stage=stage.value,
            therapist=facts.therapist,
            archived=facts.archived,
            waiting_for=WAITING_FOR[stage],
            next_step_at=plan[0].at if plan else None,
            outstanding_forms=list(facts.outstanding_forms),
            open_appointments=[
                {"id": a.id, "type": a.type.value, "starts_at": a.starts_at.isoformat()}
                for a in facts.open_appointments
            ],
            needs_attention=self._attention(),
            version=max(facts.version, journey.seen),
        )

    def show(self) -> None:
        """What the support person sees: plain words, and the attributes that lists are filtered by."""
        journey = self.journey
        if journey.known is None:
            return
        facts, into, plan = journey.facts, journey.joined_into, list(journey.plan)
        now, zone = workflow.now(), journey.settings.present.time_zone
        details.show(
            lambda: describe_joined(facts, into) if into else describe_journey(facts, plan, now=now, zone=zone)
        )
        self.search_attributes.upsert(
            {
                JOURNEY_STAGE: stage_of(facts).value,
                CLIENT_REF: facts.ref,
                THERAPIST_SLUG: facts.therapist,
                ARCHIVED: facts.archived,
                NEXT_APPOINTMENT_AT: facts.next_start(after=workflow.now()),
                NEEDS_ATTENTION: self._attention() or None,
            }
        )

    def _attention(self) -> list[str]:
        return sorted({task.kind for task in self.journey.facts.open_tasks})

    # ------------------------------------------------------------ from one run to the next

    async def continue_as_new(self) -> None:
        await self.journey.outbox.pause()
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(JourneyInput(client_id=self.journey.client_id))
