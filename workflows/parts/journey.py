"""What every part of a client's journey stands on: its state, its turns, and how it learns and tells."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from temporalio import exceptions, workflow

from workflows.parts.mail_orders import MailOrders
from workflows.parts.mail_outbox import MailOutbox
from workflows.parts.search_attributes import Shown
from workflows.parts.stripe_outbox import StripeOutbox
from workflows.parts.validation import admit, flaws
from workflows.parts.wait import Pace

with workflow.unsafe.imports_passed_through():
    from activities.types import AppointmentFacts, ClientDetails, Done, Errand, Opened, PaymentFacts, Settled
    from rules.accounts.caller import Caller
    from rules.care.chats import message_plan
    from rules.journey.memory import JourneyMemory
    from rules.journey.reminders import journey_plan, replan
    from rules.journey.stage import JourneyFacts
    from rules.mail.kinds import Mail
    from workflows.messages import (
        FACTS_CHANGED,
        JOURNEY_CLOSED,
        MEMORY_QUERY,
        JourneyInput,
        JourneyState,
        appointment_workflow_id,
    )


class Journey(Pace):
    """One client's journey as far as all of its requests share it.

    Every change of what a journey owns passes through here, one at a time and in the order of arrival.
    """

    def __init__(self, start: JourneyInput) -> None:
        self.client_id = start.client_id
        self.policy = start.policy
        self.opened: Opened | None = None
        self.closed = start.state is not None and start.state.joined_into is not None
        self.turn = asyncio.Lock()
        self.news = 0
        self.shown = Shown()
        self.known = start.state  # empty until the journey is opened
        self.early: list[JourneyFacts] = []  # facts that arrived before it was
        self.postman = MailOutbox(self.known.mails if self.known else [], self.policy, self.take)
        self.letters = MailOrders(self.client_id, self.postman.box)
        self.errands = StripeOutbox(self.client_id, self.known.errands if self.known else [], self.learn)

    @property
    def state(self) -> JourneyState:
        if self.known is None:
            message = "the journey is not open yet"
            raise RuntimeError(message)
        return self.known

    @property
    def facts(self) -> JourneyFacts:
        return self.state.facts

    @workflow.query(
        name=MEMORY_QUERY,
        description="What no table knows: the settings with which the journey began, and what it reminded and told of.",
    )
    def memory(self) -> JourneyMemory:
        return JourneyMemory(policy=self.policy, reminded=self.state.reminded, chats=self.state.chats)

    async def ready(self) -> None:
        """Messages may arrive before the journey is open; one that was refused never opens."""
        await workflow.wait_condition(lambda: self.known is not None or self.opened is not None)
        if self.known is None or self.closed:
            message = "this journey is closed"
            raise exceptions.ApplicationError(
                message, type=JOURNEY_CLOSED, non_retryable=True, category=exceptions.ApplicationErrorCategory.BENIGN
            )

    @asynccontextmanager
    async def turn_for(self, order: object) -> AsyncIterator[None]:
        """The turn of a request that is sound and meant for this client. It may have closed while others had theirs."""
        await self.ready()
        admit(order, client_id=self.client_id)
        async with self.turn:
            await self.ready()
            yield

    async def can_hear(self, *said: str | None) -> bool:
        """Whether a signal can be acted on. It has no answer, and an error would end the whole journey: a log line."""
        await workflow.wait_condition(lambda: self.known is not None or self.opened is not None)
        wrong = list(flaws(said, "what was said"))
        if self.known is None or self.closed:
            wrong.append("this journey is closed")
        if wrong:
            workflow.logger.warning("a signal was dropped: %s", "; ".join(wrong))
        return not wrong

    def is_needed(self) -> bool:
        return bool(self.state.debts) or self.state.look_for_double

    def heard_of(self, details: ClientDetails | None, by: Caller) -> None:
        """An address that the practice did not give may be somebody's who is known. That is looked at afterwards,
        beside the answer, which must not tell."""
        given = details is not None and details.email is not None and not by.is_practice
        if given and workflow.patched("looks-for-doubles"):
            self.state.look_for_double = True

    def take(self, facts: JourneyFacts) -> None:
        """Keep the newer facts, and announce what they bring. Nothing is news once the journey is closed: what still
        comes may be about the record that this one was joined into."""
        if self.closed:
            return
        if self.known is None:
            self.early.append(facts)
            return
        if facts.version < self.facts.version or facts == self.facts:
            return
        before, self.state.facts = self.facts, facts
        self.news += 1
        self.announce(facts, before=before)
        self._replan()

    def adopt(self, done: Done) -> Done:
        if done.facts is not None:
            self.take(done.facts)
        return done

    def announce(self, facts: JourneyFacts, *, before: JourneyFacts | None) -> None:
        """Mails that follow from the facts themselves: a new client, nobody found yet, a task to look at."""
        if facts.therapist and not facts.anonymous and self.state.announced_to != facts.therapist:
            self.state.announced_to = facts.therapist
            self.letters.write(Mail.NEW_CLIENT, key=f"{facts.therapist}:{facts.matched_at}")
        if facts.therapist is None and facts.reachable and not self.state.told_we_will_get_back:
            self.state.told_we_will_get_back = True
            self.letters.write(Mail.WE_WILL_GET_BACK, key="once")
        old = {task.key for task in before.open_tasks} if before else set()
        for task in facts.open_tasks:
            if task.key not in old:
                self.letters.write(Mail.TASK_OPENED, key=task.key, text=task.key)

    async def tell(self, appointment: AppointmentFacts) -> bool:
        """Tell an appointment's workflow what became of it. False if it has ended, and needs no telling."""
        handle = workflow.get_external_workflow_handle(appointment_workflow_id(appointment.id))
        try:
            await handle.signal(FACTS_CHANGED, appointment)
        except exceptions.FailureError:
            workflow.logger.info("appointment %s has ended already", appointment.id)
            return False
        return True

    def _replan(self) -> None:
        now = workflow.now()
        goals = {goal.id for goal in self.facts.goals}
        self.state.reminded = {id: at for id, at in self.state.reminded.items() if id in goals}
        fresh = journey_plan(
            self.facts, policy=self.policy, now=now, before=self.state.plan, reminded=self.state.reminded
        )
        if not self.facts.archived:
            fresh += message_plan(self.state.chats)
        self.state.plan = replan(before=self.state.plan, fresh=fresh, now=now, done=self.state.told_of_card)

    def do(self, errand: Errand) -> None:
        """Have something done at Stripe, once, beside the story."""
        if not self.errands.is_pending(errand):
            self.state.errands.append(errand)

    def owe(self, debts: Iterable[PaymentFacts]) -> None:
        """Debts to be settled by the story; the newest word on each counts."""
        fresh = {debt.id: debt for debt in debts}
        self.state.debts[:] = [debt for debt in self.state.debts if debt.id not in fresh] + list(fresh.values())

    def learn(self, settled: Settled) -> None:
        """What an errand changed."""
        self.take(settled.journey)
