"""What every test can stand on: one PostgreSQL for the run, a fresh migrated database per test that asks for one."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy.ext.asyncio import AsyncEngine

from local.postgres import Postgres
from models.database import Sessions, connect, session_factory
from models.migrate import upgrade

TEMPLATE = "migrated"
_numbers = count(1)

# How long an example takes says more about the machine than about the rule. The same examples on every run: what a
# change breaks is the change's doing. `HYPOTHESIS_PROFILE=explore` looks for others.
settings.register_profile("steady", deadline=None, derandomize=True, database=None)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


def pytest_collection_finish() -> None:
    """What was imported stays for the run: as in the worker and the API, it is no garbage collector's business.

    A full collection walks all of it, and one inside a workflow's step may last longer than the engine's library
    grants a step before it calls it a deadlock.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
async def postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Postgres]:
    """A server with one database that every migration has run on; tests get copies of it."""
    folder: Path = tmp_path_factory.mktemp("postgres")
    async with await Postgres.start(folder, durable=False) as server:
        url = await server.create_database(TEMPLATE)
        await asyncio.to_thread(upgrade, url)
        yield server


@pytest.fixture
async def database_url(postgres: Postgres) -> AsyncIterator[str]:
    """The address of a fresh, migrated, empty database."""
    name = f"test_{next(_numbers)}"
    yield await postgres.create_database(name, template=TEMPLATE)
    await postgres.drop_database(name)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine on a fresh database."""
    engine = connect(database_url)
    yield engine
    await engine.dispose()


@pytest.fixture
def sessions(database: AsyncEngine) -> Sessions:
    return session_factory(database)
