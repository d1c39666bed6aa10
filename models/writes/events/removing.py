"""Taking away events that are older than they are kept."""

from datetime import datetime

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

# The oldest by their ids, and none behind one that stays, so that what is kept has no gaps. What a running transaction
# may still write is of now, and stays.
_REMOVE = text("""
    WITH old AS (
        SELECT id FROM event
        WHERE id < COALESCE((SELECT min(id) FROM event WHERE at >= :before), 2147483647) AND at < :before
        ORDER BY id LIMIT :most FOR UPDATE
    ), removed AS (
        DELETE FROM event WHERE id IN (SELECT id FROM old) RETURNING id
    ), counted AS (
        SELECT count(*) AS many, max(id) AS up_to FROM removed
    ), told AS (
        INSERT INTO events_removed (single, up_to) SELECT true, up_to FROM counted WHERE many > 0
        ON CONFLICT (single) DO UPDATE SET up_to = GREATEST(events_removed.up_to, EXCLUDED.up_to)
    )
    SELECT many FROM counted
""")


async def remove_events(session: AsyncSession, *, before: datetime, most: int) -> int:
    """Remove up to ``most`` events from before an instant, oldest first; how many there were. Who asks for what is
    behind one of these is told that it is gone."""
    connection = await session.connection()
    return int((await connection.execute(_REMOVE, {"before": before, "most": most})).scalar_one())
