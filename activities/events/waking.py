"""Waking what tells programs of events, as events come: a look at the database now and then, by one worker of all.

It is no more than quick: what must be told are rows, and the keeper starts what does not run.
"""

import asyncio
from contextlib import suppress
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.service import RPCError

from activities.types.workflow_ids import LOOK_AGAIN
from engine.executions import Executions
from models.database import Sessions
from models.reads.epoch import present_epoch
from models.reads.events.webhooks import endpoints_behind
from models.writes.events.webhooks import pass_over
from rules.keeping import Kept

log = structlog.get_logger(__name__)

EVERY = 0.5  # seconds
_AGAIN = 20  # looks after which one that has not moved is woken again
_PAUSE = 5.0  # seconds, where database or engine are away, or another worker looks
_ONE_LOOKS = 7097  # the number of the advisory lock that whoever looks has


class WebhookWaker:
    """Runs beside a worker's steps. Of all workers one looks: the lock is its connection's, and ends with it."""

    def __init__(self, engine: AsyncEngine, sessions: Sessions, executions: Executions) -> None:
        self._engine = engine
        self._sessions = sessions
        self._executions = executions
        self._settled = -1
        self._looks = 0
        self._woken: dict[UUID, tuple[int, int]] = {}  # at which cursor, and how many looks ago

    async def run(self, *, pause: float = _PAUSE) -> None:
        """Until it is cancelled."""
        while True:
            try:
                await self._look_as_the_one()
            except (SQLAlchemyError, OSError, RPCError, RuntimeError) as error:
                log.info("webhooks are not woken for now", because=type(error).__name__)
            await asyncio.sleep(pause)

    async def _look_as_the_one(self) -> None:
        async with self._engine.connect() as made:
            connection = await made.execution_options(isolation_level="AUTOCOMMIT")
            has = await connection.execute(text(f"SELECT pg_try_advisory_lock({_ONE_LOOKS})"))
            if not has.scalar_one():
                return
            try:
                while True:
                    settled = (await connection.execute(text("SELECT settled_events()"))).scalar_one()
                    await self.look(settled)
                    await asyncio.sleep(EVERY)
            finally:
                # Cancelled in the middle of a look, the connection is closed, and the lock with it. What comes of
                # asking there must not take the place of the cancellation: the worker waits for it to end.
                with suppress(SQLAlchemyError, OSError):
                    await connection.execute(text(f"SELECT pg_advisory_unlock({_ONE_LOOKS})"))

    async def look(self, settled: int) -> None:
        """``settled``: the event up to which all is there. Where nothing is new there is nothing to do, but now and
        then: an endpoint may have gone back, and whoever did it not have woken it."""
        self._looks += 1
        if settled == self._settled and not self._woken and self._looks % _AGAIN:
            return
        async with self._sessions() as session:
            await pass_over(session, settled=settled)
            behind = await endpoints_behind(session, settled=settled)
            epoch = str(await present_epoch(session)) if behind else ""
            await session.commit()
        self._woken = {id: self._woken[id] for id, _ in behind if id in self._woken}
        for id, cursor in behind:
            at, looks = self._woken.get(id, (-1, 0))
            if at == cursor and looks < _AGAIN:
                self._woken[id] = (at, looks + 1)
                continue
            await self._executions.wake(Kept.WEBHOOK.id_of(str(id)), LOOK_AGAIN, epoch=epoch)
            self._woken[id] = (cursor, 0)
        self._settled = settled
