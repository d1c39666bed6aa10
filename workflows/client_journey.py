"""ClientJourney: one client's story, from the first form to years of sessions, to the archive and back."""

import asyncio

from temporalio import exceptions, workflow

from workflows import steps
from workflows.handling.handlers import answers_query, takes_update
from workflows.parts import details
from workflows.parts import payment as money
from workflows.parts.cancelling import heedless, record_cancellation
from workflows.parts.journey import Journey
from workflows.parts.reminders import remind_of_goals, tell_of_messages
from workflows.parts.search_attributes import (
    ARCHIVED,
    CLIENT_REF,
    JOURNEY_STAGE,
    NEEDS_ATTENTION,
    NEXT_APPOINTMENT_AT,
    THERAPIST_SLUG,
    SearchAttributes,
)
from workflows.parts.ui_text import WAITING_FOR, describe_joined, describe_journey, label_of
from workflows.requests.archive import ArchiveRequests
from workflows.requests.booking import BookingRequests
from workflows.requests.care import CareRequests
from workflows.requests.clients import ClientRequests
from workflows.requests.forms import FormRequests
from workflows.requests.joining import JoiningRequests
from workflows.requests.money import MoneyRequests

with workflow.unsafe.imports_passed_through():
    from activities.types.clients import CloseOrder, NewJourney, Opened, TaskOrder
    from activities.types.forms import GateOrder
    from rules.enums import TaskKind
    from rules.journey.memory import JourneyMemory
    from rules.journey.reminders import ANONYMOUS_EXPIRY, FIRST_SESSION_TASK, FORM_GATES, Due
    from rules.journey.stage import stage_of
    from rules.mail.kinds import MAILS, Mail, to_both_sides
    from workflows.messages import BEGIN, CLIENT_JOURNEY, JOURNEY_QUERY, MEMORY_QUERY, JourneyInput, JourneyProgress


_INSTEAD = "to stop everything for the client, send the signal `archive`; `unarchive` takes it back."


