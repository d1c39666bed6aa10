"""ClientJourney: one client's story, from the first form to years of sessions, to the archive and back."""

import asyncio

from temporalio import exceptions, workflow

from workflows import steps
from workflows.parts import waitlist as lines
from workflows.parts.search_attributes import (
    ARCHIVED,
    CLIENT_REF,
    JOURNEY_STAGE,
    NEEDS_ATTENTION,
    NEXT_APPOINTMENT_AT,
    THERAPIST_SLUG,
)
from workflows.parts.ui_text import WAITING_FOR, describe_joined, describe_journey, words_of
from workflows.parts.validation import admit
from workflows.requests.archive import ArchiveRequests
from workflows.requests.care import CareRequests
from workflows.requests.clients import AccountRequests
from workflows.requests.documents import Sharing
from workflows.requests.joining import Joining
from workflows.requests.money import MoneyRequests

with workflow.unsafe.imports_passed_through():
    from activities.types import CloseOrder, GateOrder, Matched, MatchOrder, NewJourney, Opened, TaskOrder
    from rules.enums import TaskKind
    from rules.journey.goals import GOAL_REMINDER
    from rules.journey.reminders import (
        ANONYMOUS_EXPIRY,
        CARD_EXPIRING,
        FIRST_SESSION_TASK,
        FORM_GATES,
        NEW_MESSAGE,
        Due,
    )
    from rules.journey.stage import stage_of
    from workflows.messages import (
        BEGIN,
        CLIENT_JOURNEY,
        JOURNEY_QUERY,
        MATCH_BY_HAND,
        JourneyInput,
        JourneyProgress,
        JourneyState,
    )


