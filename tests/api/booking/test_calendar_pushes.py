"""What Google calls when a calendar has changed: heard with its channel's secret, seldom, and answered alike always."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from models.tables.booking.outside_calendar import OutsideCalendarRow
from models.writes.booking.outside import add_calendar
from rules.booking.calendar_pushes import PUSHES
from rules.enums import CalendarKind
from tests.api.conftest import StandingClock, ToldEngine
from tests.care.rows import NOW, Rows
from workflows.messages import LOOK_AGAIN

CHANNEL, TOKEN = UUID(int=4711), "the secret of the channel"


@pytest.fixture
async def calendar(rows: Rows) -> UUID:
    """One of Ana's, of which Google tells."""
    ana = await rows.therapist("ana")
    async with rows.sessions() as session:
        row = add_calendar(
            session,
            id=uuid4(),
            therapist_id=ana.id,
            kind=CalendarKind.GOOGLE,
            label=None,
            access={"refresh_token": "r"},
            by="therapist:ana",
            at=NOW,
        )
        row.channel_id, row.channel = CHANNEL, {"token": TOKEN, "resource": "r"}
        row.channel_until = NOW + timedelta(days=7)
        id = row.id
        await session.commit()
    return id


async def pushed(
    api: httpx.AsyncClient, channel: object = CHANNEL, token: str = TOKEN, state: str = "exists", body: bytes = b""
) -> None:
    """It is answered alike, whatever it says."""
    said = {"X-Goog-Channel-ID": str(channel), "X-Goog-Channel-Token": token, "X-Goog-Resource-State": state}
    answer = await api.post(PUSHES, headers=said, content=body)
    assert (answer.status_code, answer.content) == (204, b"")


def woken(engine: ToldEngine) -> list[tuple[str, str]]:
    return [(one.workflow_id, one.name) for one in engine.asked]


async def test_a_push_has_the_calendar_read(api: httpx.AsyncClient, calendar: UUID, engine: ToldEngine) -> None:
    await pushed(api, body=b'{"anything": [')
    assert woken(engine) == [(f"calendar:{calendar}", LOOK_AGAIN)]


async def test_who_does_not_know_the_secret_wakes_nobody(
    api: httpx.AsyncClient, calendar: UUID, engine: ToldEngine
) -> None:
    for token in ("", "x", TOKEN[:-1], f"{TOKEN}.", TOKEN.upper(), "\u00e9"):
        said = {"X-Goog-Channel-ID": str(CHANNEL), "X-Goog-Channel-Token": token.encode("latin-1")}
        assert (await api.post(PUSHES, headers=said)).status_code == 204  # type: ignore[arg-type]
    for channel in ("", "x", calendar, uuid4(), "4711" * 100):
        await pushed(api, channel)
    assert (await api.post(PUSHES)).status_code == 204
    assert woken(engine) == []
    await pushed(api)  # what was made up has not used it up
    assert len(woken(engine)) == 1


async def test_the_first_call_of_a_channel_is_no_change(
    api: httpx.AsyncClient, calendar: UUID, engine: ToldEngine
) -> None:
    await pushed(api, state="sync")
    assert woken(engine) == []


async def test_a_flood_wakes_once_in_half_a_minute(
    api: httpx.AsyncClient, calendar: UUID, engine: ToldEngine, clock: StandingClock
) -> None:
    await asyncio.gather(*(pushed(api) for _ in range(20)))
    clock.time += timedelta(seconds=29)
    await pushed(api)
    assert len(woken(engine)) == 1
    clock.time += timedelta(seconds=1)
    await asyncio.gather(*(pushed(api) for _ in range(20)))
    assert len(woken(engine)) == 2


async def test_one_that_was_taken_away_is_not_woken(
    api: httpx.AsyncClient, calendar: UUID, engine: ToldEngine, rows: Rows
) -> None:
    async with rows.sessions() as session:
        row = await session.get_one(OutsideCalendarRow, calendar)
        row.ended_at = NOW
        session.add(row)
        await session.commit()
    await pushed(api)
    assert woken(engine) == []
