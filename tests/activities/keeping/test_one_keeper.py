"""One keeper at a time: what a schedule begins under an id of its own is a round of the one that everybody asks."""

import asyncio
from uuid import uuid4

from sqlmodel import select
from temporalio.client import WorkflowHandle

from activities.keeping.tasks import open_keeping_task
from models.tables import Keeping
from rules.enums import TaskKind
from tests.activities.keeping.conftest import Kept
from tests.care.rows import NOW
from workflows.messages import KEEP_JOURNEYS, KEEP_JOURNEYS_ID, TASK_QUEUE, journey_id


async def by_schedule(kept: Kept, number: int) -> None:
    """As a schedule does, which puts the time behind every id that it is given."""
    id = f"{KEEP_JOURNEYS_ID}:by-schedule-2026-03-02T12:{number:02}:00Z"
    await kept.client.execute_workflow(KEEP_JOURNEYS, id=id, task_queue=TASK_QUEUE)


async def rounds(kept: Kept) -> list[str]:
    async with kept.sessions() as session:
        return [row.asked_by for row in (await session.exec(select(Keeping))).all() if row.finished_at]


def keeper(kept: Kept) -> WorkflowHandle[object, None]:
    return kept.client.get_workflow_handle(KEEP_JOURNEYS_ID)


async def test_what_the_schedule_begins_is_a_round_of_the_one_keeper(kept: Kept) -> None:
    sara = await kept.journey(started=False)
    await by_schedule(kept, 0)
    await keeper(kept).result()
    assert await rounds(kept) == ["schedule"]
    assert await kept.runs(journey_id(str(sara.id)))


async def test_while_a_round_is_under_way_the_schedule_leaves_it_alone(kept: Kept) -> None:
    """Two at once would both start again what the engine does not know, and count it twice."""
    sara = await kept.journey(started=False)
    async with kept.nobody_works():
        order = {"id": str(uuid4()), "asked_by": "care_team:desk"}
        await kept.client.start_workflow(KEEP_JOURNEYS, {"asked": [order]}, id=KEEP_JOURNEYS_ID, task_queue=TASK_QUEUE)
        scheduled = [asyncio.create_task(by_schedule(kept, number)) for number in range(3)]
        await asyncio.sleep(0.2)
    await asyncio.gather(*scheduled)
    await keeper(kept).result()
    assert await rounds(kept) in (["care_team:desk"], ["care_team:desk", "schedule"])
    assert [fact.kind for fact in await kept.facts(sara)] == ["journey_resumed"]


async def test_a_task_of_no_client_is_opened_once_by_whoever_comes_first(kept: Kept) -> None:
    """What a keeper that was ended had begun may still be at it."""

    async def opens() -> bool:
        async with kept.sessions() as session:
            opened = await open_keeping_task(
                session, None, keeping_id=str(uuid4()), key="one", kind=TaskKind.RESTORED, text="Look", at=NOW
            )
            await asyncio.sleep(0.1)
            await session.commit()
            return opened

    assert sorted(await asyncio.gather(*(opens() for _ in range(2)))) == [False, True]
