"""A reading opens the channel by which its vendor tells of changes; whatever becomes of that, the reading stands."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from activities.booking.outside.reading import CalendarActivities
from activities.gateways.calendars.port import CalendarAccount, Channel, SourceFailed, SourceUnavailable
from models.tables.booking.outside_calendar import OutsideCalendarRow
from models.writes.booking.connected_calendars import connect_calendar
from rules.enums import CalendarKind
from tests.care.outside.elsewhere import Elsewhere, busy

WEEK = timedelta(days=7)


class ToldChannels:
    def __init__(self, elsewhere: Elsewhere) -> None:
        self._clock = elsewhere.practice.clock
        self.opened: list[UUID] = []
        self.stopped: list[tuple[UUID, str]] = []
        self.trouble: SourceFailed | None = None

    async def open(self, account: CalendarAccount, *, id: UUID, token: str) -> Channel:
        if self.trouble is not None:
            raise self.trouble
        self.opened.append(id)
        return Channel(id=id, token=token, resource=f"of {id}", until=self._clock.instant + WEEK)

    async def stop(self, account: CalendarAccount, *, id: UUID, resource: str) -> None:
        self.stopped.append((id, resource))


@pytest.fixture
def channels(elsewhere: Elsewhere) -> ToldChannels:
    channels = ToldChannels(elsewhere)
    deps = replace(elsewhere.steps.deps, calendar_channels={CalendarKind.ICS: channels})
    elsewhere.steps = CalendarActivities(deps)
    return channels


async def row_of(elsewhere: Elsewhere) -> OutsideCalendarRow:
    row = await elsewhere.row()
    assert row is not None
    return row


async def test_a_channel_is_opened_once_and_replaced_on_its_last_day(
    elsewhere: Elsewhere, channels: ToldChannels
) -> None:
    await elsewhere.reads(busy())
    await elsewhere.reads(busy())
    row = await row_of(elsewhere)
    [first] = channels.opened
    assert (row.channel_id, row.channel_until) == (first, elsewhere.practice.clock.instant + WEEK)
    assert row.channel is not None
    assert len(row.channel["token"]) >= 40
    elsewhere.practice.clock.instant += WEEK - timedelta(hours=23)
    await elsewhere.reads(busy())
    assert channels.stopped == [(first, f"of {first}")]
    assert (await row_of(elsewhere)).channel_id == channels.opened[1]


async def test_a_reading_stands_without_a_channel(elsewhere: Elsewhere, channels: ToldChannels) -> None:
    channels.trouble = SourceUnavailable("google answers 503")
    look = await elsewhere.reads(busy())
    assert (look.busy, look.trouble) == (1, None)
    assert (await row_of(elsewhere)).channel_id is None
    channels.trouble = None
    await elsewhere.reads(busy())
    assert (await row_of(elsewhere)).channel_id == channels.opened[0]


async def test_no_channel_is_opened_for_what_cannot_be_read(elsewhere: Elsewhere, channels: ToldChannels) -> None:
    elsewhere.source.trouble = SourceUnavailable("away")
    await elsewhere.reads()
    assert channels.opened == []


async def test_one_that_is_taken_away_or_connected_anew_has_none(elsewhere: Elsewhere, channels: ToldChannels) -> None:
    await elsewhere.reads(busy())
    async with elsewhere.practice.sessions() as session:
        assert await connect_calendar(session, elsewhere.id, {"address": "https://calendar.example/other.ics"})
        await session.commit()
    assert (await row_of(elsewhere)).channel_id is None
    await elsewhere.reads(busy())
    assert len(channels.opened) == 2
    await elsewhere.is_taken_away()
    row = await row_of(elsewhere)
    assert (row.channel_id, row.channel, row.channel_until) == (None, None, None)


async def test_after_a_push_there_is_one_more_look_a_minute_later(elsewhere: Elsewhere) -> None:
    now = elsewhere.practice.clock.instant
    await _pushed(elsewhere, now)
    elsewhere.practice.clock.instant += timedelta(seconds=2)
    assert (await elsewhere.reads(busy())).look_at == now + timedelta(minutes=1)
    elsewhere.practice.clock.instant = now + timedelta(minutes=1)
    look = await elsewhere.reads(busy())
    assert look.look_at is not None
    assert look.look_at > now + timedelta(minutes=10)


async def _pushed(elsewhere: Elsewhere, at: datetime) -> None:
    async with elsewhere.practice.sessions() as session:
        row = await session.get_one(OutsideCalendarRow, elsewhere.id)
        row.pushed_at = at
        session.add(row)
        await session.commit()
