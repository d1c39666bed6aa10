"""When a therapist can be booked: open slots, and whether one wanted time may be taken.

Both questions are answered from the same parts: hours, grid, busy time, notice, horizon and daily cap.
``busy`` is every appointment that is not cancelled and every live hold of the therapist, of any type, and what
is busy in calendars that they keep elsewhere; the caller leaves out the hold being presented and the appointment
being moved. Instants are aware ``datetime`` values, days are local dates.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from rules.booking.availability_document import (
    InvalidAvailability,
    ignored_windows,
    read_availability,
    write_availability,
)
from rules.booking.hours import (
    DEFAULT_SETTINGS,
    Availability,
    ClosedDay,
    DateOverride,
    DayWindow,
    SlotSettings,
    TimeOff,
    WeeklyWindow,
)
from rules.booking.slot_calendar import CLOSED, Busy, SlotCalendar
from rules.enums import AppointmentType
from rules.local_time import (
    DAY,
    MINUTE,
    WEEKDAYS,
    day_start,
    find_zone,
    from_micros,
    local_date,
    local_to_instant,
    to_micros,
)

__all__ = [
    "CLOSED",
    "DEFAULT_SETTINGS",
    "OUTSIDE_BUSY",
    "WEEKDAYS",
    "Availability",
    "Busy",
    "ClosedDay",
    "DateOverride",
    "DayWindow",
    "InvalidAvailability",
    "Slot",
    "SlotProblem",
    "SlotProblemKind",
    "SlotSettings",
    "TimeOff",
    "WeeklyWindow",
    "alternatives",
    "check_slot",
    "closed_then",
    "closure_of",
    "earliest_slot",
    "find_zone",
    "ignored_windows",
    "local_week",
    "offered_until",
    "open_slots",
    "outside_hours",
    "read_availability",
    "rules_set_aside",
    "week_of_series",
    "write_availability",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """A time that can be booked now, in UTC."""

    starts_at: datetime
    ends_at: datetime


class SlotProblemKind(StrEnum):
    """Taken by somebody, or never on offer."""

    TAKEN = "taken"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, kw_only=True, slots=True)
class SlotProblem:
    """Why a time cannot be booked, in a plain sentence; ``closure``: because the practice is closed then."""

    kind: SlotProblemKind
    because: str
    closure: ClosedDay | None = None


def open_slots(
    *,
    availability: Availability,
    type: AppointmentType,
    busy: Iterable[Busy],
    now: datetime,
    first_day: date,
    last_day: date,
    asker_zone: str,
) -> list[Slot]:
    """Every open slot that starts on the asker's local dates from first to last, both included, in order."""
    calendar = SlotCalendar(availability, type, busy)
    asker = ZoneInfo(asker_zone)
    earliest, latest = calendar.bookable(to_micros(now))
    # Dates far away say nothing; drawing them in keeps the arithmetic inside the calendar.
    first_day = max(first_day, local_date(earliest, asker) - timedelta(days=1))
    last_day = min(last_day, local_date(latest, asker) + timedelta(days=1))
    if first_day > last_day or earliest > latest:
        return []
    after = last_day + timedelta(days=1)
    opens, surely_open = day_start(first_day, asker), day_start(first_day, asker, later=True)
    surely_before, closes = day_start(after, asker), day_start(after, asker, later=True)
    starts = calendar.starts(max(earliest, opens), min(latest, closes - 1))
    # The two readings of a midnight differ only where clocks go back around it; there each slot is asked its
    # date.
    return _slots(
        calendar,
        (
            start
            for start in starts
            if surely_open <= start < surely_before or first_day <= local_date(start, asker) <= last_day
        ),
    )


def offered_until(
    *,
    availability: Availability,
    type: AppointmentType,
    busy: Iterable[Busy],
    now: datetime,
    last_day: date,
    asker_zone: str,
    offered: Sequence[Slot],
) -> datetime:
    """Up to which moment `open_slots` goes on to answer ``offered``, itself left out, if nothing else changes than the
    time: then the first is too soon, or one more may come within the horizon. A day on at most."""
    current = to_micros(now)
    settings = availability.settings[type]
    latest = current + settings.horizon_days * DAY
    moments = [current + DAY]
    if offered:
        moments.append(to_micros(offered[0].starts_at) - settings.minimum_notice * MINUTE + 1)
    closes = day_start(last_day + timedelta(days=1), ZoneInfo(asker_zone), later=True)
    coming = SlotCalendar(availability, type, busy).starts(latest + 1, min(latest + DAY, closes - 1))
    moments += [start - (latest - current) for start in coming[:1]]
    return from_micros(min(moments))


