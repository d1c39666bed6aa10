"""What can be asked of a journey about the archive: into it, and back. Both are signals."""

import asyncio

from temporalio import workflow

from workflows import steps
from workflows.handling.handlers import takes_signal
from workflows.parts import waitlist
from workflows.parts.appointment import notify_appointment, start_appointment
from workflows.requests.base import Requests

with workflow.unsafe.imports_passed_through():
    from activities.types.archive import ArchiveOrder, UnarchiveOrder
    from workflows.messages import ARCHIVE, UNARCHIVE, ArchiveSignal, UnarchiveSignal


class ArchiveRequests(Requests):
    """The archive and back. A signal cannot be refused: one that says nothing new changes nothing."""

    @takes_signal(ARCHIVE, "Archive the client: everything ahead stops.")
    async def archive(self, asked: ArchiveSignal) -> None:
        if not await self.journey.can_act():
            return
        async with self.journey.turn:
            if not self.journey.closed:
                await self._archive(asked)

    async def _archive(self, asked: ArchiveSignal) -> None:
        journey = self.journey
        order = ArchiveOrder(
            client_id=journey.client_id,
            request_id=asked.request_id,
            by=asked.by,
            voucher=asked.voucher,
            reason=asked.reason,
            handed_in=asked.handed_in,
            of_many=asked.of_many,
            notify=asked.notify,
        )
        result = await steps.archive_client(order)
        journey.take(result.facts)
        journey.outbox.expect(result.facts.deliver_at)  # an archived client has no timers
        await asyncio.gather(*(notify_appointment(appointment) for appointment in result.appointments))
        await waitlist.wake(result.lines)

    @takes_signal(UNARCHIVE, "Make the client active again; with `restore`, what was cancelled too.")
    async def unarchive(self, asked: UnarchiveSignal) -> None:
        if not await self.journey.can_act():
            return
        async with self.journey.turn:
            if not self.journey.closed:
                await self._unarchive(asked)

    async def _unarchive(self, asked: UnarchiveSignal) -> None:
        journey = self.journey
        order = UnarchiveOrder(
            client_id=journey.client_id,
            request_id=asked.request_id,
            by=asked.by,
            voucher=asked.voucher,
            restore=asked.restore,
        )
        result = await steps.unarchive_client(order)
        journey.take(result.facts)
        await asyncio.gather(*(notify_appointment(appointment) for appointment in result.appointments))
        # What was restored gets its workflow; a payment that the archive stopped is made by its appointment's.
        policy = journey.policy
        await asyncio.gather(*(start_appointment(facts, policy=policy) for facts in result.restored))
        for facts in result.paying:
            if not await notify_appointment(facts):  # it had ended, mostly
                await start_appointment(facts, policy=policy)
        await waitlist.wake(result.lines)
