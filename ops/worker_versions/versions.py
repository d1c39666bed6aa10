"""The builds of a worker deployment, as the engine knows them: which one gets work, and what stands in the way.

A versioned worker gets nothing until its version is current. What runs moves to the current version with its next
workflow task, but for what is pinned, which stays with the build that it began on until it ends.
"""

import asyncio
from dataclasses import dataclass

from temporalio.api.deployment.v1 import WorkerDeploymentInfo
from temporalio.api.enums.v1 import RoutingConfigUpdateState, TaskQueueType, VersionDrainageStatus, WorkerVersioningMode
from temporalio.api.taskqueue.v1 import PollerInfo, TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeTaskQueueResponse,
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
    SetWorkerDeploymentRampingVersionRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

_PATIENCE, _PAUSE = 30.0, 0.1  # seconds
_UNDER_WAY = RoutingConfigUpdateState.ROUTING_CONFIG_UPDATE_STATE_IN_PROGRESS
_DRAINAGE = {
    VersionDrainageStatus.VERSION_DRAINAGE_STATUS_DRAINING: "draining",
    VersionDrainageStatus.VERSION_DRAINAGE_STATUS_DRAINED: "drained",
}


class CannotRoute(Exception):
    """The engine does not let this build have work; with the sentence that says why."""


@dataclass(frozen=True, kw_only=True)
class Build:
    """``status``: current, ramping, draining (what is pinned to it still runs), drained, or inactive. ``workers``: how
    many take work now."""

    build_id: str
    status: str
    workers: int


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """``current`` is None as long as none is: then unversioned workers get the work. ``ramping`` gets ``percent`` of
    what begins or moves."""

    name: str
    current: str | None
    ramping: str | None
    percent: float
    builds: tuple[Build, ...]


async def look(client: Client, name: str, *, task_queue: str) -> Deployment | None:
    """None if no worker of it has ever asked for work. Raises RPCError."""
    try:
        told = await _described(client, name)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    routing = told.routing_config
    current = routing.current_deployment_version.build_id or None
    ramping = routing.ramping_deployment_version.build_id or None
    taking = [
        poller.deployment_options.build_id
        for poller in (await _queue(client, task_queue)).pollers
        if _is_versioned(poller) and poller.deployment_options.deployment_name == name
    ]

    def status(build_id: str, drainage: VersionDrainageStatus.ValueType) -> str:
        if build_id in (current, ramping):
            return "current" if build_id == current else "ramping"
        return _DRAINAGE.get(drainage, "inactive")

    builds = tuple(
        Build(build_id=build_id, status=status(build_id, each.drainage_status), workers=taking.count(build_id))
        for each in told.version_summaries
        for build_id in [each.deployment_version.build_id]
    )
    return Deployment(
        name=name, current=current, ramping=ramping, percent=routing.ramping_version_percentage, builds=builds
    )


async def make_current(client: Client, name: str, build_id: str | None) -> str | None:
    """Let this build get all the work; None: unversioned workers. Safe to call again. Returns what was current before.
    Raises CannotRoute, and RPCError."""
    asked = SetWorkerDeploymentCurrentVersionRequest(
        namespace=client.namespace, deployment_name=name, build_id=build_id or "", identity=client.identity
    )
    try:
        told = await client.workflow_service.set_worker_deployment_current_version(asked)
    except RPCError as error:
        raise _refused(error, name, build_id) from error
    await _has_reached_every_queue(client, name)
    return told.previous_deployment_version.build_id or None


async def ramp(client: Client, name: str, build_id: str, percent: float) -> None:
    """Let this build get a share of what begins, and of what moves; 0: none. Raises CannotRoute, and RPCError."""
    asked = SetWorkerDeploymentRampingVersionRequest(
        namespace=client.namespace,
        deployment_name=name,
        build_id=build_id,
        percentage=percent,
        identity=client.identity,
    )
    try:
        await client.workflow_service.set_worker_deployment_ramping_version(asked)
    except RPCError as error:
        raise _refused(error, name, build_id) from error
    await _has_reached_every_queue(client, name)


async def _has_reached_every_queue(client: Client, name: str) -> None:
    """The engine tells its queues one after the other; until then some work goes where it went before."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _PATIENCE
    while (await _described(client, name)).routing_config_update_state == _UNDER_WAY:
        if loop.time() > until:
            raise CannotRoute("The engine has taken it, and does not say that all queues know: look again.")
        await asyncio.sleep(_PAUSE)


async def _described(client: Client, name: str) -> WorkerDeploymentInfo:
    asked = DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=name)
    return (await client.workflow_service.describe_worker_deployment(asked)).worker_deployment_info


def _refused(error: RPCError, name: str, build_id: str | None) -> Exception:
    """What the engine would not do by its own rules; else the error itself."""
    if error.status is RPCStatusCode.NOT_FOUND:
        return CannotRoute(f"No worker of {name} with the build {build_id} has asked for work yet: start one first.")
    if error.status in (RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.INVALID_ARGUMENT):
        return CannotRoute(f"The engine refuses it: {error.message}")
    return error


async def problems(client: Client, *, deployment: str | None, build_id: str | None, task_queue: str) -> list[str]:
    """Why workers with these settings would get no work, and what has no worker; a sentence each. Raises RPCError."""
    queue = await _queue(client, task_queue)
    if deployment is None or build_id is None:
        return _of_unversioned(task_queue, queue)
    known = await look(client, deployment, task_queue=task_queue)
    if known is None:
        return [f"No worker of the deployment {deployment} has asked for work yet: start one with WORKER_BUILD_ID."]
    found = []
    if build_id not in (known.current, known.ramping):
        found.append(
            f"The build {build_id} of {deployment} gets no work: current is {known.current or 'none'}."
            f" Once its workers run: python -m ops.worker_versions current {build_id}"
        )
    found += [
        f"The build {build.build_id} is {build.status}, and no worker of it runs."
        for build in known.builds
        if not build.workers and build.status in ("current", "ramping", "draining")
    ]
    if known.current is not None and not all(map(_is_versioned, queue.pollers)):
        found.append("A worker without WORKER_BUILD_ID runs, and gets no work.")
    return found


def _of_unversioned(task_queue: str, queue: DescribeTaskQueueResponse) -> list[str]:
    current = queue.versioning_info.current_deployment_version
    if not current.build_id:
        return []
    said = f"What is on {task_queue} goes to the build {current.build_id} of {current.deployment_name}"
    return [f"{said}: set WORKER_DEPLOYMENT and WORKER_BUILD_ID, or workers get no work."]


async def _queue(client: Client, task_queue: str) -> DescribeTaskQueueResponse:
    """Who asks for workflow tasks, and whose they are; the engine remembers who asked for some minutes."""
    asked = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=task_queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    return await client.workflow_service.describe_task_queue(asked)


def _is_versioned(poller: PollerInfo) -> bool:
    return poller.deployment_options.worker_versioning_mode == WorkerVersioningMode.WORKER_VERSIONING_MODE_VERSIONED
