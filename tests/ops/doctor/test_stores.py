"""Database, keys and engine, each broken in turn: found, named, and told what to do."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.engine import make_url
from temporalio.client import Client
from temporalio.worker import Worker

from config import Settings
from engine.codec import PayloadKeys, data_converter
from engine.connect import EngineAddress, register
from local.temporal import TemporalServer
from models.database import connect, session_factory
from models.sealed import RowKeys
from models.writes.keeping.epoch import begin_epoch
from ops.doctor import database, engine
from ops.doctor.findings import Verdict
from tests.activities.keeping.conftest import server
from tests.care.defaults import CHAIN_KEYS
from tests.ops.chains import Practice
from tests.ops.doctor.deployment import Deployment, look, troubles
from tests.restores.one_step import OneStep, nothing

__all__ = ["server"]

# ---------------------------------------------------------------- the database


async def _told(settings: Settings, *names: str) -> list[tuple[str, Verdict, str]]:
    return [(each.about, each.verdict, each.said) for each in troubles(await look(settings, *names))]


async def test_a_database_that_is_away_or_not_named(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    away = deployment.read(monkeypatch, DATABASE_URL="postgresql://app:hunter2@127.0.0.1:1/care")
    [finding] = troubles(await look(away, "database"))
    assert (finding.verdict, finding.said[:21]) == (Verdict.WRONG, "it cannot be used: co")
    assert "hunter2" not in str(finding)
    unset = away.model_copy(update={"database_url": None})
    assert await _told(unset, "database", "keys") == [("database", Verdict.WRONG, "DATABASE_URL is not set")]


@pytest.mark.parametrize(
    "row",
    [
        (
            "UPDATE applied_migration SET revision = '0002', runs_from = '0002'",
            "UPDATE applied_migration SET revision = '0001', runs_from = '0001'",
            "database schema",
            (
                "The database has 0002, which this code does not know, and lacks 0001: they come from two lines of"
                " development."
            ),
        ),
        (
            "UPDATE pg_extension SET extname = 'away' WHERE extname = 'btree_gist'",
            "UPDATE pg_extension SET extname = 'btree_gist' WHERE extname = 'away'",
            "database extension",
            "btree_gist is missing: times could be given twice",
        ),
        (
            "REVOKE INSERT ON fact FROM care_journeys",
            "GRANT INSERT ON fact TO care_journeys",
            "database rights",
            "the role may not add to fact",
        ),
        (
            "REVOKE USAGE ON SEQUENCE access_line_number_seq FROM care_journeys",
            "GRANT USAGE ON SEQUENCE access_line_number_seq TO care_journeys",
            "database rights",
            "the role may not count on with access_line_number_seq",
        ),
        (
            "GRANT UPDATE ON anchor TO care_journeys",
            "REVOKE UPDATE ON anchor FROM care_journeys",
            "database role",
            "may change the table anchor",
        ),
    ],
)
async def test_what_is_wrong_in_it(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, owner_url: str, row: tuple[str, str, str, str]
) -> None:
    breaks, mends, about, says = row
    settings = deployment.read(monkeypatch).model_copy(update={"environment": "production"})
    async with await psycopg.AsyncConnection.connect(owner_url, autocommit=True) as owner:
        await owner.execute(breaks.encode())
        try:
            [(named, verdict, said)] = await _told(settings, "database")
        finally:
            await owner.execute(mends.encode())
    assert (named, verdict) == (about, Verdict.WRONG)
    assert says in said


async def test_the_owner_is_refused_in_production_and_told_of_elsewhere(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, owner_url: str
) -> None:
    settings = deployment.read(monkeypatch, DATABASE_URL=owner_url)
    assert [told[:2] for told in await _told(settings, "database")] == [("database role", Verdict.WARNING)]
    settings = settings.model_copy(update={"environment": "production"})
    assert [told[:2] for told in await _told(settings, "database")] == [("database role", Verdict.WRONG)]


async def test_one_without_tables_with_few_connections_or_another_version(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_url(deployment.given["DATABASE_URL"]).set(database="postgres").render_as_string(hide_password=False)
    [(about, verdict, said)] = await _told(deployment.read(monkeypatch, DATABASE_URL=other), "database")
    assert (about, verdict, said) == ("database schema", Verdict.WRONG, "The database has no tables yet: migrate it.")
    monkeypatch.setattr(database, "TESTED", 17)
    monkeypatch.setattr(database, "_OF_A_PROGRAM", 100)
    settings = deployment.read(monkeypatch, DATABASE_URL=deployment.given["DATABASE_URL"])
    assert [told[:2] for told in await _told(settings, "database")] == [
        ("database", Verdict.WARNING),
        ("database connections", Verdict.WARNING),
    ]


async def test_a_clock_that_is_slow_and_a_copy_that_was_not_compared(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = deployment.read(monkeypatch)
    pool = connect(settings.database)
    async with session_factory(pool)() as session:
        await begin_epoch(session, epoch=uuid4(), at=datetime.now(UTC), marked=True)
        await session.commit()
    await pool.dispose()

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: object = None) -> "Ahead":
            moment = datetime.now(UTC) + timedelta(minutes=2)
            return cls.fromtimestamp(moment.timestamp(), UTC)

    monkeypatch.setattr(database, "datetime", Ahead)
    assert [told[:2] for told in await _told(settings, "database")] == [
        ("database clock", Verdict.WRONG),
        ("database epoch", Verdict.WARNING),
    ]


# ---------------------------------------------------------------- the keys


def _setting(name: str, key: bytes) -> str:
    return f"{name}:{b64encode(key).decode()}"


async def test_keys_that_rows_and_chains_need(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of rows follow from those of payloads, whose names they have."""
    payloads = PayloadKeys((("2026", bytes(range(32))),))
    pool = connect(deployment.given["DATABASE_URL"])
    rows = session_factory(pool, chain=CHAIN_KEYS, rows=RowKeys(payloads.keys))
    await Practice(rows).client(2)
    await pool.dispose()
    right = {"PAYLOAD_KEYS": _setting("2026", bytes(range(32))), "CHAIN_KEYS": _setting(*CHAIN_KEYS.keys[0])}
    assert await _told(deployment.read(monkeypatch, **right), "keys") == []
    lost = {"PAYLOAD_KEYS": _setting("2027", bytes(range(32))), "CHAIN_KEYS": _setting("2027", bytes(range(32)))}
    assert [told[:2] for told in await _told(deployment.read(monkeypatch, **lost), "keys")] == [
        ("payload keys", Verdict.WRONG),  # is not given
        ("payload keys", Verdict.WRONG),  # so that nothing opens
        ("chain keys", Verdict.WRONG),
    ]
    other = {**right, "PAYLOAD_KEYS": _setting("2026", bytes(range(1, 33)))}
    [(about, verdict, said)] = await _told(deployment.read(monkeypatch, **other), "keys")
    assert (about, verdict) == ("payload keys", Verdict.WRONG)
    assert said.endswith("do not open")


