"""Histories told once more on the present code, and what of it they cannot follow, in plain words.

The engine's own check is the judge of that. It looks at no names of signals and attributes, and not at what is asked
for after the last that was recorded: a change in these is found here, by comparing command with command.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.bridge.proto.workflow_activation import QueryWorkflow, WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.worker import Interceptor, Replayer, WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.workflow import _Definition

from tests.replay.commands import Asked, Command, recorded
from worker import workflow_runner
from workflows.registry import WORKFLOWS


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """``broken``: the engine itself refuses it; a workflow with this history would stand still. ``told`` says what is
    different, and is empty where nothing is. ``answered``: the queries that it answers at the end."""

    history: WorkflowHistory
    workflow: str  # its type
    broken: bool = False
    told: str = ""
    answered: frozenset[str] = frozenset()


async def replayed(
    histories: Iterable[WorkflowHistory] | AsyncIterator[WorkflowHistory],
    converter: DataConverter,
    *,
    workflows: Sequence[type] = WORKFLOWS,
    interceptors: Sequence[Interceptor] = (),
) -> AsyncIterator[Replayed]:
    """Each history, as soon as it has been replayed."""
    watching = _Watching(workflow_runner(), converter)
    replayer = Replayer(
        workflows=workflows,
        data_converter=converter,
        workflow_runner=watching,
        interceptors=interceptors,
        runtime=_silent(),
    )
    async with replayer.workflow_replay_iterator(_one_by_one(histories)) as results:
        async for result in results:
            asked = watching.asked.pop(result.history.run_id, Asked(converter))
            told = await _told(result.history, asked, result.replay_failure, converter)
            type_ = result.history.events[0].workflow_execution_started_event_attributes.workflow_type.name
            yield Replayed(
                history=result.history,
                workflow=type_,
                broken=result.replay_failure is not None,
                told=told,
                answered=frozenset(asked.answered),
            )


async def _one_by_one(
    histories: Iterable[WorkflowHistory] | AsyncIterator[WorkflowHistory],
) -> AsyncIterator[WorkflowHistory]:
    if isinstance(histories, AsyncIterator):
        async for history in histories:
            yield history
        return
    for history in histories:
        yield history


_runtime: list[Runtime] = []


def _silent() -> Runtime:
    """One for the process: what the engine would log of a failure is told in our own words, in the clear."""
    if not _runtime:
        quiet = LoggingConfig(filter=TelemetryFilter(core_level="OFF", other_level="OFF"))
        _runtime.append(Runtime(telemetry=TelemetryConfig(logging=quiet)))
    return _runtime[0]


# ---------------------------------------------------------------- in words


async def _told(history: WorkflowHistory, asked: Asked, failure: Exception | None, converter: DataConverter) -> str:
    if failure is not None and asked.failure:
        return f"after event {asked.failed_after} the code fails: {asked.failure}"
    last = max(e.event_id for e in history.events if e.event_type == _TASK_STARTED and _was_done(history, e.event_id))
    was, now = await recorded(history, converter), asked.all(until=last)
    for before, after in zip_longest(was, now):
        if before != after:
            return _difference(before, after, was)
    return "" if failure is None else f"the engine refuses it: {_sentence(failure)}"


_TASK_STARTED = EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED


def _was_done(history: WorkflowHistory, started: int) -> bool:
    """Whether a task that was started has an end: what a worker that died had asked for was never heard."""
    after = history.events[started : started + 1]  # events are numbered from 1
    return bool(after) and after[0].event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED


def _difference(before: Command | None, after: Command | None, was: list[Command]) -> str:
    if before is None:
        where = f"after event {was[-1].place}" if was else "at the beginning"
        return f"{where} the history has nothing more; the code now asks for {after}"
    return f"at event {before.place} the history has {before}; the code now asks for {after or 'nothing there'}"


def _sentence(failure: Exception) -> str:
    """The engine's own, without what it is wrapped in."""
    text = str(failure)
    return text.partition('message: "')[2].partition('",')[0] or text[:300]


# ---------------------------------------------------------------- watched


class _Watching(WorkflowRunner):
    """The worker's own runner, and what each run asks for."""

    def __init__(self, runner: WorkflowRunner, converter: DataConverter) -> None:
        self.asked: dict[str, Asked] = {}  # by run
        self._runner = runner
        self._converter = converter

    def prepare_workflow(self, defn: _Definition) -> None:
        self._runner.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        asked = self.asked[det.info.run_id] = Asked(self._converter)
        return _Watched(self._runner.create_instance(det), asked, queries=[str(name) for name in det.defn.queries])

    def set_worker_level_failure_exception_types(self, types: Sequence[type[BaseException]]) -> None:
        self._runner.set_worker_level_failure_exception_types(types)


class _Watched(WorkflowInstance):
    """One run: everything is left to the SDK's own instance, and seen before it is encrypted. Before it is forgotten it
    is asked what it can be asked."""

    def __init__(self, instance: WorkflowInstance, asked: Asked, queries: Sequence[str]) -> None:
        self._instance = instance
        self._asked = asked
        self._queries = queries

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        if any(job.HasField("remove_from_cache") for job in act.jobs):
            self._ask(act)
            return self._instance.activate(act)
        completion = self._instance.activate(act)
        if completion.HasField("failed"):
            self._asked.fail(act, completion.failed.failure)
        else:
            self._asked.note(act, completion.successful.commands)
        return completion

    def _ask(self, act: WorkflowActivation) -> None:
        for name in self._queries:
            question = WorkflowActivation(run_id=act.run_id, timestamp=act.timestamp, is_replaying=True)
            question.jobs.add().query_workflow.CopyFrom(QueryWorkflow(query_id=name, query_type=name))
            completion = self._instance.activate(question)
            if any(command.respond_to_query.HasField("succeeded") for command in completion.successful.commands):
                self._asked.answered.add(name)

    def get_serialization_context(self, command_info: Any) -> Any:
        return self._instance.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> Any:
        return self._instance.get_external_store_context(command_info)

    def get_info(self) -> Any:
        return self._instance.get_info()

    def get_thread_id(self) -> int | None:
        return self._instance.get_thread_id()
