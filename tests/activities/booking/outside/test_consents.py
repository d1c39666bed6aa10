"""A calendar that is read by a consent: waited for in silence, told at once when it is over, and given again."""

from datetime import timedelta

from activities.gateways.calendars.port import BusySpans, CalendarAccount, NotChanged, SourceRefused
from models.tables.booking.outside_calendar import OutsideCalendarRow
from models.writes.booking.connected_calendars import connect_calendar, wait_for_consent
from rules.booking.calendar_vendors import REFRESH_TOKEN
from rules.booking.outside import Window
from rules.enums import CalendarTrouble, TaskKind
from tests.care.outside.elsewhere import Elsewhere, busy

OVER = SourceRefused("invalid_grant", trouble=CalendarTrouble.NOT_CONNECTED)


async def test_a_consent_that_is_over_is_told_at_once_and_settles_itself(elsewhere: Elsewhere) -> None:
    await elsewhere.reads(busy())
    elsewhere.source.trouble = OVER
    look = await elsewhere.reads()
    assert (look.trouble, look.busy) == (CalendarTrouble.NOT_CONNECTED, 1)  # what was read last counts
    (task,) = await elsewhere.tasks()
    assert task.kind is TaskKind.CALENDAR_FAILED
    assert await elsewhere.feed() == ["calendar_failed"]
    await elsewhere.reads()
    assert await elsewhere.feed() == ["calendar_failed"]
    elsewhere.source.trouble = None
    await elsewhere.reads(busy())
    assert await elsewhere.tasks() == []


async def test_the_vendor_is_not_asked_all_day_for_what_it_has_refused(elsewhere: Elsewhere) -> None:
    usual = await elsewhere.reads(busy())
    elsewhere.source.trouble = OVER
    seldom = await elsewhere.reads()
    now = elsewhere.practice.clock.instant
    assert usual.look_at is not None
    assert seldom.look_at is not None
    assert usual.look_at - now < timedelta(minutes=20)
    assert timedelta(hours=20) < seldom.look_at - now < timedelta(hours=28)


async def test_nobody_is_told_of_a_calendar_that_nobody_has_connected_yet(elsewhere: Elsewhere) -> None:
    now = elsewhere.practice.clock.instant
    async with elsewhere.practice.sessions() as session:
        row = await session.get_one(OutsideCalendarRow, elsewhere.id)
        row.access = {}
        wait_for_consent(row, at=now)
        session.add(row)
        await session.commit()
    elsewhere.source.trouble = OVER
    for _ in range(3):
        await elsewhere.reads()
        elsewhere.practice.clock.instant += timedelta(days=1)
    assert await elsewhere.tasks() == []
    assert await elsewhere.feed() == []


async def test_a_token_of_the_consent_before_does_not_come_back(elsewhere: Elsewhere) -> None:
    """A look is under way by the old one, for which the vendor gives another, while the calendar is connected anew."""

    async def read(account: CalendarAccount, window: Window, known: object) -> BusySpans | NotChanged:
        async with elsewhere.practice.sessions() as session:
            assert await connect_calendar(session, elsewhere.id, {REFRESH_TOKEN: "new"})
            await session.commit()
        return BusySpans(spans=(busy(),), access={REFRESH_TOKEN: "after the old one"})

    elsewhere.source.read = read  # type: ignore[method-assign]
    await elsewhere.reads()
    row = await elsewhere.row()
    assert row is not None
    assert row.access == {REFRESH_TOKEN: "new"}
    assert await elsewhere.known() == []


async def test_a_new_token_is_kept_with_what_was_read_by_it(elsewhere: Elsewhere) -> None:
    async def read(account: CalendarAccount, window: Window, known: object) -> NotChanged:
        return NotChanged(access={REFRESH_TOKEN: f"after {account.access.get(REFRESH_TOKEN)}"})

    elsewhere.source.read = read  # type: ignore[method-assign]
    await elsewhere.reads()
    await elsewhere.reads()
    row = await elsewhere.row()
    assert row is not None
    assert row.access == {REFRESH_TOKEN: "after after None"}
