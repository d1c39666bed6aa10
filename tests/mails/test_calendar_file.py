"""The calendar file, read back: with the zone description it carries, and nothing else known of the zone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from icalendar import Calendar

from activities.calendar_file import CalendarEntry, calendar_file

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
    attendee_email="sara@mail.example",
    attendee_name="Sara Lind",
    stamped_at=datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
)


def read(entry: CalendarEntry) -> tuple[Calendar, Any]:
    calendar = Calendar.from_ical(calendar_file(entry))
    assert isinstance(calendar, Calendar)
    (event,) = calendar.events
    return calendar, event


def instant(calendar: Calendar, event: Any, name: str) -> datetime:
    """What RFC 5545 says a stamp means: the latest onset not after it, both as wall times, gives the
    offset.
    """
    stamp: Any = event[name]
    if "TZID" not in stamp.params:
        value: datetime = stamp.dt
        assert value.tzinfo is UTC or value.utcoffset() == timedelta()
        return value
    (zone,) = calendar.timezones
    assert zone["TZID"] == stamp.params["TZID"]
    wall = stamp.dt.replace(tzinfo=None)
    begun = [part for part in zone.subcomponents if wall >= part.DTSTART]
    offset = max(begun, key=lambda part: part.DTSTART).TZOFFSETTO
    return datetime.combine(wall.date(), wall.time(), timezone(offset)).astimezone(UTC)


MOMENTS = [
    # the first whole hours around each change, and quiet days on both sides
    *(("America/New_York", f"2026-03-08T{t}") for t in ("06:00", "06:59", "07:00", "07:30", "08:15")),
    *(("America/New_York", f"2026-11-01T{t}") for t in ("04:00", "05:00", "05:45", "06:00", "06:45", "07:00", "09:00")),
    *(("Europe/London", f"2027-03-28T{t}") for t in ("00:30", "01:00", "02:00")),
    *(("Europe/London", f"2026-10-25T{t}") for t in ("00:00", "00:30", "01:00", "01:30", "02:00")),
    *(("Australia/Lord_Howe", f"2026-10-03T{t}") for t in ("15:00", "15:30", "15:45", "16:30")),
    *(("Australia/Lord_Howe", f"2027-04-03T{t}") for t in ("14:30", "14:45", "15:00", "15:15", "15:30")),
    *(("Asia/Riyadh", f"2026-{day}T12:00") for day in ("03-08", "07-01", "11-01")),
    *(("Europe/Dublin", f"2026-{day}T12:00") for day in ("01-15", "07-15")),
    *(("UTC", f"2026-{day}T12:00") for day in ("01-15", "07-15")),
]


@pytest.mark.parametrize(("zone", "when"), MOMENTS)
def test_the_file_alone_gives_the_instants(zone: str, when: str) -> None:
    starts_at = datetime.fromisoformat(when).replace(tzinfo=UTC)
    entry = replace(ENTRY, time_zone=zone, starts_at=starts_at, ends_at=starts_at + timedelta(minutes=50))
    calendar, event = read(entry)
    assert instant(calendar, event, "DTSTART") == entry.starts_at
    assert instant(calendar, event, "DTEND") == entry.ends_at
    if zone != "UTC":
        (description,) = calendar.timezones
        assert len(description.subcomponents) == (1 if zone == "Asia/Riyadh" else len(description.subcomponents))
        # a program that does know the zone agrees
        for name, expected in (("DTSTART", entry.starts_at), ("DTEND", entry.ends_at)):
            assert event[name].dt.astimezone(UTC) == expected


def test_a_change_of_zone_is_told_at_its_very_moment() -> None:
    calendar, _ = read(ENTRY)
    (description,) = calendar.timezones
    onsets = {
        f"{part.DTSTART:%Y-%m-%d %H:%M}": (part.name, part.TZOFFSETFROM, part.TZOFFSETTO)
        for part in description.subcomponents
    }
    five, four = timedelta(hours=-5), timedelta(hours=-4)
    assert onsets["2026-03-08 02:00"] == ("DAYLIGHT", five, four)
    assert onsets["2026-11-01 02:00"] == ("STANDARD", four, five)
    assert onsets["2027-03-14 02:00"] == ("DAYLIGHT", five, four)


def test_the_event_keeps_its_name_and_counts_its_changes() -> None:
    calendar, event = read(ENTRY)
    moved_calendar, moved = read(replace(ENTRY, sequence=1, starts_at=ENTRY.starts_at - timedelta(hours=1)))
    assert event["UID"] == moved["UID"] == "0190-abc@care-journeys"
    assert (event["SEQUENCE"], moved["SEQUENCE"]) == (0, 1)
    assert calendar["METHOD"] == moved_calendar["METHOD"] == "REQUEST"
    assert event["STATUS"] == "CONFIRMED"
    assert event["SUMMARY"] == "Appointment"
    assert event["DTSTAMP"].dt == ENTRY.stamped_at
    assert event["DTSTART"].params["TZID"] == "America/New_York"
    assert event["URL"] == ENTRY.join_url
    assert event["LOCATION"] == ENTRY.join_url
    assert event["DESCRIPTION"] == f"Video call: {ENTRY.join_url}"
    assert (ENTRY.filename, ENTRY.content_type) == (
        "invite.ics",
        "text/calendar; method=REQUEST; charset=utf-8",
    )


def test_a_cancellation_takes_the_event_out() -> None:
    entry = replace(ENTRY, cancelled=True, sequence=3)
    calendar, event = read(entry)
    assert calendar["METHOD"] == "CANCEL"
    assert event["STATUS"] == "CANCELLED"
    assert event["UID"] == "0190-abc@care-journeys"
    assert (entry.filename, entry.content_type) == (
        "cancel.ics",
        "text/calendar; method=CANCEL; charset=utf-8",
    )


@pytest.mark.parametrize("mode", ["phone", "video", "zoom"])
def test_without_a_link_the_way_is_told(mode: str) -> None:
    _, event = read(replace(ENTRY, mode=mode, join_url=None))
    assert "URL" not in event
    assert {"phone": "phone", "video": "Video", "zoom": "Zoom"}[mode] in event["LOCATION"]
    assert ("withheld number" in event["DESCRIPTION"]) == (mode == "phone")


def test_names_cannot_add_lines_or_people() -> None:
    nasty = 'Sara "S", Lind; x:y\r\nATTENDEE:mailto:evil@evil.example\r\nEND:VEVENT'
    entry = replace(
        ENTRY,
        attendee_name=nasty,
        organizer_name=nasty,
        attendee_email="a@b.example\r\nX-EVIL:1",
        join_url="javascript:x",
    )
    content = calendar_file(entry)
    lines = content.replace(b"\r\n ", b"").split(b"\r\n")
    assert sum(line.startswith(b"ATTENDEE") for line in lines) == 1
    assert sum(line.startswith((b"END:VEVENT", b"X-EVIL")) for line in lines) == 1
    _, event = read(entry)
    assert event["ATTENDEE"].params["CN"].startswith("Sara 'S', Lind")
    assert "URL" not in event


def test_lines_end_as_the_format_wants() -> None:
    content = calendar_file(replace(ENTRY, attendee_name="Ж" * 70))
    assert content.count(b"\n") == content.count(b"\r\n")
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))


def test_impossible_entries_are_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        calendar_file(replace(ENTRY, starts_at=ENTRY.starts_at.replace(tzinfo=None)))
    with pytest.raises(ValueError, match="ends after"):
        calendar_file(replace(ENTRY, ends_at=ENTRY.starts_at))
