"""What one journey of six sessions takes up in the database, matching to last receipt, with its indexes.

It is told once, as `bench.cost` does, and then copied many times: what a copy takes up is what the next journey would.
"""

from psycopg import AsyncConnection

from bench.cost import SESSIONS, JourneyCost, open_care, tell_one_journey
from bench.growth.copies import copy_rows
from bench.growth.measures import RESULTS
from models.database import connect

COPIES = 200
_MOST = 8  # tables that are told of
_SIZES = "SELECT relname, pg_total_relation_size(relid) FROM pg_stat_user_tables"


async def run() -> None:
    async with open_care() as (care, owner_url):
        await care.therapist()
        await tell_one_journey(care, JourneyCost(), name="Sara")
        before = await _packed(owner_url)
        owner = connect(owner_url)
        async with owner.begin() as connection:
            await connection.run_sync(lambda rows: copy_rows(rows, times=COPIES))
        await owner.dispose()
        after = await _packed(owner_url)
    of_each = {table: (size - before[table]) / COPIES / 1000 for table, size in after.items()}
    largest = sorted(of_each, key=of_each.__getitem__, reverse=True)[:_MOST]
    lines = [
        f"one journey of {SESSIONS} sessions, matching to last receipt, in the database with its indexes:",
        f"  {sum(of_each.values()):.1f} kB: {', '.join(f'{table} {of_each[table]:.1f}' for table in largest)}",
    ]
    print("\n".join(lines))
    (RESULTS / "storage.txt").write_text("\n".join([*lines, ""]))


async def _packed(owner_url: str) -> dict[str, int]:
    """Bytes of each table, with nothing of what is gone."""
    async with await AsyncConnection.connect(owner_url, autocommit=True) as owner:
        await owner.execute("VACUUM FULL")
        return dict(await (await owner.execute(_SIZES)).fetchall())
