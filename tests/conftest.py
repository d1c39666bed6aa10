"""What every test can stand on: one PostgreSQL for the run, a fresh migrated database per test that asks for one."""

import asyncio
import gc
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from local.postgres import Postgres
from models.database import Sessions, connect, session_factory
from models.migrate import upgrade

TEMPLATE = "migrated"
_numbers = count(1)


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
