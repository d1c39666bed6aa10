"""Who sent a signal, by the engine's record: one that is known for certain, or nobody."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import History, HistoryEvent
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseResponse
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from engine.message_record import TemporalMessageRecord

DONE, BEGUN = "task completed", "task begun"


@dataclass
class Recorded:
    """Temporal's client as far as one history needs it: events in order, signals as (name, identity)."""

    events: Sequence[str | tuple[str, str]] = ()
    problem: Exception | None = None
    asked: list[Any] = field(default_factory=list)
    namespace: str = "default"

    @property
    def workflow_service(self) -> Any:
        return SimpleNamespace(get_workflow_execution_history_reverse=self._backwards)

    async def _backwards(self, request: Any, **_: Any) -> GetWorkflowExecutionHistoryReverseResponse:
        self.asked.append(request)
        if self.problem is not None:
            raise self.problem
        events = [_event(number, what) for number, what in enumerate(self.events, start=1)]
        return GetWorkflowExecutionHistoryReverseResponse(history=History(events=events[::-1]))

    async def sender(self, *, events: int) -> str | None:
        record = TemporalMessageRecord(cast(Client, self))
        return await record.sender_of(workflow_id="client-journey:x", run_id="r", message="archive", events=events)


def _event(number: int, what: str | tuple[str, str]) -> HistoryEvent:
    if isinstance(what, str):
        done = what == DONE
        kind = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED if done else EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED
        return HistoryEvent(event_id=number, event_type=kind)
    event = HistoryEvent(event_id=number, event_type=EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED)
    event.workflow_execution_signaled_event_attributes.signal_name = what[0]
    event.workflow_execution_signaled_event_attributes.identity = what[1]
    return event


@pytest.mark.parametrize(
    ("history", "events", "sender"),
    [
        ([BEGUN, DONE, ("archive", "maria"), BEGUN], 4, "maria"),
        ([("archive", "maria"), BEGUN], 2, "maria"),  # the first task of a run
        ([BEGUN, DONE, ("archive", "maria"), ("unarchive", "otto"), BEGUN], 5, "maria"),
        ([BEGUN, DONE, ("archive", "maria"), ("archive", "maria"), BEGUN], 5, "maria"),
        ([BEGUN, DONE, ("archive", "maria"), ("archive", "otto"), BEGUN], 5, None),  # either of them
        ([BEGUN, DONE, ("archive", "maria"), BEGUN, DONE, ("archive", "otto"), BEGUN], 4, "maria"),  # otto comes later
        ([("archive", "otto"), BEGUN, DONE, ("archive", "maria"), BEGUN], 5, "maria"),  # otto came before
        ([("archive", "otto"), BEGUN, DONE, BEGUN], 4, None),
        ([BEGUN, DONE, ("archive", ""), BEGUN], 4, ""),
        ([], 4, None),
    ],
)
async def test_the_sender_is_whose_signal_was_taken_in_then(
    history: list[str | tuple[str, str]], events: int, sender: str | None
) -> None:
    recorded = Recorded(history)
    assert await recorded.sender(events=events) == sender
    [request] = recorded.asked
    assert (request.execution.workflow_id, request.execution.run_id) == ("client-journey:x", "r")
    assert 0 < request.maximum_page_size <= 100


@pytest.mark.parametrize("status", [RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.UNAVAILABLE, RPCStatusCode.NOT_FOUND])
async def test_an_engine_that_cannot_say_tells_of_nobody(status: RPCStatusCode) -> None:
    assert await Recorded(problem=RPCError("no", status, b"")).sender(events=4) is None
