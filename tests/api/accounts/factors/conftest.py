"""The world's clock, which is another one than the product's; and people with an authenticator app."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest
from fastapi import FastAPI

from tests.api.accounts.factors.apps import Owner, a_client, a_colleague
from tests.api.conftest import StandingClock
from tests.care.rows import Rows


@pytest.fixture
def real(app: FastAPI) -> Iterator[StandingClock]:
    """What a test changes of the services goes with it."""
    clock = StandingClock()
    clock.time = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)  # years from where the product's clock stands
    services = app.state.services
    app.state.services = replace(services, real_clock=clock)
    yield clock
    app.state.services = services


@pytest.fixture
async def sara(api: httpx.AsyncClient, rows: Rows, real: StandingClock) -> Owner:
    """A client without a second factor."""
    return await a_client(api, rows, real)


@pytest.fixture
async def maria(api: httpx.AsyncClient, rows: Rows, real: StandingClock) -> Owner:
    """Of the care team, without a second factor."""
    return await a_colleague(api, rows, real)
