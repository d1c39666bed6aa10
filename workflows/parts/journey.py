"""The entity state of a client's journey: its facts, its turns and outboxes, and how it takes over what has changed."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from temporalio import exceptions, workflow

from workflows.parts import waitlist
from workflows.parts.appointment import notify_appointment
from workflows.parts.mail_orders import MailOrders
from workflows.parts.mail_outbox import MailOutbox
from workflows.parts.stripe_outbox import StripeOutbox
from workflows.parts.validation import flaws
from workflows.parts.wait import Wait

with workflow.unsafe.imports_passed_through():
    from activities.types.clients import ClientDetails, Done, NewJourney, Opened
    from activities.types.facts import PaymentFacts
    from activities.types.money import StripeErrand
    from rules.accounts.caller import Caller
    from rules.journey.message_mails import message_plan
    from rules.journey.reminders import journey_plan, replan
    from rules.journey.stage import JourneyFacts
    from rules.mail.kinds import Mail
    from workflows.messages import JOURNEY_CLOSED, JourneyInput, JourneyState


class Journey:
    """One client's journey, as far as its story and all of its requests share it.

    Every change of what a journey owns passes through here, one at a time and in the order of arrival.
    """

    def __init__(self, start: JourneyInput) -> None:
        self.client_id = start.client_id
        self.policy = start.policy
        self.known = start.state  # empty until the journey is opened
        self.opened: Opened | None = None  # what was answered then
        self.early: list[JourneyFacts] = []  # facts that arrived before
        self.closed = start.state is not None and start.state.joined_into is not None
        self.turn = asyncio.Lock()
        self.wait = Wait(start.policy, work_is_left=self._work_is_left)
        self.mail_outbox = MailOutbox(self.known.mails if self.known else [], self.policy, self.take)
        self.mails = MailOrders(self.client_id, self.mail_outbox.box)
        self.stripe_outbox = StripeOutbox(
            self.client_id,
            self.known.errands if self.known else [],
            changed=lambda settled: self.take(settled.journey),
        )

    @property
    def state(self) -> JourneyState:
        if self.known is None:
            message = "the journey is not open yet"
            raise RuntimeError(message)
        return self.known

    @property
    def facts(self) -> JourneyFacts:
        return self.state.facts

    # ------------------------------------------------------------ the beginning, and turns

    def open(self, opened: Opened, new: NewJourney) -> bool:
        """Begin with what the first step has found. False if it was refused, and there is no journey."""
        self.opened = opened
        if opened.facts is None:
            return False
        self.known = JourneyState(
            facts=opened.facts, plan=[], mails=self.mail_outbox.box, debts=[], errands=self.stripe_outbox.box
        )
        self._order_mails_about(self.facts, before=None)
        self.note_address(new.details, new.by)
        self.replan()
        for facts in self.early:
            self.take(facts)
        return True

    async def ready(self) -> None:
        """Messages may arrive before the journey is open; one that was refused never opens."""
        await workflow.wait_condition(lambda: self.known is not None or self.opened is not None)
        if self.known is None or self.closed:
            message = "this journey is closed"
            raise exceptions.ApplicationError(
                message, type=JOURNEY_CLOSED, non_retryable=True, category=exceptions.ApplicationErrorCategory.BENIGN
            )

    @asynccontextmanager
    async def turn_for(self, _order: object) -> AsyncIterator[None]:
        """The turn of a request. The journey may have closed while others had theirs."""
        await self.ready()
        async with self.turn:
            await self.ready()
            yield

    async def can_act_on(self, *said: object) -> bool:
        """Whether a signal can be acted on. It has no answer, and an error would end the whole journey: a log line."""
        await workflow.wait_condition(lambda: self.known is not None or self.opened is not None)
        wrong = list(flaws(said, "what was said"))
        if self.known is None or self.closed:
            wrong.append("this journey is closed")
        if wrong:
            workflow.logger.warning("a signal was dropped: %s", "; ".join(wrong))
        return not wrong

    # ------------------------------------------------------------ what has changed

    async def apply(self, done: Done) -> Done:
        """Take over all that a step has changed, and tell whom it concerns."""
        if done.facts is not None:
            self.take(done.facts)
        for appointment in done.resumed:
            await notify_appointment(appointment)
        self.add_debts(done.debts)
        self.call_off(done.intents)
        await waitlist.wake(done.lines, self.policy)
        return done

    def take(self, facts: JourneyFacts) -> None:
        """Keep the newer facts, and order the mails about what they bring. Nothing changes once the journey is closed:
        what still comes may be about the record that this one was joined into."""
        if self.closed:
            return
        if self.known is None:
            self.early.append(facts)
            return
        if facts.version < self.facts.version or facts == self.facts:
            return
        before, self.state.facts = self.facts, facts
        self.wait.note_change()
        self._order_mails_about(facts, before=before)
        self.replan()

    def note_address(self, details: ClientDetails | None, by: Caller) -> None:
        """An address that the practice did not give may be somebody's who is known. That is looked at afterwards,
        beside the answer, which must not tell."""
        given = details is not None and details.email is not None and not by.is_practice
        if given and workflow.patched("looks-for-doubles"):
            self.state.look_for_double = True

    def add_debts(self, debts: Iterable[PaymentFacts]) -> None:
        """Debts to be settled by the story; the newest word on each counts."""
        fresh = {debt.id: debt for debt in debts}
        self.state.debts[:] = [debt for debt in self.state.debts if debt.id not in fresh] + list(fresh.values())

    def call_off(self, intents: Iterable[str]) -> None:
        """Have PaymentIntents cancelled at Stripe, beside the story."""
        for intent in intents:
            self.stripe_outbox.add(StripeErrand(intent=intent))

    def replan(self) -> None:
        """Plan the reminders anew, from the facts and from what was already reminded of."""
        now = workflow.now()
        goals = {goal.id for goal in self.facts.goals}
        self.state.reminded = {id: at for id, at in self.state.reminded.items() if id in goals}
        fresh = journey_plan(
            self.facts, policy=self.policy, now=now, before=self.state.plan, reminded=self.state.reminded
        )
        if not self.facts.archived:
            fresh += message_plan(self.state.chats)
        self.state.plan = replan(before=self.state.plan, fresh=fresh, now=now, done=self.state.told_of_card)

    def _order_mails_about(self, facts: JourneyFacts, *, before: JourneyFacts | None) -> None:
        """Mails that follow from the facts themselves: a new client, nobody found yet, a task to look at."""
        if facts.therapist and not facts.anonymous and self.state.announced_to != facts.therapist:
            self.state.announced_to = facts.therapist
            self.mails.write(Mail.NEW_CLIENT, key=f"{facts.therapist}:{facts.matched_at}")
        if facts.therapist is None and facts.reachable and not self.state.told_we_will_get_back:
            self.state.told_we_will_get_back = True
            self.mails.write(Mail.WE_WILL_GET_BACK, key="once")
        old = {task.key for task in before.open_tasks} if before else set()
        for task in facts.open_tasks:
            if task.key not in old:
                self.mails.write(Mail.TASK_OPENED, key=task.key, text=task.key)

    def _work_is_left(self) -> bool:
        return bool(self.state.debts) or self.state.look_for_double
