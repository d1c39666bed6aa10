"""PostgreSQL stands still, or a row of it is taken: what requests are answered, and how soon."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic

import httpx
import psutil
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from local.postgres import Postgres
from models.database import SessionsApart, connect, pulse_of, session_factory
from models.writes.locks import lock_client
from tests.api.conftest import DESK, problem_of
from tests.care.defaults import CHAIN_KEYS, ROW_KEYS
from tests.care.rows import Rows


@contextmanager
def standing_still(server: Postgres) -> Iterator[None]:
    """The server and all its processes."""
    assert server.process.pid is not None
    whole = [server.process.pid, *(child.pid for child in psutil.Process(server.process.pid).children(recursive=True))]
    for pid in whole:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in whole:
            os.kill(pid, signal.SIGCONT)


@pytest.fixture
async def own_server(tmp_path: Path) -> AsyncIterator[Postgres]:
    async with await Postgres.start(tmp_path / "postgres", durable=False) as server:
        await server.migrated()
        yield server


@pytest.mark.timeout(120)
async def test_a_server_that_stands_still_is_noticed_by_all_within_five_seconds(
    app: FastAPI, api: httpx.AsyncClient, own_server: Postgres
) -> None:
    pulse = pulse_of(own_server.url())
    engine = connect(own_server.url(), pool_size=5, max_overflow=0, pulse=pulse)
    sessions = session_factory(engine, chain=CHAIN_KEYS, rows=ROW_KEYS)
    app.state.services = replace(app.state.services, sessions=sessions, pulse=pulse)

    async def asked() -> tuple[httpx.Response, float]:
        began = monotonic()
        return await api.get("/v1/clients", headers=DESK), monotonic() - began

    assert (await asked())[0].status_code == 200
    with standing_still(own_server):
        first = await asyncio.gather(*(asked() for _ in range(20)))  # four times as many as there are places
        later, _ = await asked()
        ready = await api.get("/readyz")
    for answer, took in first:
        assert problem_of(answer) == "engine-unavailable"
        assert answer.headers["retry-after"] == "2"
        assert took < 5
    assert later.status_code == 503
    assert (ready.status_code, ready.json()["database"]) == (503, "unavailable")
    async with asyncio.timeout(10):
        while (await asked())[0].status_code != 200:
            await asyncio.sleep(0.1)
    await engine.dispose()


@pytest.mark.timeout(60)
async def test_a_slow_statement_of_a_server_that_lives_is_waited_for(database: AsyncEngine) -> None:
    async with database.connect() as connection:
        assert (await connection.exec_driver_sql("SELECT 1 FROM pg_sleep(6)")).scalar() == 1


@pytest.mark.timeout(60)
async def test_readers_go_on_while_every_writer_waits_for_one_row(
    app: FastAPI, api: httpx.AsyncClient, rows: Rows, database_url: str
) -> None:
    writing, reading = (connect(database_url, pool_size=5, max_overflow=0) for _ in range(2))
    sessions = SessionsApart(writing, reading=reading, chain=CHAIN_KEYS, rows=ROW_KEYS)
    app.state.services = replace(app.state.services, sessions=sessions)
    rows = Rows(sessions)
    taken = await rows.client(await rows.therapist("ana"))
    body = {"kind": "care_team", "members": [str(taken.id)]}
    async with sessions() as session:
        await lock_client(session, taken.id)
        waiting = [asyncio.create_task(api.post("/v1/chats", json=body, headers=DESK)) for _ in range(40)]
        await asyncio.sleep(1)
        assert not any(task.done() for task in waiting)
        for _ in range(10):
            began = monotonic()
            assert (await api.get("/v1/clients", headers=DESK)).status_code == 200
            assert monotonic() - began < 1
    answers = await asyncio.gather(*waiting)
    assert {answer.status_code for answer in answers} <= {200, 201}
    await writing.dispose()
    await reading.dispose()
