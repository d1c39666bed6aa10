"""An engine is lost and everything started again: the year after it is as if nothing had happened."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.postgres import Postgres
from rules.timeline import FactKind
from tests.care.story import Care, Person
from tests.journeys.archive.situations import everybody
from tests.restores.runbook import blocks, follow
from tests.restores.stores import Stores
from workflows.messages import appointment_workflow_id, journey_id, waitlist_id

pytestmark = pytest.mark.timeout(480)

A_YEAR = 366  # days
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Year:
    """What a practice has seen: of each client facts, mails and payments, whatever their order at one instant. That a
    workflow was started again is told on the timeline, and is the one fact that may differ."""

    facts: Mapping[str, Counter[str]]
    payments: Mapping[str, list[Any]]
    mails: Mapping[str, Counter[str]]
    staff_mails: Counter[tuple[str, str]]
    charges: list[int]
    tasks: list[str]


async def test_the_year_after_an_engine_was_lost_is_as_if_nothing_had_happened(
    postgres: Postgres, tmp_path: Path
) -> None:
    """A client in every stage, and in every situation that an archive may meet."""
    begin = (datetime.now(UTC) + timedelta(days=7)).replace(hour=15, minute=0, second=0, microsecond=0)
    twin = await _untouched(Stores(postgres, tmp_path / "twin", database="twin"), begin)
    lost = await _lost(Stores(postgres, tmp_path / "lost", database="lost"), begin)
    assert lost == twin


async def test_the_year_after_every_workflow_was_terminated_is_as_if_nothing_had_happened(
    postgres: Postgres, tmp_path: Path
) -> None:
    """By somebody in the Temporal UI; one round of the keeper finds them all."""
    begin = (datetime.now(UTC) + timedelta(days=7)).replace(hour=15, minute=0, second=0, microsecond=0)
    twin = await _untouched(Stores(postgres, tmp_path / "twin", database="twin"), begin)
    ended = await _terminated(Stores(postgres, tmp_path / "ended", database="ended"), begin)
    assert ended == twin


async def _untouched(stores: Stores, begin: datetime) -> Year:
    await stores.open()
    async with stores.movable_engine(at=begin) as engine, stores.running(engine):
        people = await everybody(stores.care)
        year = await _the_year_after(stores.care, people)
    await stores.close()
    return year


async def _lost(stores: Stores, begin: datetime) -> Year:
    await stores.open()
    async with stores.movable_engine(at=begin) as engine, stores.running(engine):
        people = await everybody(stores.care)
        now = await stores.care.now()
    async with stores.movable_engine(at=now) as engine, stores.running(engine):
        [block] = blocks("The engine is empty")
        resume = block.splitlines()[-1]  # schedules are nothing that this server has
        await follow(stores, resume, TIME_TRAVEL_ADDRESS=stores.address)
        year = await _the_year_after(stores.care, people)
    await stores.close()
    return year


async def _terminated(stores: Stores, begin: datetime) -> Year:
    await stores.open()
    async with stores.movable_engine(at=begin) as engine, stores.running(engine) as house:
        people = await everybody(stores.care)
        await stores.care.rest()
        appointments = await stores.care.items("/v1/appointments", limit=200)
        ids = [
            *(journey_id(person.id) for person in people.values()),
            *(appointment_workflow_id(line["id"]) for line in appointments),
            *(waitlist_id(slug) for slug in ("ana", "ben")),
        ]
        executions = house.dependencies.executions
        assert executions is not None
        run = [id for id, found in (await executions.look_at_all(ids)).items() if found is not None and found.runs]
        for id in run:
            await house.engine.get_workflow_handle(id).terminate("a wrong click")
        await stores.care.pass_time(minutes=2)
        told = await stores.care.post("/v1/keepings?wait=60", by="desk", expect=200)
        assert {line["workflow_id"] for line in told["resumed"]} == set(run)
        year = await _the_year_after(stores.care, people)
    await stores.close()
    return year


async def _the_year_after(care: Care, people: Mapping[str, Person]) -> Year:
    await care.pass_time(days=1)
    await people["running"].session(1).marked("occurred")
    await care.pass_time(days=30)
    await people["in_care"].session(2).marked("occurred")
    await people["in_care"].session(3).marked("no_show")
    await care.pass_time(days=A_YEAR)
    clients = {person.email for person in people.values()}
    mails = await care.mails()
    return Year(
        facts={
            name: Counter(kind for kind in await person.facts() if kind != FactKind.JOURNEY_RESUMED)
            for name, person in people.items()
        },
        payments={
            name: [(line["status"], line["amount"], line["because"]) for line in await person.payments()]
            for name, person in people.items()
        },
        mails={
            name: Counter(mail["template"] for mail in mails if mail["to"] == person.email)
            for name, person in people.items()
        },
        staff_mails=Counter((mail["to"], mail["template"]) for mail in mails if mail["to"] not in clients),
        charges=sorted(await care.charges_at_stripe()),
        tasks=sorted(task["kind"] for task in await care.tasks()),
    )
