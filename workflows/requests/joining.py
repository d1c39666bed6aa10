"""Two records of one person become one: the journey of the one ends, and that of the other is told."""

from temporalio import exceptions, workflow

from workflows import steps
from workflows.handling.handlers import takes_signal, takes_update
from workflows.parts import waitlist
from workflows.parts.appointment import notify_appointment
from workflows.parts.search_attributes import own_epoch
from workflows.requests.base import Requests

with workflow.unsafe.imports_passed_through():
    from activities.types.clients import Joined, JoinOrder
    from workflows.messages import CLIENT_JOURNEY, JOIN, RECORD_JOINED, JoinedSignal, JourneyInput, journey_id


class JoiningRequests(Requests):
    """A record that is joined into another ends. What it was about to do was handed over in the database."""

    @takes_update(JOIN, "Join this record into another one of the same person.")
    async def join(self, order: JoinOrder) -> Joined:
        journey = self.journey
        async with journey.own_turn():
            joined = await steps.join_records(order)
            if joined.facts is None or joined.into is None or joined.into_id is None:
                return joined
            await self._tell(joined.into_id, JoinedSignal(from_id=journey.client_id, facts=joined.into))
            for appointment in joined.appointments:
                await notify_appointment(appointment)
            await waitlist.wake(joined.lines)
            journey.close(joined.facts, into=joined.into_id)
            return joined

    async def _tell(self, into_id: str, joined: JoinedSignal) -> None:
        """Tell the journey of the other record, before any of the appointments reports to it; start it if it is not
        there."""
        try:
            await workflow.get_external_workflow_handle(journey_id(into_id)).signal(RECORD_JOINED, joined)
        except exceptions.FailureError:
            try:
                _ = await workflow.start_child_workflow(
                    CLIENT_JOURNEY,
                    JourneyInput(client_id=into_id),
                    id=journey_id(into_id),
                    parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                    cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
                    search_attributes=own_epoch(),
                    static_summary="One client's care journey",
                )
            except exceptions.WorkflowAlreadyStartedError:
                workflow.logger.info("the journey of the other record was started meanwhile, and reads what is new")

    @takes_signal(
        RECORD_JOINED,
        "From the journey of a record that was joined into this one: these are the client's facts now.",
    )
    async def record_joined(self, joined: JoinedSignal) -> None:
        """Without the turn: the other journey waits, and this one may be waiting for an appointment that reports."""
        if await self.journey.can_act():
            self.journey.take(joined.facts)
            self.journey.wait.note_change()
