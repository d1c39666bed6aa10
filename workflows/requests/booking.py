"""What can be asked of a journey about appointments: to book them, to change a series, to wait for another time."""

import asyncio

from temporalio import exceptions, workflow

from workflows import steps
from workflows.appointment_journey import AppointmentJourney
from workflows.parts import waitlist as lines
from workflows.parts.journey import Journey

with workflow.unsafe.imports_passed_through():
    from activities.types import (
        AppointmentFacts,
        Booked,
        BookingOrder,
        Done,
        FollowingCancelOrder,
        FollowingChanged,
        FollowingMoveOrder,
        LeaveOrder,
        LinksOrder,
        WaitOrder,
    )
    from rules.journey.stage import JourneyFacts
    from workflows.messages import (
        APPOINTMENT_REPORTED,
        BOOK,
        CANCEL_FOLLOWING,
        JOIN_WAITLIST,
        LEAVE_WAITLIST,
        LINKS_CHANGED,
        RESCHEDULE_FOLLOWING,
        AppointmentInput,
        LinksSignal,
        appointment_workflow_id,
    )


class AppointmentRequests(Journey):
    """Requests about appointments. Those about a single one that is booked go to its own workflow."""

    @workflow.update(name=BOOK.name, description="Book an appointment or a weekly series.")
    async def book(self, order: BookingOrder) -> Booked:
        async with self.turn_for(order):
            result = await steps.book(order)
            if result.facts is None:
                return result
            self.take(result.facts)
            self.heard_of(order.details, order.by)
            await asyncio.gather(*(self.start_appointment(facts) for facts in result.appointments))
            for appointment in result.resumed:
                await self.tell(appointment)
            self.owe(result.debts)
            self.letters.of_booking(order, result, self.facts)
            self.letters.of_forms(result.asked)
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

    async def follow(
        self, result: FollowingChanged, order: FollowingCancelOrder | FollowingMoveOrder, *, by_client: bool
    ) -> FollowingChanged:
        """Several appointments changed at once: their workflows are told, and the people."""
        if result.journey is None or not result.changed:
            return result
        self.take(result.journey)
        await asyncio.gather(*(self.tell(appointment) for appointment in result.appointments))
        self.letters.of_change_from_here_on(order.request_id, result, by_client=by_client)
        await lines.wake(result.lines, self.policy)
        return result

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
