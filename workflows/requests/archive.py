"""What can be asked of a journey about the archive: into it, and back. Both are signals."""

import asyncio

from temporalio import workflow

from workflows import steps
from workflows.handling.handlers import takes_signal
from workflows.parts import waitlist
from workflows.parts.appointment import notify_appointment, start_appointment
from workflows.requests.base import Requests

with workflow.unsafe.imports_passed_through():
    from activities.types.archive import ArchiveOrder, Unarchived, UnarchiveOrder
    from activities.types.facts import AppointmentFacts
    from rules.mail.kinds import Mail, to_both_sides
    from workflows.messages import ARCHIVE, UNARCHIVE, ArchiveSignal, UnarchiveSignal


class ArchiveRequests(Requests):
    """The archive and back. A signal cannot be refused: one that says nothing new changes nothing."""

    @takes_signal(ARCHIVE, "Archive the client: everything ahead stops.")
    async def archive(self, asked: ArchiveSignal) -> None:
        if not await self.journey.can_act_on(asked):
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
            notify=asked.notify,
            reminded=journey.state.reminded,
            chats=journey.state.chats,
        )
        result = await steps.archive_client(order, journey.policy)
        journey.take(result.facts)
        if journey.facts.archived:  # else it was an echo of an archive that is over
            journey.state.debts.clear()
        await asyncio.gather(*(notify_appointment(appointment) for appointment in result.appointments))
        for appointment in result.appointments:
            if appointment.id in result.cancelled and asked.notify:
                journey.mails.of_cancellation(appointment)
        await waitlist.wake(result.lines, journey.policy)
        journey.call_off(result.intents)

    @takes_signal(UNARCHIVE, "Make the client active again; with `restore`, what was cancelled too.")
    async def unarchive(self, asked: UnarchiveSignal) -> None:
        if not await self.journey.can_act_on(asked):
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
        await self._bring_back(result, asked.request_id)
        journey.add_debts(result.debts)
        journey.mails.of_forms(result.asked)
        await waitlist.wake(result.lines, journey.policy)

    async def _bring_back(self, result: Unarchived, request_id: str) -> None:
        """What was restored gets its workflow, and its ordinary confirmations."""
        policy = self.journey.policy
        await asyncio.gather(*(start_appointment(facts, policy) for facts in result.restored))
        await asyncio.gather(*(self._settle_after_all(facts) for facts in result.paying))
        for ids in result.booked:
            for mail in to_both_sides(Mail.BOOKING_CONFIRMATION):
                self.journey.mails.write(mail, key=f"{request_id}:{ids[0]}", appointment_ids=ids)

    async def _settle_after_all(self, facts: AppointmentFacts) -> None:
        """A payment that the archive stopped is to be made: by its appointment's workflow, which mostly has ended."""
        if not await notify_appointment(facts):
            await start_appointment(facts, self.journey.policy)
