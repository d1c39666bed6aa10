"""Who wakes what tells of events ends when asked to, whatever it is doing: a worker that drains waits for it."""

import asyncio
from typing import Any, cast

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.events.waking import WebhookWaker
from engine.executions import Executions
from models.database import Sessions


@pytest.mark.parametrize("within", ["settled_events", "pg_try_advisory_lock", "event"])
async def test_it_ends_in_the_middle_of_a_look(database: AsyncEngine, sessions: Sessions, within: str) -> None:
    waking = asyncio.create_task(WebhookWaker(database, sessions, cast(Executions, None)).run(pause=0.01))

    def cancel(_: Any, __: Any, statement: str, *___: Any) -> None:
        if within in statement:
            event.remove(database.sync_engine, "before_cursor_execute", cancel)
            waking.cancel()  # it hears of it as it waits for the answer

    event.listen(database.sync_engine, "before_cursor_execute", cancel)
    await asyncio.wait({waking}, timeout=10)
    assert waking.cancelled()
