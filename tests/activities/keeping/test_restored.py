"""A database that was restored: workflows of other epochs are replaced, those without a row are ended with a task, and
Stripe is compared before any money moves."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlmodel import col, select

from models.reads.epoch import epoch_is_compared, newest_epoch
from models.tables import Reconciliation
from models.writes.keeping.epoch import begin_epoch, note_comparison
from ops.restored import mark_restored
from rules.enums import TaskKind
from tests.activities.keeping.conftest import Kept
from tests.care.rows import DAY
from workflows.messages import appointment_workflow_id, journey_id, reconciliation_id

HOUR = timedelta(hours=1)


async def restored(kept: Kept) -> UUID:
    return await mark_restored(kept.sessions, at=await kept.deps.clock.now())


async def test_workflows_of_another_epoch_are_replaced(kept: Kept) -> None:
    sara = await kept.journey()
    ahead = await kept.appointment(sara)
    epoch = await restored(kept)
    told = await kept.round()
    ids = {journey_id(str(sara.id)), appointment_workflow_id(str(ahead.id))}
    assert {id: because for id, because in told.resumed.items() if id in ids} == dict.fromkeys(ids, "other_epoch")
    for id in ids:
        execution = await kept.executions.look_at(id)
        assert execution is not None
        assert (execution.runs, execution.epoch) == (True, str(epoch))
    assert (await kept.round()).resumed == {}


async def test_stripe_is_compared_by_itself_and_a_task_says_what_cannot_be_known(kept: Kept) -> None:
    await restored(kept)
    told = await kept.round()
    async with kept.sessions() as session:
        assert not await epoch_is_compared(session)
        [comparison] = (await session.exec(select(Reconciliation))).all()
    assert await kept.runs(reconciliation_id(str(comparison.id)))
    assert comparison.since <= comparison.started_at - 30 * DAY
    [task] = await kept.tasks()
    assert (task.kind, told.tasks) == (TaskKind.RESTORED, 1)
    assert "nothing is charged or refunded" in task.text
    assert (await kept.round()).tasks == 0, "and no second comparison"


async def test_one_without_any_row_is_ended_with_a_task(kept: Kept, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("activities.keeping.restored.NOT_YET", timedelta())
    lost = journey_id(str(uuid4()))
    await kept.stranger(lost)
    await restored(kept)
    await kept.round()
    assert not await kept.runs(lost)
    [task] = [task for task in await kept.tasks() if task.kind is TaskKind.NO_RECORD]
    assert lost in task.text
    assert "client ABC, stage in_care" in task.text


async def test_one_without_any_row_shows_that_the_database_is_a_copy(kept: Kept, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """Nobody said that it was restored: the keeper finds out, and goes by it in the same round."""
    monkeypatch.setattr("activities.keeping.restored.NOT_YET", timedelta())
    sara = await kept.journey()
    lost = appointment_workflow_id(str(uuid4()))
    await kept.stranger(lost)
    before = await kept.epoch()
    told = await kept.round()
    assert await kept.epoch() != before
    assert told.resumed[journey_id(str(sara.id))] == "other_epoch"
    assert not await kept.runs(lost)
    assert {task.kind for task in await kept.tasks()} == {TaskKind.NO_RECORD}
    await kept.round()
    assert {task.kind for task in await kept.tasks()} == {TaskKind.NO_RECORD, TaskKind.RESTORED}


async def test_one_that_was_started_a_moment_ago_may_have_no_row_yet(kept: Kept) -> None:
    begins = journey_id(str(uuid4()))
    await kept.stranger(begins)
    before = await kept.epoch()
    await kept.round()
    assert await kept.runs(begins)
    assert await kept.epoch() == before


async def test_a_journey_that_knows_more_than_its_row_shows_that_the_database_is_a_copy(kept: Kept) -> None:
    sara = await kept.journey(fact_seq=3)
    await kept.appointment(sara, starts_at=await kept.deps.clock.now() - DAY)
    await kept.of(sara).signal("knows", 3)
    await kept.round()
    async with kept.sessions() as session:
        assert (await newest_epoch(session)).number == 1, "it knows what the row knows"
    await kept.of(sara).signal("knows", 5)
    told = await kept.round()
    assert told.resumed[journey_id(str(sara.id))] == "other_epoch"
    async with kept.sessions() as session:
        assert (await newest_epoch(session)).number == 2


@pytest.mark.parametrize("ended", [False, True])
async def test_whoever_else_compares_the_last_hour_the_care_team_is_told_and_all_is_compared(
    kept: Kept, ended: bool
) -> None:
    """By the hourly schedule, or at somebody's wish, while the keeper has not looked yet."""
    await restored(kept)
    now = await kept.deps.clock.now()
    hour = Reconciliation(id=uuid4(), asked_by="care_team:desk", started_at=now, since=now - HOUR, until=now)
    async with kept.sessions() as session:
        session.add(hour)
        await session.flush()
        if ended:
            hour.finished_at = now
            await note_comparison(session, hour, at=now)
        await session.commit()
    assert (await kept.round()).tasks == 1
    async with kept.sessions() as session:
        assert not await epoch_is_compared(session)
        begun = (await session.exec(select(Reconciliation).where(col(Reconciliation.id) != hour.id))).all()
    assert [await kept.runs(reconciliation_id(str(each.id))) for each in begun] == [True]
    assert [task.kind for task in await kept.tasks()] == [TaskKind.RESTORED]


async def test_an_epoch_that_was_compared_needs_no_comparison_but_the_care_team_is_told_once(kept: Kept) -> None:
    async with kept.sessions() as session:
        await begin_epoch(session, epoch=uuid4(), at=await kept.deps.clock.now(), marked=True)
        row = await newest_epoch(session)
        row.compared_at = row.began_at
        session.add(row)
        await session.commit()
    assert [(await kept.round()).tasks for _ in range(2)] == [1, 0]
    async with kept.sessions() as session:
        assert (await session.exec(select(Reconciliation))).all() == []
