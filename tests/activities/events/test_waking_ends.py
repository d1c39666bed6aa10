"""Who wakes what tells of events ends when asked to, whatever it is doing: a worker that drains waits for it."""

import asyncio
from typing import Any, cast

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.events.waking import WebhookWaker
from engine.executions import Executions
from models.database import Sessions

_LONG = "SELECT pg_sleep(20)"


@pytest.mark.parametrize("within", ["settled_events", "pg_try_advisory_lock", "FROM webhook_endpoint"])
async def test_it_ends_in_the_middle_of_a_look(database: AsyncEngine, sessions: Sessions, within: str) -> None:
    waking = asyncio.create_task(WebhookWaker(database, sessions, cast(Executions, None)).run(pause=0.01))
    loop = asyncio.get_running_loop()
    asked: list[str] = []

    def cancel(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> tuple[str, Any]:
        if within not in statement or asked:
            return statement, parameters
        asked.append(statement)
        loop.call_later(0.2, waking.cancel)  # while the answer is waited for
        return _LONG, ()

    event.listen(database.sync_engine, "before_cursor_execute", cancel, retval=True)
    try:
        await asyncio.wait({waking}, timeout=10)
    finally:
        event.remove(database.sync_engine, "before_cursor_execute", cancel)
    assert asked
    assert waking.cancelled()
