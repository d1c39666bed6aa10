"""A therapist's hours: the values they are written in, and how local hours become instants.

Local hours meet the calendar here and nowhere else. Inside the rules an instant is a whole number of
microseconds since 1970 (UTC), so that grids and gaps are exact and quick; outside it is an aware UTC
``datetime``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rules.enums import AppointmentType

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)

_NO_ZONES = ("Factory", "localtime", "posixrules")

Span = tuple[int, int]  # first instant (inside), end (outside), in microseconds


@dataclass(frozen=True, kw_only=True, slots=True)
class SlotSettings:
    """How one therapist offers one type of appointment. All whole minutes, except the days and the cap."""

    duration: int
    step: int
    buffer_before: int
    buffer_after: int
    minimum_notice: int
    horizon_days: int
    max_per_day: int | None


DEFAULT_SETTINGS: Mapping[AppointmentType, SlotSettings] = MappingProxyType(
    {
        AppointmentType.INTRO_CALL: SlotSettings(
            duration=15,
            step=15,
            buffer_before=0,
            buffer_after=10,
            minimum_notice=720,
            horizon_days=60,
            max_per_day=None,
        ),
        AppointmentType.SESSION: SlotSettings(
            duration=50,
            step=30,
            buffer_before=0,
            buffer_after=10,
            minimum_notice=720,
            horizon_days=60,
            max_per_day=None,
        ),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class DayWindow:
    """Hours of one day, in minutes since local midnight (up to 1440). Nothing if it ends before it starts."""

    start: int
    end: int
    types: frozenset[AppointmentType]


@dataclass(frozen=True, kw_only=True, slots=True)
class WeeklyWindow:
    """Hours of one weekday (``mon`` to ``sun``), as DayWindow otherwise."""

    weekday: str
    start: int
    end: int
    types: frozenset[AppointmentType]


@dataclass(frozen=True, kw_only=True, slots=True)
class DateOverride:
    """Replaces all weekly windows of one local date; no windows make a day off."""

    day: date
    windows: tuple[DayWindow, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeOff:
    """A stretch of instants in which nothing is offered, whatever the hours say."""

    starts_at: datetime
    ends_at: datetime
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Availability:
    """Everything a therapist has said about when they can be booked, in their own zone."""

    time_zone: str
    weekly: tuple[WeeklyWindow, ...] = ()
    overrides: tuple[DateOverride, ...] = ()
    time_off: tuple[TimeOff, ...] = ()
    settings: Mapping[AppointmentType, SlotSettings] = field(default_factory=lambda: DEFAULT_SETTINGS)


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


def merged(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, those that touch or overlap made one; empty ones left out."""
    result: list[Span] = []
    for start, end in sorted(spans):
        if end <= start:
            continue
        if result and start <= result[-1][1]:
            if end > result[-1][1]:
                result[-1] = (result[-1][0], end)
        else:
            result.append((start, end))
    return result


@lru_cache(maxsize=4096)
def _day_offset(day: date, zone: ZoneInfo) -> int | None:
    """The zone's offset all through a local date, or None where clocks change on it or its midnights."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    first = _offset(midnight)
    return first if _offset((midnight + timedelta(days=1)).replace(fold=1)) == first else None


class Hours:
    """The hours in which one therapist serves one type of appointment, as instants, date by date."""

    def __init__(self, availability: Availability, served: AppointmentType) -> None:
        self.zone = ZoneInfo(availability.time_zone)
        weekly: dict[int, list[Span]] = {}
        for window in availability.weekly:
            if served in window.types:
                weekly.setdefault(WEEKDAYS.index(window.weekday), []).append((window.start, window.end))
        # Merging in wall time first is safe, as what touches on the wall touches in time; most days are then
        # cheap.
        self._weekly = {weekday: merged(spans) for weekday, spans in weekly.items()}
        self._overrides = {
            override.day: merged((w.start, w.end) for w in override.windows if served in w.types)
            for override in availability.overrides
        }
        self._days: dict[date, list[Span]] = {}

    def of(self, day: date) -> list[Span]:
        """The merged windows of one local date, in order. Grids start at each one's first instant."""
        known = self._days.get(day)
        if known is None:
            walls = self._overrides.get(day)
            if walls is None:
                walls = self._weekly.get(day.weekday(), [])
            known = self._days[day] = self._instants(day, walls) if walls else []
        return known

    def days(self, first: date, last: date) -> list[Span]:
        """The windows of all dates from first to last, each date's apart, as grids end at midnight."""
        dates = range(first.toordinal(), last.toordinal() + 1)
        return [window for ordinal in dates for window in self.of(date.fromordinal(ordinal))]

    def around(self, start: int, end: int) -> list[Span]:
        """The windows of every date that may hold an instant from start to end."""
        # A date's window can reach into its neighbour where clocks go back around midnight.
        day = timedelta(days=1)
        return self.days(local_date(start, self.zone) - day, local_date(end, self.zone) + day)

    def hold(self, start: int, end: int) -> bool:
        """Whether a whole stretch lies inside hours; it may run on from one date's window into the next."""
        return any(first <= start and end <= last for first, last in merged(self.around(start, end)))

    def _instants(self, day: date, walls: list[Span]) -> list[Span]:
        offset = _day_offset(day, self.zone)
        if offset is not None:
            midnight = (day.toordinal() - _EPOCH_DAY) * DAY - offset
            return [(midnight + start * MINUTE, midnight + end * MINUTE) for start, end in walls]
        midnight_wall = datetime(day.year, day.month, day.day)  # noqa: DTZ001
        return merged(
            (
                local_to_instant(midnight_wall + timedelta(minutes=start), self.zone, later=False),
                local_to_instant(midnight_wall + timedelta(minutes=end), self.zone, later=True),
            )
            for start, end in walls
        )
