from collections.abc import AsyncIterator

import pytest

from local.processes import free_ports
from models.database import Sessions
from sandbox.app import create_app
from sandbox.store import Store
from tests.activities.money.compared import Bookkeeper
from tests.activities.practice import MONDAY, MovableClock, Practice
from tests.journeys.house import serving


@pytest.fixture
async def practice(sessions: Sessions) -> AsyncIterator[Practice]:
    """A practice with the therapist Ana, a week before its first Monday."""
    clock = MovableClock(MONDAY.replace(month=2, day=23))
    store = Store(None)
    async with serving(create_app(store=store, clock=clock), free_ports(1)[0]) as url:
        practice = Practice(sessions, url, clock)
        _ = await practice.therapist("ana")
        yield practice
        await practice.gateway.aclose()
    store.close()


@pytest.fixture
def books(practice: Practice) -> Bookkeeper:
    return Bookkeeper(practice)
