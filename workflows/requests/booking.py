"""What can be asked of a journey about appointments: to book them, to change a series, to wait for another time."""

import asyncio

from temporalio import workflow

from workflows import steps
from workflows.handling.handlers import takes_signal, takes_update
from workflows.parts import waitlist
from workflows.parts.appointment import notify_appointment, start_appointment
from workflows.requests.base import Requests

with workflow.unsafe.imports_passed_through():
    from activities.types.booking import (
        Booked,
        BookingOrder,
        Changed,
        FollowingCancelOrder,
        FollowingChanged,
        FollowingMoveOrder,
        LeaveOrder,
        LinksOrder,
        UnmarkOrder,
        WaitOrder,
    )
    from activities.types.clients import Done
    from rules.journey.stage import JourneyFacts
    from workflows.messages import (
        APPOINTMENT_REPORTED,
        BOOK,
        CANCEL_FOLLOWING,
        JOIN_WAITLIST,
        LEAVE_WAITLIST,
        LINKS_CHANGED,
        RESCHEDULE_FOLLOWING,
        UNMARK_OUTCOME,
        LinksSignal,
    )


class BookingRequests(Requests):
    """Requests about appointments. Those about a single one that is booked go to its own workflow, but for an outcome
    that is taken back: with the outcome known, that workflow may have ended."""

    @takes_update(BOOK, "Book an appointment or a series.")
    async def book(self, order: BookingOrder) -> Booked:
        journey = self.journey
        async with journey.own_turn():
            result = await steps.book(order)
            if result.facts is None:
                return result
            journey.take(result.facts)
            await asyncio.gather(
                *(start_appointment(facts, policy=journey.policy, new=True) for facts in result.appointments)
            )
            for appointment in result.resumed:
                await notify_appointment(appointment)
            await waitlist.wake(result.lines)
            return result

    @takes_update(CANCEL_FOLLOWING, "Cancel an appointment of a series and all after it.")
    async def cancel_following(self, order: FollowingCancelOrder) -> FollowingChanged:
        async with self.journey.own_turn():
            result = await steps.cancel_following(order)
            await self._series_changed(result)
            return result

    @takes_update(RESCHEDULE_FOLLOWING, "Move an appointment of a series and all after it.")
    async def reschedule_following(self, order: FollowingMoveOrder) -> FollowingChanged:
        async with self.journey.own_turn():
            result = await steps.reschedule_following(order)
            await self._series_changed(result)
            return result

    @takes_update(UNMARK_OUTCOME, "Take an outcome back, as if nobody had said yet how the appointment went.")
    async def unmark_outcome(self, order: UnmarkOrder) -> Changed:
        journey = self.journey
        async with journey.own_turn():
            result = await steps.unmark_outcome(order)
            if result.journey is None or result.appointment is None:
                return result
            journey.take(result.journey)
            if result.changed and not await notify_appointment(result.appointment):  # it had ended
                await start_appointment(result.appointment, policy=journey.policy)
            return result

    @takes_update(JOIN_WAITLIST, "Wait for a time with the therapist, or change the wish.")
    async def join_waitlist(self, order: WaitOrder) -> Done:
        async with self.journey.own_turn():
            return await self.journey.apply(await steps.join_waitlist(order))

    @takes_update(LEAVE_WAITLIST, "Give up a place on the waitlist.")
    async def leave_waitlist(self, order: LeaveOrder) -> Done:
        async with self.journey.own_turn():
            return await self.journey.apply(await steps.leave_waitlist(order))

    @takes_signal(
        LINKS_CHANGED, "A therapist's link has changed: the appointments ahead get the new one, and the client is told."
    )
    async def links_changed(self, change: LinksSignal) -> None:
        journey = self.journey
        if not await journey.can_act():
            return
        async with journey.turn:
            if journey.closed:
                return
            order = LinksOrder(
                client_id=journey.client_id,
                request_id=change.request_id,
                therapist=change.therapist,
                by=change.by,
                voucher=change.voucher,
            )
            journey.take((await steps.refresh_links(order)).facts)

    @takes_signal(
        APPOINTMENT_REPORTED, "From an appointment's workflow: something changed, and these are the client's facts now."
    )
    def appointment_reported(self, facts: JourneyFacts) -> None:
        """Synchronous, and without the lock: an appointment reports before it answers its own caller."""
        self.journey.take(facts)
        # An appointment that has begun is no longer the next one, although no fact is new.
        self.journey.wait.note_change()

    async def _series_changed(self, result: FollowingChanged) -> None:
        """Several appointments changed at once: their workflows are told."""
        journey = self.journey
        if result.journey is None or not result.changed:
            return
        journey.take(result.journey)
        await asyncio.gather(*(notify_appointment(appointment) for appointment in result.appointments))
        await waitlist.wake(result.lines)
