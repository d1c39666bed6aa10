"""The database is away for long: what waits for it costs the same few events, however long that is."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from local.postgres import Postgres
from tests.api.outages.test_frozen_database import standing_still
from tests.care.house import open_house
from tests.care.story import Care, Person
from tests.stack.practice import add_therapist, arrives_with_card
from workflows.steps import LOCAL_TRIES

EVENTS = 20  # of one open step
LOCAL = LOCAL_TRIES.total_seconds()


@asynccontextmanager
async def frozen(server: Postgres) -> AsyncIterator[None]:
    """What asks it waits."""
    with standing_still(server):
        yield


@asynccontextmanager
async def ended(server: Postgres) -> AsyncIterator[None]:
    """What asks it is refused at once."""
    await server.stop()
    yield
    server.process = (await Postgres.start(server.folder, durable=False)).process


Away = Callable[[Postgres], AbstractAsyncContextManager[None]]


@pytest.mark.crowd  # a minute long
@pytest.mark.parametrize("away", [frozen, ended])
@pytest.mark.timeout(180)
async def test_a_step_that_waits_for_the_database_writes_few_events(tmp_path: Path, away: Away) -> None:
    async with await Postgres.start(tmp_path / "postgres", durable=False) as server:
        url = await server.migrated()
        async with (
            open_house(url, real_time=True) as house,
            httpx.AsyncClient(timeout=60, trust_env=False) as http,
        ):
            care = Care(house, http)
            await add_therapist(care, "ana")
            sara = await arrives_with_card(care, "Sara", "ana")
            await asyncio.sleep(1)
            before = await _events(sara)
            async with away(server):
                await sara.journey.signal("archive")
                await asyncio.sleep(1.6 * LOCAL)
                after = await _events(sara)
                await asyncio.sleep(LOCAL)
                later = await _events(sara)
            assert before < after < before + EVENTS
            assert later == after, "an ordinary step that is tried again writes nothing"
            async with asyncio.timeout(60):
                while await sara.stage() != "archived":
                    await asyncio.sleep(0.2)
            assert (await sara.facts()).count("archived") == 1


async def _events(person: Person) -> int:
    return (await person.journey.describe()).history_length
