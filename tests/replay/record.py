"""Records the histories that the replay tests hold the workflows to: ``python -m tests.replay.record``.

It tells the stories that have no files in ``tests/replay/histories`` yet, and adds what they left; commit it. What is
there already is kept as it is: it stands for the journeys that are under way, and a change that cannot replay it needs
a patch (docs/changing-a-workflow.md). To see what a story has become, tell it under another name.

Each story is told on the movable clock; every run of every workflow in it becomes one file, except of appointments that
went the same way as another (and of one that a restore started once more, the runs before that). Payloads are encrypted
with the key of the tests, so a history can be read with nothing but the checkout.
"""

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
from sqlmodel import col, select
from temporalio.client import WorkflowHandle, WorkflowHistory

from local.postgres import Postgres
from models.tables.clients.task import Task
from models.tables.events.webhook import WebhookRecord
from models.tables.keeping.reencryption import Reencryption
from rules.enums import TaskKind
from rules.policy import JourneyPolicy
from tests.care.house import open_house
from tests.care.story import Care, Person
from tests.journeys.booking.waitlists.waitlist import waitlist_of
from tests.replay.corpus import HISTORIES
from tests.replay.stories import (
    STORIES,
    Story,
    busy_elsewhere,
    in_line,
    kept,
    sealed_anew,
    told_meanwhile,
    told_to_a_program,
)
from workflows.messages import (
    KEEP_JOURNEYS_ID,
    PRACTICE_MAIL_ID,
    bulk_archive_id,
    calendar_id,
    reconciliation_id,
    reencryption_id,
    webhook_workflow_id,
)

Workflows = dict[str, WorkflowHandle[Any, Any]]


async def runs_of(handle: WorkflowHandle[object, object]) -> list[WorkflowHistory]:
    """Every run of one workflow, oldest first."""
    histories = [await handle.fetch_history()]
    while before := histories[-1].events[0].workflow_execution_started_event_attributes.continued_execution_run_id:
        histories.append(await handle._client.get_workflow_handle(handle.id, run_id=before).fetch_history())
    return histories[::-1]


def anonymous(value: Any) -> Any:
    """Without the names of the machine and the process that recorded it."""
    if isinstance(value, dict):
        return {key: "recorder" if key == "identity" else anonymous(inner) for key, inner in value.items()}
    return [anonymous(inner) for inner in value] if isinstance(value, list) else value


def untold() -> list[tuple[Story, JourneyPolicy]]:
    """The stories of which no history is kept yet."""
    return [(story, policy) for story, policy in STORIES if not any(HISTORIES.glob(f"{story.__name__}.*.json"))]


async def left_by(care: Care, told: Person | tuple[Person, ...]) -> Workflows:
    """What every story leaves: journeys and appointments, comparisons and archives."""
    handle = care.house.engine.get_workflow_handle
    sara, *others = told if isinstance(told, tuple) else (told,)
    workflows = {"journey": sara.journey}
    workflows |= {f"journey-{number}": other.journey for number, other in enumerate(others, start=2)}
    ids = [line["id"] for line in (await care.get("/v1/appointments", limit=200))["items"]]
    workflows |= {f"appointment-{number}": handle(f"appointment:{id}") for number, id in enumerate(ids, start=1)}
    compared = [reconciliation_id(line["id"]) for line in (await care.get("/v1/reconciliations"))["items"]]
    workflows |= {f"comparison-{number}": handle(id) for number, id in enumerate(reversed(compared), start=1)}
    archives = [bulk_archive_id(line["archive_id"]) for line in (await care.get("/v1/archives"))["items"]]
    workflows |= {f"archive-{number}": handle(id) for number, id in enumerate(reversed(archives), start=1)}
    return workflows


async def beside(care: Care, story: Story) -> Workflows:
    """What only some do: the workflows that stand for no client."""
    handle = care.house.engine.get_workflow_handle
    if story is in_line:
        return {"waitlist": waitlist_of(care)}
    if story in {kept, told_meanwhile}:
        return {id: handle(id) for id in (KEEP_JOURNEYS_ID, PRACTICE_MAIL_ID)}
    async with care.house.sessions() as session:
        if story is sealed_anew:
            return {"reencryption": handle(reencryption_id(str((await session.exec(select(Reencryption))).one().id)))}
        if story is told_to_a_program:
            return {"webhook": handle(webhook_workflow_id(str((await session.exec(select(WebhookRecord))).one().id)))}
        if story is busy_elsewhere:
            task = (await session.exec(select(Task).where(col(Task.kind) == TaskKind.BOOKED_TIME_BUSY))).one()
            return {"calendar": handle(calendar_id(task.data["calendar"]))}
    return {}


async def record(postgres: Postgres, folder: Path, stories: Iterable[tuple[Story, JourneyPolicy]]) -> None:
    """Tell the stories, and write what became of them into the (empty) folder."""
    known = set[tuple[int, ...]]()
    for story, policy in stories:
        url = await postgres.create_database(story.__name__, template="migrated")
        async with open_house(url, policy) as house, httpx.AsyncClient(timeout=60, trust_env=False) as http:
            care = Care(house, http)
            told = await story(care)
            await care.rest()
            workflows = await left_by(care, told) | await beside(care, story)
            for name, handle in workflows.items():
                runs = await runs_of(handle)
                shape = tuple(event.event_type for history in runs for event in history.events)
                if name.startswith("appointment") and shape in known:
                    continue  # an ordinary one, of which the corpus needs no second
                known.add(shape)
                for run, history in enumerate(runs, start=1):
                    path = folder / f"{story.__name__}.{name}.{run}.json"
                    document = {"workflow_id": handle.id, "history": anonymous(json.loads(history.to_json()))}
                    path.write_text(json.dumps(document, separators=(",", ":")) + "\n", encoding="utf-8")
                    print(f"{path.name}: {len(history.events)} events")  # noqa: T201


async def main() -> int:
    with tempfile.TemporaryDirectory() as place:
        async with await Postgres.start(Path(place), durable=False) as postgres:
            await postgres.migrated("migrated")
            fresh = Path(place) / "histories"
            fresh.mkdir()
            await record(postgres, fresh, untold())
        # All or nothing: if one story fails, none of them is added.
        shutil.copytree(fresh, HISTORIES, dirs_exist_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
