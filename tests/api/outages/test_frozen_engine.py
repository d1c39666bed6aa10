"""The engine stands still, or is gone: callers are let go within five seconds. A busy one is waited for."""

import asyncio
import os
import signal
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import cast

import pytest
from temporalio.client import Client
from temporalio.converter import DataConverter

from api.engine import JourneyEngine
from api.problems import EngineUnavailable
from engine.connect import EngineAddress, lazy_client
from local.processes import free_port
from local.temporal import TemporalServer
from models.pulse import Pulse


async def _let_go(engine: JourneyEngine) -> float:
    began = monotonic()
    with pytest.raises(EngineUnavailable):
        await engine.signal("client-journey:x", "archive", None)
    return monotonic() - began


async def _stands_still(pid: int) -> None:
    """Each of its threads: one that runs when the signal comes may answer once more."""
    async with asyncio.timeout(5):
        threads = Path(f"/proc/{pid}/task")
        while any(stat.read_text().rpartition(")")[2].split()[0] not in "Tt" for stat in threads.glob("*/stat")):
            await asyncio.sleep(0.01)


@pytest.mark.timeout(120)
async def test_an_engine_that_stands_still_lets_everybody_go_within_five_seconds() -> None:
    async with await TemporalServer.start_dev(data_dir=None, port=free_port(), ui_port=free_port()) as server:
        client = await lazy_client(EngineAddress(address=server.address), data_converter=DataConverter.default)
        engine = JourneyEngine(client, at_once=3)
        assert await engine.answers()
        assert server.process.pid is not None
        os.kill(server.process.pid, signal.SIGSTOP)
        try:
            await _stands_still(server.process.pid)
            first = await asyncio.gather(*(_let_go(engine) for _ in range(12)))  # four times as many as have places
            later = await _let_go(engine)
        finally:
            os.kill(server.process.pid, signal.SIGCONT)
        assert max(first) < 5
        assert later < 2.5
        async with asyncio.timeout(20):
            while not await engine.answers():
                await asyncio.sleep(0.1)
        assert await engine.signal("client-journey:x", "archive", None) is not None  # gone, says the engine itself


async def test_a_busy_engine_that_lives_is_waited_for() -> None:
    class Handle:
        async def signal(self, *_: object, **__: object) -> None:
            await asyncio.sleep(0.5)

    class Busy:
        def get_workflow_handle(self, _: str) -> Handle:
            return Handle()

    asked = 0

    async def lives() -> bool:
        nonlocal asked
        asked += 1
        return True

    pulse = Pulse(lives, patience=timedelta(seconds=0.1), within=timedelta(seconds=1))
    engine = JourneyEngine(cast(Client, Busy()), pulse=pulse)
    assert await asyncio.gather(*(engine.signal("x", "archive", None) for _ in range(20))) == [None] * 20
    assert 2 <= asked < 20  # once for all who wait, again and again: each for itself would be a hundred
