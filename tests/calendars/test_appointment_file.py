"""The calendar file of one appointment, read back with the zone description it carries, and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from icalendar import Calendar

from calendars.appointment_file import Attendee, CalendarEntry, calendar_file
from tests.calendars.reading import CHANGES, Told, hard_moments, read, unfolded

ENTRY = CalendarEntry(
    id="0190-abc",
    sequence=0,
    starts_at=datetime(2026, 12, 1, 14, 0, tzinfo=UTC),
    ends_at=datetime(2026, 12, 1, 14, 50, tzinfo=UTC),
    time_zone="America/New_York",
    mode="video",
    join_url="https://meet.example/room?id=7&key=a",
    organizer_email="care@practice.example",
    organizer_name="Harbour Practice",
    attendee=Attendee(email="sara@mail.example", name="Sara Lind"),
    stamped_at=datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
)


def at(starts_at: datetime, *, zone: str = "America/New_York", minutes: int = 50) -> CalendarEntry:
    return replace(ENTRY, time_zone=zone, starts_at=starts_at, ends_at=starts_at + timedelta(minutes=minutes))


def only(entry: CalendarEntry) -> tuple[Any, Told]:
    calendar, [told] = read(calendar_file(entry))
    return calendar, told


# ---------------------------------------------------------------- when it is


@pytest.mark.parametrize("zone", CHANGES)
def test_the_file_alone_gives_the_instants(zone: str) -> None:
    for starts_at in hard_moments(zone):
        entry = at(starts_at, zone=zone)
        _, told = only(entry)
        assert (told.starts_at, told.ends_at) == (entry.starts_at, entry.ends_at)


@pytest.mark.parametrize("zone", [zone for zone in CHANGES if zone != "UTC"])
def test_a_program_that_knows_the_zone_agrees(zone: str) -> None:
    for starts_at in hard_moments(zone)[::4]:
        calendar: Any = Calendar.from_ical(calendar_file(at(starts_at, zone=zone)))
        [event], [description] = calendar.events, calendar.timezones
        assert event["DTSTART"].dt.astimezone(UTC) == starts_at
        assert description["TZID"] == zone


def test_both_readings_of_a_repeated_hour_are_told_apart() -> None:
    first, second = datetime(2026, 11, 1, 5, 30, tzinfo=UTC), datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    _, told = only(at(first, minutes=15))
    assert (told.starts_at, told.event["DTSTART"].to_ical()) == (first, b"20261101T013000")
    _, told = only(at(second, minutes=15))
    assert (told.starts_at, told.event["DTSTART"].to_ical()) == (second, b"20261101T063000Z")


def test_an_appointment_over_the_change_tells_both_ends_in_one_form() -> None:
    _, told = only(at(datetime(2026, 11, 1, 5, 45, tzinfo=UTC)))  # ends at 01:35, the second time
    assert [told.event[name].to_ical() for name in ("DTSTART", "DTEND")] == [b"20261101T054500Z", b"20261101T063500Z"]


def test_a_change_of_zone_is_told_at_its_very_moment() -> None:
    calendar, _ = only(ENTRY)
    [description] = calendar.timezones
    onsets = {
        f"{part.DTSTART:%Y-%m-%d %H:%M}": (part.name, part.TZOFFSETFROM, part.TZOFFSETTO)
        for part in description.subcomponents
    }
    five, four = timedelta(hours=-5), timedelta(hours=-4)
    rules = {part.name: part["RRULE"].to_ical().decode() for part in description.subcomponents}
    assert onsets == {"2024-03-10 02:00": ("DAYLIGHT", five, four), "2024-11-03 02:00": ("STANDARD", four, five)}
    assert rules == {"DAYLIGHT": "FREQ=YEARLY;BYDAY=2SU;BYMONTH=3", "STANDARD": "FREQ=YEARLY;BYDAY=1SU;BYMONTH=11"}


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Riyadh"])
def test_a_weekly_series_keeps_its_wall_time(zone: str) -> None:
    first = datetime(2026, 1, 7, 9, 30, tzinfo=ZoneInfo(zone))
    for week in (*range(7, 14), *range(38, 45)):  # over both changes
        local = first + timedelta(weeks=week)
        starts_at = local.astimezone(UTC)
        _, told = only(at(starts_at, zone=zone))
        assert told.starts_at == starts_at
        assert told.event["DTSTART"].to_ical() == f"{local:%Y%m%dT%H%M%S}".encode()


# ---------------------------------------------------------------- what it says


def test_the_event_keeps_its_name_and_counts_its_changes() -> None:
    calendar, told = only(ENTRY)
    moved_entry = replace(ENTRY, sequence=1, starts_at=ENTRY.starts_at - timedelta(hours=1))
    moved_calendar, moved = only(moved_entry)
    assert told.event["UID"] == moved.event["UID"] == "0190-abc@care-journeys"
    assert (told.event["SEQUENCE"], moved.event["SEQUENCE"]) == (0, 1)
    assert moved.starts_at == moved_entry.starts_at
    assert calendar["METHOD"] == moved_calendar["METHOD"] == "REQUEST"
    assert told.event["STATUS"] == "CONFIRMED"
    assert told.event["SUMMARY"] == "Appointment"
    assert told.event["DTSTAMP"].dt == ENTRY.stamped_at
    assert told.event["URL"] == told.event["LOCATION"] == ENTRY.join_url
    assert told.event["DESCRIPTION"] == f"Video call: {ENTRY.join_url}"
    assert (ENTRY.filename, ENTRY.content_type) == (
        "invite.ics",
        "text/calendar; method=REQUEST; charset=utf-8",
    )


def test_a_cancellation_takes_the_event_out() -> None:
    entry = replace(ENTRY, cancelled=True, sequence=3)
    calendar, told = only(entry)
    assert calendar["METHOD"] == "CANCEL"
    assert told.event["STATUS"] == "CANCELLED"
    assert (told.event["UID"], told.event["SEQUENCE"]) == ("0190-abc@care-journeys", 3)
    assert (told.starts_at, told.ends_at) == (ENTRY.starts_at, ENTRY.ends_at)
    assert (entry.filename, entry.content_type) == (
        "cancel.ics",
        "text/calendar; method=CANCEL; charset=utf-8",
    )


@pytest.mark.parametrize("mode", ["phone", "video", "zoom"])
def test_without_a_link_the_way_is_told(mode: str) -> None:
    _, told = only(replace(ENTRY, mode=mode, join_url=None))
    assert "URL" not in told.event
    assert {"phone": "phone", "video": "Video", "zoom": "Zoom"}[mode] in told.event["LOCATION"]
    assert ("withheld number" in told.event["DESCRIPTION"]) == (mode == "phone")


def test_whoever_has_no_address_is_not_named() -> None:
    _, told = only(replace(ENTRY, attendee=None))
    assert "ATTENDEE" not in told.event
    _, told = only(replace(ENTRY, attendee=Attendee(email="sara@mail.example")))
    assert told.event["ATTENDEE"].params["CN"] == "sara@mail.example"


# ---------------------------------------------------------------- how it is written


def test_names_cannot_add_lines_or_people() -> None:
    nasty = 'Sara "S", Lind; x:y\r\nATTENDEE:mailto:evil@evil.example\r\nEND:VEVENT'
    entry = replace(
        ENTRY,
        attendee=Attendee(email="a@b.example\r\nX-EVIL:1", name=nasty),
        organizer_name=nasty,
        join_url="javascript:x",
    )
    lines = unfolded(calendar_file(entry))
    assert sum(line.startswith(b"ATTENDEE") for line in lines) == 1
    assert sum(line.startswith((b"END:VEVENT", b"X-EVIL")) for line in lines) == 1
    _, told = only(entry)
    shown = "Sara 'S', Lind; x:y ATTENDEE:mailto:evil@evil.example END:VEVENT"
    assert told.event["ATTENDEE"].params["CN"] == told.event["ORGANIZER"].params["CN"] == shown
    assert "URL" not in told.event


def test_what_means_something_to_the_format_is_escaped() -> None:
    link = "https://meet.example/a,b;c\\d"
    lines = unfolded(calendar_file(replace(ENTRY, join_url=link)))
    assert b"LOCATION:https://meet.example/a\\,b\\;c\\\\d" in lines
    _, told = only(replace(ENTRY, join_url=link))
    assert told.event["LOCATION"] == link
    assert told.event["DESCRIPTION"] == f"Video call: {link}"


@pytest.mark.parametrize("name", ["Ж" * 70, "é" * 200, "👩🏽‍⚕️" * 40, "李明 " * 60])
def test_long_names_are_folded_between_letters(name: str) -> None:
    _, told = only(replace(ENTRY, attendee=Attendee(email="sara@mail.example", name=name), organizer_name=name))
    assert told.event["ATTENDEE"].params["CN"] == told.event["ORGANIZER"].params["CN"] == name.strip()


def test_impossible_entries_are_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        calendar_file(replace(ENTRY, starts_at=ENTRY.starts_at.replace(tzinfo=None)))
    with pytest.raises(ValueError, match="ends after"):
        calendar_file(replace(ENTRY, ends_at=ENTRY.starts_at))
    with pytest.raises(ZoneInfoNotFoundError):
        calendar_file(replace(ENTRY, time_zone="Mars/Base"))
