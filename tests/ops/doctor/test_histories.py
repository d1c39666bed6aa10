"""Keys that the engine's histories need: found by a sample of them, whose size is told."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from engine.codec import PayloadKeys, data_converter
from local.temporal import TemporalServer
from ops.doctor import histories
from ops.doctor.findings import Finding, Verdict
from tests.activities.keeping.conftest import server

__all__ = ["server"]

Key = tuple[str, bytes]
OLD, NEW = ("old", b"o" * 32), ("new", b"n" * 32)


class Runs:
    """Runs of types that no other test has, begun one after the other; nobody works on them."""

    def __init__(self, server: TemporalServer) -> None:
        self._address, self._mine = server.address, uuid4().hex
        self._runs: dict[str, bool] = {}  # by its id: whether it still runs

    async def start(self, key: Key, *, type: str = "Journey") -> WorkflowHandle[object, object]:
        client = await self._client(key)
        handle = await client.start_workflow(type + self._mine, "said", id=str(uuid4()), task_queue="nobody")
        self._runs[handle.id] = True
        return handle

    async def ended(self, key: Key, *, type: str) -> None:
        handle = await self.start(key, type=type)
        await handle.terminate()
        self._runs[handle.id] = False

    async def listed(self) -> list[WorkflowExecution]:
        """All that the engine has, of whomever, once the list has those of this test as they are."""
        client = await self._client()
        async with asyncio.timeout(20):
            while True:
                found = [run async for run in client.list_workflows()]
                shown = {run.id: run.status is WorkflowExecutionStatus.RUNNING for run in found}
                if self._runs.items() <= shown.items():
                    return found
                await asyncio.sleep(0.02)

    async def sample(self, *, now: datetime) -> list[WorkflowExecution]:
        _ = await self.listed()
        return [run async for run in histories.sample(await self._client(), now=now)]

    async def look(self, *keys: Key) -> list[Finding]:
        _ = await self.listed()
        return [finding async for finding in histories.look(await self._client(), PayloadKeys(keys))]

    async def _client(self, key: Key = NEW) -> Client:
        return await Client.connect(self._address, data_converter=data_converter(PayloadKeys((key,))))

    def mine(self, runs: list[WorkflowExecution]) -> list[str]:
        return [run.id for run in runs if run.id in self._runs]


@pytest.fixture
async def runs(server: TemporalServer) -> Runs:
    return Runs(server)


async def test_the_oldest_of_each_type_is_found_behind_any_number_of_newer_ones(runs: Runs) -> None:
    there, looked_at = len(await runs.listed()), len(await runs.sample(now=datetime.now(UTC)))
    for key in (OLD, NEW, NEW, NEW, NEW):
        await runs.start(key)
    for key in (OLD, NEW, NEW):
        await runs.ended(key, type="Visit")
    those = f"the {looked_at + 4} histories looked at, of {there + 8} that are kept,"
    [fine] = await runs.look(NEW, OLD)
    assert str(fine) == (
        f"ok      payload keys: {those} open with those given (of each type and age the newest and the oldest)"
    )
    [missing] = await runs.look(NEW)
    assert (missing.verdict, missing.said) == (
        Verdict.WRONG,
        f"2 of {those} are sealed with old, which is not given",
    )
    [other] = await runs.look(NEW, ("old", b"x" * 32))
    assert (other.verdict, other.said) == (
        Verdict.WRONG,
        f"2 of {those} are sealed with old, by which nothing in them opens",
    )


async def test_each_span_of_time_has_its_own(runs: Runs) -> None:
    """By a clock that stands a day behind the third run: it begins the newest span, and the others the one before."""
    handles = [await runs.start(NEW) for _ in range(6)]
    third = (await handles[3].describe()).start_time
    found = runs.mine(await runs.sample(now=third + timedelta(days=1)))
    assert found == [handles[place].id for place in (0, 2, 3, 5)]


async def test_what_was_found_before_the_engine_went_away_is_told(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    await runs.start(OLD)
    await runs.start(NEW)
    really, calls = histories._read, count(1)

    async def goes_away(*given: Any) -> None:
        if given[1].id not in runs.mine([given[1]]):
            return
        if next(calls) > 1:
            raise RPCError("gone", RPCStatusCode.UNAVAILABLE, b"")
        await really(*given)

    monkeypatch.setattr(histories, "_read", goes_away)
    missing, away = await runs.look(NEW)
    assert missing.said.startswith("1 of the 1 histories looked at, of ")
    assert (missing.verdict, away.verdict) == (Verdict.WRONG, Verdict.WARNING)
    assert away.said == "the engine showed 1 histories, and then no more (gone)"


async def test_what_is_not_read_in_time_is_not_called_well(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    await runs.start(NEW)

    async def hangs(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(histories, "_WITHIN", 0.5)
    monkeypatch.setattr(histories, "_read", hangs)
    [finding] = await runs.look(NEW)
    assert finding.verdict is Verdict.WARNING
    assert finding.said.startswith(f"none of {len(await runs.listed())} histories was read within")
