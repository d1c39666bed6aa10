"""What every test can stand on: one PostgreSQL for the run, and in it an empty, migrated database."""

import asyncio
import gc
import os
import ssl
from collections.abc import AsyncIterator, Generator, Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import SQLModel

from local.postgres import Postgres
from models import tables
from models.database import Sessions, connect, session_factory
from models.writes.forms.texts import BUILT_IN
from tests.care.defaults import CHAIN_KEYS, ROW_KEYS
from tests.care.owner import Owner
from tests.care.served import all_stopped
from tests.lock_order import locks_taken, out_of_order
from tests.loop import LoopbackLoops
from tests.steady import without_our_constants

asyncio.set_event_loop_policy(LoopbackLoops())

TEMPLATE = "migrated"
FAILED = pytest.StashKey[bool]()  # of a test whose own part has failed
assert tables.__all__, "importing them is what fills the metadata"
# What is there from the start: the standard texts, the words of the matching form, and the first epoch.
ADDED = {
    "applied_migration": "false",
    "practice_text": f"made_by <> '{BUILT_IN}' OR version > 1",
    "form_words": "version > 1",
    "epoch": "number > 1",
}
# As the owner, past the triggers of what is only ever added to, and of what refers to what.
EMPTY = "SET LOCAL session_replication_role = replica; " + "; ".join(
    f"{table.delete()} WHERE {ADDED.get(table.name, 'true')}" for table in reversed(SQLModel.metadata.sorted_tables)
)

# How long an example takes says more about the machine than about the rule. The same examples on every run: what a
# change breaks is the change's doing. `HYPOTHESIS_PROFILE=explore` looks for others.
settings.register_profile("steady", deadline=None, derandomize=True, database=None)
settings.register_profile("explore", deadline=None, print_blob=True)
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "steady")
settings.load_profile(PROFILE)
if PROFILE == "steady":
    without_our_constants()


def pytest_collection_finish() -> None:
    """What was imported stays for the run: as in the worker and the API, it is no garbage collector's business.

    A full collection walks all of it, and one inside a workflow's step may last longer than the engine's library
    grants a step before it calls it a deadlock. What comes after is looked at more seldom than usual, which saves one
    part in thirty of the whole run.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a story's practice looks at when it is taken down: one that failed tells what became of everybody."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture(scope="session")
async def postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Postgres]:
    """A server with one database that every migration has run on; tests get copies of it."""
    folder: Path = tmp_path_factory.mktemp("postgres")
    async with await Postgres.start(folder, durable=False) as server:
        await server.migrated(TEMPLATE)
        yield server


@pytest.fixture(scope="session", autouse=True)
def authorities_read_once() -> Iterator[None]:
    """No test speaks TLS, and yet every HTTP client that is made reads all the world's certificates, for twelve
    milliseconds each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", cache(ssl.create_default_context))
        yield


@pytest.fixture(scope="session", autouse=True)
async def servers_that_stay() -> AsyncIterator[None]:
    yield
    await all_stopped()


@pytest.fixture(autouse=True)
def locks_in_one_order() -> Iterator[None]:
    """Whatever a test sets going: no transaction locks rows in another order than all others do."""
    with locks_taken() as taken:
        yield
    assert out_of_order(taken) == set()


@pytest.fixture(scope="session")
async def story_database(postgres: Postgres) -> str:
    return await postgres.create_database("stories", template=TEMPLATE)


@pytest.fixture
async def database_url(postgres: Postgres, story_database: str) -> AsyncIterator[str]:
    """The address of an empty, migrated database, for those who connect by themselves: each test leaves it so, and its
    counts of what happened in it at nought."""
    yield story_database
    engine = engine_on(postgres.owner_url("stories"))
    async with engine.begin() as connection:
        await connection.exec_driver_sql(f"{EMPTY}; SELECT pg_stat_reset()")
    await engine.dispose()


@pytest.fixture
async def owner_url(postgres: Postgres, database_url: str) -> str:
    """The address of the same database, for whoever owns its tables."""
    return postgres.owner_url("stories")


@cache
def engine_on(url: str, *, pool_size: int = 10, max_overflow: int = 10) -> AsyncEngine:
    """An engine that knows what statements were compiled to in earlier tests. Dispose of it: then it has no connection,
    and makes new ones when it is used again."""
    return connect(url, pool_size=pool_size, max_overflow=max_overflow)


@pytest.fixture(scope="session")
async def shared_database(postgres: Postgres) -> AsyncIterator[AsyncEngine]:
    """One database for all tests of one process that need none of their own."""
    engine = connect(await postgres.create_database("shared", template=TEMPLATE))
    yield engine
    await engine.dispose()


@pytest.fixture(scope="session")
async def owner_of_shared(postgres: Postgres) -> AsyncIterator[AsyncEngine]:
    engine = connect(postgres.owner_url("shared"), pool_size=2)
    yield engine
    await engine.dispose()


@pytest.fixture
async def database(shared_database: AsyncEngine, owner_of_shared: AsyncEngine) -> AsyncIterator[AsyncEngine]:
    """An engine on an empty database: each test leaves it so, which is quicker than a new one."""
    yield shared_database
    async with owner_of_shared.begin() as connection:
        await connection.exec_driver_sql(EMPTY)


@pytest.fixture
def sessions(database: AsyncEngine) -> Sessions:
    """As the programs connect: they own nothing."""
    return session_factory(database, chain=CHAIN_KEYS, rows=ROW_KEYS)


@pytest.fixture
def owner(database: AsyncEngine, owner_of_shared: AsyncEngine) -> Owner:
    """The same database, for somebody who owns its tables and has none of the keys."""
    return Owner(owner_of_shared)
