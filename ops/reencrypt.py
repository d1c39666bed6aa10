"""Seal everything anew that is sealed with an older key: ``python -m ops.reencrypt``.

Run it after a new key was put in front of PAYLOAD_KEYS and every worker and server was restarted with it. The workflow
``Reencrypt`` works in the background; this command waits for it, and may be interrupted: the work goes on. Exit code 0:
everything is sealed with the present key; 1: some rows do not open, and the workers' logs name them; 2: it could not be
begun, or waited for.
"""

import asyncio
from uuid import UUID, uuid4

from config import settings_or_exit
from engine.ending import end
from models.reads.epoch import present_epoch
from models.tables.keeping.reencryption import Reencryption
from models.writes.keeping.reencryptions import begin_reencryption
from ops.connected import Connected, connected
from ops.leaving import exit_code
from workflows.messages import reencryption_id

_BY = "system:ops"
_LOOK_EVERY = 1.0  # seconds


async def reencrypt(on: Connected) -> Reencryption:
    """Begin a round, and wait for its end. The row is there before the workflow is: the keeper starts it otherwise."""
    id, now = uuid4(), await on.clock.now()
    async with on.sessions() as session:
        await begin_reencryption(session, id=id, asked_by=_BY, at=now)
        epoch = str(await present_epoch(session))
        await session.commit()
    _ = await on.executions.start(reencryption_id(str(id)), epoch=epoch)
    return await _ended(on, id)


async def _ended(on: Connected, id: UUID) -> Reencryption:
    while True:
        async with on.sessions() as session:
            row = await session.get_one(Reencryption, id)
        if row.finished_at is not None:
            return row
        await asyncio.sleep(_LOOK_EVERY)


async def _main() -> int:
    async with connected(settings_or_exit()) as on:
        print("Rows are sealed anew. This may be interrupted: the work goes on.", flush=True)
        done = await reencrypt(on)
    print(f"{done.sealed} rows were sealed anew; {done.unreadable} do not open, and were left as they are.")
    return 1 if done.unreadable else 0


if __name__ == "__main__":
    end(exit_code(lambda: asyncio.run(_main())))
