"""The entity state of a client's journey: its facts, its turns, its outbox, and how it takes over what has changed."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

from temporalio import exceptions, workflow

from workflows.parts import details, waitlist
from workflows.parts.appointment import notify_appointment
from workflows.parts.outbox import Outbox
from workflows.parts.wait import Wait

with workflow.unsafe.imports_passed_through():
    from activities.types.clients import Done, Opened, Resumed
    from activities.types.mail import Delivered
    from rules.journey.reminders import Due, journey_plan, open_plan
    from rules.journey.settings import PlanSettings, plan_in_force
    from rules.journey.stage import Debt, JourneyFacts
    from workflows.messages import JOURNEY_CLOSED


class Journey:
    """One client's journey, as far as its story and all of its requests share it.

    All of it follows from the database: a run begins by reading it. Every change of what a journey owns passes through
    here, one at a time and in the order of arrival.
    """

    def __init__(self, client_id: str) -> None:
        self.client_id = client_id
        self.settings = PlanSettings()  # those in force, once the run has read or heard them
        self.known: JourneyFacts | None = None
        self.opened: Opened | None = None  # what was answered to whoever began the journey
        self.early: list[JourneyFacts] = []  # facts that arrived before
        self.closed = False
        self.joined_into: str | None = None  # the record into which this one was joined
        self.plan: list[Due] = []
        self.done = set[str]()  # keys of what the plan has led to already
        self.turn = asyncio.Lock()
        self.wait = Wait(lambda: self.settings.present.history_limit, work_is_left=self._work_is_left)
        self.outbox = Outbox(client_id, changed=self._delivered)
        self.seen = 0  # the newest fact that a delivery has told: of mails alone, which leave the facts as they are

    @property
    def facts(self) -> JourneyFacts:
        if self.known is None:
            message = "the journey is not open yet"
            raise RuntimeError(message)
        return self.known

    # ------------------------------------------------------------ the beginning, and turns

    def begin(self, found: Opened | Resumed) -> bool:
        """Begin a run with what its first step has found. False if there is no journey: it was refused, or closed."""
        if isinstance(found, Opened):
            self.opened = found
        else:
            self.closed, self.joined_into, self.done = found.closed, found.joined_into, set(found.done)
        if found.facts is None:
            return False
        self.known, self.settings = found.facts, found.settings
        self.outbox.note(found.facts.deliver_at)
        self.replan()
        for facts in self.early:
            self.take(facts)
        return not self.closed

    async def ready(self) -> None:
        """Messages may arrive before the journey is open; one that was refused never opens."""
        await workflow.wait_condition(lambda: self.known is not None or self.opened is not None)
        if self.known is None or self.closed:
            message = "This journey is closed."
            raise exceptions.ApplicationError(
                message, type=JOURNEY_CLOSED, non_retryable=True, category=exceptions.ApplicationErrorCategory.BENIGN
            )

    @asynccontextmanager
    async def own_turn(self) -> AsyncIterator[None]:
        """The turn of a request. The journey may have closed while others had theirs."""
        await self.ready()
        async with self.turn:
            await self.ready()
            yield

    async def can_act(self) -> bool:
        """Whether a signal can be acted on. One that cannot be has no answer: a log line and a note."""
        await workflow.wait_condition(lambda: self.known is not None or self.opened is not None)
        if self.known is None or self.closed:
            workflow.logger.warning("a signal was dropped: this journey is closed")
            details.note("a signal was dropped: this journey is closed.")
            return False
        return True

    # ------------------------------------------------------------ what has changed

    async def apply(self, done: Done) -> Done:
        """Take over all that a step has changed, and tell whom it concerns."""
        if done.facts is not None:
            self.take(done.facts)
        for appointment in done.resumed:
            await notify_appointment(appointment)
        await waitlist.wake(done.lines)
        return done

    def take(self, facts: JourneyFacts) -> None:
        """Keep the newer facts, and plan anew. Nothing changes once the journey is closed: what still comes may be
        about the record that this one was joined into."""
        if self.closed:
            return
        if self.known is None:
            self.early.append(facts)
            return
        self.outbox.note(facts.deliver_at)
        if facts.version < self.facts.version or facts == self.facts:
            return
        self.known = facts
        self.wait.note_change()
        self.replan()

    def go_by(self, settings: PlanSettings) -> None:
        """Settings have changed: plan anew."""
        if self.closed or settings == self.settings:
            return
        self.settings = settings
        self.wait.note_change()
        self.replan()

    def close(self, facts: JourneyFacts, *, into: str | None = None) -> None:
        """The journey ends; whatever is waited for is waited for no longer. What it had to deliver may have been handed
        over: what these facts say of it counts."""
        self.take(facts)
        self.outbox.expect(facts.deliver_at)
        self.closed, self.joined_into = True, into
        self.wait.note_change()

    def settle(self, due: Due) -> None:
        """What the plan led to is done, and not planned again."""
        self.done.add(due.key)
        self.replan()

    def reminded_of(self, goals: Mapping[str, datetime]) -> None:
        """The facts of goals that were just reminded of, by id, as the database is about to know them."""
        marked = (replace(g, reminded_at=goals.get(g.id, g.reminded_at)) for g in self.facts.goals)
        self.known = replace(self.facts, goals=tuple(marked))

    def replan(self) -> None:
        """Plan the reminders anew, from the facts and from what was already done."""
        now = workflow.now()
        plan = plan_in_force(self.settings, lambda policy: journey_plan(self.facts, policy=policy, now=now))
        self.plan = open_plan(plan, done=self.done)

    def _delivered(self, delivered: Delivered) -> None:
        self.seen = max(self.seen, delivered.version)
        if delivered.facts is not None:
            self.take(delivered.facts)

    # ------------------------------------------------------------ debts

    def debt_to_settle(self) -> "Debt | None":
        """What is owed and is to be tried now."""
        if self.known is None:
            return None
        now = workflow.now()
        return next((d for d in self.known.debts if d.not_before is None or d.not_before <= now), None)

    def next_debt_at(self) -> datetime | None:
        """When a debt that must not be tried yet may be."""
        return min((debt.not_before for debt in self.facts.debts if debt.not_before is not None), default=None)

    def _work_is_left(self) -> bool:
        return self.debt_to_settle() is not None
