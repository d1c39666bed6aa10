"""What can be asked of a journey about the archive: into it, and back. Both are signals, with an input or without."""

import asyncio
from uuid import NAMESPACE_OID, uuid5

from temporalio import exceptions, workflow

from workflows import steps
from workflows.parts import waitlist
from workflows.parts.appointment import notify_appointment, start_appointment
from workflows.requests.base import Requests

with workflow.unsafe.imports_passed_through():
    from activities.types.archive import ArchiveOrder, SignalLook, Unarchived, UnarchiveOrder
    from activities.types.facts import AppointmentFacts
    from rules.accounts.caller import via_temporal
    from rules.mail.kinds import Mail, to_both_sides
    from workflows.messages import ARCHIVE, UNARCHIVE, ArchiveSignal, UnarchiveSignal

_LONGEST_ID = 64


class ArchiveRequests(Requests):
    """The archive and back. A signal cannot be refused: one that says nothing new changes nothing."""

    @workflow.signal(
        name=ARCHIVE,
        description="Archive the client: everything ahead stops. The input may be left out.",
    )
    async def archive(self, request: ArchiveSignal | None = None) -> None:
        asked = request or ArchiveSignal()
        events = workflow.info().get_current_history_length()
        if not await self.journey.can_act_on(asked.request_id, asked.by, asked.reason):
            return
        async with self.journey.turn:
            if not self.journey.closed:
                await self._archive(asked, by=asked.by or await _sender(ARCHIVE, events))

    async def _archive(self, asked: ArchiveSignal, *, by: str) -> None:
        journey = self.journey
        order = ArchiveOrder(
            client_id=journey.client_id,
            request_id=_id_of(asked.request_id),
            by=by,
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

    @workflow.signal(
        name=UNARCHIVE,
        description="Make the client active again; with `restore`, what was cancelled too. The input may be left out.",
    )
    async def unarchive(self, request: UnarchiveSignal | None = None) -> None:
        asked = request or UnarchiveSignal()
        events = workflow.info().get_current_history_length()
        if not await self.journey.can_act_on(asked.request_id, asked.by):
            return
        async with self.journey.turn:
            if not self.journey.closed:
                await self._unarchive(asked, by=asked.by or await _sender(UNARCHIVE, events))

    async def _unarchive(self, asked: UnarchiveSignal, *, by: str) -> None:
        journey = self.journey
        request_id = _id_of(asked.request_id)
        order = UnarchiveOrder(client_id=journey.client_id, request_id=request_id, by=by, restore=asked.restore)
        result = await steps.unarchive_client(order)
        journey.take(result.facts)
        await asyncio.gather(*(notify_appointment(appointment) for appointment in result.appointments))
        await self._bring_back(result, request_id)
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


async def _sender(signal: str, events: int) -> str:
    """Who sent a signal that does not say so, as far as the engine knows: nothing waits for it."""
    here = workflow.info()
    look = SignalLook(workflow_id=here.workflow_id, run_id=here.run_id, signal=signal, events=events)
    try:
        return via_temporal(await steps.signal_sender(look))
    except exceptions.FailureError:
        return via_temporal(None)


def _id_of(said: str | None) -> str:
    """The id of a request: as it was said, unless a person typed more than the keys made of it can hold."""
    if not said:
        return str(workflow.uuid4())
    return said if len(said) <= _LONGEST_ID else str(uuid5(NAMESPACE_OID, said))
