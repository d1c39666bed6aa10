"""Say that this database was restored from a copy: ``python -m ops.restored``, before workers and servers start.

A new epoch begins, and is written into every client's chain of facts. Until a comparison with Stripe has run in it,
nothing is charged or refunded; the keeper begins that comparison, and replaces every workflow that knows the past which
this database does not have. The epoch is printed: it belongs outside, beside the anchors, since `ops.verify` takes
anchors that are missing for lost with a restore only when it is named.
"""

import argparse
import asyncio
from datetime import datetime
from uuid import UUID, uuid4

from config import Settings, settings_or_exit
from engine.clock import clock_for
from engine.ending import end
from models import database
from models.database import Sessions
from models.writes.keeping.epoch import begin_epoch
from models.writes.keeping.marks import mark_chains
from ops.leaving import exit_code
from rules.keeping import MarkedBy

_SAID_EVERY = 2000


async def mark_restored(sessions: Sessions, *, at: datetime) -> UUID:
    """The new epoch. What is interrupted while it is written into the chains, the keeper finishes."""
    epoch = uuid4()
    async with sessions() as session:
        await begin_epoch(session, epoch=epoch, at=at, marked=True)
        await session.commit()
    added = await mark_chains(sessions, at=at, by=MarkedBy.PERSON, progress=_say)
    print(f"It was written into {added} chains.")
    return epoch


def _say(chains: int) -> None:
    if chains and chains % _SAID_EVERY == 0:
        print(f"{chains} chains tell of it ...", flush=True)


async def _main(settings: Settings) -> int:
    owner = settings.database_owner_url  # of a copy that came without rights nobody else can read anything
    pool = database.connect(owner.get_secret_value() if owner is not None else settings.database)
    try:
        epoch = await mark_restored(
            database.session_factory(pool, chain=settings.chain_keys, rows=settings.row_keys),
            at=await clock_for(settings.time_travel_address).now(),
        )
    finally:
        await pool.dispose()
    print(
        f"This database has a new epoch, {epoch}.\n"
        "If the database was put back, keep this epoch outside of it, beside the anchors:"
        f" `python -m ops.verify --anchor FILE --restored {epoch}` then knows what went with the copy.\n"
        "Start the workers and the servers, then `POST /v1/keepings`, or wait ten minutes: workflows of other epochs"
        " are replaced, and Stripe is compared. Nothing is charged or refunded before that comparison has ended."
    )
    return 0


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m ops.restored", description=__doc__).parse_args()
    end(exit_code(lambda: asyncio.run(_main(settings_or_exit()))))
