"""People who have an account, before they set up a passkey; and the world's clock."""

import httpx
import pytest

from tests.api.accounts.factors.apps import a_client, a_colleague
from tests.api.accounts.factors.conftest import real
from tests.api.accounts.passkeys.keys import Holder
from tests.api.conftest import StandingClock
from tests.care.rows import Rows

__all__ = ["real"]


@pytest.fixture
async def sara(api: httpx.AsyncClient, rows: Rows, real: StandingClock) -> Holder:
    """A client without a passkey."""
    return Holder(await a_client(api, rows, real))


@pytest.fixture
async def tom(api: httpx.AsyncClient, rows: Rows, real: StandingClock) -> Holder:
    """Another one."""
    return Holder(await a_client(api, rows, real, "tom"))


@pytest.fixture
async def maria(api: httpx.AsyncClient, rows: Rows, real: StandingClock) -> Holder:
    """Of the care team."""
    return Holder(await a_colleague(api, rows, real))
