"""Whether a workflow runs, as far as the engine can say at a glance; and an engine that is not there."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.converter import DataConverter
from temporalio.service import RPCError, RPCStatusCode

from api.engine import JourneyEngine
from api.problems import EngineUnavailable
from engine.connect import EngineAddress, lazy_client
from local.processes import free_port
from models.tables.archive.bulk_archive import BulkArchiveRecord
from tests.api.conftest import DESK, ToldEngine
from tests.care.rows import NOW, Rows
from workflows.messages import bulk_archive_id

GLANCE = timedelta(seconds=0.2)
STATUS = WorkflowExecutionStatus
ENDED = {STATUS.COMPLETED, STATUS.FAILED, STATUS.CANCELED, STATUS.TERMINATED, STATUS.TIMED_OUT}


@dataclass
class Answering:
    """Temporal's client as far as a description needs it."""

    status: STATUS | None = None
    problem: Exception | None = None
    takes: float = 0.0

    def get_workflow_handle(self, _: str) -> "Answering":
        return self

    async def describe(self, **_: Any) -> "Answering":
        await asyncio.sleep(self.takes)
        if self.problem is not None:
            raise self.problem
        return self


async def _runs(engine: Any) -> bool:
    return await JourneyEngine(cast(Client, engine), glance=GLANCE).is_under_way("bulk-archive:x")


@pytest.mark.parametrize("status", STATUS)
async def test_what_has_ended_does_not_run(status: STATUS) -> None:
    assert await _runs(Answering(status)) is (status not in ENDED)


async def test_what_the_engine_has_forgotten_does_not_run() -> None:
    assert not await _runs(Answering(problem=RPCError("no such workflow", RPCStatusCode.NOT_FOUND, b"")))


@pytest.mark.parametrize(
    "away",
    [
        Answering(STATUS.TERMINATED, takes=30),
        Answering(problem=RPCError("away", RPCStatusCode.UNAVAILABLE, b"")),
        Answering(problem=RPCError("never told", RPCStatusCode.DEADLINE_EXCEEDED, b"")),
        Answering(problem=RuntimeError("not connected")),
    ],
    ids=["silent", "away", "late", "not connected"],
)
async def test_nobody_says_of_an_engine_that_is_away_that_a_workflow_has_ended(away: Answering) -> None:
    async with asyncio.timeout(30):
        assert await _runs(away)


async def test_an_engine_that_is_not_there_keeps_nobody_waiting() -> None:
    address = EngineAddress(address=f"127.0.0.1:{free_port()}")
    async with asyncio.timeout(30):
        assert await _runs(await lazy_client(address, data_converter=DataConverter.default))


async def test_an_archive_that_finishes_between_two_looks_is_no_stopped_one(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = BulkArchiveRecord(id=uuid4(), asked_by="care_team:desk", asked_at=NOW)
    await rows.add(archive)

    async def status() -> str:
        return str((await api.get(f"/v1/archives/{archive.id}", headers=DESK)).json()["status"])

    assert await status() == "running"
    engine.ended.add(bulk_archive_id(str(archive.id)))
    assert await status() == "stopped"

    async def finishes(_: str) -> bool:
        async with rows.sessions() as session:
            (await session.get_one(BulkArchiveRecord, archive.id)).finished_at = NOW
            await session.commit()
        return False

    monkeypatch.setattr(engine, "is_under_way", finishes)
    assert await status() == "finished"


async def test_an_engine_that_never_was_there_is_away_for_every_call() -> None:
    address = EngineAddress(address=f"127.0.0.1:{free_port()}")
    engine = JourneyEngine(await lazy_client(address, data_converter=DataConverter.default))
    with pytest.raises(EngineUnavailable):
        await engine.signal("client-journey:x", "archive", None)
