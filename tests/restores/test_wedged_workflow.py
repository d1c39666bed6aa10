"""A workflow whose history the product cannot follow: the runbook shows it, ends it, and starts it again."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import Client as Engine
from temporalio.client import WorkflowHandle
from temporalio.common import RawValue
from temporalio.worker import Worker

from local.postgres import Postgres
from tests.care.house import House
from tests.restores.runbook import blocks, follow
from tests.restores.stores import Stores
from tests.stack.practice import add_therapist, arrives_with_card, soon
from workflows.messages import CLIENT_JOURNEY, TASK_QUEUE, journey_id

SECTION = "A wedged workflow"
FAILED = "workflow_task_failed_event_attributes"


@workflow.defn(name=CLIENT_JOURNEY, sandboxed=False)
class AnotherStory:
    """What a broken release might have done in a journey's place."""

    @workflow.run
    async def run(self, _: RawValue) -> None:
        await workflow.sleep(timedelta(days=400))
        await workflow.sleep(timedelta(days=400))


@pytest.mark.timeout(120)
async def test_a_wedged_journey_is_replaced_by_hand(postgres: Postgres, tmp_path: Path) -> None:
    stores = Stores(postgres, tmp_path, database="wedged")
    await stores.open()
    async with stores.engine() as engine, stores.running(engine) as house:
        await add_therapist(stores.care, "ana")
        sara = await arrives_with_card(stores.care, "Sara", "ana")
        await _is_wedged(house, sara.id)

        [block] = blocks(SECTION)
        await follow(stores, block, WORKFLOW_ID=journey_id(sara.id))

        await sara.books("session", soon(864000), by="desk")
        assert "journey_resumed" in await sara.facts()
    await stores.close()


async def _is_wedged(house: House, client_id: str) -> None:
    """In the place of the client's journey is one that this release cannot replay."""
    await house.stop_worker()
    engine: Engine = house.engine
    id = journey_id(client_id)
    await engine.get_workflow_handle(id).terminate("to make room for what a broken release has made")
    handle = await engine.start_workflow(CLIENT_JOURNEY, {}, id=id, task_queue=TASK_QUEUE)
    async with Worker(engine, task_queue=TASK_QUEUE, workflows=[AnotherStory]):
        await _has(handle, "timer_started_event_attributes")
    await handle.signal("archive")
    await house.start_worker()
    await _has(handle, FAILED)


async def _has(handle: WorkflowHandle[object, object], attributes: str) -> None:
    async with asyncio.timeout(30):
        while not any([event.HasField(attributes) async for event in handle.fetch_history_events()]):  # type: ignore[arg-type]
            await asyncio.sleep(0.1)
