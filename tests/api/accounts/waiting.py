"""Requests that wait for a row which somebody else holds."""

import asyncio

from sqlalchemy import text

from tests.care.rows import Rows

_WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


async def somebody_waits(rows: Rows, *, number: int = 1) -> None:
    """Until so many wait, for ten seconds at most."""
    async with asyncio.timeout(10), rows.sessions() as session:
        while (await (await session.connection()).execute(_WAITING)).scalar_one() < number:
            await session.rollback()  # the next look is at what is then
            await asyncio.sleep(0.02)
