"""Who sent a signal, as the engine has recorded it: by an identity, which the UI and the command line have."""

from datetime import timedelta

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest
from temporalio.client import Client
from temporalio.service import RPCError

_PATIENCE = timedelta(seconds=1.5)
_LOOK_AT = 100  # events, of which the newest few are enough as a rule


class TemporalSignalRecord:
    """The histories of workflows, read backwards."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def sender_of(self, *, workflow_id: str, run_id: str, signal: str, events: int) -> str | None:
        """The identity of whoever sent a signal of this name that was taken in when the history had so many ``events``.

        None where several have sent one at that moment, and where the engine cannot say: it does not know the call,
        does not answer, or has more to tell than one page.
        """
        asked = GetWorkflowExecutionHistoryReverseRequest(
            namespace=self._client.namespace,
            execution=WorkflowExecution(workflow_id=workflow_id, run_id=run_id),
            maximum_page_size=_LOOK_AT,
        )
        try:
            page = await self._client.workflow_service.get_workflow_execution_history_reverse(asked, timeout=_PATIENCE)
        except RPCError:
            return None
        identities = set()
        for event in page.history.events:
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