def check_slot(
    *,
    availability: Availability,
    type: AppointmentType,
    starts_at: datetime,
    busy: Iterable[Busy],
    now: datetime,
    notice_from: datetime | None = None,
    needs_grid: bool = True,
    practice: bool = False,
    ends_at: datetime | None = None,
    client_busy: Iterable[Busy] = (),
    needs_horizon: bool = True,
) -> SlotProblem | None:
    """Why this time cannot be booked, or None if it can.

    ``ends_at`` is the start plus the therapist's duration unless given. ``notice_from`` is when the live hold
    being presented was made: the notice is measured from there. Later weeks of a series need no grid.
    ``practice`` is bound by nothing but the past, and overlaps with appointments and holds. ``client_busy`` is what
    the client has already, with whomever.
    """
    calendar = SlotCalendar(availability, type, busy)
    start = to_micros(starts_at)
    end = to_micros(ends_at) if ends_at is not None else start + calendar.duration
    current = to_micros(now)
    if end <= start:
        return _unavailable("The appointment would end before it begins.")
    if start < current:
        return _unavailable("This time is in the past.")
    if not practice:
        noticed = current if notice_from is None else min(current, to_micros(notice_from))
        if start < noticed + calendar.settings.minimum_notice * MINUTE:
            return _unavailable(_TOO_SOON)
        if needs_horizon and start > current + calendar.settings.horizon_days * DAY:
            return _unavailable(_TOO_FAR)
        closure = calendar.closed(start, end)
        if closure is not None:
            return closed_then(closure)
        because = calendar.outside(start, end, needs_grid=needs_grid)
        if because:
            return _unavailable(because)
    if calendar.taken(start, end, buffers=not practice) or (not practice and calendar.taken_outside(start, end)):
        return SlotProblem(kind=SlotProblemKind.TAKEN, because="This time is no longer free.")
    if any(to_micros(other.starts_at) < end and start < to_micros(other.ends_at) for other in client_busy):
        return SlotProblem(kind=SlotProblemKind.TAKEN, because="The client has another appointment at this time.")
    if not practice and local_date(start, calendar.zone) in calendar.full_days:
        return _unavailable(_FULL_DAY)
    return None


def closure_of(*, availability: Availability, starts_at: datetime, ends_at: datetime) -> ClosedDay | None:
    """The closure that an appointment would fall on, or None. Closures are the same for every type."""
    calendar = SlotCalendar(availability, AppointmentType.SESSION, ())
    return calendar.closed(to_micros(starts_at), to_micros(ends_at))


def closed_then(closure: ClosedDay) -> SlotProblem:
    """Why a time on a closed day cannot be booked."""
    because = f"The practice is closed on this day: {closure.name}."
    return SlotProblem(kind=SlotProblemKind.UNAVAILABLE, because=because, closure=closure)


def rules_set_aside(
    *,
    availability: Availability,
    type: AppointmentType,
    starts_at: datetime,
    ends_at: datetime,
    busy: Iterable[Busy],
    now: datetime,
    needs_grid: bool = True,
    needs_horizon: bool = True,
) -> list[str]:
    """Every rule that a time which the practice may have breaks for all others, each in a plain sentence."""
    calendar = SlotCalendar(availability, type, busy)
    start, end, current = to_micros(starts_at), to_micros(ends_at), to_micros(now)
    earliest, latest = calendar.bookable(current)
    broken = [_TOO_SOON] if start < earliest else []
    if needs_horizon and start > latest:
        broken.append(_TOO_FAR)
    broken += calendar.all_outside(start, end, needs_grid=needs_grid)
    if calendar.taken(start, end, buffers=True):
        broken.append("The therapist's buffer is missing between this and the appointment before or after.")
    if calendar.taken_outside(start, end):
        broken.append(OUTSIDE_BUSY)
    if local_date(start, calendar.zone) in calendar.full_days:
        broken.append(_FULL_DAY)
    return broken


OUTSIDE_BUSY = "The therapist is busy at this time in their own calendar."


_TOO_SOON = "This time is too soon; the therapist needs more notice."
_TOO_FAR = "This time is further ahead than the therapist takes bookings."
_FULL_DAY = "The therapist takes no more appointments of this type on that day."


def week_of_series(*, first: datetime, week: int, time_zone: str) -> datetime:
    """When the appointment of that week of a series begins (UTC): at the wall time of the first, in the therapist's
    zone.

    Week 0 is the first itself. A time that the clocks skip becomes the moment of the change, one shown twice
    is the earlier reading.
    """
    if week == 0:
        return from_micros(to_micros(first))
    zone = ZoneInfo(time_zone)
    wall = first.astimezone(zone).replace(tzinfo=None) + timedelta(weeks=week)
    return from_micros(local_to_instant(wall, zone, later=False))


