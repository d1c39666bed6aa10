"""Local time: zones, weekdays, and how a wall time becomes an instant.

Local hours meet the calendar here and nowhere else. Inside the rules an instant is a whole number of
microseconds since 1970 (UTC), so that grids and gaps are exact and quick; outside it is an aware UTC
``datetime``.

It runs inside workflows: docs/changing-a-workflow.md says how it is changed.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = date(1970, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)

_NO_ZONES = ("Factory", "localtime", "posixrules")


def find_zone(name: str) -> ZoneInfo | None:
    """The zone of that IANA name, or None if there is none (folders, paths and empty names included).

    Files beside the zones, which only some machines have and which mean something else on each, are none.
    """
    if name in _NO_ZONES or name.startswith(("posix/", "right/")):
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def to_micros(instant: datetime) -> int:
    """Microseconds since 1970 of an aware instant, exactly; ValueError for one that names no zone."""
    if instant.tzinfo is None:
        message = f"an instant needs a time zone: {instant.isoformat()}"
        raise ValueError(message)
    since = instant - _EPOCH
    return since.days * DAY + since.seconds * SECOND + since.microseconds


def from_micros(micros: int) -> datetime:
    """The aware UTC instant that many microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=micros)


def local_date(micros: int, zone: ZoneInfo) -> date:
    """What the calendar on the wall in that zone says at an instant."""
    return from_micros(micros).astimezone(zone).date()


def local_to_instant(wall: datetime, zone: ZoneInfo, *, later: bool) -> int:
    """The instant of a local wall time (naive).

    A time skipped by the clocks becomes the moment of the change. A time shown twice has two readings:
    ``later`` chooses the second (for ends), otherwise it is the first (for starts).
    """
    first = _offset(wall.replace(tzinfo=zone, fold=0))
    second = _offset(wall.replace(tzinfo=zone, fold=1))
    utc = to_micros(wall.replace(tzinfo=UTC))
    if first < second:
        return _moment_of_change(utc - second, utc - first, first, zone)
    return utc - (second if later else first)


def day_start(day: date, zone: ZoneInfo, *, later: bool = False) -> int:
    """The instant of local midnight at the beginning of a date, read as in ``local_to_instant``."""
    return local_to_instant(datetime(day.year, day.month, day.day), zone, later=later)  # noqa: DTZ001


def _offset(local: datetime) -> int:
    return (local.utcoffset() or timedelta()) // _MICROSECOND


def _moment_of_change(before: int, after: int, old_offset: int, zone: ZoneInfo) -> int:
    """The first instant without the old offset, which holds at ``before`` and no more at ``after``."""
    low, high = before // SECOND, after // SECOND  # clocks change on whole seconds
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(from_micros(middle * SECOND).astimezone(zone)) == old_offset:
            low = middle
        else:
            high = middle
    return high * SECOND


@lru_cache(maxsize=4096)
def day_offset(day: date, zone: ZoneInfo) -> int | None:
    """The zone's offset all through a local date, or None where clocks change on it or its midnights."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    first = _offset(midnight)
    return first if _offset((midnight + timedelta(days=1)).replace(fold=1)) == first else None
