"""What does not open of all that is sealed: ``python -m ops.unreadable``.

Opens whatever is sealed, page by page, and tells of each value that does not open: where it stands, and why. It shows
nothing of what it opens, and changes nothing. Exit code 0: everything opens; 1: something does not; 2: it could not be
looked at.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator

from config import settings_or_exit
from engine.ending import end
from models import database
from models.database import Sessions
from models.reads.keeping.sealed_rows import sealed_rows, sealed_tables
from models.sealing import row_keys
from ops.leaving import exit_code


async def faults(sessions: Sessions) -> AsyncIterator[str]:
    """One sentence for each value that does not open."""
    for table in sealed_tables():
        after: tuple[str, ...] | None = ()
        while after is not None:
            async with sessions() as session:
                page = await sealed_rows(session, table, after=after)
                keys = row_keys(session)
            for row in page.rows:
                for fault in row.faults(keys):
                    yield fault
            after = page.last


async def _main() -> int:
    settings = settings_or_exit()
    pool = database.connect(settings.database)
    number = 0
    try:
        async for fault in faults(database.session_factory(pool, rows=settings.row_keys)):
            number += 1
            print(fault, flush=True)
    finally:
        await pool.dispose()
    print(f"{number} values do not open." if number else "Everything that is sealed opens.")
    return 1 if number else 0


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m ops.unreadable", description=__doc__).parse_args()
    end(exit_code(lambda: asyncio.run(_main())))
