"""ClientJourney: one client's story, from the first form to years of sessions, to the archive and back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio import exceptions, workflow

from workflows import lines, steps
from workflows import payment as money
from workflows.admission import admit, flaws
from workflows.appointment_journey import AppointmentJourney
from workflows.letters import Letters
from workflows.pace import Pace
from workflows.plain_words import WAITING_FOR, describe_journey, words_of
from workflows.postman import Postman
from workflows.search_attributes import (
    ARCHIVED,
    CLIENT_REF,
    JOURNEY_STAGE,
    NEEDS_ATTENTION,
    NEXT_APPOINTMENT_AT,
    THERAPIST_SLUG,
    Shown,
)

with workflow.unsafe.imports_passed_through():
    from activities.types import (
        ActivationOrder,
        AppointmentFacts,
        ArchiveOrder,
        Booked,
        BookingOrder,
        CloseOrder,
        ConfirmationOrder,
        DetailsOrder,
        Done,
        FollowingCancelOrder,
        FollowingChanged,
        FollowingMoveOrder,
        FormSubmission,
        LeaveOrder,
        LinkOrder,
        LinksOrder,
        MailOrder,
        Matched,
        MatchOrder,
        NewJourney,
        Opened,
        Settled,
        TaskOrder,
        TaskResolution,
        UnarchiveOrder,
        WaitOrder,
    )
    from rules.people import VIA_TEMPORAL
    from rules.refusals import Problem, Refusal
    from rules.reminders import ANONYMOUS_EXPIRY, FIRST_SESSION_TASK, Due, journey_plan, replan
    from rules.stage import JourneyFacts, stage_of
    from rules.words import TaskKind
    from workflows.messages import (
        ACTIVATE,
        APPOINTMENT_REPORTED,
        ARCHIVE,
        BEGIN,
        BOOK,
        CANCEL_FOLLOWING,
        CHANGE_DETAILS,
        CLIENT_JOURNEY,
        FACTS_CHANGED,
        INBOUND_EVENT,
        JOIN_WAITLIST,
        JOURNEY_CLOSED,
        JOURNEY_QUERY,
        LEAVE_WAITLIST,
        LINKS_CHANGED,
        MATCH_BY_HAND,
        PREPARE_CONFIRMATION,
        RESCHEDULE_FOLLOWING,
        RESOLVE_TASK,
        SEND_ACTIVATION_LINK,
        SET_UP_CARD,
        SUBMIT_FORM,
        UNARCHIVE,
        AppointmentInput,
        ArchiveSignal,
        JourneyInput,
        JourneyState,
        JourneyView,
        LinksSignal,
        UnarchiveSignal,
        appointment_workflow_id,
    )


@workflow.defn(name=CLIENT_JOURNEY)
class ClientJourney(Pace):
    """One client's journey. What the database knows decides; the journey follows it, keeps the timers and acts.

    Every change of what a journey owns passes through here, one at a time and in the order of arrival.
    """

    @workflow.init
    def __init__(self, start: JourneyInput) -> None:
        self.client_id = start.client_id
        self.policy = start.policy
        self.opened: Opened | None = None
        self.closed = False
        self.turn = asyncio.Lock()
        self.news = 0
        self.shown = Shown()
        self.known = start.state  # empty until the journey is opened
        self.early: list[JourneyFacts] = []  # facts that arrived before it was
        self.postman = Postman(self.known.mails if self.known else [], self.policy, self.take)
        self.letters = Letters(self.client_id, self.postman.box)

    @property
    def state(self) -> JourneyState:
        if self.known is None:
            message = "the journey is not open yet"
            raise RuntimeError(message)
        return self.known

    @property
    def facts(self) -> JourneyFacts:
        return self.state.facts

    @workflow.run
    async def run(self, start: JourneyInput) -> None:
        if self.known is None and not await self.open(start.new):
            await workflow.wait_condition(workflow.all_handlers_finished)
            return
        post = asyncio.create_task(self.postman.work())
        while not self.closed:
            self.show()
            if self.state.debts:
                await self.settle_a_debt()
            elif self.facts.archived:
                await self.rest_in_the_archive()
            else:
                await self.accompany()
            if self.history_is_long() and not self.closed:
                await self.continue_as_new()
        self.show()
        await self.postman.finish()
        await post
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
            self.known = JourneyState(facts=self.opened.facts, plan=[], mails=self.postman.box, debts=[])
            self.announce(self.facts, before=None)
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
        else:
            self.letters.write(due.kind, key=due.key)
            if due.kind == "book_first_session":
                self.letters.write("book_next", key=due.key, to="therapist")

    async def settle_a_debt(self) -> None:
        """A new card has come: what is owed is charged, one debt at a time."""
        debt = self.state.debts.pop(0)
        settled = await money.attempt(debt, self.policy, began=lambda begun: self.take(begun.journey))
        self.state.mails.extend(money.mails_about(debt, settled.appointment))
        self.take(settled.journey)

    # ------------------------------------------------------------ what can be asked for, and refused

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

    @workflow.update(name=BOOK.name, description="Book an appointment or a weekly series.")
    async def book(self, order: BookingOrder) -> Booked:
        async with self.turn_for(order):
            result = await steps.book(order)
            if result.facts is None:
                return result
            self.take(result.facts)
            await asyncio.gather(*(self.start_appointment(facts) for facts in result.appointments))
            for appointment in result.resumed:
                await self.tell(appointment)
            self.letters.of_booking(order, result, self.facts)
            await lines.wake(result.lines, self.policy)
            return result

    @workflow.update(name=CANCEL_FOLLOWING.name, description="Cancel an appointment of a series and all after it.")
    async def cancel_following(self, order: FollowingCancelOrder) -> FollowingChanged:
        async with self.turn_for(order):
            by_client = order.requested_by_client or not order.by.is_practice
            return await self.follow(await steps.cancel_following(order, self.policy), order, by_client=by_client)

    @workflow.update(name=RESCHEDULE_FOLLOWING.name, description="Move an appointment of a series and all after it.")
    async def reschedule_following(self, order: FollowingMoveOrder) -> FollowingChanged:
        async with self.turn_for(order):
            by_client = not order.by.is_practice
            return await self.follow(await steps.reschedule_following(order, self.policy), order, by_client=by_client)

    @workflow.update(name=JOIN_WAITLIST.name, description="Wait for a time with the therapist, or change the wish.")
    async def join_waitlist(self, order: WaitOrder) -> Done:
        async with self.turn_for(order):
            done = self.adopt(await steps.join_waitlist(order))
            await lines.wake(done.lines, self.policy)
            return done

    @workflow.update(name=LEAVE_WAITLIST.name, description="Give up a place on the waitlist.")
    async def leave_waitlist(self, order: LeaveOrder) -> Done:
        async with self.turn_for(order):
            done = self.adopt(await steps.leave_waitlist(order))
            await lines.wake(done.lines, self.policy)
            return done

    @workflow.update(name=ACTIVATE.name, description="Activate the client's account with a mailed link.")
    async def activate(self, order: ActivationOrder) -> Done:
        async with self.turn_for(order):
            return self.adopt(await steps.activate_account(order))

    @workflow.update(name=SEND_ACTIVATION_LINK.name, description="Mail a new activation link.")
    async def send_activation_link(self, order: LinkOrder) -> Done:
        await self.ready()
        admit(order, client_id=self.client_id)
        if self.facts.account_active:
            detail = "The account is active already; the client can sign in."
            return Done(refusal=Refusal(name=Problem.ACTIVATION_LINK_INVALID, detail=detail))
        if not self.facts.reachable:
            return Done(refusal=_NO_ADDRESS)
        self.letters.write("welcome", key=f"again:{order.request_id}", vital=True, asked_for=True)
        return Done(facts=self.facts)

    @workflow.update(name=CHANGE_DETAILS.name, description="Change details, portal settings or the subscription.")
    async def change_details(self, order: DetailsOrder) -> Done:
        async with self.turn_for(order):
            return self.adopt(await steps.change_details(order))

    @workflow.update(name=SET_UP_CARD.name, description="Prepare the saving of a card at Stripe.")
    async def set_up_card(self, order: LinkOrder) -> Done:
        await self.ready()
        admit(order, client_id=self.client_id)
        try:
            return await steps.set_up_card(order)
        except exceptions.ActivityError:
            return Done(refusal=_CARD_SERVICE_AWAY)

    @workflow.update(name=PREPARE_CONFIRMATION.name, description="Prepare a payment that the client is to confirm.")
    async def prepare_confirmation(self, order: ConfirmationOrder) -> Done:
        await self.ready()
        admit(order, client_id=self.client_id)
        try:
            return await steps.prepare_confirmation(order)
        except exceptions.ActivityError:
            return Done(refusal=_CARD_SERVICE_AWAY)

    @workflow.update(name=SUBMIT_FORM.name, description="Complete a form; Billing Info also saves the card.")
    async def submit_form(self, order: FormSubmission) -> Done:
        async with self.turn_for(order):
            try:
                done = self.adopt(await steps.submit_form(order))
            except exceptions.ActivityError:
                return Done(refusal=_CARD_SERVICE_AWAY)
            for appointment in done.resumed:
                await self.tell(appointment)
            fresh = {debt.id for debt in done.debts}
            self.state.debts[:] = [debt for debt in self.state.debts if debt.id not in fresh] + list(done.debts)
            return done

    @workflow.update(name=RESOLVE_TASK.name, description="Resolve one of the care team's tasks.")
    async def resolve_task(self, order: TaskResolution) -> Done:
        async with self.turn_for(order):
            return self.adopt(await steps.resolve_task(order))

    # ------------------------------------------------------------ signals

    @workflow.signal(
        name=ARCHIVE,
        description="Archive the client: everything ahead stops. The input may be left out.",
    )
    async def archive(self, request: ArchiveSignal | None = None) -> None:
        asked = request or ArchiveSignal()
        if not await self.can_hear(asked.request_id, asked.by, asked.reason):
            return
        async with self.turn:
            if self.closed:
                return
            result = await steps.archive_client(
                ArchiveOrder(
                    client_id=self.client_id,
                    request_id=asked.request_id or str(workflow.uuid4()),
                    by=asked.by or VIA_TEMPORAL,
                    reason=asked.reason,
                    notify=asked.notify,
                ),
                self.policy,
            )
            self.take(result.facts)
            self.state.debts.clear()
            for appointment in result.appointments:
                await self.tell(appointment)
                if appointment.id in result.cancelled and asked.notify:
                    self.letters.of_cancellation(appointment)
            await lines.wake(result.lines, self.policy)
        # Outside of the turn: Stripe may be away for long, and nobody else's request should wait for it.
        for intent in result.intents:
            await steps.cancel_intent(self.client_id, intent)

    @workflow.signal(name=UNARCHIVE, description="Make the client active again. The input may be left out.")
    async def unarchive(self, request: UnarchiveSignal | None = None) -> None:
        asked = request or UnarchiveSignal()
        if not await self.can_hear(asked.request_id, asked.by):
            return
        async with self.turn:
            if self.closed:
                return
            result = await steps.unarchive_client(
                UnarchiveOrder(
                    client_id=self.client_id,
                    request_id=asked.request_id or str(workflow.uuid4()),
                    by=asked.by or VIA_TEMPORAL,
                )
            )
            self.take(result.facts)
            for appointment in result.appointments:
                await self.tell(appointment)

    @workflow.signal(
        name=LINKS_CHANGED,
        description="A therapist's link has changed: the appointments ahead get the new one, and the client is told.",
    )
    async def links_changed(self, news: LinksSignal) -> None:
        if not await self.can_hear(news.request_id, news.therapist, news.by):
            return
        async with self.turn:
            if self.closed:
                return
            result = await steps.refresh_links(
                LinksOrder(client_id=self.client_id, request_id=news.request_id, therapist=news.therapist, by=news.by)
            )
            self.take(result.facts)
            if result.appointment_ids:
                key = news.request_id
                self.letters.write("appointment_updated", key=key, appointment_ids=result.appointment_ids, vital=True)

    @workflow.signal(
        name=APPOINTMENT_REPORTED,
        description="From an appointment's workflow: something changed, and these are the client's facts now.",
    )
    def appointment_reported(self, facts: JourneyFacts) -> None:
        """Synchronous, and without the lock: an appointment reports before it answers its own caller."""
        self.take(facts)
        self.news += 1  # an appointment that has begun is no longer the next one, although no fact is new

    @workflow.signal(name=INBOUND_EVENT, description="Stripe reported something about this client: look at it.")
    async def inbound_event(self, event_id: str) -> None:
        if not await self.can_hear(event_id):
            return
        handled = await steps.handle_inbound_event(event_id)
        if handled.settled is not None:
            await self.hear(handled.settled)

    # ------------------------------------------------------------ query

    @workflow.query(name=JOURNEY_QUERY, description="Where the client is, what is awaited, and what comes next.")
    def journey(self) -> JourneyView:
        stage = stage_of(self.facts)
        return JourneyView(
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

    # ------------------------------------------------------------ how it is done

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
        return bool(self.state.debts)

    def take(self, facts: JourneyFacts) -> None:
        """Keep the newer facts, and announce what they bring."""
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

    async def follow(
        self, result: FollowingChanged, order: FollowingCancelOrder | FollowingMoveOrder, *, by_client: bool
    ) -> FollowingChanged:
        """Several appointments changed at once: their workflows are told, and the people."""
        if result.journey is None or not result.changed:
            return result
        self.take(result.journey)
        for appointment in result.appointments:
            await self.tell(appointment)
        self.letters.of_change_from_here_on(order.request_id, result, by_client=by_client)
        await lines.wake(result.lines, self.policy)
        return result

    def announce(self, facts: JourneyFacts, *, before: JourneyFacts | None) -> None:
        """Mails that follow from the facts themselves: a new client, nobody found yet, a task to look at."""
        if facts.therapist and not facts.anonymous and self.state.announced_to != facts.therapist:
            self.state.announced_to = facts.therapist
            self.letters.write("new_client", key=f"{facts.therapist}:{facts.matched_at}", to="therapist")
        if facts.therapist is None and facts.reachable and not self.state.told_we_will_get_back:
            self.state.told_we_will_get_back = True
            self.letters.write("we_will_get_back", key="once")
        old = {task.key for task in before.open_tasks} if before else set()
        for task in facts.open_tasks:
            if task.key not in old:
                self.letters.write("task_opened", key=task.key, to="care_team", text=task.key)

    async def start_appointment(self, facts: AppointmentFacts) -> None:
        """Every appointment is a workflow of its own. It outlives the runs of this one, and is started once."""
        try:
            _ = await workflow.start_child_workflow(
                AppointmentJourney.run,
                AppointmentInput(policy=self.policy, facts=facts),
                id=appointment_workflow_id(facts.id),
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
                static_summary=f"{facts.type.value} of client {facts.ref} with {facts.therapist}",
            )
        except exceptions.WorkflowAlreadyStartedError:
            workflow.logger.info("appointment %s is started already", facts.id)

    async def tell(self, appointment: AppointmentFacts) -> bool:
        """Tell an appointment's workflow what became of it. False if it has ended, and needs no telling."""
        handle = workflow.get_external_workflow_handle(appointment_workflow_id(appointment.id))
        try:
            await handle.signal(FACTS_CHANGED, appointment)
        except exceptions.FailureError:
            workflow.logger.info("appointment %s has ended already", appointment.id)
            return False
        return True

    async def hear(self, settled: Settled) -> None:
        """A payment changed by Stripe's word: its appointment is told, or the client is, if that has ended."""
        self.take(settled.journey)
        payment = settled.appointment.payment
        # One of the two writes the receipt: both at once might each take the other's mail for one that was lost.
        if not await self.tell(settled.appointment) and payment is not None:
            self.state.mails.append(
                MailOrder(
                    key=f"receipt:{payment.id}:{payment.status.value}:{payment.attempts}",
                    template="receipt",
                    client_id=self.client_id,
                    payment_id=payment.id,
                    vital=True,
                )
            )

    def show(self) -> None:
        """What the support person sees: plain words, and the attributes that lists are filtered by."""
        workflow.set_current_details(describe_journey(self.facts, self.state.plan))
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

    async def continue_as_new(self) -> None:
        await self.postman.pause()
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(JourneyInput(client_id=self.client_id, policy=self.policy, state=self.state))

    def _replan(self) -> None:
        now = workflow.now()
        fresh = journey_plan(self.facts, policy=self.policy, now=now)
        self.state.plan = replan(before=self.state.plan, fresh=fresh, now=now)

    def _attention(self) -> list[str]:
        return sorted({task.kind for task in self.facts.open_tasks})


_NO_ADDRESS = Refusal(
    name=Problem.CLIENT_DETAILS_REQUIRED,
    detail="No e-mail address is known to send a link to.",
    data={"missing": ["email"]},
)
_CARD_SERVICE_AWAY = Refusal(
    name=Problem.ENGINE_UNAVAILABLE,
    detail="The card service cannot be reached at the moment; nothing was changed. Please try again shortly.",
)
