"""One worker of all looks for news, and wakes whom it is for: each once, until it has moved."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.events.waking import WebhookWaker
from models.reads.events.events import settled_up_to
from models.writes.events.webhooks import switch_off
from rules.events.kinds import EventKind
from rules.events.webhooks import EndpointOff
from tests.activities.events.conftest import Told
from tests.statements import statements


@dataclass
class Woken:
    """An engine that keeps whom it was to wake; ``away``: and does not answer."""

    ids: list[str] = field(default_factory=list)
    away: bool = False

    async def wake(self, workflow_id: str, signal: str, *, epoch: str | None = None) -> None:
        assert signal == "system.look_again"
        assert epoch
        if self.away:
            raise RuntimeError("not connected")
        self.ids.append(workflow_id)


def waker_of(told: Told, engine: Woken) -> WebhookWaker:
    nothing: Any = None
    executions: Any = engine
    return WebhookWaker(nothing, told.sessions, executions)


async def settled(told: Told) -> int:
    async with told.sessions() as session:
        return await settled_up_to(session)


async def test_it_is_woken_once_until_it_has_moved(told: Told) -> None:
    await told.begins()
    engine = Woken()
    waker = waker_of(told, engine)
    await waker.look(await settled(told))
    assert engine.ids == []
    await told.happens(None)
    for _ in range(5):
        await waker.look(await settled(told))
    assert engine.ids == [f"webhook:{told.id}"]
    await told.delivers()
    await told.happens(None)
    await waker.look(await settled(told))
    assert len(engine.ids) == 2


async def test_one_that_does_not_move_is_woken_again_after_a_while(told: Told) -> None:
    await told.begins()
    engine = Woken()
    waker = waker_of(told, engine)
    await told.happens(None)
    for _ in range(45):
        await waker.look(await settled(told))
    assert len(engine.ids) == 3


async def test_of_what_is_not_for_it_the_cursor_moves_and_nobody_is_woken(told: Told) -> None:
    await told.begins(kinds=(EventKind.ACCOUNT_ACTIVATED,))
    engine = Woken()
    await told.happens(None, None)
    await waker_of(told, engine).look(await settled(told))
    assert engine.ids == []
    assert (await told.endpoint()).cursor == await settled(told)


async def test_one_that_is_off_is_left_alone(told: Told) -> None:
    await told.begins()
    async with told.sessions() as session:
        row = await told.endpoint()
        switch_off(session, row, because=EndpointOff.BY_HAND, at=told.clock.instant)
        await session.commit()
    await told.happens(None)
    engine = Woken()
    await waker_of(told, engine).look(await settled(told))
    assert engine.ids == []


async def test_where_nothing_is_new_nothing_is_asked(told: Told, database: AsyncEngine) -> None:
    await told.begins()
    waker = waker_of(told, Woken())
    now = await settled(told)
    await waker.look(now)
    with statements(database) as asked:
        await waker.look(now)
    assert asked == []


async def test_of_two_that_look_one_does_and_the_other_takes_over(told: Told, database: AsyncEngine) -> None:
    await told.begins()
    engines = [Woken(), Woken()]
    wakers: list[Any] = [WebhookWaker(database, told.sessions, engine) for engine in engines]  # type: ignore[arg-type]
    tasks = [asyncio.create_task(waker.run(pause=0.1)) for waker in wakers]
    try:
        await asyncio.sleep(0.3)
        await told.happens(None)
        await _until(lambda: any(engine.ids for engine in engines))
        first = next(place for place, engine in enumerate(engines) if engine.ids)
        assert not engines[1 - first].ids
        tasks[first].cancel()
        await asyncio.gather(tasks[first], return_exceptions=True)
        await _until(lambda: bool(engines[1 - first].ids))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _until(true: Any) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.05)
