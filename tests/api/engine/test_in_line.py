"""A burst of requests waits in line at the engine, and nobody's patience is used up by the wait."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode

from activities.types.clients import Done
from api.engine import GONE, Gone, JourneyEngine
from api.problems import EngineUnavailable
from workflows.messages import SEND_ACTIVATION_LINK

PATIENCE = timedelta(seconds=0.2)


@dataclass
class SlowEngine:
    """Temporal's client as far as an update needs it: each call takes its time, and all are counted."""

    takes: float
    inside: int = 0
    most: int = 0
    calls: int = 0
    broken: list[Exception] = field(default_factory=list)

    def get_workflow_handle(self, _: str) -> "SlowEngine":
        return self

    async def execute_update(self, name: str, order: Any, *, rpc_timeout: timedelta, **more: Any) -> Done:
        self.calls += 1
        async with self._counted():
            if self.broken:
                raise self.broken.pop(0)
            try:
                async with asyncio.timeout(rpc_timeout.total_seconds()):
                    await asyncio.sleep(self.takes)
            except TimeoutError as error:
                raise WorkflowUpdateRPCTimeoutOrCancelledError from error
            return Done()

    @asynccontextmanager
    async def _counted(self) -> AsyncIterator[None]:
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            yield
        finally:
            self.inside -= 1


def journeys(engine: SlowEngine, *, at_once: int) -> JourneyEngine:
    return JourneyEngine(cast(Client, engine), patience=PATIENCE, at_once=at_once)


async def ask(journeys: JourneyEngine) -> Done | Gone:
    return await journeys.update("journey", SEND_ACTIVATION_LINK, cast(Any, None), request_id=uuid4())


async def test_the_last_of_a_burst_is_answered_like_the_first() -> None:
    """Twelve calls at three places take longer than anybody's patience, and nobody runs out of it."""
    engine = SlowEngine(takes=0.08)
    line = journeys(engine, at_once=3)
    assert 12 / 3 * engine.takes > PATIENCE.total_seconds()
    assert await asyncio.gather(*(ask(line) for _ in range(12))) == [Done()] * 12
    assert (engine.most, engine.calls) == (3, 12)


async def test_a_place_is_given_back_whatever_happens() -> None:
    missing = RPCError("no such workflow", RPCStatusCode.NOT_FOUND, b"")
    away = RPCError("away", RPCStatusCode.UNAVAILABLE, b"")
    refused = RPCError("not so", RPCStatusCode.INVALID_ARGUMENT, b"")
    engine = SlowEngine(takes=0, broken=[missing, away, away, refused])
    line = journeys(engine, at_once=1)
    assert await ask(line) is GONE
    for _ in range(2):
        with pytest.raises(EngineUnavailable):
            await ask(line)
    asked = asyncio.ensure_future(ask(line))
    await asyncio.sleep(0)
    asked.cancel()
    assert await asyncio.wait_for(ask(line), timeout=5) == Done()


async def test_nobody_waits_in_line_for_an_engine_that_is_away() -> None:
    engine = SlowEngine(takes=60)
    line = journeys(engine, at_once=2)
    async with asyncio.timeout(30):
        answers = await asyncio.gather(*(ask(line) for _ in range(20)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {EngineUnavailable}
    assert engine.calls < 20  # who never had a place asked nothing, and surely did nothing
