"""The workflow of an archive of many: what staff see and may do, journeys that do not answer, and run after run."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio.api.enums.v1 import EventType

from activities.archive import bulk as bulk_steps
from models.reads.epoch import present_epoch
from models.tables import BulkArchiveRecord
from models.tables.clients.client import Client
from models.writes import locks
from rules.archive.bulk import LATE, STOPPED
from rules.policy import SHORTEST_HISTORY, JourneyPolicy
from tests.care.house import open_house
from tests.care.story import Care, Person
from tests.journeys.archive.bulk import archive_many, finished, progress, results, workflow_of
from tests.journeys.booking.waitlists.waitlist import comes
from tests.replay.record import runs_of
from tests.workflows.test_what_staff_see import details
from workflows.messages import BULK_ARCHIVE_QUERY, STOP, BulkArchiveProgress

NAMES = ("Anna", "Berta", "Carla", "Doris", "Edith", "Frida")


@dataclass
class Held:
    """Clients whose archive cannot be written: their journeys try again and again."""

    clients: set[str] = field(default_factory=set)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    held = Held()

    async def lock_client(session: AsyncSession, client_id: UUID) -> Client:
        if str(client_id) in held.clients:
            message = "the database is away"
            raise ConnectionError(message)
        return await locks.lock_client(session, client_id)

    monkeypatch.setattr("activities.archive.archive.lock_client", lock_client)
    yield held
    held.clients.clear()


@pytest.fixture
def two_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_steps, "AT_A_TIME", 2)


async def _come(care: Care, number: int) -> list[Person]:
    await care.therapist("ana", intro_calls="off")
    return [await comes(care, name) for name in NAMES[:number]]


async def _until_waiting_for(care: Care, archive_id: str, number: int) -> BulkArchiveProgress:
    async with asyncio.timeout(30):
        while True:
            query = workflow_of(care, archive_id).query(BULK_ARCHIVE_QUERY, result_type=BulkArchiveProgress)
            view: BulkArchiveProgress = await query
            if view.waiting_for == number:
                return view
            await asyncio.sleep(0.05)


async def _until_stopped(care: Care, archive_id: str) -> None:
    async with asyncio.timeout(30):
        while True:
            async with care.house.sessions() as session:
                if (await session.get_one(BulkArchiveRecord, UUID(archive_id))).stopped_at is not None:
                    return
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("how", ["stop", "cancel"])
@pytest.mark.usefixtures("two_at_a_time")
async def test_x7_a_support_person_reads_how_far_it_is_and_stops_it(live: Care, held: Held, how: str) -> None:
    people = await _come(live, 4)
    held.clients |= {person.id for person in people}
    archive_id = await archive_many(live, people, reason="moved away")
    workflow = workflow_of(live, archive_id)
    view = await _until_waiting_for(live, archive_id, 2)
    assert (view.status, view.total, view.done, view.stopped) == ("running", 4, 0, False)
    text = await details(workflow)
    assert text.startswith("**An archive of 4 clients**, asked for by care_team:desk: **0 of 4** done.")
    assert "signal `stop`" in text

    await (workflow.signal(STOP) if how == "stop" else workflow.cancel())
    async with asyncio.timeout(30):
        while (await progress(live, archive_id))["skipped"] < 2 or "has been stopped" not in await details(workflow):
            await asyncio.sleep(0.1)
    held.clients.clear()
    told = await finished(live, archive_id)
    assert results(told) == [("archived", None)] * 2 + [("skipped", STOPPED)] * 2
    assert [(await person.look())["status"] for person in people] == ["archived"] * 2 + ["active"] * 2
    text = await details(workflow)
    assert "is finished" in text
    assert "- Skipped: 2" in text
    for private in ("Anna", "Lind", "@", "moved away"):
        assert private not in text

    # Every timer and every step says what it is for.
    kinds = {EventType.EVENT_TYPE_TIMER_STARTED, EventType.EVENT_TYPE_MARKER_RECORDED}
    labelled = [event for event in (await workflow.fetch_history()).events if event.event_type in kinds]
    assert {event.event_type for event in labelled} == kinds
    assert all(event.user_metadata.summary.data for event in labelled)


@pytest.mark.usefixtures("two_at_a_time")
async def test_once_stopped_it_stays_stopped_whoever_ends_it(live: Care, held: Held) -> None:
    """The run that was told is lost, and another begins with the row alone."""
    people = await _come(live, 4)
    held.clients |= {person.id for person in people}
    archive_id = await archive_many(live, people)
    await _until_waiting_for(live, archive_id, 2)
    workflow = workflow_of(live, archive_id)
    await workflow.signal(STOP)
    await _until_stopped(live, archive_id)
    await workflow.terminate("a wrong click")
    held.clients.clear()
    executions = live.house.dependencies.executions
    assert executions is not None
    async with live.house.sessions() as session:
        await executions.start(workflow.id, epoch=str(await present_epoch(session)))
    told = await finished(live, archive_id)
    assert results(told)[2:] == [("skipped", STOPPED)] * 2
    assert [(await person.look())["status"] for person in people[2:]] == ["active"] * 2


async def test_a_journey_that_is_ended_after_it_was_asked_is_started_again_and_asked_again(
    live: Care, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rules.archive.bulk.QUIET", timedelta(seconds=2))
    people = await _come(live, 2)
    held.clients.add(people[1].id)
    archive_id = await archive_many(live, people)
    await _until_waiting_for(live, archive_id, 1)
    held.clients.clear()
    await people[1].journey.terminate("a wrong click")
    assert results(await finished(live, archive_id)) == [("archived", None)] * 2
    [fact] = [fact for fact in await people[1].timeline() if fact["kind"] == "archived"]
    assert fact["actor"] == "care_team:desk"


async def test_a_journey_that_does_not_answer_holds_up_nobody_and_may_still_do_it(
    care: Care, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock cannot be moved past a step that is being tried again, so patience is short here."""
    monkeypatch.setattr("rules.archive.bulk.PATIENCE", timedelta(seconds=4))
    people = await _come(care, 3)
    held.clients.add(people[1].id)
    archive_id = await archive_many(care, people)
    await _until_waiting_for(care, archive_id, 1)
    assert [result for result, _ in results(await progress(care, archive_id))] == ["archived", "pending", "archived"]
    assert results(await finished(care, archive_id)) == [("failed", LATE), ("archived", None), ("archived", None)]
    assert (await people[1].look())["status"] == "active"
    held.clients.clear()
    await care.pass_time(minutes=1)
    assert (await people[1].look())["status"] == "archived"  # as the result said that it may


