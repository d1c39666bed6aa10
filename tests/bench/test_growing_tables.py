"""Nothing that is done for one client, and no page of a list, reads what there is of all the others.

The stories of `bench.cost` are told twice. The first time PostgreSQL takes an index wherever one could serve: a table
that it reads from end to end all the same has none that could. Then every row is copied some hundred times, and the
second time it chooses as it does where a practice is large.
"""

from collections.abc import AsyncIterator

import httpx
import pytest
from psycopg import AsyncConnection

from bench.cost import cost_of_journeys
from bench.growth.copies import copy_rows, growing
from local.postgres import Postgres
from models.reads.keeping.must_run import must_run, practice_mail_waits
from models.reads.keeping.overdue import payments_past_their_deadline, sessions_unmarked, tried_in_vain, undelivered
from rules.keeping import Kept
from rules.policy import JourneyPolicy
from tests.bench.plans import TOLD, Carried, carried_out
from tests.care.defaults import NO_LIMITS
from tests.care.house import House, open_house
from tests.care.story import Care
from tests.conftest import TEMPLATE, engine_on

DATABASE = "growing"
COPIES = 300
AT_MOST = 100
"""Rows of a table, for one statement: what one client has of it in a story, or a page, or what a sweep takes."""
OF_ALL = {
    "SELECT therapist_id, count(*) AS clients FROM client": "a match goes by everybody's caseload",
    "SELECT count(*) FILTER (WHERE client.status": "a list says how many there are",
}
"""What counts all clients: along an index alone, and no record is read for it."""
LISTS = (
    "/v1/clients?limit=3",
    "/v1/clients?limit=3&sort=name",
    "/v1/clients?limit=3&status=archived",
    "/v1/appointments?limit=3",
    "/v1/payments?limit=3",
    "/v1/tasks?limit=3",
)


@pytest.fixture
async def telling_database(postgres: Postgres) -> AsyncIterator[str]:
    """A database of its own, whose connections tell how they carry out what they are asked."""
    url = await postgres.create_database(DATABASE, template=TEMPLATE)
    for name, value in TOLD.items():
        await owner_does(postgres, f"ALTER DATABASE {DATABASE} SET {name} = '{value}'")
    yield url
    await postgres.drop_database(DATABASE)


async def owner_does(postgres: Postgres, statement: str) -> None:
    async with await AsyncConnection.connect(postgres.owner_url(DATABASE), autocommit=True) as owner:
        await owner.execute(statement)


async def copy_all(postgres: Postgres) -> None:
    owner = engine_on(postgres.owner_url(DATABASE))
    async with owner.begin() as connection:
        await connection.run_sync(lambda rows: copy_rows(rows, times=COPIES))
    await owner.dispose()
    await owner_does(postgres, "VACUUM ANALYZE")


@pytest.mark.crowd
async def test_nothing_reads_all_that_grows(telling_database: str, postgres: Postgres) -> None:
    await owner_does(postgres, f"ALTER DATABASE {DATABASE} SET enable_seqscan = off")
    with carried_out() as carried:
        async with (
            open_house(telling_database, JourneyPolicy(**NO_LIMITS)) as house,
            httpx.AsyncClient(timeout=120, trust_env=False) as http,
        ):
            care = Care(house, http)
            _ = await cost_of_journeys(care)
            assert without_an_index(carried) == []

            await owner_does(postgres, f"ALTER DATABASE {DATABASE} RESET enable_seqscan")
            await copy_all(postgres)
            await engine_on(telling_database, pool_size=20, max_overflow=20).dispose()
            carried.clear()
            _ = await cost_of_journeys(care, whose=("Tom", "Ida"))
            for path in LISTS:
                _ = await care.call("GET", path, by="desk", expect=200)
            await look_after(house)
    assert too_long(carried) == []


async def look_after(house: House) -> None:
    """What the keeper asks in each round: for what must run, and for what is late."""
    now = await house.now()
    async with house.sessions() as session:
        for kind in Kept:
            _ = await must_run(session, kind, before=now, limit=3)
        _ = await payments_past_their_deadline(session, before=now)
        _ = await sessions_unmarked(session, before=now)
        _ = await undelivered(session, before=now)
        _ = await tried_in_vain(session, at=now)
        _ = await practice_mail_waits(session)


def without_an_index(carried: list[Carried]) -> list[str]:
    """Of statements about what grows."""
    names = {table.name for table in growing()}
    return sorted({one.statement for one in carried if one.read_whole() & names})


def too_long(carried: list[Carried]) -> list[str]:
    """The statements that read more of a table than they may."""
    names = {table.name for table in growing()}
    found = set[str]()
    for one in carried:
        counts_all = any(counted in one.statement for counted in OF_ALL)
        for table, rows in one.rows_read().items():
            if table in names and rows > AT_MOST and not (counts_all and table not in one.read_whole()):
                found.add(f"{rows} rows of {table}: {one.statement}")
    return sorted(found)