# ---------------------------------------------------------------- the engine


@pytest.fixture
async def registered(server: TemporalServer, deployment: Deployment) -> str:
    """The engine as it should be, but that nobody works."""
    _ = await register(EngineAddress(address=server.address))
    deployment.given["TEMPORAL_ADDRESS"] = server.address
    return server.address


@pytest.fixture
async def two_work(registered: str) -> AsyncIterator[Client]:
    clients = [await Client.connect(registered, identity=f"worker-{number}") for number in range(2)]
    workers = [Worker(each, task_queue="care-journeys", workflows=[OneStep], activities=[nothing]) for each in clients]
    async with workers[0], workers[1]:
        async with asyncio.timeout(20):
            while len({poller.identity for poller in await engine._pollers(clients[0], "care-journeys")}) < 2:
                await asyncio.sleep(0.05)
        yield clients[0]


async def test_an_engine_that_is_away_or_without_its_namespace(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, server: TemporalServer
) -> None:
    [(about, verdict, said)] = await _told(deployment.read(monkeypatch), "engine")
    assert (about, verdict) == ("engine", Verdict.WRONG)
    assert "cannot be reached" in said
    elsewhere = deployment.read(monkeypatch, TEMPORAL_ADDRESS=server.address, TEMPORAL_NAMESPACE="elsewhere")
    [finding] = troubles(await look(elsewhere, "engine"))
    assert (finding.about, finding.said) == ("engine namespace", "there is no namespace 'elsewhere'")
    assert "temporal operator namespace create --namespace elsewhere" in finding.todo