async def test_one_that_was_ended_in_the_engine_is_told_as_stopped_with_what_it_came_to(care: Care, held: Held) -> None:
    people = await _come(care, 3)
    held.clients.add(people[1].id)
    archive_id = await archive_many(care, people)
    await _until_waiting_for(care, archive_id, 1)
    before = await progress(care, archive_id)
    assert before["status"] == "running"
    await workflow_of(care, archive_id).terminate("what nobody should do")
    view = await progress(care, archive_id)
    assert view == before | {"status": "stopped"}
    assert [result for result, _ in results(view)] == ["archived", "pending", "archived"]
    assert [line["status"] for line in (await care.get("/v1/archives"))["items"]] == ["running"]  # asks nobody
    held.clients.clear()
    await care.pass_time(minutes=1)
    assert (await people[1].look())["status"] == "archived"  # its journey had been asked
    assert results(await progress(care, archive_id)) == results(view)
    again = await archive_many(care, people)
    assert (await finished(care, again))["skipped"] == 3


@pytest.mark.usefixtures("two_at_a_time")
async def test_run_after_run_everybody_is_archived_once_and_progress_never_goes_back(database_url: str) -> None:
    """A new run every few steps."""
    rules = JourneyPolicy(history_limit=SHORTEST_HISTORY)
    async with (
        open_house(database_url, rules) as house,
        httpx.AsyncClient(timeout=60, trust_env=False) as http,
    ):
        care = Care(house, http)
        people = await _come(care, 6)
        archive_id = await archive_many(care, people)
        assert results(await finished(care, archive_id)) == [("archived", None)] * 6
        assert [(await person.facts()).count("archived") for person in people] == [1] * 6
        histories: list[Any] = await runs_of(workflow_of(care, archive_id))
        assert len(histories) > 1
        signals = EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED
        told = [event for history in histories for event in history.events if event.event_type == signals]
        assert len(told) == 6
        assert (await details(workflow_of(care, archive_id))).startswith("**An archive of 6 clients**")
