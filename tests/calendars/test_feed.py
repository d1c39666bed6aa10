"""The feed: many events in one file, with one description of the zone that covers them all."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from calendars.feed import Feed, FeedEvent, feed_file
from tests.calendars.reading import CHANGES, hard_moments, read, unfolded

MADE_AT = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
FEED = Feed(
    owner="Dr. Nadia Osei",
    time_zone="America/New_York",
    organizer_email="care@practice.example",
    made_at=MADE_AT,
    events=(),
)


def event(starts_at: datetime, *, number: int = 0, sequence: int = 0) -> FeedEvent:
    return FeedEvent(
        id=f"a-{number}",
        sequence=sequence,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=50),
        stamped_at=MADE_AT + timedelta(seconds=sequence),
        mode="zoom",
        join_url="https://zoom.example/j/1,2",
        about="Client K7Q2M9XB4T",
    )


def feed(zone: str, starts: list[datetime]) -> Feed:
    events = [event(starts_at, number=number) for number, starts_at in enumerate(starts)]
    return replace(FEED, time_zone=zone, events=events)


@pytest.mark.parametrize("zone", CHANGES)
def test_two_years_expand_to_the_booked_instants(zone: str) -> None:
    moments = hard_moments(zone)
    later = [moment + timedelta(days=365) for moment in moments]
    weekly = [datetime(2026, 1, 5, 14, tzinfo=UTC) + timedelta(weeks=week) for week in range(104)]
    starts = sorted({*moments, *later, *weekly})
    assert starts[-1] - starts[0] > timedelta(days=700)
    calendar, told = read(feed_file(feed(zone, starts)))
    assert [(one.starts_at, one.ends_at) for one in told] == [(at, at + timedelta(minutes=50)) for at in starts]
    assert len(calendar.timezones) == (0 if zone == "UTC" else 1)


def test_what_a_feed_says_of_itself_and_of_an_appointment() -> None:
    calendar, [told] = read(feed_file(feed("America/New_York", [datetime(2026, 3, 9, 14, tzinfo=UTC)])))
    assert calendar["METHOD"] == "PUBLISH"
    assert calendar["X-WR-CALNAME"] == calendar["NAME"] == "Appointments - Dr. Nadia Osei"
    assert calendar["REFRESH-INTERVAL"].to_ical() == b"PT15M"
    assert calendar["REFRESH-INTERVAL"].params["VALUE"] == "DURATION"
    assert calendar["X-PUBLISHED-TTL"] == "PT15M"
    assert told.event["UID"] == "a-0@care-journeys"
    assert told.event["SUMMARY"] == "Appointment"
    assert told.event["DESCRIPTION"] == "Zoom call: https://zoom.example/j/1,2\nClient K7Q2M9XB4T"
    assert (told.event["STATUS"], told.event["TRANSP"], told.event["CLASS"]) == ("CONFIRMED", "OPAQUE", "PRIVATE")
    assert told.event["ORGANIZER"].params["CN"] == "Dr. Nadia Osei"
    assert "ATTENDEE" not in told.event
    assert told.event["DTSTAMP"].dt == MADE_AT


def test_the_same_appointments_give_the_same_bytes_and_a_change_others() -> None:
    starts_at = datetime(2026, 3, 9, 14, tzinfo=UTC)
    stands = replace(FEED, events=[event(starts_at)])
    content = feed_file(stands)
    assert feed_file(replace(FEED, events=[event(starts_at)])) == content
    others = [
        replace(FEED, events=[event(starts_at, sequence=1)]),
        replace(FEED, events=[event(starts_at + timedelta(minutes=1))]),
        replace(FEED, events=[replace(event(starts_at), join_url=None)]),
        replace(stands, time_zone="Europe/London"),
        replace(stands, owner="Dr. Nadia Mensah"),
        replace(stands, events=[]),
    ]
    assert len({content, *map(feed_file, others)}) == 1 + len(others)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Riyadh", "UTC"])
def test_a_feed_with_nothing_in_it_is_still_a_calendar(zone: str) -> None:
    calendar, told = read(feed_file(replace(FEED, time_zone=zone)))
    assert told == []
    assert len(calendar.subcomponents) == 1  # the format wants one at least


def test_nothing_can_be_smuggled_in() -> None:
    nasty = "Nadia, O; \\n\r\nBEGIN:VEVENT\r\nSUMMARY:evil\r\nEND:VEVENT\u2028X-EVIL:1"
    starts_at = datetime(2026, 3, 9, 14, tzinfo=UTC)
    content = feed_file(replace(FEED, owner=nasty, events=[event(starts_at, number=n) for n in range(2)]))
    lines = unfolded(content)
    assert lines.count(b"BEGIN:VEVENT") == lines.count(b"END:VEVENT") == 2
    assert not any(line.startswith((b"X-EVIL", b"SUMMARY:evil")) for line in lines)
    [name] = [line for line in lines if line.startswith(b"X-WR-CALNAME")]
    assert name.startswith(b"X-WR-CALNAME:Appointments - Nadia\\, O\\; \\\\n BEGIN:VEVENT")
    calendar, told = read(content)
    assert len(told) == 2
    assert calendar["NAME"].startswith("Appointments - Nadia, O; \\n BEGIN:VEVENT SUMMARY:evil")


@pytest.mark.parametrize("owner", ["Ж" * 100, "👩🏽‍⚕️" * 40, ""])
def test_any_name_can_be_written(owner: str) -> None:
    calendar, told = read(feed_file(replace(FEED, owner=owner, events=[event(MADE_AT)])))
    assert calendar["NAME"] == calendar["X-WR-CALNAME"] == " - ".join(part for part in ("Appointments", owner) if part)
    assert told[0].event["ORGANIZER"].params.get("CN", "") == owner


def test_impossible_events_are_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        feed_file(replace(FEED, events=[replace(event(MADE_AT), stamped_at=MADE_AT.replace(tzinfo=None))]))
    with pytest.raises(ValueError, match="ends after"):
        feed_file(replace(FEED, events=[replace(event(MADE_AT), ends_at=MADE_AT)]))
