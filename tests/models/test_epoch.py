"""An epoch of the database: the first counts as compared, a later one once a comparison has shown all it may lack."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import Sessions
from models.reads.epoch import epoch_is_compared, newest_epoch, present_epoch
from models.tables import Fact, Reconciliation
from models.writes.keeping.epoch import begin_epoch, note_comparison
from tests.care.rows import DAY, Rows

NOON = datetime(2026, 3, 2, 12, 0, 0, 700_000, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RESTORED = UUID(int=7)


def comparison(*, began: datetime, since: datetime, until: datetime) -> Reconciliation:
    return Reconciliation(id=uuid4(), asked_by="schedule", started_at=began, since=since, until=until)


async def something_happened(sessions: Sessions, *, at: datetime) -> None:
    rows = Rows(sessions)
    client = await rows.client(await rows.therapist("ana"))
    about: dict[str, Any] = {
        "actor": "system",
        "kind": "opened",
        "text": "",
        "digest": "",
        "key_id": "",
        "previous_hash": "",
        "hash": "",
    }
    await rows.add(Fact(client_id=client.id, seq=client.fact_seq + 1, at=at, **about))


async def restore(session: AsyncSession, *, marked: bool = True) -> None:
    await begin_epoch(session, epoch=RESTORED, at=NOON, marked=marked)


async def test_a_new_database_has_nothing_to_compare(sessions: Sessions) -> None:
    async with sessions() as session:
        assert await epoch_is_compared(session)


async def test_a_restored_database_is_another_epoch(sessions: Sessions) -> None:
    async with sessions() as session:
        first = await present_epoch(session)
        await restore(session)
        assert first != await present_epoch(session) == RESTORED
        assert not await epoch_is_compared(session)


@pytest.mark.parametrize(
    ("began", "since", "until", "counts"),
    [
        pytest.param(MINUTE, -2 * DAY, MINUTE, True, id="all that may be missing"),
        pytest.param(MINUTE, -2 * DAY, -timedelta(milliseconds=700), True, id="up to the second of the restore"),
        pytest.param(-MINUTE, -2 * DAY, MINUTE, False, id="begun before the restore"),
        pytest.param(MINUTE, -timedelta(hours=1), MINUTE, False, id="the last hour alone"),
        pytest.param(MINUTE, -30 * DAY, -MINUTE, False, id="not up to the restore"),
    ],
)
async def test_a_comparison_counts_that_shows_all_the_copy_may_lack(
    sessions: Sessions, began: timedelta, since: timedelta, until: timedelta, counts: bool
) -> None:
    await something_happened(sessions, at=NOON - DAY + MINUTE)
    async with sessions() as session:
        await restore(session)
        shown = comparison(began=NOON + began, since=NOON + since, until=NOON + until)
        await note_comparison(session, shown, at=NOON + 2 * MINUTE)
        assert await epoch_is_compared(session) is counts


@pytest.mark.parametrize(("marked", "lacks"), [(True, 2 * DAY - MINUTE), (False, 30 * DAY)])
async def test_what_is_newest_may_have_happened_after_a_restore_that_nobody_marked(
    sessions: Sessions, marked: bool, lacks: timedelta
) -> None:
    await something_happened(sessions, at=NOON - DAY + MINUTE)
    async with sessions() as session:
        await restore(session, marked=marked)
        assert (await newest_epoch(session)).missing_since == NOON - lacks
