"""What must run and does not is started again, once, with a fact that says what had happened."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from temporalio.service import RPCError, RPCStatusCode

from engine.clock import SystemClock
from local.temporal import TemporalServer
from models.database import Sessions
from models.reads.keeping.keepings import not_done
from models.tables import BulkArchiveRecord, Reconciliation, Resumption, WaitlistPlace
from rules.enums import AppointmentStatus, AppointmentType, PaymentStatus, TaskKind
from rules.keeping import ResumedBecause
from tests.activities.keeping.conftest import Kept, kept_on
from tests.care.rows import DAY, NOW
from workflows.messages import appointment_workflow_id, bulk_archive_id, journey_id, reconciliation_id, waitlist_id


async def test_what_runs_is_left_as_it_is(kept: Kept) -> None:
    sara = await kept.journey()
    await kept.appointment(sara)
    told = await kept.round()
    assert (told.looked_at, told.resumed, told.tasks) == (2, {}, 0)
    assert await kept.facts(sara) == []


async def test_whatever_ended_it_it_is_started_again_and_a_fact_says_who(kept: Kept) -> None:
    missing = await kept.journey(started=False)
    terminated, cancelled, failed = await kept.journey(), await kept.journey(), await kept.journey()
    await kept.of(terminated).terminate("a wrong click")
    await kept.of(cancelled).cancel()
    await kept.of(failed).signal("fail")
    for each in (cancelled, failed):
        while await kept.runs(journey_id(str(each.id))):
            pass
    told = await kept.round()
    assert told.resumed == {
        journey_id(str(missing.id)): "missing",
        journey_id(str(terminated.id)): "terminated",
        journey_id(str(cancelled.id)): "cancelled",
        journey_id(str(failed.id)): "failed",
    }
    for each in (missing, terminated, cancelled, failed):
        assert await kept.runs(journey_id(str(each.id)))
        [fact] = await kept.facts(each)
        assert fact.kind == "journey_resumed"
    me = kept.client.identity
    [fact] = await kept.facts(terminated)
    assert fact.text == (
        f"The journey was started again from the database: it had been terminated by via Temporal ({me})."
    )
    assert fact.data == {
        "workflows": [{"workflow_id": journey_id(str(terminated.id)), "because": "terminated", "by": me}]
    }
    [fact] = await kept.facts(cancelled)
    assert f"cancelled by via Temporal ({me})" in fact.text
    assert (await kept.round()).resumed == {}


async def test_each_kind_of_row_must_run(kept: Kept) -> None:
    sara = await kept.journey()
    ahead = await kept.appointment(sara, started=False)
    now = datetime.now(UTC)
    at_the_card = await kept.appointment(sara, started=False, status=AppointmentStatus.OCCURRED)
    await kept.rows.payment(at_the_card, status=PaymentStatus.FAILED, due_at=now, deadline=now + DAY)
    over = await kept.appointment(sara, started=False, status=AppointmentStatus.OCCURRED)
    await kept.rows.payment(over, status=PaymentStatus.OWED)
    closed = await kept.rows.client(kept.therapist, closed_at=NOW)
    archive, comparison = uuid4(), uuid4()
    await kept.rows.add(
        BulkArchiveRecord(id=archive, asked_by="desk", asked_at=now - timedelta(hours=1)),
        Reconciliation(id=comparison, asked_by="desk", started_at=now - timedelta(hours=1), since=NOW, until=NOW + DAY),
        WaitlistPlace(
            id=uuid4(),
            client_id=sara.id,
            therapist_id=kept.therapist.id,
            type=AppointmentType.SESSION,
            wished_from=NOW,
            wished_until=NOW + DAY,
            joined_at=NOW,
            joined_by="desk",
        ),
    )
    told = await kept.round()
    assert told.resumed.keys() == {
        appointment_workflow_id(str(ahead.id)),
        appointment_workflow_id(str(at_the_card.id)),
        bulk_archive_id(str(archive)),
        reconciliation_id(str(comparison)),
        waitlist_id("ana"),
    }
    assert not await kept.runs(journey_id(str(closed.id)))
    [fact] = [fact for fact in await kept.facts(sara) if fact.kind == "journey_resumed"]
    assert fact.text.endswith("So were 1 more of this client's workflows.")


async def test_rows_younger_than_a_minute_are_not_looked_at(kept: Kept) -> None:
    await kept.journey(started=False, created_at=datetime.now(UTC))
    told = await kept.round()
    assert (told.looked_at, told.resumed) == (0, {})


async def test_the_third_time_within_a_day_it_is_left_with_a_task(kept: Kept) -> None:
    sara = await kept.journey()
    for _ in range(2):
        await kept.of(sara).terminate("again")
        assert (await kept.round()).resumed == {journey_id(str(sara.id)): "terminated"}
    await kept.of(sara).terminate("and again")
    told = await kept.round()
    assert told.resumed == {}
    assert not await kept.runs(journey_id(str(sara.id)))
    [task] = await kept.tasks()
    assert (task.kind, task.client_id, told.tasks) == (TaskKind.KEEPS_ENDING, sara.id, 1)
    assert f"python -m ops.resume {journey_id(str(sara.id))}" in task.text
    assert (await kept.round()).tasks == 0, "one task for it"


async def test_an_archive_that_was_asked_for_in_vain_is_asked_for_again(kept: Kept) -> None:
    sara = await kept.journey()
    await kept.of(sara).signal("archive", {"request_id": "before"})
    while await kept.of(sara).query("heard") != [{"request_id": "before"}]:
        pass
    async with kept.nobody_works():
        await kept.of(sara).signal("archive", {"request_id": "in vain", "reason": "moved"})
        await kept.of(sara).terminate("a wrong click")
    told = await kept.round()
    assert told.resumed == {journey_id(str(sara.id)): "terminated"}
    while len(await kept.of(sara).query("heard")) < 1:
        pass
    assert await kept.of(sara).query("heard") == [{"request_id": "in vain", "reason": "moved"}]


async def test_on_the_movable_clock_each_is_asked_for_by_its_id(sessions: Sessions) -> None:
    async with await TemporalServer.start_time_skipping() as server:
        assert server.clock is not None
        async for kept in kept_on(server.address, sessions, clock=SystemClock()):
            sara, lost = await kept.journey(), await kept.journey()
            await kept.of(lost).terminate("a wrong click")
            told = await kept.round()
            assert (told.looked_at, told.resumed) == (2, {journey_id(str(lost.id)): "terminated"})
            assert await kept.facts(sara) == []
            assert await kept.runs(journey_id(str(lost.id)))


async def test_a_lost_run_that_the_engine_has_forgotten_holds_up_nobody(kept: Kept) -> None:
    """Written down before the engine's store was lost, or its history's time was over."""
    sara, tina = await kept.journey(), await kept.journey(started=False)
    id = journey_id(str(sara.id))
    await kept.rows.add(
        Resumption(workflow_id=id, run_id=str(uuid4()), because=ResumedBecause.TERMINATED, client_id=sara.id, at=NOW)
    )
    assert (await kept.round()).resumed == {journey_id(str(tina.id)): "missing"}
    async with kept.sessions() as session:
        assert await not_done(session, before=datetime.now(UTC), limit=10) == []


async def test_one_that_cannot_be_started_again_holds_up_nobody(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    sara, tina = await kept.journey(started=False), await kept.journey(started=False)
    start = kept.executions.start

    async def mostly(workflow_id: str, *, epoch: str | None) -> bool:
        if workflow_id == journey_id(str(sara.id)):
            raise RPCError("never", RPCStatusCode.INVALID_ARGUMENT, b"")
        return await start(workflow_id, epoch=epoch)

    monkeypatch.setattr(kept.executions, "start", mostly)
    await kept.round()
    assert [await kept.runs(journey_id(str(row.id))) for row in (sara, tina)] == [False, True]
    monkeypatch.undo()
    await kept.round()
    assert await kept.runs(journey_id(str(sara.id)))
    assert len(await kept.facts(sara)) == 1
