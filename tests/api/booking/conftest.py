import httpx
import pytest

from tests.api.booking.calls import BookingCalls, booking_calls
from tests.api.conftest import StandingClock, ToldEngine
from tests.care.rows import Rows


@pytest.fixture
def booking(api: httpx.AsyncClient, rows: Rows, engine: ToldEngine, clock: StandingClock) -> BookingCalls:
    return booking_calls(api, rows, engine, clock)
