"""What a command of ``ops`` stands on: the database and the engine of the settings, for as long as it runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from config import Settings
from engine.clock import Clock, clock_for
from engine.codec import data_converter
from engine.connect import connect
from engine.executions import Executions
from models import database
from models.database import Sessions
from workflows.starting import beginning_of

PATIENCE = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class Connected:
    sessions: Sessions
    executions: Executions
    clock: Clock


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Connected]:
    """Raises EngineUnreachable when the engine cannot be reached within half a minute."""
    pool = database.connect(settings.database)
    try:
        client = await connect(settings.engine, data_converter=data_converter(settings.payload_keys), patience=PATIENCE)
        yield Connected(
            sessions=database.session_factory(pool, chain=settings.chain_keys, rows=settings.row_keys),
            executions=Executions(client, task_queue=settings.temporal_task_queue, beginning_of=beginning_of),
            clock=clock_for(settings.time_travel_address),
        )
    finally:
        await pool.dispose()
