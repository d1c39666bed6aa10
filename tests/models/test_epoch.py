"""An epoch of the database: the first counts as compared, a later one once a comparison begun within it has ended."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from models.database import Sessions
from models.reads.epoch import epoch_is_compared, present_epoch
from models.writes.keeping.epoch import begin_epoch, note_comparison

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RESTORED = UUID(int=7)


async def test_a_new_database_has_nothing_to_compare(sessions: Sessions) -> None:
    async with sessions() as session:
        assert await epoch_is_compared(session)


async def test_a_restored_database_waits_for_a_comparison_that_began_in_its_own_epoch(sessions: Sessions) -> None:
    async with sessions() as session:
        first = await present_epoch(session)
        await begin_epoch(session, epoch=RESTORED, at=NOON)
        assert first != await present_epoch(session) == RESTORED
        assert not await epoch_is_compared(session)

        await note_comparison(session, began=NOON - MINUTE, at=NOON + MINUTE)
        assert not await epoch_is_compared(session), "it began before the copy was restored"

        await note_comparison(session, began=NOON + MINUTE, at=NOON + 2 * MINUTE)
        assert await epoch_is_compared(session)