async def test_nobody_works_and_one_alone(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, registered: str
) -> None:
    lonely = deployment.read(monkeypatch, TEMPORAL_TASK_QUEUE="nobody-is-there")
    found = await _told(lonely, "engine")
    assert ("workers", Verdict.WRONG, "nobody takes work from nobody-is-there") in found
    assert [told[:2] for told in found if told[0].startswith("schedule")] == [
        ("schedule reconcile-payments", Verdict.WRONG),
        ("schedule keep-journeys", Verdict.WRONG),
    ], "they start their work for another queue"


Breaking = Callable[[Client], Awaitable[None]]


async def _paused(client: Client) -> None:
    await client.get_schedule_handle("keep-journeys").pause(note="moving")


async def _deleted(client: Client) -> None:
    await client.get_schedule_handle("keep-journeys").delete()


async def test_an_engine_as_it_should_be_and_what_breaks_it(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, two_work: Client
) -> None:
    settings = deployment.read(monkeypatch)
    sealed = await Client.connect(
        two_work.service_client.config.target_host, data_converter=data_converter(settings.payload_keys)
    )
    handle = await sealed.start_workflow(
        "OneStep", id=f"client-journey:{uuid4()}", task_queue="elsewhere", memo={"a": 1}
    )
    monkeypatch.setattr(engine, "LEAST_RETENTION", timedelta(days=1))  # what the dev server has
    found = await look(settings, "engine", "keys")
    assert [str(each) for each in troubles(found)] == []
    assert [each.said for each in found if each.about == "workers"] == ["2 take work from care-journeys"]
    assert {"engine clock", "engine namespace", "search attributes", "schedule keep-journeys"} <= {
        each.about for each in found
    }
    await handle.terminate()
    for breaks, verdict, says in (
        (_paused, Verdict.WARNING, "it is paused (moving)"),
        (_deleted, Verdict.WRONG, "missing"),
    ):
        await breaks(two_work)
        [(about, told, said)] = await _told(settings, "engine")
        assert (about, told) == ("schedule keep-journeys", verdict)
        assert says in said
    monkeypatch.setattr(engine, "search_attributes", lambda: {"Nowhere": "Keyword", "Archived": "Keyword"})
    monkeypatch.setattr(engine, "LEAST_RETENTION", timedelta(days=400))
    found_now = [told for told in await _told(settings, "engine") if not told[0].startswith("schedule")]
    assert found_now[0][:2] == ("engine namespace", Verdict.WARNING)
    assert found_now[1:] == [
        ("search attributes", Verdict.WRONG, "Nowhere is missing: no journey can start"),
        ("search attributes", Verdict.WRONG, "Archived has the type Bool, not Keyword"),
    ]


def test_a_clock_of_an_engine_that_differs() -> None:
    now = datetime(2026, 11, 30, 9, tzinfo=UTC)
    minute = timedelta(minutes=1)
    assert engine._clock([], [], now=now) is None
    for asked, acts, verdict in (
        (now - minute / 2, now + minute, Verdict.OK),
        (now + 2 * minute, now + 9 * minute, Verdict.WRONG),
        (now - minute * 2, now - minute * 1.5, Verdict.WRONG),
    ):
        told = engine._clock([asked], [acts], now=now)
        assert told is not None
        assert told.verdict is verdict
