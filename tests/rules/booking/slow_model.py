"""The slot rules once more, slowly: every minute's wall clock is looked at, and each rule is a sentence of its own.

Nothing here is clever or quick, and nothing is shared with the rules' own code but the values that the questions are
written in. It answers for a stretch of days, minute by minute: hours and grids begin and end on whole minutes.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

from rules.booking.availability import WEEKDAYS, Availability, Busy, DayWindow, SlotProblemKind, TimeOff, WeeklyWindow
from rules.enums import AppointmentType

MINUTE = timedelta(minutes=1)
DAY = timedelta(hours=24)


class Rule(StrEnum):
    """What can be wrong with a time, in the words of the answer."""

    ORDER = "The appointment would end before it begins."
    PAST = "This time is in the past."
    NOTICE = "This time is too soon; the therapist needs more notice."
    HORIZON = "This time is further ahead than the therapist takes bookings."
    CLOSED = "The practice is closed on this day: Closed."
    HOURS = "This time is outside the therapist's hours."
    GRID = "The therapist's appointments do not begin at this time."
    TIME_OFF = "The therapist is away at this time."
    BUSY = "This time is no longer free."
    CLIENT = "The client has another appointment at this time."
    CAP = "The therapist takes no more appointments of this type on that day."

    @property
    def kind(self) -> SlotProblemKind:
        return SlotProblemKind.TAKEN if self in {Rule.BUSY, Rule.CLIENT} else SlotProblemKind.UNAVAILABLE


class WallClock:
    """What the wall clock of a zone shows in each minute from an instant on."""

    def __init__(self, zone: str, *, since: datetime, days: int) -> None:
        self.zone = ZoneInfo(zone)
        self.minutes = [since + n * MINUTE for n in range(days * 1440)]
        self.shows = [minute.astimezone(self.zone).replace(tzinfo=None) for minute in self.minutes]
        self._when: dict[datetime, list[int]] = {}
        for n, wall in enumerate(self.shows):
            self._when.setdefault(wall, []).append(n)

    def reading(self, wall: datetime, *, later: bool) -> int:
        """The minute that shows this; the first or the last of several. A skipped time is the moment of the change."""
        if wall in self._when:
            return self._when[wall][-1 if later else 0]
        return next(n for n, shown in enumerate(self.shows) if shown > wall)

    def touched(self, start: datetime, end: datetime) -> range:
        """The minutes that a stretch touches."""
        since = self.minutes[0]
        return range((start - since) // MINUTE, -((since - end) // MINUTE))


def overlaps(start: datetime, end: datetime, others: Iterable[Busy | TimeOff]) -> bool:
    return any(start < other.ends_at and other.starts_at < end for other in others)


class SlowModel:
    """One therapist's calendar, asked about one type. Two days at either end of the clock's stretch are left out."""

    def __init__(
        self,
        clock: WallClock,
        availability: Availability,
        type: AppointmentType,
        *,
        busy: Sequence[Busy],
        now: datetime,
    ) -> None:
        self.clock = clock
        self.availability = availability
        self.type = type
        self.settings = availability.settings[type]
        self.busy = busy
        self.now = now

    # ---------------------------------------------------------------- hours and grid

    @cached_property
    def _minutes_of_dates(self) -> list[list[int]]:
        """The minutes inside hours, date by date, in order."""
        first, last = (self.clock.shows[n].date() + timedelta(days=d) for n, d in ((0, 2), (-1, -2)))
        dates = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        return [sorted({m for w in self._windows(day) for m in self._minutes(day, w)}) for day in dates]

    def _windows(self, day: date) -> Iterator[DayWindow | WeeklyWindow]:
        overrides = [override for override in self.availability.overrides if override.day == day]
        weekly = [window for window in self.availability.weekly if window.weekday == WEEKDAYS[day.weekday()]]
        for window in overrides[0].windows if overrides else weekly:
            if self.type in window.types and window.end > window.start:
                yield window

    def _minutes(self, day: date, window: DayWindow | WeeklyWindow) -> range:
        midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001
        opens = self.clock.reading(midnight + window.start * MINUTE, later=False)
        return range(opens, self.clock.reading(midnight + window.end * MINUTE, later=True))

    @cached_property
    def hours(self) -> set[int]:
        return {minute for minutes in self._minutes_of_dates for minute in minutes}

    @cached_property
    def grid(self) -> set[datetime]:
        """When an appointment may begin: in each date's unbroken stretches, from their first minute on in steps."""
        found: set[datetime] = set()
        for minutes in self._minutes_of_dates:
            since, inside = 0, set(minutes)
            for minute in minutes:
                if minute - 1 not in inside:
                    since = minute
                if (minute - since) % self.settings.step == 0:
                    found.add(self.clock.minutes[minute])
        return found

    # ---------------------------------------------------------------- one time

    def broken(
        self,
        start: datetime,
        end: datetime | None = None,
        *,
        notice_from: datetime | None = None,
        practice: bool = False,
        needs_grid: bool = True,
        needs_horizon: bool = True,
        client_busy: Iterable[Busy] = (),
    ) -> Iterator[Rule]:
        """Every rule that this time breaks, in the order in which they are told."""
        end = end or start + self.settings.duration * MINUTE
        if end <= start:
            yield Rule.ORDER
        if start < self.now:
            yield Rule.PAST
        if not practice:
            asked_at = min(self.now, notice_from or self.now)
            if start < asked_at + self.settings.minimum_notice * MINUTE:
                yield Rule.NOTICE
            if needs_horizon and start > self.now + self.settings.horizon_days * DAY:
                yield Rule.HORIZON
            yield from self._not_open(start, end)
            if needs_grid and start not in self.grid:
                yield Rule.GRID
            if self.under_time_off(start, end):
                yield Rule.TIME_OFF
        binding = [other for other in self.busy if other.type is not None or not practice]
        if any(not self._apart(start, end, other, buffers=not practice) for other in binding):
            yield Rule.BUSY
        if overlaps(start, end, client_busy):
            yield Rule.CLIENT
        if not practice and self._is_full(start.astimezone(self.clock.zone).date()):
            yield Rule.CAP

    def inside_hours(self, start: datetime, end: datetime) -> bool:
        """Whether every minute that the stretch touches is inside hours."""
        return self.hours.issuperset(self.clock.touched(start, end))

    def _not_open(self, start: datetime, end: datetime) -> Iterator[Rule]:
        if self.on_closure(start, end):
            yield Rule.CLOSED
        if not self.inside_hours(start, end):
            yield Rule.HOURS

    def on_closure(self, start: datetime, end: datetime) -> bool:
        """Whether it touches a closed date, which lasts from the first showing of midnight to the last of the next."""
        return any(
            start < self.clock.minutes[closes] and self.clock.minutes[opens] < end
            for opens, closes in self._closures
            if opens < closes
        )

    @cached_property
    def _closures(self) -> list[tuple[int, int]]:
        midnights = [datetime(one.day.year, one.day.month, one.day.day) for one in self.availability.closures]  # noqa: DTZ001
        return [
            (self.clock.reading(at, later=False), self.clock.reading(at + timedelta(days=1), later=True))
            for at in midnights
        ]

    def under_time_off(self, start: datetime, end: datetime) -> bool:
        return overlaps(start, end, self.availability.time_off)

    def _apart(self, start: datetime, end: datetime, other: Busy, *, buffers: bool) -> bool:
        """Whether neither overlaps the other, with room for the wider of the two buffers between them."""
        if other.type is None:  # busy in a calendar kept elsewhere
            return end <= other.starts_at or other.ends_at <= start
        its = self.availability.settings[other.type]
        if end <= other.starts_at:
            gap, needed = other.starts_at - end, max(self.settings.buffer_after, its.buffer_before)
        elif other.ends_at <= start:
            gap, needed = start - other.ends_at, max(its.buffer_after, self.settings.buffer_before)
        else:
            return False
        return not buffers or gap >= needed * MINUTE

    def _is_full(self, day: date) -> bool:
        if self.settings.max_per_day is None:
            return False
        days = [b.starts_at.astimezone(self.clock.zone).date() for b in self.busy if b.type == self.type]
        return days.count(day) >= self.settings.max_per_day

    # ---------------------------------------------------------------- many times

    @cached_property
    def open(self) -> list[datetime]:
        """Every start that breaks no rule."""
        return [start for start in sorted(self.grid) if not any(self.broken(start))]

    @cached_property
    def open_for_ever(self) -> list[datetime]:
        """The same, were there no horizon."""
        return [start for start in sorted(self.grid) if not any(self.broken(start, needs_horizon=False))]

    def _overlaps(self, start: datetime, others: Iterable[Busy]) -> bool:
        return overlaps(start, start + self.settings.duration * MINUTE, others)

    def on_days(self, first: date, last: date, *, asker_zone: str) -> list[datetime]:
        """The open starts on an asker's local dates."""
        asker = ZoneInfo(asker_zone)
        return [start for start in self.open if first <= start.astimezone(asker).date() <= last]

    def earliest(
        self,
        *,
        wished_from: datetime | None = None,
        wished_until: datetime | None = None,
        leave_out: Collection[datetime] = (),
        client_busy: Sequence[Busy] = (),
    ) -> datetime | None:
        fine = (
            start
            for start in self.open
            if (wished_from is None or start >= wished_from)
            and (wished_until is None or start < wished_until)
            and start not in leave_out
            and not self._overlaps(start, client_busy)
        )
        return next(fine, None)

    def alternatives(
        self,
        near: datetime,
        *,
        count: int = 3,
        first_day: date | None = None,
        last_day: date | None = None,
        client_busy: Sequence[Busy] = (),
        needs_horizon: bool = True,
    ) -> list[datetime]:
        latest = max(self.now, self.now if needs_horizon else near) + self.settings.horizon_days * DAY
        others = [
            start
            for start in (self.open if needs_horizon else self.open_for_ever)
            if start != near
            and start <= latest
            and (first_day is None or start.astimezone(self.clock.zone).date() >= first_day)
            and (last_day is None or start.astimezone(self.clock.zone).date() <= last_day)
            and not self._overlaps(start, client_busy)
        ]
        return sorted(sorted(others, key=lambda start: (abs(start - near), start))[:count])

    def week_of_series(self, first: datetime, week: int) -> datetime:
        """The wall time of the first, so many weeks later; the first itself is as it is."""
        wall = first.astimezone(self.clock.zone).replace(tzinfo=None) + week * timedelta(days=7)
        return self.clock.minutes[self.clock.reading(wall, later=False)] if week else first
