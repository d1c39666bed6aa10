"""The rule by which clocks change, as calendar programs read it: for every zone that has one."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
import recurring_ical_events
from icalendar import Calendar

from calendars.feed import feed_file
from calendars.zone_rules import read_rule, rule_of
from calendars.zones import zone_description
from tests.calendars.reading import CHANGES, hard_moments, latest_onset, read
from tests.calendars.test_feed import feed

FIRST, LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 12, 31, tzinfo=UTC)
DATED = {"UTC", "Africa/Cairo", "Africa/Casablanca", "Asia/Kathmandu", "Asia/Riyadh"}


@cache
def written(zone: str) -> str:
    content: bytes = zone_description(zone, FIRST, LAST).to_ical()
    return content.decode()


def test_a_zone_with_a_rule_is_two_observances_and_nothing_else() -> None:
    assert written("America/New_York").split("\r\n") == [
        "BEGIN:VTIMEZONE",
        "TZID:America/New_York",
        "BEGIN:DAYLIGHT",
        "DTSTART:20230312T020000",
        "RRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3",
        "TZNAME:EDT",
        "TZOFFSETFROM:-0500",
        "TZOFFSETTO:-0400",
        "END:DAYLIGHT",
        "BEGIN:STANDARD",
        "DTSTART:20231105T020000",
        "RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11",
        "TZNAME:EST",
        "TZOFFSETFROM:-0400",
        "TZOFFSETTO:-0500",
        "END:STANDARD",
        "END:VTIMEZONE",
        "",
    ]


@pytest.mark.parametrize(
    ("zone", "rules"),
    [
        ("Europe/Dublin", ["BYDAY=-1SU;BYMONTH=3", "BYDAY=-1SU;BYMONTH=10"]),
        ("Australia/Lord_Howe", ["BYDAY=1SU;BYMONTH=10", "BYDAY=1SU;BYMONTH=4"]),
        ("America/Nuuk", ["BYDAY=SA;BYMONTHDAY=24,25,26,27,28,29,30;BYMONTH=3", "BYDAY=-1SU;BYMONTH=10"]),
        ("Asia/Jerusalem", ["BYDAY=FR;BYMONTHDAY=23,24,25,26,27,28,29;BYMONTH=3", "BYDAY=-1SU;BYMONTH=10"]),
        ("America/Santiago", ["BYDAY=SU;BYMONTHDAY=2,3,4,5,6,7,8;BYMONTH=9"]),
        *((zone, []) for zone in sorted(DATED)),
    ],
)
def test_the_rule_of_a_zone(zone: str, rules: list[str]) -> None:
    told = [line.removeprefix("RRULE:FREQ=YEARLY;") for line in written(zone).split("\r\n") if "RRULE" in line]
    assert set(rules) <= set(told)
    assert bool(told) == bool(rules)
    assert len(told) in {0, 2}


def test_summer_is_what_is_ahead_also_where_the_law_says_otherwise() -> None:
    """Ireland's standard time is that of summer; programs expect DAYLIGHT to be ahead."""
    [_, summer, winter] = written("Europe/Dublin").split("BEGIN:")[1:4]
    assert summer.startswith("DAYLIGHT")
    assert "TZNAME:IST" in summer
    assert winter.startswith("STANDARD")
    assert "TZNAME:GMT" in winter


@pytest.mark.parametrize(
    "line", ["", "UTC0", "<+0545>-5:45", "EST5EDT,J60,J300", "EST5EDT", "nonsense,M3.2.0", "<+00>0"]
)
def test_what_is_no_rule_of_months_and_weekdays_is_none(line: str) -> None:
    assert read_rule(line) is None


def test_every_zone_reads_as_the_database_of_zones_does() -> None:
    """At the beginning and the end of each month of two years, in each zone that there is; the file alone tells."""
    moments = [
        datetime(2026 + month // 12, month % 12 + 1, day, 13, tzinfo=UTC) for month in range(24) for day in (2, 15, 27)
    ]
    ruled = 0
    for zone in sorted(available_timezones()):
        if zone in {"UTC", "Factory", "localtime"} or zone.startswith(("posix", "right")):
            continue
        ruled += rule_of(zone) is not None
        description = zone_description(zone, moments[0], moments[-1])
        offsets = [_offset(description, moment, ZoneInfo(zone)) for moment in moments]
        assert offsets == [moment.astimezone(ZoneInfo(zone)).utcoffset() for moment in moments], zone
    assert ruled > 150


def _offset(description: object, moment: datetime, zone: ZoneInfo) -> timedelta:
    """That the file gives for the wall time of this moment."""
    wall = moment.astimezone(zone).replace(tzinfo=None)
    parts = getattr(description, "subcomponents")  # noqa: B009
    begun = [(onset, part.TZOFFSETTO) for part in parts if (onset := latest_onset(part, wall))]
    offset: timedelta = max(begun, key=lambda one: one[0])[1]
    return offset


@pytest.mark.parametrize("zone", sorted(CHANGES))
def test_a_stock_reader_finds_every_event_of_a_year_at_its_instant(zone: str) -> None:
    """Weekly for two years, and around both changes: by `recurring_ical_events`, and by the words of the format."""
    weekly = [datetime(2026, 1, 5, 14, tzinfo=UTC) + timedelta(weeks=week) for week in range(52)]
    starts = sorted({*weekly, *hard_moments(zone)})
    content = feed_file(feed(zone, starts))
    assert [told.starts_at for told in read(content)[1]] == starts
    calendar = Calendar.from_ical(content)
    found = recurring_ical_events.of(calendar).between(
        datetime(2025, 12, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)
    )
    assert sorted(event["DTSTART"].dt.astimezone(UTC) for event in found) == starts
