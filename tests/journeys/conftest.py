"""A practice with its clock, fresh for every story."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from rules.policy import JourneyPolicy
from tests.care.defaults import NO_LIMITS
from tests.care.house import open_house
from tests.care.story import Care, Person
from tests.care.telling import told
from tests.conftest import FAILED


@pytest.fixture
def policy() -> JourneyPolicy:
    """The practice's usual times; a story may shrink them by overriding this fixture.

    Without budgets: whether somebody is mailed seven times within one day depends on the hour at which a story begins.
    """
    return JourneyPolicy(**NO_LIMITS)


@pytest.fixture
async def care(request: pytest.FixtureRequest, database_url: str, policy: JourneyPolicy) -> AsyncIterator[Care]:
    async with open_house(database_url, policy) as house, httpx.AsyncClient(timeout=120, trust_env=False) as http:
        care = Care(house, http)
        yield care
        if request.node.stash.get(FAILED, False):
            print(await told(care))  # noqa: T201 - pytest shows it with the failure


@pytest.fixture
async def sara(care: Care) -> Person:
    """A client with an intro call ahead."""
    await care.therapist("ana")
    person = await care.arrives()
    await person.books("intro_call", after=timedelta(days=30))
    return person
