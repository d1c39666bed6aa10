"""What a round costs: its billable actions are counted in its own history, over ten thousand clients."""

from collections import Counter

import pytest
from sqlalchemy import text
from sqlmodel import SQLModel
from temporalio.api.enums.v1 import EventType

from engine.executions import Execution
from models.reads.keeping.must_run import must_run
from rules.keeping import Kept as Kind
from tests.activities.keeping.conftest import Kept
from tests.care.owner import Owner
from workflows.messages import KEEP_JOURNEYS_ID

CLIENTS, AHEAD = 10_000, 2  # appointments of each
BILLABLE = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED: 1,
    EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: 1,
    EventType.EVENT_TYPE_TIMER_STARTED: 1,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: 1,
    EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: 1,
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: 1,
    EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: 2,
}
LISTS = 11  # of whole kinds: once in each step that looks at one
QUERIES = 10  # of the sample that shows whether the database is a copy


async def test_a_round_over_ten_thousand_clients_costs_at_most_fifty_actions(
    kept: Kept, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are real, and so is the round; the engine's list is made up, because ten thousand workflows take minutes
    to start. Lists, descriptions and histories are no billable actions."""
    await many(kept)
    epoch = await kept.epoch()

    lists: list[str] = []

    async def all_run(kind: str) -> dict[str, Execution]:
        lists.append(kind)
        now = await kept.deps.clock.now()
        async with kept.sessions() as session:
            keys = [row.key for row in await must_run(session, Kind(kind), before=now)]
        return {
            key: Execution(workflow_id=f"{kind}:{key}", run_id="run", status="running", started_at=now, epoch=epoch)
            for key in keys
        }

    asked: list[str] = []

    async def answers(workflow_id: str, query: str) -> None:
        asked.append(workflow_id)

    monkeypatch.setattr(kept.executions, "running", all_run)
    monkeypatch.setattr(kept.executions, "tells", answers)
    told = await kept.round()
    assert (told.looked_at, told.resumed) == (CLIENTS * (1 + AHEAD), {})
    history = await kept.client.get_workflow_handle(KEEP_JOURNEYS_ID).fetch_history()
    events = Counter(event.event_type for event in history.events)
    actions = sum(number * BILLABLE.get(kind, 0) for kind, number in events.items()) + len(asked)
    assert len(asked) <= QUERIES
    assert len(lists) <= LISTS, lists
    assert actions <= 50, events
    await owner.writes("TRUNCATE client CASCADE")  # to delete so many one by one would take half a minute


async def many(kept: Kept) -> None:
    """Ten thousand active clients, each with two sessions ahead: copies of one."""
    one = await kept.journey(started=False)
    ahead = await kept.appointment(one, started=False)
    clients = _copies("client", f"generate_series(2, {CLIENTS}) n", id="gen_random_uuid()", ref="'R' || n")
    sessions = _copies(
        "appointment", f"client c, generate_series(1, {AHEAD}) n", id="gen_random_uuid()", client_id="c.id"
    )
    async with kept.sessions() as session:
        connection = await session.connection()
        await connection.execute(text(clients), {"model": one.id})
        await connection.execute(text(sessions), {"model": ahead.id})
        await connection.execute(text("DELETE FROM occupied_time"))
        await connection.execute(text("DELETE FROM appointment WHERE id = :model"), {"model": ahead.id})
        await session.commit()


def _copies(name: str, source: str, **changed: str) -> str:
    columns = [column.name for column in SQLModel.metadata.tables[name].columns]
    names = ", ".join(f'"{column}"' for column in columns)
    values = ", ".join(changed.get(column, f'm."{column}"') for column in columns)
    return f"INSERT INTO {name} ({names}) SELECT {values} FROM {name} m, {source} WHERE m.id = :model"  # noqa: S608
