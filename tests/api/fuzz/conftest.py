import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from models.database import Sessions
from tests.api.conftest import StandingClock, ToldEngine, steps_behind
from tests.api.fuzz.asking import Asking
from tests.api.fuzz.findings import Findings
from tests.api.fuzz.steps_at_once import StepsAtOnce
from tests.care.rows import Rows
from tests.conftest import EMPTY


@pytest.fixture
def engine(sessions: Sessions, clock: StandingClock) -> ToldEngine:
    return StepsAtOnce.over(steps_behind(Rows(sessions), clock))


@pytest.fixture
def asking(api: httpx.AsyncClient, rows: Rows, database: AsyncEngine, owner_of_shared: AsyncEngine) -> Asking:
    async def emptied() -> None:
        async with owner_of_shared.begin() as connection:
            await connection.exec_driver_sql(EMPTY)

    api.event_hooks = {}  # what is not described is looked for here, too, and does not end the search
    return Asking(api=api, rows=rows, faults=Findings(), emptied=emptied)
