"""The engine: reachable, with the namespace, the search attributes and the schedules, and with workers at work."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import IndexedValueType, TaskQueueType
from temporalio.api.taskqueue.v1 import PollerInfo, TaskQueue
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, DescribeTaskQueueRequest
from temporalio.client import Client, ScheduleActionStartWorkflow
from temporalio.service import RPCError, RPCStatusCode

from config import Settings
from engine.codec import data_converter
from engine.connect import (
    SERVICE_FILE,
    EngineUnreachable,
    RegistrationRefused,
    connect,
    known_attributes,
    search_attributes,
)
from engine.schedules import recurring
from ops.doctor.clocks import told_by
from ops.doctor.findings import Finding, Findings, ok, warning, wrong
from ops.worker_versions.versions import problems

LEAST_RETENTION = timedelta(days=3)  # what failed on a Friday is still there on Monday
_CALL = timedelta(seconds=5)
_POLL = timedelta(seconds=75)  # a worker asks again after at most a minute
_REGISTER = "run `python -m engine.connect register`"


async def look(settings: Settings) -> Findings:
    """Asks nothing that changes anything, and starts nothing."""
    try:
        client = await connect(settings.engine, data_converter=data_converter(settings.payload_keys))
    except EngineUnreachable as error:
        todo = "see that the service runs there, and that TEMPORAL_ADDRESS, TEMPORAL_TLS and TEMPORAL_API_KEY are right"
        yield wrong("engine", str(error), todo)
        return
    yield ok("engine", f"Temporal at {settings.engine.address} is reached")
    namespace = await _namespace(client)
    yield namespace
    if namespace.todo and "no namespace" in namespace.said:
        return
    async for finding in _attributes(client):
        yield finding
    next_actions: list[datetime] = []
    async for finding in _schedules(client, settings.temporal_task_queue, next_actions):
        yield finding
    asked_at = datetime.now(UTC)
    pollers = await _pollers(client, settings.temporal_task_queue)
    async for finding in _workers(pollers, settings.temporal_task_queue):
        yield finding
    for sentence in await problems(
        client,
        deployment=settings.worker_deployment,
        build_id=settings.worker_build_id,
        task_queue=settings.temporal_task_queue,
    ):
        yield wrong("worker versions", sentence, "`python -m ops.worker_versions show` has all of them")
    if told := _clock([poller.last_access_time.ToDatetime(UTC) for poller in pollers], next_actions, now=asked_at):
        yield told


async def _namespace(client: Client) -> Finding:
    try:
        described = await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=client.namespace), timeout=_CALL
        )
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            todo = f"make it: `temporal operator namespace create --namespace {client.namespace} --retention 30d`"
            return wrong("engine namespace", f"there is no namespace {client.namespace!r}", todo)
        return warning("engine namespace", f"it does not tell of it ({error.message})", "let the key read it")
    retention = described.config.workflow_execution_retention_ttl.ToTimedelta()
    said = f"{client.namespace!r} keeps what has ended for {retention.total_seconds() / 86_400:g} days"
    if timedelta() < retention < LEAST_RETENTION:
        todo = f"`temporal operator namespace update --namespace {client.namespace} --retention 30d`"
        return warning("engine namespace", said, todo)
    return ok("engine namespace", said)


async def _attributes(client: Client) -> Findings:
    try:
        known = await known_attributes(client)
    except RegistrationRefused as error:
        yield warning("search attributes", str(error), "see that they are there: `python -m engine.connect list`")
        return
    names = {"KEYWORD_LIST": "KeywordList"}
    right = True
    for name, kind in search_attributes().items():
        if name not in known:
            right = False
            yield wrong("search attributes", f"{name} is missing: no journey can start", _REGISTER)
        else:
            word = IndexedValueType.Name(known[name]).removeprefix("INDEXED_VALUE_TYPE_")
            if names.get(word, word.capitalize()) != kind:
                right = False
                said = f"{name} has the type {names.get(word, word.capitalize())}, not {kind}"
                yield wrong("search attributes", said, "take another namespace, or remove it and register it anew")
    if right:
        yield ok("search attributes", f"all {len(search_attributes())} are registered")


async def _schedules(client: Client, task_queue: str, next_actions: list[datetime]) -> Findings:
    """``next_actions`` gets the instants at which they act next, as the engine says."""
    for each in recurring(SERVICE_FILE):
        about = f"schedule {each.name}"
        try:
            told = await client.get_schedule_handle(each.name).describe(rpc_timeout=_CALL)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                yield wrong(about, f"it is missing: {each.summary.lower()} by nobody", _REGISTER)
            else:
                yield warning(about, f"it cannot be looked at ({error.message})", "let the key read schedules")
            continue
        action, state = told.schedule.action, told.schedule.state
        if isinstance(action, ScheduleActionStartWorkflow) and action.task_queue != task_queue:
            said = f"it starts its work for {action.task_queue}, and workers take it from {task_queue}"
            todo = f"`temporal schedule delete --schedule-id {each.name}`, and {_REGISTER}"
            yield wrong(about, said, todo)
        elif state.paused:
            todo = f"`temporal schedule toggle --schedule-id {each.name} --unpause` once it may go on"
            yield warning(about, f"it is paused ({state.note or 'nobody said why'})", todo)
        else:
            next_actions += told.info.next_action_times[:1]
            yield ok(about, f"it acts every {each.every}")


async def _pollers(client: Client, task_queue: str) -> Sequence[PollerInfo]:
    found: list[PollerInfo] = []
    for kind in (TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY):
        asked = DescribeTaskQueueRequest(
            namespace=client.namespace, task_queue=TaskQueue(name=task_queue), task_queue_type=kind
        )
        answer = await client.workflow_service.describe_task_queue(asked, timeout=_CALL)
        found += answer.pollers
    return found


async def _workers(pollers: Sequence[PollerInfo], task_queue: str) -> Findings:
    newest = max((poller.last_access_time.ToDatetime(UTC) for poller in pollers), default=None)
    at_work = {
        poller.identity
        for poller in pollers
        if newest is not None and newest - poller.last_access_time.ToDatetime(UTC) <= _POLL
    }
    if newest is None or newest < datetime.now(UTC) - 2 * _POLL:
        todo = "start `python worker.py`; if it runs, see that TEMPORAL_TASK_QUEUE and TEMPORAL_NAMESPACE are its own"
        yield wrong("workers", f"nobody takes work from {task_queue}", todo)
    elif len(at_work) == 1:
        yield warning("workers", f"one takes work from {task_queue}", "start a second one, on another machine")
    else:
        yield ok("workers", f"{len(at_work)} take work from {task_queue}")


def _clock(asked: Sequence[datetime], next_actions: Sequence[datetime], *, now: datetime) -> Finding | None:
    """The engine tells no time. It is no earlier than when it was last asked for work, and no later than when it acts
    next; and workers ask at least every minute. None where nobody asks."""
    if not asked or (latest := max(asked)) < now - 2 * _POLL:
        return None
    says = max(latest, now)
    if next_actions and min(next_actions) < now:
        says = max(min(next_actions), latest)
    return told_by("engine", says, between=(now, now))
