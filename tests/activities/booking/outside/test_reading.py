"""What is read from a calendar kept elsewhere: stored, kept while it cannot be read, and gone with the calendar."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from activities.gateways.calendars.port import SourceRefused, SourceUnavailable
from models.tables.booking.outside_calendar import OutsideCalendarRow
from models.tables.booking.therapist import Therapist
from rules.booking.outside import BusySpan, digest_of
from rules.enums import CalendarTrouble, TaskKind
from rules.refusals import Problem
from tests.care.outside.elsewhere import HOUR, Elsewhere, busy
from tests.care.practice import DESK, MONDAY

DAY = timedelta(days=1)
NOT_THERE = SourceRefused("answered 404", trouble=CalendarTrouble.NOT_FOUND)


async def seen(elsewhere: Elsewhere) -> OutsideCalendarRow:
    row = await elsewhere.row()
    assert row is not None
    return row


async def test_what_is_busy_is_stored_and_what_has_gone_goes(elsewhere: Elsewhere) -> None:
    look = await elsewhere.reads(busy(), busy(MONDAY + DAY, event="course"))
    assert (look.busy, look.trouble) == (2, None)
    assert look.look_at is not None
    await elsewhere.reads(busy(), busy(MONDAY + 2 * DAY, event="course"))
    assert await elsewhere.known() == [(MONDAY, MONDAY + HOUR), (MONDAY + 2 * DAY, MONDAY + 2 * DAY + HOUR)]


async def test_read_twice_is_read_once(elsewhere: Elsewhere) -> None:
    await elsewhere.reads(busy())
    async with elsewhere.practice.sessions() as session:
        first = (await session.get_one(OutsideCalendarRow, elsewhere.id)).read_at
    await elsewhere.reads(busy())
    assert await elsewhere.known() == [(MONDAY, MONDAY + HOUR)]
    assert first is not None


async def test_the_client_side_is_refused_with_other_times_and_the_practice_is_not(elsewhere: Elsewhere) -> None:
    await elsewhere.reads(busy())
    sara = await elsewhere.client()
    refused = (await elsewhere.books(sara)).refusal
    assert refused is not None
    assert refused.name is Problem.SLOT_TAKEN
    assert refused.detail == "This time is no longer free."
    others = [other["starts_at"] for other in refused.data["alternatives"]]
    assert len(others) == 3
    assert MONDAY.isoformat() not in others
    assert (await elsewhere.books(sara, MONDAY + HOUR)).refusal is None  # there are no buffers
    booked = await elsewhere.books(sara, by=DESK)
    assert booked.refusal is None
    (exception,) = booked.exceptions
    assert exception["outside_busy"] is True
    assert "their own calendar" in exception["because"]
    assert await elsewhere.tasks() == []  # whoever booked it knew


async def test_a_booked_time_that_turns_busy_is_a_task_and_stands(elsewhere: Elsewhere) -> None:
    sara = await elsewhere.client()
    booked = await elsewhere.books(sara)
    look = await elsewhere.reads(busy(MONDAY + HOUR / 2, hours=2))
    (task,) = await elsewhere.tasks()
    assert task.kind is TaskKind.BOOKED_TIME_BUSY
    assert task.data["appointment_id"] == booked.appointments[0].id
    assert await elsewhere.feed() == ["booked", "booked_time_busy"]
    assert [told.client_id for told in look.news] == [sara]
    assert look.news[0].facts is not None
    assert [each.id for each in look.news[0].facts.open_appointments] == [booked.appointments[0].id]
    await elsewhere.reads(busy(MONDAY + HOUR / 2, hours=2))
    assert len(await elsewhere.tasks(open_ones=False)) == 1


async def test_it_settles_itself_when_the_other_thing_goes_and_is_news_when_it_comes_back(elsewhere: Elsewhere) -> None:
    await elsewhere.books(await elsewhere.client())
    await elsewhere.reads(busy())
    await elsewhere.reads()
    assert await elsewhere.tasks() == []
    await elsewhere.reads(busy())
    assert len(await elsewhere.tasks()) == 1
    assert await elsewhere.feed() == ["booked", "booked_time_busy", "booked_time_busy"]


async def test_a_calendar_that_cannot_be_read_keeps_what_it_said_and_is_told_of_after_a_day(
    elsewhere: Elsewhere,
) -> None:
    await elsewhere.reads(busy())
    elsewhere.source.trouble = NOT_THERE
    look = await elsewhere.reads()
    assert (look.trouble, look.busy, look.own_mail) == (CalendarTrouble.NOT_FOUND, 1, False)
    elsewhere.practice.clock.instant += DAY
    elsewhere.source.trouble = SourceUnavailable("nobody answers")
    assert (await elsewhere.reads()).trouble is CalendarTrouble.AWAY
    await elsewhere.reads()
    (task,) = await elsewhere.tasks()
    assert (task.kind, task.client_id) == (TaskKind.CALENDAR_FAILED, None)
    assert await elsewhere.feed() == ["calendar_failed"]
    assert await elsewhere.known() == [(MONDAY, MONDAY + HOUR)]
    elsewhere.source.trouble = None
    await elsewhere.reads(busy())
    assert await elsewhere.tasks() == []
    assert (await seen(elsewhere)).failing_since is None


async def test_a_calendar_that_is_taken_away_takes_all_along(elsewhere: Elsewhere) -> None:
    sara = await elsewhere.client()
    await elsewhere.books(sara)
    await elsewhere.reads(busy())
    await elsewhere.is_taken_away()
    assert await elsewhere.known() == []
    look = await elsewhere.reads(busy())
    assert look.look_at is None
    assert await elsewhere.tasks() == []
    assert await elsewhere.row() is None
    assert (await elsewhere.reads()).look_at is None


async def test_what_was_read_is_asked_for_again_once_it_does_not_reach_far_enough(elsewhere: Elsewhere) -> None:
    await elsewhere.reads(busy())
    elsewhere.source.changed = False
    await elsewhere.reads()
    elsewhere.practice.clock.instant += 8 * DAY  # more can be booked by now than was read
    await elsewhere.reads(busy())
    assert [known for _, _, known in elsewhere.source.asked] == [None, {"etag": "1"}, None]
    assert await elsewhere.known() == [(MONDAY, MONDAY + HOUR)]


async def test_too_much_is_refused_and_changes_nothing(elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.booking.outside.reading.MOST_SPANS", 1)
    await elsewhere.reads(busy())
    look = await elsewhere.reads(busy(), busy(MONDAY + DAY))
    assert (look.trouble, look.busy) == (CalendarTrouble.TOO_LARGE, 1)


async def test_a_busy_time_with_other_ends_is_no_news_for_what_lay_in_it(elsewhere: Elsewhere) -> None:
    """As Google tells a long absence: each look cuts it where the window begins and ends."""
    await elsewhere.books(await elsewhere.client())
    for hours in range(4):
        await elsewhere.reads(busy(MONDAY + (hours - 30) * HOUR, hours=60))
    (task,) = await elsewhere.tasks(open_ones=False)
    assert task.resolved_at is None
    assert await elsewhere.feed() == ["booked", "booked_time_busy"]
    await elsewhere.books(await elsewhere.client("Mia"), MONDAY + 40 * HOUR)
    await elsewhere.reads(busy(MONDAY - 20 * HOUR, hours=80))
    assert len(await elsewhere.tasks()) == 2  # it had not lain in it before
    await elsewhere.reads()
    assert await elsewhere.tasks() == []


async def test_what_never_began_and_never_ends_can_be_told_in_every_zone(elsewhere: Elsewhere) -> None:
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    for _ in range(2):
        await elsewhere.reads(BusySpan(starts_at=first, ends_at=last, event=digest_of("forever")))
    ((begins, ends),) = await elsewhere.known()
    for zone in ("Pacific/Kiritimati", "Pacific/Niue"):
        assert begins.astimezone(ZoneInfo(zone)) < MONDAY < ends.astimezone(ZoneInfo(zone))


async def test_a_file_is_read_anew_for_another_address_of_the_therapist(elsewhere: Elsewhere) -> None:
    """By which an invitation that they declined is known."""
    elsewhere.source.changed = False
    await elsewhere.reads(busy())
    async with elsewhere.practice.sessions() as session:
        therapist = await session.get_one(Therapist, elsewhere.therapist)
        therapist.email = "ben@another.example"
        await session.commit()
    await elsewhere.reads()
    assert [known for _, _, known in elsewhere.source.asked] == [None, None]
    assert await elsewhere.known() == []
