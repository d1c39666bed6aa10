"""The life of a patch, on a workflow made up for it: a rule that says something else since, asked with a version."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from uuid import uuid4

import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, Worker

from engine.connect import TASK_QUEUE
from local.processes import free_port
from local.temporal import TemporalServer
from ops.patches import look, tell
from workflows.patches import PATCHES, Patch, PatchState, Version

EXAMPLE = "Example"
PATIENCE = 60.0  # seconds, on a machine that has other things to do
TASKS = {
    EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
}
PATCH = Patch(id="remind-no-more", workflows=(EXAMPLE,), since=date(2026, 11, 30), what="Reminds no more.")
DEPRECATED = Patch(
    id=PATCH.id, workflows=PATCH.workflows, since=PATCH.since, what=PATCH.what, state=PatchState.DEPRECATED
)


def reminders(*, version: Version) -> tuple[timedelta, ...]:
    """The rule. It knows of no engine; with the old version it says what it said before."""
    return (timedelta(milliseconds=1),) if version is Version.BEFORE else ()


class Reminding:
    """What all of them have: the timers that the rule wants, then a wait for the end."""

    def __init__(self) -> None:
        self.over = False

    async def remind(self, version: Version) -> None:
        for after in reminders(version=version):
            await workflow.sleep(after)
        await workflow.wait_condition(lambda: self.over)


@workflow.defn(name=EXAMPLE, sandboxed=False)
class BeforeThePatch(Reminding):
    """As it was."""

    @workflow.run
    async def run(self) -> None:
        await self.remind(Version.BEFORE)

    @workflow.signal
    def end(self) -> None:
        self.over = True


@workflow.defn(name=EXAMPLE, sandboxed=False)
class WithoutAPatch(Reminding):
    """As it should be in the end: without a patch, too early."""

    @workflow.run
    async def run(self) -> None:
        await self.remind(Version.SINCE)

    @workflow.signal
    def end(self) -> None:
        self.over = True


@workflow.defn(name=EXAMPLE, sandboxed=False)
class WithThePatch(Reminding):
    """First step: written."""

    @workflow.run
    async def run(self) -> None:
        await self.remind(PATCH.version())

    @workflow.signal
    def end(self) -> None:
        self.over = True


@workflow.defn(name=EXAMPLE, sandboxed=False)
class WithItDeprecated(Reminding):
    """Second step: the old way is gone."""

    @workflow.run
    async def run(self) -> None:
        await self.remind(DEPRECATED.version())

    @workflow.signal
    def end(self) -> None:
        self.over = True


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    server = await TemporalServer.start_dev(data_dir=None, port=free_port(), ui_port=free_port())
    async with server:
        yield await Client.connect(server.address)


async def begun(client: Client, code: type) -> WorkflowHistory:
    """A run of this code that is under way, and waits."""
    async with Worker(client, task_queue=TASK_QUEUE, workflows=[code], max_cached_workflows=0):
        handle = await client.start_workflow(EXAMPLE, id=str(uuid4()), task_queue=TASK_QUEUE)
        async with asyncio.timeout(PATIENCE):
            while True:
                history = await handle.fetch_history()
                if code is not BeforeThePatch or any(
                    e.HasField("timer_fired_event_attributes") for e in history.events
                ):
                    tasks = [event for event in history.events if event.event_type in TASKS]
                    if tasks and tasks[-1].event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
                        return history
                await asyncio.sleep(0.05)


async def can_follow(history: WorkflowHistory, code: type) -> bool:
    replayer = Replayer(workflows=[code], workflow_runner=UnsandboxedWorkflowRunner())
    return (await replayer.replay_workflow(history, raise_on_replay_failure=False)).replay_failure is None


async def test_the_life_of_a_patch(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    before = await begun(client, BeforeThePatch)
    since = await begun(client, WithThePatch)
    deprecated = await begun(client, WithItDeprecated)
    follows = {
        code: (await can_follow(before, code), await can_follow(since, code), await can_follow(deprecated, code))
        for code in (WithThePatch, WithItDeprecated, WithoutAPatch)
    }
    assert follows == {
        WithThePatch: (True, True, True),  # while any is left that began before
        WithItDeprecated: (False, True, True),  # once none is left
        WithoutAPatch: (False, False, True),  # once none is left that the patch itself has marked
    }

    async with asyncio.timeout(PATIENCE):  # the listing is a moment late
        while True:
            [marked] = await look(client, [PATCH], task_queue=TASK_QUEUE)
            if (marked.running, marked.without) == (3, 1):
                break
            await asyncio.sleep(0.05)
    tell([marked])
    assert capsys.readouterr().out == ("remind-no-more (active, since 2026-11-30): 1 of 3 running Example without it\n")


def test_a_patch_is_used_once() -> None:
    assert len({patch.id for patch in PATCHES}) == len(PATCHES)
