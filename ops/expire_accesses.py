"""Remove whole months of the access log that are older than six years: ``python -m ops.expire_accesses [--dry-run]``.

It connects as the owner of the tables does, ``DATABASE_OWNER_URL``, since the programs' role can remove nothing. Each
month is one transaction, and one signed entry of the log's chain that says what was removed: `ops.verify` holds
afterwards. What anybody else removed, or before its time, it names. Run it once a month.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlmodel import col, select

from config import Settings, settings_or_exit
from engine.clock import clock_for
from engine.ending import end
from models import database
from models.database import Sessions
from models.tables.accounts.access_log import AccessBlock, ChainedAccess
from models.writes.accounts.access_chain import remove_accesses
from ops.leaving import exit_code
from rules.accounts.accesses import kept_from


async def expire_accesses(sessions: Sessions, *, at: datetime, only_tell: bool = False) -> list[tuple[str, int]]:
    """Each month that was removed, as "2020-03", and how many lines it had. Can be interrupted, and run again."""
    removed = []
    while (month := await _oldest_month(sessions)) is not None and month < kept_from(at):
        following = (month + timedelta(days=31)).replace(day=1)
        async with sessions() as session:
            lines = await remove_accesses(session, before=following, at=at)
            if not lines:
                break  # what should be there is gone: that is for ops.verify to say
            removed.append((f"{month:%Y-%m}", lines))
            if only_tell:
                break
            await session.commit()
    return removed


async def _oldest_month(sessions: Sessions) -> datetime | None:
    """The first instant of the month in which the oldest block was made whose lines are still there."""
    of_block = col(ChainedAccess.block) == col(AccessBlock.number)
    statement = select(AccessBlock.at).join(ChainedAccess, of_block).order_by(col(AccessBlock.at)).limit(1)
    async with sessions() as session:
        oldest = (await session.exec(statement)).first()
    return datetime(oldest.year, oldest.month, 1, tzinfo=UTC) if oldest is not None else None


async def _main(settings: Settings, *, only_tell: bool) -> int:
    pool = database.connect(settings.owners_database)
    try:
        now = await clock_for(settings.time_travel_address).now()
        sessions = database.session_factory(pool, chain=settings.chain_keys)
        removed = await expire_accesses(sessions, at=now, only_tell=only_tell)
    finally:
        await pool.dispose()
    for month, lines in removed:
        print(f"{month}: {lines} lines {'would be' if only_tell else 'were'} removed")
    if not removed:
        print(f"Nothing of the access log is older than {kept_from(now):%Y-%m}, which is kept.")
    return 0


def main(arguments: Sequence[str]) -> int:
    """The command. Returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.expire_accesses", description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="tell of the first month alone, and remove nothing")
    asked = parser.parse_args(arguments)
    return exit_code(lambda: asyncio.run(_main(settings_or_exit(), only_tell=asked.dry_run)))


if __name__ == "__main__":
    end(main(sys.argv[1:]))
