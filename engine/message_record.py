"""Who sent a message, as the engine has recorded it: by an identity, which the UI and the command line have."""

from collections.abc import Iterable
from datetime import timedelta

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest
from temporalio.client import Client
from temporalio.service import RPCError

_PATIENCE = timedelta(seconds=1.5)
_LOOK_AT = 100  # events, of which the newest few are enough as a rule


class TemporalMessageRecord:
    """The histories of workflows, read backwards."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def sender_of(
        self, *, workflow_id: str, run_id: str, message: str, update_id: str | None = None, events: int = 0
    ) -> str | None:
        """The identity of whoever sent the update of this id, or, without one, a signal of this name that was taken in
        when the history had so many ``events``.

        None where several have sent one at that moment, and where the engine cannot say.
        """
        newest = await self._newest(workflow_id, run_id)
        if update_id is not None:
            return _sender_of_update(newest, update_id)
        return _sender_of_signal(newest, message, events)

    async def canceller_of(self, *, workflow_id: str, run_id: str) -> str | None:
        """The identity of whoever asked that a run be cancelled. None where the engine cannot say."""
        for event in await self._newest(workflow_id, run_id):
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
                return event.workflow_execution_cancel_requested_event_attributes.identity
        return None

    async def _newest(self, workflow_id: str, run_id: str) -> list[HistoryEvent]:
        """The newest events of a run, newest first. None of them where the engine does not know the call, or is
        silent."""
        asked = GetWorkflowExecutionHistoryReverseRequest(
            namespace=self._client.namespace,
            execution=WorkflowExecution(workflow_id=workflow_id, run_id=run_id),
            maximum_page_size=_LOOK_AT,
        )
        try:
            page = await self._client.workflow_service.get_workflow_execution_history_reverse(asked, timeout=_PATIENCE)
        except RPCError:
            return []
        return list(page.history.events)


def _sender_of_update(newest: Iterable[HistoryEvent], update_id: str) -> str | None:
    for event in newest:
        request = event.workflow_execution_update_accepted_event_attributes.accepted_request
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED and (
            request.meta.update_id == update_id
        ):
            return request.meta.identity
    return None


def _sender_of_signal(newest: Iterable[HistoryEvent], signal: str, events: int) -> str | None:
    identities = set()
    for event in newest:
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED and event.event_id <= events:
            break  # what came before it was taken in before
        if event.event_id <= events and _is(event, signal):
            identities.add(event.workflow_execution_signaled_event_attributes.identity)
    return identities.pop() if len(identities) == 1 else None


def _is(event: HistoryEvent, signal: str) -> bool:
    return (
        event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
        and event.workflow_execution_signaled_event_attributes.signal_name == signal
    )
