"""What can be asked of a journey about the archive: into it, and back. Both are signals, with an input or without."""

import asyncio
from uuid import NAMESPACE_OID, uuid5

from temporalio import exceptions, workflow

from workflows import steps
from workflows.parts import waitlist as lines
from workflows.requests.booking import AppointmentRequests

with workflow.unsafe.imports_passed_through():
    from activities.types import AppointmentFacts, ArchiveOrder, Errand, SignalLook, Unarchived, UnarchiveOrder
    from rules.accounts.caller import via_temporal
    from workflows.messages import ARCHIVE, UNARCHIVE, ArchiveSignal, UnarchiveSignal

_LONGEST_ID = 64


class ArchiveRequests(AppointmentRequests):
    """The archive and back. A signal cannot be refused: one that says nothing new changes nothing."""

    @workflow.signal(
        name=ARCHIVE,
        description="Archive the client: everything ahead stops. The input may be left out.",
    )
    async def archive(self, request: ArchiveSignal | None = None) -> None:
        asked = request or ArchiveSignal()
        events = workflow.info().get_current_history_length()
        if not await self.can_hear(asked.request_id, asked.by, asked.reason):
            return
        async with self.turn:
            if self.closed:
                return
            by = asked.by or await self.sender(ARCHIVE, events)
            result = await steps.archive_client(
                ArchiveOrder(
                    client_id=self.client_id,
                    request_id=_id_of(asked.request_id),
                    by=by,
                    reason=asked.reason,
                    notify=asked.notify,
                    reminded=self.state.reminded,
                    chats=self.state.chats,
                ),
                self.policy,
            )
            self.take(result.facts)
            if self.facts.archived:  # else it was an echo of an archive that is over
                self.state.debts.clear()
            await asyncio.gather(*(self.tell(appointment) for appointment in result.appointments))
            for appointment in result.appointments:
                if appointment.id in result.cancelled and asked.notify:
                    self.letters.of_cancellation(appointment)
            await lines.wake(result.lines, self.policy)
            for intent in result.intents:
                self.do(Errand(intent=intent))

    @workflow.signal(
        name=UNARCHIVE,
        description="Make the client active again; with `restore`, what was cancelled too. The input may be left out.",
    )
    async def unarchive(self, request: UnarchiveSignal | None = None) -> None:
        asked = request or UnarchiveSignal()
        events = workflow.info().get_current_history_length()
        if not await self.can_hear(asked.request_id, asked.by):
            return
        async with self.turn:
            if self.closed:
                return
            by = asked.by or await self.sender(UNARCHIVE, events)
            request_id = _id_of(asked.request_id)
            result = await steps.unarchive_client(
                UnarchiveOrder(
                    client_id=self.client_id,
                    request_id=request_id,
                    by=by,
                    restore=asked.restore,
                )
            )
            self.take(result.facts)
            await asyncio.gather(*(self.tell(appointment) for appointment in result.appointments))
            await self.bring_back(result, request_id)
            self.owe(result.debts)
            self.letters.of_forms(result.asked)
            await lines.wake(result.lines, self.policy)

    async def sender(self, signal: str, events: int) -> str:
        """Who sent a signal that does not say so, as far as the engine knows: nothing waits for it."""
        here = workflow.info()
        look = SignalLook(workflow_id=here.workflow_id, run_id=here.run_id, signal=signal, events=events)
        try:
            return via_temporal(await steps.signal_sender(look))
        except exceptions.FailureError:
            return via_temporal(None)

    async def bring_back(self, result: Unarchived, request_id: str) -> None:
        """What was restored gets its workflow, and its ordinary confirmations."""
        await asyncio.gather(*(self.start_appointment(facts) for facts in result.restored))
        await asyncio.gather(*(self.settle_after_all(facts) for facts in result.paying))
        for ids in result.booked:
            for to, template in (("client", "booking_confirmation"), ("therapist", "appointment_booked")):
                self.letters.write(template, key=f"{request_id}:{ids[0]}", to=to, appointment_ids=ids, vital=True)

    async def settle_after_all(self, facts: AppointmentFacts) -> None:
        """A payment that the archive stopped is to be made: by its appointment's workflow, which mostly has ended."""
        if not await self.tell(facts):
            await self.start_appointment(facts)


def _id_of(said: str | None) -> str:
    """The id of a request: as it was said, unless a person typed more than the keys made of it can hold."""
    if not said:
        return str(workflow.uuid4())
    return said if len(said) <= _LONGEST_ID else str(uuid5(NAMESPACE_OID, said))
