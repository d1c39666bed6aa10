"""Whether the database has room to write."""

from psycopg.errors import DiskFull
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlmodel.ext.asyncio.session import AsyncSession

_SOME_ROOM = "CREATE TEMPORARY TABLE some_room ON COMMIT DROP AS SELECT generate_series(1, 50000)"  # two megabytes


class Disk:
    """What this process knows of the database's disk: full once a request met it so, until something fits again."""

    def __init__(self) -> None:
        self._full = False

    def was_full(self) -> None:
        self._full = True

    async def has_room(self, session: AsyncSession) -> bool:
        """Tried out only where it was full last; what is written for it is gone with the session's transaction."""
        if self._full:
            try:
                await (await session.connection()).execute(text(_SOME_ROOM))
            except OperationalError as error:
                if isinstance(error.orig, DiskFull):
                    return False
                raise
            finally:
                await session.rollback()
            self._full = False
        return True
