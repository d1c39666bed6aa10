"""One therapist's hours and busy time as they bear on one type of appointment: the parts that slots are made of.

Instants are whole microseconds since 1970 in here (see `rules.booking.hours`).
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from rules.booking.hours import Availability, ClosedDay, Hours, Span, merged
from rules.enums import AppointmentType
from rules.local_time import DAY, MINUTE, day_start, local_date, to_micros


@dataclass(frozen=True, kw_only=True, slots=True)
class Busy:
    """Time of a therapist (or client) that is taken: an appointment or a live hold. Of no ``type``: busy in a calendar
    that the therapist keeps elsewhere, which has no buffers, counts for no cap, and binds only who is not the
    practice."""

    id: str | None = None
    type: AppointmentType | None
    starts_at: datetime
    ends_at: datetime


CLOSED = "The practice is closed on this day."


class SlotCalendar:
    """Hours, closures, grid, busy time, notice, horizon and daily cap of one therapist and type."""

    def __init__(self, availability: Availability, kind: AppointmentType, busy: Iterable[Busy]) -> None:
        self.settings = availability.settings[kind]
        self.duration = self.settings.duration * MINUTE
        self.hours = Hours(availability, kind)
        self.zone = self.hours.zone
        self._kind = kind
        self._closures = availability.closures
        self._time_off = [(to_micros(off.starts_at), to_micros(off.ends_at)) for off in availability.time_off]
        # The gap between two appointments is the larger of the two buffers that meet in it.
        self._gaps: dict[AppointmentType | None, Span] = {
            other: (
                max(self.settings.buffer_after, settings.buffer_before) * MINUTE,  # this one first, the other next
                max(settings.buffer_after, self.settings.buffer_before) * MINUTE,  # the other first
            )
            for other, settings in availability.settings.items()
        }
        self._gaps[None] = (0, 0)
        self._busy = [(to_micros(b.starts_at), to_micros(b.ends_at), b.type) for b in busy]

    def bookable(self, now: int) -> Span:
        """The first and the last instant (both included) at which an appointment may start."""
        return now + self.settings.minimum_notice * MINUTE, now + self.settings.horizon_days * DAY

    def starts(self, low: int, high: int) -> list[int]:
        """Every open start from low to high, both included, in order."""
        if low > high:
            return []
        step = self.settings.step * MINUTE
        windows = self.hours.around(low, high + self.duration)
        coverage = merged(windows)
        firsts = [first for first, _ in coverage]
        opens, closes = self._blocked
        found: list[int] = []
        for begin, end in windows:
            last = min(end - 1, high, coverage[bisect_right(firsts, begin) - 1][1] - self.duration)
            start = begin if begin >= low else low + (begin - low) % step
            if start > last:
                continue
            at = bisect_right(closes, start)
            while start <= last:
                if at == len(opens):
                    found.extend(range(start, last + 1, step))
                    break
                if start <= opens[at]:
                    found.extend(range(start, min(last, opens[at]) + 1, step))
                start = max(start, closes[at] + (begin - closes[at]) % step)
                at += 1
        full = self.full_days
        # Two dates may offer the same instant where clocks go back around midnight.
        return [start for start in sorted(set(found)) if not full or local_date(start, self.zone) not in full]

    def closed(self, start: int, end: int) -> ClosedDay | None:
        """The first closure that a stretch touches: it must not reach into a closed day either."""
        return next((day for first, last, day in self._closed if first < end and start < last), None)

    def outside(self, start: int, end: int, *, needs_grid: bool) -> str | None:
        """A sentence if a stretch touches a closure, is not inside hours, off the grid, or under time off: the first
        that holds."""
        return next(self.all_outside(start, end, needs_grid=needs_grid), None)

    def all_outside(self, start: int, end: int, *, needs_grid: bool) -> Iterator[str]:
        """Every such sentence. A time outside of hours is on no grid anyway."""
        if self.closed(start, end) is not None:
            yield CLOSED
        if not self.hours.hold(start, end):
            yield "This time is outside the therapist's hours."
        elif needs_grid and not self._on_grid(start):
            yield "The therapist's appointments do not begin at this time."
        if any(first < end and start < last for first, last in self._time_off):
            yield "The therapist is away at this time."

    def taken(self, start: int, end: int, *, buffers: bool) -> bool:
        """Whether a stretch overlaps an appointment or a hold, or (with buffers) comes too close to it."""
        for first, last, kind in self._busy:
            if kind is None:
                continue
            before, after = self._gaps[kind] if buffers else (0, 0)
            if first < end + before and start < last + after:
                return True
        return False

    def taken_outside(self, start: int, end: int) -> bool:
        """Whether a stretch overlaps what the therapist has in a calendar kept elsewhere."""
        return any(kind is None and first < end and start < last for first, last, kind in self._busy)

    @cached_property
    def full_days(self) -> set[date]:
        """The therapist's local dates that hold as many appointments of this type as the cap allows."""
        cap = self.settings.max_per_day
        if cap is None:
            return set()
        counts = Counter(local_date(first, self.zone) for first, _, kind in self._busy if kind == self._kind)
        return {day for day, number in counts.items() if number >= cap}

    @cached_property
    def _closed(self) -> list[tuple[int, int, ClosedDay]]:
        """From which instant to which each closure lasts, in order; a date that a zone leaves out is none."""
        spans = [
            (day_start(one.day, self.zone), day_start(one.day + timedelta(days=1), self.zone, later=True), one)
            for one in sorted(self._closures, key=lambda one: one.day)
        ]
        return [span for span in spans if span[0] < span[1]]

    def _on_grid(self, start: int) -> bool:
        step = self.settings.step * MINUTE
        return any(
            first <= start < last and (start - first) % step == 0 for first, last in self.hours.around(start, start)
        )

    @cached_property
    def _blocked(self) -> tuple[list[int], list[int]]:
        """Between which instants no start is possible: open intervals in order, whose ends are possible."""
        opens: list[int] = []
        closes: list[int] = []
        for first, last in sorted(self._stretches()):
            if closes and first < closes[-1]:
                closes[-1] = max(closes[-1], last)
            else:
                opens.append(first)
                closes.append(last)
        return opens, closes

    def _stretches(self) -> Iterator[Span]:
        for first, last, kind in self._busy:
            before, after = self._gaps[kind]
            yield first - self.duration - before, last + after
        for first, last in self._time_off:
            yield first - self.duration, last
        for first, last, _ in self._closed:
            yield first - self.duration, last