def local_week(*, instant: datetime, time_zone: str) -> tuple[date, date]:
    """Monday and Sunday of the week that an instant falls in, in that zone."""
    day = instant.astimezone(ZoneInfo(time_zone)).date()
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=6)


def alternatives(
    *,
    availability: Availability,
    type: AppointmentType,
    busy: Iterable[Busy],
    now: datetime,
    near: datetime,
    count: int = 3,
    first_day: date | None = None,
    last_day: date | None = None,
    client_busy: Iterable[Busy] = (),
    needs_horizon: bool = True,
) -> list[Slot]:
    """Up to ``count`` other open slots nearest in time to the wanted one, in the order of time.

    They may be limited to the therapist's local dates from ``first_day`` to ``last_day``, both included. Slots that
    overlap ``client_busy`` are left out. Without ``needs_horizon`` the search goes as far beyond the wanted time as
    the horizon is long.
    """
    calendar = SlotCalendar(availability, type, busy)
    wanted = to_micros(near)
    low, high = calendar.bookable(to_micros(now))
    if not needs_horizon:
        high = max(high, wanted + calendar.settings.horizon_days * DAY)
    if first_day is not None:
        low = max(low, day_start(first_day, calendar.zone))
    if last_day is not None:
        high = min(high, day_start(last_day + timedelta(days=1), calendar.zone, later=True) - 1)
    others = [(to_micros(other.starts_at), to_micros(other.ends_at)) for other in client_busy]

    def fits(start: int) -> bool:
        if start == wanted or any(a < start + calendar.duration and start < b for a, b in others):
            return False
        # Around a midnight that comes twice the limits above are the wider ones.
        return not has_days or (first_day or date.min) <= local_date(start, calendar.zone) <= (last_day or date.max)

    has_days = first_day is not None or last_day is not None
    reach = 3 * DAY
    while True:
        # What lies within reach is nearer than anything beyond it, so the search widens only if it found too
        # few.
        found = [start for start in calendar.starts(max(low, wanted - reach), min(high, wanted + reach)) if fits(start)]
        if len(found) >= count or (wanted - reach <= low and wanted + reach >= high):
            nearest = sorted(found, key=lambda start: (abs(start - wanted), start))[:count]
            return _slots(calendar, sorted(nearest))
        reach *= 5


def outside_hours(*, availability: Availability, appointments: Iterable[Busy]) -> list[Busy]:
    """Those appointments that are not inside the hours of their type, or lie under time off or on a closed day."""
    calendars = {kind: SlotCalendar(availability, kind, ()) for kind in AppointmentType}
    return [
        appointment
        for appointment in appointments
        if appointment.type is not None
        and calendars[appointment.type].outside(
            to_micros(appointment.starts_at), to_micros(appointment.ends_at), needs_grid=False
        )
    ]


def earliest_slot(
    *,
    availability: Availability,
    type: AppointmentType,
    busy: Iterable[Busy],
    now: datetime,
    wished_from: datetime | None = None,
    wished_until: datetime | None = None,
    leave_out: Collection[datetime] = (),
    client_busy: Iterable[Busy] = (),
) -> datetime | None:
    """When the first open slot begins, or None if there is none up to the horizon. Stops at the first.

    It may be limited to starts from ``wished_from`` on and before ``wished_until``; starts in ``leave_out``, and slots
    that overlap ``client_busy``, are passed over.
    """
    calendar = SlotCalendar(availability, type, busy)
    low, latest = calendar.bookable(to_micros(now))
    if wished_from is not None:
        low = max(low, to_micros(wished_from))
    if wished_until is not None:
        latest = min(latest, to_micros(wished_until) - 1)
    passed_over = {to_micros(start) for start in leave_out}
    others = [(to_micros(other.starts_at), to_micros(other.ends_at)) for other in client_busy]
    days = 1
    while low <= latest:
        high = min(latest, low + days * DAY)
        for start in calendar.starts(low, high):
            if start not in passed_over and not any(a < start + calendar.duration and start < b for a, b in others):
                return from_micros(start)
        low, days = high + 1, days * 3
    return None


def _slots(calendar: SlotCalendar, starts: Iterable[int]) -> list[Slot]:
    length = timedelta(minutes=calendar.settings.duration)
    return [Slot(starts_at=at, ends_at=at + length) for at in map(from_micros, starts)]


def _unavailable(because: str) -> SlotProblem:
    return SlotProblem(kind=SlotProblemKind.UNAVAILABLE, because=because)