@workflow.defn(name=CLIENT_JOURNEY)
class ClientJourney(
    ClientRequests, BookingRequests, FormRequests, MoneyRequests, CareRequests, ArchiveRequests, JoiningRequests
):
    """One client's journey. What the database knows decides; the journey follows it, keeps the timers and acts.

    This file is the story; what can be asked of it meanwhile is in the groups of requests.
    """

    @workflow.init
    def __init__(self, start: JourneyInput) -> None:
        self.journey = Journey(start)
        self.search_attributes = SearchAttributes()

    @workflow.run
    async def run(self, start: JourneyInput) -> None:
        await heedless(self.follow(start), instead=_INSTEAD, heard=self.record_cancellation)

    async def follow(self, start: JourneyInput) -> None:
        journey = self.journey
        if journey.known is None and not await self.open(start.new):
            await workflow.wait_condition(workflow.all_handlers_finished)
            return
        outboxes = [asyncio.create_task(each.work()) for each in (journey.mail_outbox, journey.stripe_outbox)]
        while not journey.closed:
            self.show()
            await self.take_the_next_step()
            if journey.wait.history_is_long() and not journey.closed:
                await self.continue_as_new()
        self.show()
        await journey.mail_outbox.finish()
        await journey.stripe_outbox.finish()
        await asyncio.gather(*outboxes)
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def record_cancellation(self) -> None:
        self.journey.take(await record_cancellation())

    # ------------------------------------------------------------ the story

    async def open(self, new: NewJourney | None) -> bool:
        """Make the client and find a therapist. False if it was refused, and there is no journey."""
        if new is None:
            message = "a journey starts with what the form said"
            raise exceptions.ApplicationError(message, type="EmptyJourney", non_retryable=True)
        async with self.journey.turn:
            return self.journey.open(await steps.open_journey(new), new)

    async def take_the_next_step(self) -> None:
        """Whatever follows from the facts: a run may begin anywhere in the story."""
        state = self.journey.state
        if state.look_for_double:
            await self.look_for_double()
        elif state.debts:
            await self.settle_a_debt()
        elif state.facts.archived:
            await self.rest_in_the_archive()
        else:
            await self.accompany()

    async def accompany(self) -> None:
        """Remind in time: to book, to activate, to fill in forms. Whom nobody knows, and who never books, is let go."""
        plan = self.journey.state.plan
        if not plan:
            await self.journey.wait.until(None, label="")
            return
        due = plan[0]
        if await self.journey.wait.until(due.at, label=label_of(due)):
            return
        self.journey.state.plan.remove(due)
        await self.act_on(due)

    async def act_on(self, due: Due) -> None:
        journey = self.journey
        if due.kind == ANONYMOUS_EXPIRY:
            await self.let_go()
        elif due.kind == FIRST_SESSION_TASK:
            await self.ask_for_a_first_session(due)
        elif due.kind == Mail.CARD_EXPIRING:
            journey.state.told_of_card = due.key
            if journey.facts.card is not None:
                journey.mails.write(Mail.CARD_EXPIRING, key=due.key, text=journey.facts.card.key)
        elif due.kind == Mail.GOAL_REMINDER:
            remind_of_goals(journey, due)
        elif due.kind == Mail.NEW_MESSAGE:
            tell_of_messages(journey, due.about)
        elif due.kind == FORM_GATES:
            await journey.apply(await steps.form_gates(GateOrder(client_id=journey.client_id, at=due.at)))
        elif due.kind in MAILS:
            for mail in to_both_sides(Mail(due.kind)):
                journey.mails.write(mail, key=due.key, form_id=due.about or None)

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

    async def look_for_double(self) -> None:
        """Somebody may be known already by the address that was given: then the care team is told."""
        self.journey.state.look_for_double = False
        await self.journey.apply(await steps.notice_double(self.journey.client_id))

    async def settle_a_debt(self) -> None:
        """A new card has come: what is owed is charged, one debt at a time."""
        journey = self.journey
        debt = journey.state.debts.pop(0)
        settled = await money.attempt(debt, journey.policy, began=lambda begun: journey.take(begun.journey))
        journey.state.mails.extend(money.mails_about(debt, settled.appointment))
        journey.take(settled.journey)
        journey.add_debts(settled.debts)

    async def rest_in_the_archive(self) -> None:
        """No timer runs. An `unarchive` signal or a booking ends the rest."""
        await self.journey.wait.until(None, label="")

    # ------------------------------------------------------------ the beginning, for whoever asked for it

    @takes_update(BEGIN, "Start the journey and answer who the therapist is.")
    async def begin(self, new: NewJourney) -> Opened:
        journey = self.journey
        await workflow.wait_condition(lambda: journey.opened is not None or journey.known is not None)
        return journey.opened or await steps.open_journey(new)

    # ------------------------------------------------------------ what is seen

    @answers_query(JOURNEY_QUERY, "Where the client is, what is awaited, and what comes next.")
    def progress(self) -> JourneyProgress:
        facts, plan = self.journey.facts, self.journey.state.plan
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
            version=facts.version,
        )

    @answers_query(
        MEMORY_QUERY,
        "What no table knows: the settings with which the journey began, and what it reminded and told of.",
    )
    def memory(self) -> JourneyMemory:
        state = self.journey.state
        return JourneyMemory(policy=self.journey.policy, reminded=state.reminded, chats=state.chats)

    def show(self) -> None:
        """What the support person sees: plain words, and the attributes that lists are filtered by."""
        facts, into = self.journey.facts, self.journey.state.joined_into
        details.show(
            describe_journey(facts, self.journey.state.plan) if into is None else describe_joined(facts.ref, into)
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
        journey = self.journey
        await journey.mail_outbox.pause()
        await journey.stripe_outbox.pause()
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(JourneyInput(client_id=journey.client_id, policy=journey.policy, state=journey.state))
