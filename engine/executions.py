"""Workflows as the engine has them, from outside: which run, how one ended, who ended it, and what it had not taken in.

Calls are made on the service itself: the time-skipping server keeps an unset attribute in a way that the SDK cannot
read. That server can neither list workflows nor read histories backwards; there it is asked for one after the other.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, WorkflowExecutionStatus
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import WorkflowExecutionInfo
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionRequest,
    GetWorkflowExecutionHistoryRequest,
    GetWorkflowExecutionHistoryReverseRequest,
    ListWorkflowExecutionsRequest,
    SignalWorkflowExecutionRequest,
    TerminateWorkflowExecutionRequest,
)
from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

EPOCH = SearchAttributeKey.for_keyword("Epoch")
RUNNING = "running"
_CALL = timedelta(seconds=10)
_GLANCE = timedelta(seconds=2)
_PAGE = 1000
_AT_ONCE = 40
_EVENTS = 100
_AWAY = {
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.CANCELLED,
}
_SOME_KEY = "any"  # by which the type of a kind is asked for
_STATUS = {
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING: RUNNING,
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_COMPLETED: "completed",
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_FAILED: "failed",
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_CANCELED: "cancelled",
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TERMINATED: "terminated",
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TIMED_OUT: "timed_out",
    # Its next run could not be found any more by the time it was looked at: as good as running.
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW: RUNNING,
}


class Startable(Protocol):
    """What the engine needs to start a workflow: its type, its input, and how lists label it."""

    @property
    def workflow(self) -> str: ...
    @property
    def input(self) -> object: ...
    @property
    def summary(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Execution:
    """The newest run of a workflow. ``status``: running, completed, failed, cancelled, terminated or timed_out."""

    workflow_id: str
    run_id: str
    status: str
    started_at: datetime
    epoch: str | None = None

    @property
    def runs(self) -> bool:
        return self.status == RUNNING


@dataclass(frozen=True, kw_only=True)
class Unheard:
    """A signal that no workflow task had taken in, exactly as it came."""

    event: HistoryEvent

    @property
    def name(self) -> str:
        return self.event.workflow_execution_signaled_event_attributes.signal_name


class Executions:
    """All workflows of a namespace. ``beginning_of`` tells with what a workflow of an id starts, by its id alone.

    Raises RPCError, or RuntimeError before the first connection, when the engine does not answer.
    """

    def __init__(self, client: Client, *, task_queue: str, beginning_of: Callable[[str], Startable]) -> None:
        self._client = client
        self._task_queue = task_queue
        self._beginning_of = beginning_of

    @property
    def identity(self) -> str:
        """Of this process, as the engine shows it: by default, a number and a host."""
        return self._client.identity

    # ------------------------------------------------------------ which run

    async def running(self, kind: str) -> dict[str, Execution] | None:
        """All of this kind (what their ids begin with) that run, by key, with no promise as to the last second. None
        where nothing can be listed.

        By their type: which id comes before which is for each store's collation to say, and not asked.
        """
        workflow = self._beginning_of(f"{kind}:{_SOME_KEY}").workflow
        try:
            listed = await self._list(f"WorkflowType = '{workflow}' AND ExecutionStatus = 'Running'")
        except RPCError as error:
            if error.status is not RPCStatusCode.UNIMPLEMENTED:
                raise
            return None
        by_id = (execution.workflow_id.partition(":") for execution in listed)
        return {key: each for (of, _, key), each in zip(by_id, listed, strict=True) if of == kind and key}

    async def look_at_all(self, workflow_ids: Iterable[str]) -> dict[str, Execution | None]:
        places = asyncio.Semaphore(_AT_ONCE)

        async def look(workflow_id: str) -> tuple[str, Execution | None]:
            async with places:
                return workflow_id, await self.look_at(workflow_id)

        return dict(await asyncio.gather(*(look(id) for id in workflow_ids)))

    async def look_at(self, workflow_id: str) -> Execution | None:
        """What the engine itself says of a workflow's newest run; None if it knows of none."""
        asked = DescribeWorkflowExecutionRequest(
            namespace=self._client.namespace, execution=WorkflowExecution(workflow_id=workflow_id)
        )
        try:
            told = await self._client.workflow_service.describe_workflow_execution(asked, timeout=_CALL)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        return _execution(told.workflow_execution_info)

    async def reporting_problems(self) -> list[Execution]:
        """Those that run and whose workflow tasks have failed several times; none where nothing can be listed."""
        try:
            return await self._list("TemporalReportedProblems IS NOT NULL AND ExecutionStatus = 'Running'")
        except RPCError as error:
            if error.status is RPCStatusCode.UNIMPLEMENTED:
                return []
            raise

    async def _list(self, query: str) -> list[Execution]:
        found: list[Execution] = []
        token = b""
        while True:
            asked = ListWorkflowExecutionsRequest(
                namespace=self._client.namespace, page_size=_PAGE, query=query, next_page_token=token
            )
            page = await self._client.workflow_service.list_workflow_executions(asked, timeout=_CALL)
            found += [_execution(info) for info in page.executions]
            token = page.next_page_token
            if not token:
                return found

    # ------------------------------------------------------------ what became of one

    async def fails_since(self, execution: Execution) -> datetime | None:
        """When its workflow tasks began to fail, with none that worked since. None if they do not."""
        first = None
        async for event in self._backwards(execution.workflow_id, execution.run_id):
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
                break
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
                first = event.event_time.ToDatetime(UTC)
        return first

    async def ended_by(self, execution: Execution) -> str | None:
        """The identity of whoever terminated or cancelled it; None where nobody did, or the engine does not say."""
        looked = 0
        async for event in self._backwards(execution.workflow_id, execution.run_id):
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
                return event.workflow_execution_terminated_event_attributes.identity or None
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
                return event.workflow_execution_cancel_requested_event_attributes.identity or None
            looked += 1
            if execution.status != "cancelled" or looked >= _EVENTS:
                return None
        return None

    async def unheard(self, workflow_id: str, run_id: str) -> list[Unheard]:
        """The signals of a run that none of its workflow tasks had taken in, oldest first; none where the engine has
        forgotten the run."""
        newer: list[HistoryEvent] = []
        taken_in = 0
        async for event in self._backwards(workflow_id, run_id):
            if event.event_id <= taken_in:
                break
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
                newer.append(event)
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED and not taken_in:
                # What arrived between the beginning of a task and its end was left for the next one.
                taken_in = event.workflow_task_completed_event_attributes.started_event_id
        return [Unheard(event=event) for event in reversed(newer) if event.event_id > taken_in]

    async def tells(self, workflow_id: str, query: str) -> dict[str, Any] | None:
        """What a workflow answers to a query; None if nobody answers for it at a glance."""
        handle = self._client.get_workflow_handle(workflow_id)
        try:
            answer: Any = await handle.query(query, rpc_timeout=_GLANCE)
        except (WorkflowQueryFailedError, RPCError):
            return None
        return answer if isinstance(answer, dict) else None

    # ------------------------------------------------------------ ending and starting

    async def bring_back(
        self, workflow_id: str, *, lost_run: str | None, epoch: str, again: Collection[str], because: str
    ) -> None:
        """End the lost run, if it has not, start the workflow by its id alone, and send it those signals of the names
        ``again`` that the lost run had not taken in. Safe to call again: each signal is taken once."""
        if lost_run is not None:
            await self.end(workflow_id, lost_run, because=because)
        await self.start(workflow_id, epoch=epoch)
        if lost_run is not None:
            for signal in await self.unheard(workflow_id, lost_run):
                if signal.name in again:
                    await self._send(workflow_id, signal, id=f"{lost_run}:{signal.event.event_id}")

    async def start(self, workflow_id: str, *, epoch: str | None) -> bool:
        """False if it runs already. One that follows no row is of no ``epoch``."""
        beginning = self._beginning_of(workflow_id)
        try:
            await self._client.start_workflow(
                beginning.workflow,
                beginning.input,
                id=workflow_id,
                task_queue=self._task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                search_attributes=in_epoch(epoch) if epoch else None,
                static_summary=beginning.summary,
                rpc_timeout=_CALL,
            )
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def wake(self, workflow_id: str, signal: str, *, epoch: str | None = None) -> None:
        """Send it a signal without an argument, and start it if it does not run. One that follows no row is of no
        ``epoch``."""
        beginning = self._beginning_of(workflow_id)
        await self._client.start_workflow(
            beginning.workflow,
            beginning.input,
            id=workflow_id,
            task_queue=self._task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            start_signal=signal,
            search_attributes=in_epoch(epoch) if epoch else None,
            static_summary=beginning.summary,
            rpc_timeout=_CALL,
        )

    async def signal(self, workflow_id: str, signal: str) -> None:
        """Send it a signal without an argument; one that has ended, or never ran, hears nothing."""
        try:
            await self._client.get_workflow_handle(workflow_id).signal(signal, rpc_timeout=_CALL)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

    async def end(self, workflow_id: str, run_id: str, *, because: str) -> None:
        """Terminate this run; nothing if it has ended."""
        asked = TerminateWorkflowExecutionRequest(
            namespace=self._client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=workflow_id, run_id=run_id),
            reason=because,
            identity=self._client.identity,
        )
        try:
            await self._client.workflow_service.terminate_workflow_execution(asked, timeout=_CALL)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

    async def _send(self, workflow_id: str, signal: Unheard, *, id: str) -> None:
        """Exactly what was sent, by whom it was sent; of the same ``id`` the engine takes one. A workflow that has
        ended meanwhile, as its row wants it, hears nothing."""
        said = signal.event.workflow_execution_signaled_event_attributes
        again = SignalWorkflowExecutionRequest(
            namespace=self._client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=workflow_id),
            signal_name=said.signal_name,
            input=said.input,
            identity=said.identity,
            header=said.header,
            request_id=id,
        )
        try:
            await self._client.workflow_service.signal_workflow_execution(again, timeout=_CALL)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

    async def _backwards(self, workflow_id: str, run_id: str) -> AsyncIterator[HistoryEvent]:
        """The events of a run, newest first; none of one that the engine has forgotten: after its retention, or because
        its store was lost."""
        try:
            async for event in self._as_stored(workflow_id, run_id):
                yield event
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

    async def _as_stored(self, workflow_id: str, run_id: str) -> AsyncIterator[HistoryEvent]:
        which = WorkflowExecution(workflow_id=workflow_id, run_id=run_id)
        token = b""
        try:
            while True:
                page = await self._client.workflow_service.get_workflow_execution_history_reverse(
                    GetWorkflowExecutionHistoryReverseRequest(
                        namespace=self._client.namespace,
                        execution=which,
                        maximum_page_size=_EVENTS,
                        next_page_token=token,
                    ),
                    timeout=_CALL,
                )
                for event in page.history.events:
                    yield event
                token = page.next_page_token
                if not token:
                    return
        except RPCError as error:
            if error.status is not RPCStatusCode.UNIMPLEMENTED:
                raise
        forwards: list[HistoryEvent] = []
        while True:
            whole = await self._client.workflow_service.get_workflow_execution_history(
                GetWorkflowExecutionHistoryRequest(
                    namespace=self._client.namespace, execution=which, next_page_token=token
                ),
                timeout=_CALL,
            )
            forwards += whole.history.events
            token = whole.next_page_token
            if not token:
                break
        for event in reversed(forwards):
            yield event


def is_away(error: BaseException) -> bool:
    """Whether it is the engine that does not answer, or takes nothing more, rather than one workflow that cannot."""
    return isinstance(error, RuntimeError) or (isinstance(error, RPCError) and error.status in _AWAY)


def in_epoch(epoch: str) -> TypedSearchAttributes:
    """What every workflow is started with that follows a row."""
    return TypedSearchAttributes([SearchAttributePair(EPOCH, epoch)])


def _execution(info: WorkflowExecutionInfo) -> Execution:
    epoch = info.search_attributes.indexed_fields.get(EPOCH.name)
    return Execution(
        workflow_id=info.execution.workflow_id,
        run_id=info.execution.run_id,
        status=_STATUS.get(info.status, RUNNING),
        started_at=info.start_time.ToDatetime(UTC),
        epoch=(json.loads(epoch.data) if epoch is not None and epoch.data else None),
    )
