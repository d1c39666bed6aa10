from collections.abc import AsyncIterator

import pytest

from models.database import Sessions
from sandbox.app import create_app
from sandbox.store import Store
from tests.activities.clients.two_records import Two
from tests.care.practice import MONDAY, MovableClock, Practice
from tests.care.served import served


@pytest.fixture
async def practice(sessions: Sessions) -> AsyncIterator[Practice]:
    """A practice with the therapist Ana, a week before its first Monday."""
    clock = MovableClock(MONDAY.replace(month=2, day=23))
    store = Store(None)
    async with served(create_app(store=store, clock=clock)) as url:
        practice = Practice(sessions, url, clock)
        _ = await practice.therapist("ana")
        yield practice
        await practice.aclose()
    store.close()


@pytest.fixture
async def two(practice: Practice) -> Two:
    return Two(practice, await practice.client(), await practice.client(name="Sarah"))
