"""Seal everything anew that is sealed with an older key: ``python -m ops.reencrypt``.

Run it after a new key was put in front of PAYLOAD_KEYS and every worker and server was restarted with it. The workflow
``Reencrypt`` works in the background; this command waits for it, and may be interrupted: the work goes on. Exit code 0:
everything is sealed with the present key; 1: some rows do not open, and the workers' logs name them; 2: it could not be
begun, or waited for: where this command has another database than the workers, or nothing moves for ten minutes, it
says so and ends.
"""

import argparse
import asyncio
import sys
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

from temporalio.service import RPCError

from config import settings_or_exit
from engine.ending import end
from models.reads.epoch import present_epoch
from models.tables.keeping.reencryption import Reencryption
from models.writes.keeping.reencryptions import begin_reencryption
from ops.connected import Connected, connected
from ops.leaving import CANNOT_LOOK, exit_code
from workflows.messages import REENCRYPTION_QUERY, reencryption_id

_BY = "system:ops"
_LOOK_EVERY = 1.0  # seconds
_ASK_EVERY = 15.0  # seconds, how far it is
STILL_FOR = 600.0  # seconds without any movement, after which nobody waits on
OTHER_DATABASE = (
    "{id} has ended ({status}), and in this database it has not: the workers use another one than this command "
    "(DATABASE_URL), or somebody ended it. Where it was ended, the keeper starts it again."
)
STILL = (
    "{id} has not moved for {minutes} minutes: is there a worker, and can it use its database? Its log, and the "
    "workflow in the Temporal UI, say more. The work goes on when they can."
)


class NobodyWaits(Exception):
    """The end of a round will not be seen here; the message says why that may be."""


async def reencrypt(on: Connected, *, still_for: float = STILL_FOR) -> Reencryption:
    """Begin a round, and wait for its end. The row is there before the workflow is: the keeper starts it otherwise.
    Raises NobodyWaits."""
    id, now = uuid4(), await on.clock.now()
    async with on.sessions() as session:
        await begin_reencryption(session, id=id, asked_by=_BY, at=now)
        epoch = str(await present_epoch(session))
        await session.commit()
    _ = await on.executions.start(reencryption_id(str(id)), epoch=epoch)
    return await _Waiting(on, id, still_for=still_for).until_its_end()


@dataclass
class _Waiting:
    on: Connected
    id: UUID
    still_for: float
    _told: dict[str, Any] | None = None  # how far it was
    _moved_at: float = field(default_factory=monotonic)
    _asked_at: float = 0.0

    async def until_its_end(self) -> Reencryption:
        while True:
            ended = await self._how_it_ended()  # before the row is read, which is written before that
            row = await self._row()
            if row.finished_at is not None:
                return row
            if ended is not None:
                raise NobodyWaits(OTHER_DATABASE.format(id=self._workflow_id, status=ended))
            await self._must_move()
            await asyncio.sleep(_LOOK_EVERY)

    @property
    def _workflow_id(self) -> str:
        return reencryption_id(str(self.id))

    async def _row(self) -> Reencryption:
        async with self.on.sessions() as session:
            return await session.get_one(Reencryption, self.id)

    async def _how_it_ended(self) -> str | None:
        """None while it runs, and while the engine does not answer."""
        try:
            found = await self.on.executions.look_at(self._workflow_id)
        except (RPCError, RuntimeError):
            return None
        if found is None:
            return "it is not there any more"
        return None if found.runs else found.status

    async def _must_move(self) -> None:
        now = monotonic()
        if now - self._asked_at >= min(_ASK_EVERY, self.still_for):
            self._asked_at = now
            told = await self.on.executions.tells(self._workflow_id, REENCRYPTION_QUERY)
            if told is not None and told != self._told:
                self._told, self._moved_at = told, now
        if now - self._moved_at > self.still_for:
            raise NobodyWaits(STILL.format(id=self._workflow_id, minutes=round(self.still_for / 60)))


async def _main() -> int:
    async with connected(settings_or_exit()) as on:
        print("Rows are sealed anew. This may be interrupted: the work goes on.", flush=True)
        try:
            done = await reencrypt(on)
        except NobodyWaits as why:
            print(why, file=sys.stderr)
            return CANNOT_LOOK
    print(f"{done.sealed} rows were sealed anew; {done.unreadable} do not open, and were left as they are.")
    return 1 if done.unreadable else 0


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m ops.reencrypt", description=__doc__).parse_args()
    end(exit_code(lambda: asyncio.run(_main())))
