"""A time zone described inside a calendar file, and the instants that are told by it.

Each file carries its zone's real changes around what is in it, so that a calendar which has never heard of the zone, or
knows older rules of it, still shows the right moment.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from icalendar import Event, Timezone, TimezoneDaylight, TimezoneStandard

_AROUND = timedelta(days=400)  # more than a year on both sides: the change before and the change after are inside
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


def add_times(event: Event, starts_at: datetime, ends_at: datetime, *, tzid: str) -> None:
    """Add DTSTART and DTEND to ``event``, as wall times of the IANA zone ``tzid``.

    A wall time that comes twice means its first reading in such a file. The second can only be said in UTC; then both
    ends are, because some calendars want the two in one form.
    """
    zone = ZoneInfo(tzid)
    ends = {"DTSTART": starts_at.astimezone(zone), "DTEND": ends_at.astimezone(zone)}
    in_utc = tzid == "UTC" or any(local.fold for local in ends.values())
    for name, local in ends.items():
        if in_utc:
            event.add(name, local.astimezone(UTC))
        else:
            event.add(name, local.replace(tzinfo=None), parameters={"TZID": tzid})


def zone_description(tzid: str, earliest: datetime, latest: datetime) -> Timezone:
    """The zone's offsets from before ``earliest`` until after ``latest`` (aware), one observance for each change.

    Written by hand, because the onset of an observance must be told in the wall time *before* the change;
    the library's own generator tells it in the wall time after, which is an hour late in spring. Raises
    ``ZoneInfoNotFoundError`` for an unknown zone.
    """
    zone = ZoneInfo(tzid)
    first = (earliest - _AROUND).astimezone(UTC).replace(microsecond=0)
    last = (latest + _AROUND).astimezone(UTC).replace(microsecond=0)
    description = Timezone()
    description.add("TZID", tzid)
    before = _offset(first, zone)
    for onset in (first, *_changes(zone, first, last)):
        local = onset.astimezone(zone)
        observance = TimezoneDaylight() if local.dst() else TimezoneStandard()
        observance.DTSTART = (onset + before).replace(tzinfo=None)
        observance.TZOFFSETFROM = before
        observance.TZOFFSETTO = before = _offset(onset, zone)
        observance.add("TZNAME", local.tzname() or tzid)
        description.add_component(observance)
    return description


def _changes(zone: ZoneInfo, first: datetime, last: datetime) -> Iterator[datetime]:
    """Every instant after ``first`` and not after ``last`` at which the zone's offset becomes another."""
    days = [first + _DAY * count for count in range((last - first) // _DAY + 1)]
    for early, late in pairwise([*days, last]):
        if _offset(early, zone) == _offset(late, zone):
            continue
        low, high = early, late
        while high - low > _SECOND:
            middle = low + (high - low) // (2 * _SECOND) * _SECOND
            low, high = (middle, high) if _offset(middle, zone) == _offset(early, zone) else (low, middle)
        yield high


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()
