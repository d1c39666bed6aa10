"""A workflow whose tasks fail for long is ended and started again; many of them at once are a release's fault."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.client import Client

from activities.keeping import rounds
from activities.keeping.rounds import KeepingActivities
from engine.codec import PayloadKeys, data_converter
from local.processes import free_port
from local.temporal import TemporalServer
from rules.enums import TaskKind
from rules.keeping import too_many_wedged
from tests.activities.keeping import followers
from tests.activities.keeping.conftest import Kept
from tests.activities.keeping.followers import following
from workflows.keep_journeys import KeepJourneys
from workflows.messages import KEEP_JOURNEYS, KEEP_JOURNEYS_ID, TASK_QUEUE, journey_id

A_MOMENT = timedelta(seconds=1)
OTHER_KEYS = PayloadKeys((("tests", bytes([1]) * 32),))  # of the right name
AT_ONCE = {"system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute": 2}  # after two failures, not five


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[TemporalServer]:
    async with await TemporalServer.start_dev(
        data_dir=None, port=free_port(), ui_port=free_port(), dynamic_config=AT_ONCE
    ) as server:
        yield server


async def cannot_go_on(kept: Kept, number: int) -> list[str]:
    """So many journeys that fail, as the engine lists them."""
    clients = [await kept.journey() for _ in range(number)]
    for client in clients:
        execution = await kept.executions.look_at(journey_id(str(client.id)))
        assert execution is not None
        followers.broken.add(execution.run_id)
        await kept.of(client).signal("archive", {"request_id": str(client.id)})
    async with asyncio.timeout(90):
        while len(await kept.executions.reporting_problems()) < number:
            await asyncio.sleep(0.2)
    return [journey_id(str(client.id)) for client in clients]


async def test_one_that_fails_for_long_is_started_again_and_hears_what_was_said(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    [wedged] = await cannot_go_on(kept, 1)
    assert (await kept.round()).resumed == {}, "it has failed for less than ten minutes"

    monkeypatch.setattr(KeepingActivities, "wedged_after", A_MOMENT)
    assert (await kept.round()).resumed == {wedged: "wedged"}
    handle = kept.client.get_workflow_handle(wedged)
    while not (heard := await handle.query("heard")):
        await asyncio.sleep(0.05)
    assert heard == [{"request_id": wedged.partition(":")[2]}]


async def test_many_at_once_are_left_with_one_task_and_an_alert(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    wedged = await cannot_go_on(kept, 6)
    monkeypatch.setattr(KeepingActivities, "wedged_after", A_MOMENT)
    alerts: list[str] = []
    monkeypatch.setattr(rounds.log, "error", lambda said, **_: alerts.append(said))
    await asyncio.sleep(A_MOMENT.total_seconds())
    runs = {id: (await kept.executions.look_at(id)) for id in wedged}
    told = await kept.round()
    assert (told.resumed, told.tasks) == ({}, 1)
    assert {id: (await kept.executions.look_at(id)) for id in wedged} == runs, "nothing was ended"
    [task] = await kept.tasks()
    assert task.kind is TaskKind.MANY_WEDGED
    assert "PAYLOAD_KEYS" in task.text
    assert len(alerts) == 1
    assert (await kept.round()).tasks == 0, "one task a day"


@pytest.mark.crowd  # half a minute long
@pytest.mark.timeout(240)
async def test_a_worker_without_the_right_key_ends_nothing(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under 300 journeys. The keeper itself goes on: it is run by the same worker, and asked without a payload."""
    clients = [await kept.journey() for _ in range(300)]
    ids = [journey_id(str(client.id)) for client in clients]
    for client in clients:
        await kept.of(client).query("heard")  # each has begun
    runs = await kept.executions.look_at_all(ids)
    monkeypatch.setattr(KeepingActivities, "wedged_after", A_MOMENT)
    async with kept.nobody_works():
        stranger = await Client.connect(
            kept.client.service_client.config.target_host, data_converter=data_converter(OTHER_KEYS)
        )
        async with following(stranger, KeepJourneys, activities=kept.steps):
            for client in clients:
                await kept.of(client).signal("archive", {"request_id": str(client.id)})
            async with asyncio.timeout(150):
                while len(await kept.executions.reporting_problems()) < 20:  # more than too many
                    await asyncio.sleep(0.5)
            await asyncio.sleep(2 * A_MOMENT.total_seconds())
            await stranger.execute_workflow(KEEP_JOURNEYS, id=KEEP_JOURNEYS_ID, task_queue=TASK_QUEUE)
        assert await kept.executions.look_at_all(ids) == runs, "nothing was ended"
        [task] = await kept.tasks()
        assert task.kind is TaskKind.MANY_WEDGED
        assert "PAYLOAD_KEYS" in task.text


@pytest.mark.parametrize(
    ("wedged", "looked_at", "too_many"),
    [(5, 20, False), (6, 20, True), (6, 300, True), (100, 10_000, False), (101, 10_000, True)],
)
def test_more_than_five_or_one_in_a_hundred(wedged: int, looked_at: int, too_many: bool) -> None:
    assert too_many_wedged(wedged, looked_at=looked_at) is too_many
