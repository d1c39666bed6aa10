"""Two builds of the workers side by side, on a dev server: who gets work, and what ``ops.worker_versions`` says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.converter import DataConverter

import worker as programs
from activities.base import Dependencies
from engine.connect import EngineAddress, connect
from local.processes import free_port, until
from local.temporal import TemporalServer
from ops.worker_versions.__main__ import main
from ops.worker_versions.versions import CannotRoute, look, make_current, problems, ramp
from tests.local.environment import bare_environment, given
from tests.ops.worker_versions.builds import FollowsTheCurrentBuild, StaysWithItsBuild
from workflows.bulk_archive import BulkArchive
from workflows.reconcile_payments import ReconcilePayments
from workflows.registry import OF_A_VERSION, WORKFLOWS

__all__ = ["bare_environment"]

QUEUE, NAME = "a-queue", "a-practice"


@pytest.fixture
async def server() -> AsyncIterator[TemporalServer]:
    async with await TemporalServer.start_dev(data_dir=None, port=free_port(), ui_port=free_port()) as server:
        yield server


@pytest.fixture
async def client(server: TemporalServer) -> Client:
    return await connect(EngineAddress(address=server.address), data_converter=DataConverter.default)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The product's worker, with two workflows in the place of its own."""
    for registered in ("WORKFLOWS", "OF_A_VERSION"):
        monkeypatch.setattr(programs, registered, (FollowsTheCurrentBuild, StaysWithItsBuild))
    monkeypatch.setattr(programs, "build", lambda _: [])


@asynccontextmanager
async def working(client: Client, build: str | None = None, *, holds_patches: bool = False) -> AsyncIterator[None]:
    """A worker; with a ``build``, once the engine knows of it."""
    version = WorkerDeploymentVersion(deployment_name=NAME, build_id=build) if build else None
    made = programs.build_worker(
        client,
        cast(Dependencies, SimpleNamespace(vouching=None)),
        task_queue=QUEUE,
        graceful_shutdown_timeout=timedelta(seconds=2),
        version=version,
        holds_patches=holds_patches,
    )

    async def is_known() -> bool:
        known = await look(client, NAME, task_queue=QUEUE)
        return known is not None and any(each.build_id == build and each.workers for each in known.builds)

    async with made:
        assert build is None or await until(is_known, within=20)
        yield


async def _start(client: Client, workflow: str) -> WorkflowHandle[Any, Any]:
    return await client.start_workflow(workflow, id=workflow.lower(), task_queue=QUEUE)


async def _on(handle: WorkflowHandle[Any, Any]) -> str:
    """Which build a workflow runs on."""
    return str(await handle.execute_update("build", rpc_timeout=timedelta(seconds=15)))


async def _renewed(handle: WorkflowHandle[Any, Any]) -> None:
    """Continued as new."""
    before = (await handle.describe()).run_id
    await handle.signal("renew")

    async def is_new() -> bool:
        return (await handle.describe()).run_id != before

    assert await until(is_new, within=15)


async def _problems(client: Client, build: str | None) -> list[str]:
    return await problems(client, deployment=build and NAME, build_id=build, task_queue=QUEUE)


@pytest.mark.crowd
async def test_two_builds_side_by_side(client: Client) -> None:
    assert await _problems(client, "1") == [
        f"No worker of the deployment {NAME} has asked for work yet: start one with WORKER_BUILD_ID."
    ]
    with pytest.raises(CannotRoute, match="start one first"):
        await make_current(client, NAME, "1")
    async with working(client, "1"):
        [nothing] = await _problems(client, "1")
        assert nothing.startswith(f"The build 1 of {NAME} gets no work: current is none.")
        assert await make_current(client, NAME, "1") is None
        assert await make_current(client, NAME, "1") == "1"
        assert await _problems(client, "1") == []
        assert await _problems(client, None) != [], "workers without a version would get nothing"
        follows, stays = await _start(client, "Follows"), await _start(client, "Stays")
        assert (await _on(follows), await _on(stays)) == ("1", "1")
        async with working(client, "2"):
            assert "current is 1" in (await _problems(client, "2"))[0]
            assert (await _on(follows), await _on(stays)) == ("1", "1")

            assert await make_current(client, NAME, "2") == "1"
            assert (await _on(follows), await _on(stays)) == ("2", "1")
            await _renewed(follows)
            await _renewed(stays)
            assert (await _on(follows), await _on(stays)) == ("2", "1"), "a new run is pinned as the one before"
            await stays.terminate(reason="as the keeper does")
            stays = await _start(client, "Stays")
            assert await _on(stays) == "2", "what is started again begins on the current build"
            known = await look(client, NAME, task_queue=QUEUE)
            assert known is not None
            assert {each.build_id: each.workers for each in known.builds} == {"1": 1, "2": 1}

            assert await make_current(client, NAME, "1") == "2"
            assert (await _on(follows), await _on(stays)) == ("1", "2")
            await ramp(client, NAME, "2", 100)
            assert await _on(follows) == "2"
            assert await _problems(client, "2") == []
            await ramp(client, NAME, "2", 0)
            assert await make_current(client, NAME, None) == "1"
    async with working(client):
        assert await _on(follows) not in ("1", "2")  # but what the SDK calls a worker that nobody named
        assert await _problems(client, None) == []


async def test_a_held_patch_is_not_begun_and_old_code_can_follow(client: Client) -> None:
    async with working(client, holds_patches=True):
        follows = await _start(client, "Follows")
        assert await follows.execute_update("goes_the_new_way") is False
    async with working(client):
        assert await follows.execute_update("goes_the_new_way") is False, "what has gone the old way once goes on so"
        await _renewed(follows)
        assert await follows.execute_update("goes_the_new_way") is True
    async with working(client, holds_patches=True):
        assert await follows.execute_update("goes_the_new_way") is True, "nor does what has begun go back"


async def test_the_command_says_what_stands_in_the_way(
    client: Client,
    server: TemporalServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def run(*arguments: str) -> tuple[int, str]:
        code = await asyncio.to_thread(main, arguments)
        said = capsys.readouterr()
        return code, said.out + said.err

    given(monkeypatch, TEMPORAL_ADDRESS=server.address, TEMPORAL_TASK_QUEUE=QUEUE)
    assert await run("show") == (0, "")
    assert await run("current", "1") == (2, "WORKER_DEPLOYMENT is not set: workers are not versioned.\n")
    given(monkeypatch, WORKER_DEPLOYMENT=NAME, WORKER_BUILD_ID="1")
    assert (await run("current", "1"))[0] == 1
    async with working(client, "1"):
        code, said = await run("show")
        assert (code, said.splitlines()[0]) == (1, "1: inactive, 1 workers")
        assert await run("current", "1") == (0, "1 gets the work; before, it was none.\n")
        assert await run("show") == (0, "1: current, 1 workers\n")
        assert await run("unversioned") == (0, "Workers without a version gets the work; before, it was 1.\n")


def test_what_lives_for_long_is_pinned_to_no_build() -> None:
    behaviours = {each: vars(each)["__temporal_workflow_definition"].versioning_behavior for each in OF_A_VERSION}
    pinned = {each.__bases__ for each, behaviour in behaviours.items() if behaviour is VersioningBehavior.PINNED}
    assert pinned == {(BulkArchive,), (ReconcilePayments,)}
    unsaid = {vars(each)["__temporal_workflow_definition"].versioning_behavior for each in WORKFLOWS}
    assert unsaid == {VersioningBehavior.UNSPECIFIED}, "the engine takes one from versioned workers alone"
