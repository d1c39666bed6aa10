"""Calendar files read as a calendar that has never heard of any time zone reads them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from typing import Any

from dateutil.rrule import rrulestr  # type: ignore[import-untyped]
from icalendar import Calendar

_numbers = count(1)

# When clocks change, by zone: facts of 2026, so that tests know the moments that are hard.
CHANGES = {
    "America/New_York": ("2026-03-08T07:00", "2026-11-01T06:00"),
    "Europe/London": ("2026-03-29T01:00", "2026-10-25T01:00"),
    "Australia/Lord_Howe": ("2026-04-04T15:00", "2026-10-03T15:30"),  # by half an hour
    "Pacific/Chatham": ("2026-04-04T14:00", "2026-09-26T14:00"),  # 12:45 and 13:45 ahead of UTC
    "America/Havana": ("2026-03-08T05:00", "2026-11-01T05:00"),  # at midnight
    "America/Santiago": ("2026-04-05T03:00", "2026-09-06T04:00"),  # at midnight
    "Europe/Dublin": ("2026-03-29T01:00", "2026-10-25T01:00"),  # where the law calls winter the exception
    "America/Nuuk": ("2026-03-29T01:00", "2026-10-25T01:00"),  # on the evening before
    "Asia/Jerusalem": ("2026-03-27T00:00", "2026-10-24T23:00"),  # on a Friday, and on a Sunday
    "Africa/Cairo": ("2026-04-23T22:00", "2026-10-29T21:00"),  # by a rule that no RRULE can say
    "Africa/Casablanca": ("2026-02-15T02:00", "2026-03-22T02:00"),  # by the moon
    "Asia/Kathmandu": (),
    "Asia/Riyadh": (),
    "UTC": (),
}


@dataclass(frozen=True, kw_only=True)
class Told:
    """An event of a file, with the instants that the file alone gives for it."""

    event: Any
    starts_at: datetime
    ends_at: datetime


def unfolded(content: bytes) -> list[bytes]:
    """The content lines, once the format of the physical ones has been looked at."""
    assert content.endswith(b"\r\n")
    assert content.count(b"\n") == content.count(b"\r") == content.count(b"\r\n")
    for line in content.split(b"\r\n"):
        assert len(line) <= 75, line
        line.decode()  # no letter is torn apart
    return content.removesuffix(b"\r\n").replace(b"\r\n ", b"").split(b"\r\n")


def read(content: bytes) -> tuple[Any, list[Told]]:
    """The file, expanded by its own VTIMEZONE twice: by the library, and by the words of the format.

    Every zone gets a name that nobody knows first, so that no database of zones can help.
    """
    lines = unfolded(content)
    zones = {line.removeprefix(b"TZID:") for line in lines if line.startswith(b"TZID:")}
    text = b"\r\n".join(lines) + b"\r\n"
    for zone in zones:
        text = text.replace(b"TZID:" + zone, b"TZID:Nowhere-%d" % next(_numbers))
    for zone in zones:
        [renamed] = [line for line in text.split(b"\r\n") if line.startswith(b"TZID:Nowhere-")]
        text = text.replace(b"TZID=" + zone, renamed.replace(b":", b"="))
    calendar = Calendar.from_ical(text)
    assert isinstance(calendar, Calendar)
    events = [
        Told(event=event, starts_at=_instant(calendar, event, "DTSTART"), ends_at=_instant(calendar, event, "DTEND"))
        for event in calendar.events
    ]
    return calendar, events


def _instant(calendar: Calendar, event: Any, name: str) -> datetime:
    stamp = event[name]
    by_library: datetime = stamp.dt.astimezone(UTC)
    if "TZID" not in stamp.params:
        assert stamp.dt.utcoffset() == timedelta()
        return by_library
    # What the format says: the latest onset not after it, both as wall times, gives the offset.
    [zone] = calendar.timezones
    assert zone["TZID"] == stamp.params["TZID"]
    wall = stamp.dt.replace(tzinfo=None)
    begun = [(onset, part.TZOFFSETTO) for part in zone.subcomponents if (onset := latest_onset(part, wall))]
    offset = max(begun, key=lambda one: one[0])[1]
    by_the_words = datetime.combine(wall.date(), wall.time(), timezone(offset)).astimezone(UTC)
    assert by_library == by_the_words
    return by_the_words


def latest_onset(part: Any, wall: datetime) -> datetime | None:
    """Of an observance, told once or by a rule: the last one not after this wall time."""
    if "RRULE" not in part:
        once: datetime = part.DTSTART
        return once if once <= wall else None
    onsets = rrulestr(part["RRULE"].to_ical().decode(), dtstart=part.DTSTART)
    assert onsets[0] == part.DTSTART, "the first onset is one of the rule's own"
    found: datetime | None = onsets.before(wall, inc=True)
    return found


def hard_moments(zone: str) -> list[datetime]:
    """Instants around each change of the zone, every quarter of an hour, and quiet days in all seasons."""
    quiet = [datetime(2026, month, 15, 12, tzinfo=UTC) for month in (1, 4, 7, 10)]
    changes = [datetime.fromisoformat(when).replace(tzinfo=UTC) for when in CHANGES[zone]]
    return [*quiet, *(change + timedelta(minutes=15 * k) for change in changes for k in range(-10, 11))]
