"""Days on which the practice is closed: nobody is offered a time on them, and the practice may take one."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rules.booking.availability import (
    CLOSED,
    Availability,
    Busy,
    ClosedDay,
    SlotProblem,
    SlotProblemKind,
    WeeklyWindow,
    alternatives,
    check_slot,
    closure_of,
    earliest_slot,
    open_slots,
    outside_hours,
    rules_set_aside,
)
from rules.booking.outside_hours import why_outside
from rules.enums import AppointmentType

SESSION = AppointmentType.SESSION
BOTH = frozenset(AppointmentType)
NOW = datetime(2026, 12, 21, 12, tzinfo=UTC)  # a Monday
CHRISTMAS = ClosedDay(day=date(2026, 12, 25), name="Christmas Day")


def practice(zone: str = "America/New_York", *, start: int = 540, end: int = 1020) -> Availability:
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    weekly = tuple(WeeklyWindow(weekday=day, start=start, end=end, types=BOTH) for day in days)
    return Availability(time_zone=zone, weekly=weekly, closures=(CHRISTMAS,))


def wall(day: int, hour: int, minute: int = 0, zone: str = "America/New_York") -> datetime:
    return datetime(2026, 12, day, hour, minute, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def asked(starts_at: datetime, availability: Availability | None = None, **more: Any) -> SlotProblem | None:
    return check_slot(
        availability=availability or practice(), type=SESSION, starts_at=starts_at, busy=(), now=NOW, **more
    )


def test_no_slot_lies_on_a_closed_day_of_the_therapists_calendar() -> None:
    found = open_slots(
        availability=practice(),
        type=SESSION,
        busy=(),
        now=NOW,
        first_day=date(2026, 12, 24),
        last_day=date(2026, 12, 26),
        asker_zone="America/New_York",
    )
    days = {slot.starts_at.astimezone(ZoneInfo("America/New_York")).day for slot in found}
    assert days == {24, 26}


def test_a_time_on_it_is_refused_with_its_name_and_the_practice_may_have_it() -> None:
    problem = asked(wall(25, 10))
    assert problem == SlotProblem(
        kind=SlotProblemKind.UNAVAILABLE,
        because="The practice is closed on this day: Christmas Day.",
        closure=CHRISTMAS,
    )
    assert asked(wall(24, 10)) is None
    assert asked(wall(25, 10), practice=True) is None
    broken = rules_set_aside(
        availability=practice(),
        type=SESSION,
        starts_at=wall(25, 10),
        ends_at=wall(25, 10, 50),
        busy=(),
        now=NOW,
    )
    assert broken == [CLOSED]


def test_it_is_the_therapists_date_and_not_the_askers() -> None:
    """Ten on the 26th in Tokyo is the 25th in New York: each therapist is closed on their own 25th."""
    tokyo = practice("Asia/Tokyo")
    assert asked(wall(25, 10, zone="Asia/Tokyo"), tokyo) is not None
    assert asked(wall(26, 10, zone="Asia/Tokyo"), tokyo) is None
    assert asked(wall(24, 20), tokyo) is not None  # 10:00 on the 25th there
    assert asked(wall(24, 16)) is None


def test_what_runs_on_over_midnight_must_not_reach_into_it() -> None:
    all_day = practice(start=0, end=1440)
    assert asked(wall(24, 23, 10), all_day, needs_grid=False) is None  # ends at midnight
    assert asked(wall(24, 23, 11), all_day, needs_grid=False) is not None
    assert asked(wall(25, 23, 59), all_day, needs_grid=False) is not None
    assert asked(wall(26, 0), all_day) is None
    length = timedelta(minutes=50)
    starts_at = wall(24, 23, 30)
    assert closure_of(availability=all_day, starts_at=starts_at, ends_at=starts_at + length) == CHRISTMAS
    starts_at = wall(24, 23, 10)
    assert closure_of(availability=all_day, starts_at=starts_at, ends_at=starts_at + length) is None


def test_the_earliest_slot_and_the_alternatives_pass_it_over() -> None:
    common: dict[str, Any] = {"availability": practice(), "type": SESSION, "busy": (), "now": NOW}
    assert earliest_slot(**common, wished_from=wall(25, 0)) == wall(26, 9)
    others = [slot.starts_at for slot in alternatives(**common, near=wall(25, 10))]
    assert others == [wall(24, 15), wall(24, 15, 30), wall(24, 16)]
    assert alternatives(**common, near=wall(25, 10), first_day=date(2026, 12, 25), last_day=date(2026, 12, 25)) == []


def test_what_is_booked_on_it_does_not_fit_whatever_the_hours_say() -> None:
    booked = Busy(id="one", type=SESSION, starts_at=wall(25, 10), ends_at=wall(25, 10, 50))
    assert outside_hours(availability=practice(), appointments=[booked]) == [booked]
    # Which is told with the closure, and not as a therapist's hours.
    assert why_outside(availability=practice(), appointments=[booked]) == []