@workflow.defn(name=CLIENT_JOURNEY)
class ClientJourney(ArchiveRequests, AccountRequests, MoneyRequests, CareRequests, Sharing, Joining):
    """One client's journey. What the database knows decides; the journey follows it, keeps the timers and acts.

    What can be asked of it besides is told by the classes it is made of.
    """

    @workflow.init
    def __init__(self, start: JourneyInput) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: JourneyInput) -> None:
        if self.known is None and not await self.open(start.new):
            await workflow.wait_condition(workflow.all_handlers_finished)
            return
        beside = [asyncio.create_task(self.postman.work()), asyncio.create_task(self.errands.work())]
        while not self.closed:
            self.show()
            if self.state.look_for_double:
                await self.look_for_double()
            elif self.state.debts:
                await self.settle_a_debt()
            elif self.facts.archived:
                await self.rest_in_the_archive()
            else:
                await self.accompany()
            if self.history_is_long() and not self.closed:
                await self.continue_as_new()
        self.show()
        await self.postman.finish()
        await self.errands.finish()
        await asyncio.gather(*beside)
        await workflow.wait_condition(workflow.all_handlers_finished)

    # ------------------------------------------------------------ the story

    async def open(self, new: NewJourney | None) -> bool:
        """Make the client and find a therapist. False if it was refused, and there is no journey."""
        if new is None:
            message = "a journey starts with what the form said"
            raise exceptions.ApplicationError(message, type="EmptyJourney", non_retryable=True)
        async with self.turn:
            self.opened = await steps.open_journey(new)
            if self.opened.facts is None:
                return False
            self.known = JourneyState(
                facts=self.opened.facts, plan=[], mails=self.postman.box, debts=[], errands=self.errands.box
            )
            self.announce(self.facts, before=None)
            self.heard_of(new.details, new.by)
            self._replan()
            for facts in self.early:
                self.take(facts)
        return True

    async def accompany(self) -> None:
        """Remind in time: to book, to activate, to fill in forms. Whom nobody knows, and who never books, is let go."""
        if not self.state.plan:
            await self.wait(until=None, label="")
            return
        due = self.state.plan[0]
        if await self.wait(until=due.at, label=words_of(due)):
            return
        self.state.plan.remove(due)
        await self.act_on(due)

    async def rest_in_the_archive(self) -> None:
        """No timer runs. An `unarchive` signal or a booking ends the rest."""
        await self.wait(until=None, label="")

    async def act_on(self, due: Due) -> None:
        if due.kind == ANONYMOUS_EXPIRY:
            async with self.turn:
                done = await steps.close_anonymous_journey(CloseOrder(client_id=self.client_id))
                self.adopt(done)
                self.closed = done.changed
        elif due.kind == FIRST_SESSION_TASK:
            self.adopt(
                await steps.open_task(
                    TaskOrder(
                        key=f"{self.client_id}:{due.key}",
                        client_id=self.client_id,
                        kind=TaskKind.NO_FIRST_SESSION,
                        text=f"Client {self.facts.ref} had an intro call, and no session is booked.",
                    )
                )
            )
        elif due.kind == CARD_EXPIRING:
            self.state.told_of_card = due.key
            if self.facts.card is not None:
                self.letters.write(due.kind, key=due.key, vital=True, text=self.facts.card.key)
        elif due.kind == GOAL_REMINDER:
            self.remind_of_goals(due)
        elif due.kind == NEW_MESSAGE:
            self.tell_of_messages(due.about)
        elif due.kind == FORM_GATES:
            self.adopt(await steps.form_gates(GateOrder(client_id=self.client_id, at=due.at)))
        else:
            self.letters.write(due.kind, key=due.key, form_id=due.about or None)
            if due.kind == "book_first_session":
                self.letters.write("book_next", key=due.key, to="therapist")

    # ------------------------------------------------------------ the beginning, and the therapist

    @workflow.update(name=BEGIN.name, description="Start the journey and answer who the therapist is.")
    async def begin(self, new: NewJourney) -> Opened:
        admit(new, client_id=self.client_id)
        await workflow.wait_condition(lambda: self.opened is not None or self.known is not None)
        return self.opened or await steps.open_journey(new)

    @workflow.update(name=MATCH_BY_HAND.name, description="Assign a therapist by hand, with a reason.")
    async def match_by_hand(self, order: MatchOrder) -> Matched:
        async with self.turn_for(order):
            result = await steps.match_by_hand(order)
            if result.facts is not None:
                self.take(result.facts)
            for appointment in result.cancelled:
                self.letters.of_cancellation(appointment)
                await self.tell(appointment)
            await lines.wake(result.lines, self.policy)
            return result

    # ------------------------------------------------------------ what is seen

    @workflow.query(name=JOURNEY_QUERY, description="Where the client is, what is awaited, and what comes next.")
    def journey(self) -> JourneyProgress:
        stage = stage_of(self.facts)
        return JourneyProgress(
            ref=self.facts.ref,
            stage=stage.value,
            therapist=self.facts.therapist,
            archived=self.facts.archived,
            waiting_for=WAITING_FOR[stage],
            next_step_at=self.state.plan[0].at if self.state.plan else None,
            outstanding_forms=list(self.facts.outstanding_forms),
            open_appointments=[
                {"id": a.id, "type": a.type.value, "starts_at": a.starts_at.isoformat()}
                for a in self.facts.open_appointments
            ],
            needs_attention=self._attention(),
            version=self.facts.version,
        )

    def show(self) -> None:
        """What the support person sees: plain words, and the attributes that lists are filtered by."""
        into = self.state.joined_into
        workflow.set_current_details(
            describe_journey(self.facts, self.state.plan) if into is None else describe_joined(self.facts.ref, into)
        )
        self.shown.show(
            {
                JOURNEY_STAGE: stage_of(self.facts).value,
                CLIENT_REF: self.facts.ref,
                THERAPIST_SLUG: self.facts.therapist,
                ARCHIVED: self.facts.archived,
                NEXT_APPOINTMENT_AT: self.facts.next_start(after=workflow.now()),
                NEEDS_ATTENTION: self._attention() or None,
            }
        )

    def _attention(self) -> list[str]:
        return sorted({task.kind for task in self.facts.open_tasks})

    # ------------------------------------------------------------ from one run to the next

    async def continue_as_new(self) -> None:
        await self.postman.pause()
        await self.errands.pause()
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(JourneyInput(client_id=self.client_id, policy=self.policy, state=self.state))
