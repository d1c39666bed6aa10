"""Times as people read them, in plain English, always with the zone that they are told in."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

# Written out, because strftime follows the machine's locale.
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_UNITS = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1)))
_MOST_HOURS = timedelta(hours=72)  # up to here people count hours: 48 hours, not 2 days


def local_time(instant: datetime, zone: str) -> str:
    """``Tuesday 1 December 2026, 09:00 (New York time, EST)``; ``instant`` aware, ``zone`` an IANA name."""
    local = _local(instant, zone)
    return f"{_date(local)}, {local:%H:%M} ({_zone_words(local, zone)})"


def local_date(instant: datetime, zone: str) -> str:
    """``Tuesday 1 December 2026``, the date it is in ``zone``."""
    return _date(_local(instant, zone))


def month_name(number: int) -> str:
    """``March`` for 3."""
    return _MONTHS[number - 1]


def minutes(starts_at: datetime, ends_at: datetime) -> str:
    """The elapsed time between two instants: ``50 minutes``."""
    return _count((ends_at - starts_at) // timedelta(minutes=1), "minute")


def in_words(time: timedelta) -> str:
    """``48 hours``, ``90 minutes``, ``5 days``: exactly, in the largest unit that leaves no rest; hours up to 72."""
    for unit, length in _UNITS:
        if time % length == timedelta() and (unit != "day" or time > _MOST_HOURS):
            return _count(time // length, unit)
    return _count(time // timedelta(seconds=1), "second")


def _count(number: int, unit: str) -> str:
    return f"1 {unit}" if number == 1 else f"{number} {unit}s"


def _local(instant: datetime, zone: str) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("people are told aware instants only")
    return instant.astimezone(ZoneInfo(zone))


def _date(local: datetime) -> str:
    return f"{_WEEKDAYS[local.weekday()]} {local.day} {month_name(local.month)} {local.year}"


def _zone_words(local: datetime, zone: str) -> str:
    short = local.tzname() or ""
    if not short.isalpha():  # zones without letters of their own are named by their offset
        short = _offset(local)
    place = zone.rsplit("/", 1)[-1].replace("_", " ")
    if zone.startswith("Etc/") or "/" not in zone:
        return short
    return f"{place} time, {short}"


def _offset(local: datetime) -> str:
    total = (local.utcoffset() or timedelta()) // timedelta(minutes=1)
    sign = "-" if total < 0 else "+"
    return f"UTC{sign}{abs(total) // 60:02d}:{abs(total) % 60:02d}"
