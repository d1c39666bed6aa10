"""A therapist's hours: the values they are written in, and the spans of instants that they come to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from rules.enums import AppointmentType
from rules.local_time import DAY, EPOCH_DAY, MINUTE, WEEKDAYS, day_offset, local_date, local_to_instant

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
class WeeklyWindow(DayWindow):
    """Hours of one weekday (``mon`` to ``sun``)."""

    weekday: str


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
class ClosedDay:
    """A day on which the practice is closed: that date of each therapist's own calendar."""

    day: date
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Availability:
    """Everything a therapist has said about when they can be booked, in their own zone. The ``closures`` are the
    practice's, and the same for all of its therapists."""

    time_zone: str
    weekly: tuple[WeeklyWindow, ...] = ()
    overrides: tuple[DateOverride, ...] = ()
    time_off: tuple[TimeOff, ...] = ()
    closures: tuple[ClosedDay, ...] = ()
    settings: Mapping[AppointmentType, SlotSettings] = field(default_factory=lambda: DEFAULT_SETTINGS)


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
        offset = day_offset(day, self.zone)
        if offset is not None:
            midnight = (day.toordinal() - EPOCH_DAY) * DAY - offset
            return [(midnight + start * MINUTE, midnight + end * MINUTE) for start, end in walls]
        midnight_wall = datetime(day.year, day.month, day.day)  # noqa: DTZ001
        return merged(
            (
                local_to_instant(midnight_wall + timedelta(minutes=start), self.zone, later=False),
                local_to_instant(midnight_wall + timedelta(minutes=end), self.zone, later=True),
            )
            for start, end in walls
        )
