"""The database is away for long: what waits for it costs the same few events, however long that is."""

import asyncio
from pathlib import Path

import httpx
import pytest

from local.postgres import Postgres
from models.migrate import upgrade
from tests.api.outages.test_frozen_database import standing_still
from tests.care.house import open_house
from tests.care.story import Care, Person
from tests.stack.practice import add_therapist, arrives_with_card

EVENTS = 20  # of one open step
LOCAL = 10  # seconds that it is tried as a local one


@pytest.mark.timeout(180)
async def test_a_step_that_waits_for_the_database_writes_few_events(tmp_path: Path) -> None:
    async with await Postgres.start(tmp_path / "postgres", durable=False) as server:
        url = await server.create_database()
        await asyncio.to_thread(upgrade, url)
        async with (
            open_house(url, real_time=True) as house,
            httpx.AsyncClient(timeout=60, trust_env=False) as http,
        ):
            care = Care(house, http)
            await add_therapist(care, "ana")
            sara = await arrives_with_card(care, "Sara", "ana")
            await asyncio.sleep(1)
            before = await _events(sara)
            with standing_still(server):
                await sara.journey.signal("archive")
                await asyncio.sleep(3 * LOCAL)
                after = await _events(sara)
                await asyncio.sleep(2 * LOCAL)
                later = await _events(sara)
            assert before < after < before + EVENTS
            assert later == after, "an ordinary step that is tried again writes nothing"
            async with asyncio.timeout(60):
                while await sara.stage() != "archived":
                    await asyncio.sleep(0.2)
            assert (await sara.facts()).count("archived") == 1


async def _events(person: Person) -> int:
    return (await person.journey.describe()).history_length
