"""What begins by itself, on a real dev server: made once, and left as it is after that."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.client import (
    Client,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleOverlapPolicy,
)
from temporalio.converter import DataConverter

from engine.connect import SERVICE_FILE, EngineAddress, connect, main, register
from engine.schedules import make_schedules, recurring
from local.processes import free_port, until
from local.temporal import TemporalServer
from workflows.registry import WORKFLOWS


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[TemporalServer]:
    async with await TemporalServer.start_dev(data_dir=None, port=free_port(), ui_port=free_port()) as server:
        yield server


@pytest.fixture
async def client(server: TemporalServer) -> Client:
    return await connect(EngineAddress(address=server.address), data_converter=DataConverter.default)


def test_what_is_listed_is_there_to_be_run() -> None:
    listed = {each.workflow: each.every for each in recurring(SERVICE_FILE)}
    assert listed == {"ReconcilePayments": timedelta(hours=1), "KeepJourneys": timedelta(minutes=10)}
    assert listed.keys() <= {vars(each)["__temporal_workflow_definition"].name for each in WORKFLOWS}


async def test_schedules_are_made_once_and_what_was_changed_stays(server: TemporalServer, client: Client) -> None:
    told = await register(EngineAddress(address=server.address), task_queue="a-queue")
    assert told == f"Registered in 'default' at {server.address}: reconcile-payments, keep-journeys."
    handle = client.get_schedule_handle("reconcile-payments")
    described = (await handle.describe()).schedule
    assert isinstance(described.action, ScheduleActionStartWorkflow)
    assert (described.action.workflow, described.action.task_queue) == ("ReconcilePayments", "a-queue")
    assert [spec.every for spec in described.spec.intervals] == [timedelta(hours=1)]
    assert described.policy.overlap is ScheduleOverlapPolicy.SKIP

    await handle.pause(note="the desk is away")
    assert await make_schedules(client, recurring(SERVICE_FILE), task_queue="another") == []
    described = (await handle.describe()).schedule
    assert isinstance(described.action, ScheduleActionStartWorkflow)
    assert (described.state.paused, described.action.task_queue) == (True, "a-queue")

    await handle.trigger()

    async def started() -> bool:
        return bool((await handle.describe()).info.recent_actions)

    assert await until(started, within=20)
    [action] = (await handle.describe()).info.recent_actions
    assert isinstance(action.action, ScheduleActionExecutionStartWorkflow)
    run = await client.get_workflow_handle(action.action.workflow_id).describe()
    assert (run.workflow_type, run.task_queue) == ("ReconcilePayments", "a-queue")
    assert run.id.startswith("reconcile-payments:by-schedule-")


async def test_the_command_says_what_was_missing(server: TemporalServer, capsys: pytest.CaptureFixture[str]) -> None:
    environment = {"TEMPORAL_ADDRESS": server.address, "TEMPORAL_TASK_QUEUE": "a-queue"}
    for _ in range(2):
        assert await asyncio.to_thread(main, ["register"], environment) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"Nothing was missing in 'default' at {server.address}."
