"""The slot rule alone: 2,000 windows and 2,000 appointments over 60 days, every open slot of them.

No database, no HTTP. Beside it, in the same run, two measures that drift with the machine as it does: the same hours
with nothing booked, and merely reading the wall clock in every minute of those days, which is where a walk through
the minutes would begin.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from bench.figures import HEADER, against, line, median, now_ms
from rules.booking.availability import (
    DEFAULT_SETTINGS,
    Availability,
    Busy,
    DateOverride,
    DayWindow,
    SlotSettings,
    TimeOff,
    open_slots,
)
from rules.enums import AppointmentType

DAYS = 61  # sixty times 24 hours touch so many dates
A_DAY = 33
ROUNDS = 100
WARM_UP = 5
GOAL_MS = 20.0
ZONE = "America/New_York"
FIRST = date(2026, 10, 5)  # clocks change on the way
NOW = datetime(2026, 10, 5, 4, tzinfo=UTC)


async def run() -> None:
    hours = _hours()
    busy = _busy()
    windows = sum(len(override.windows) for override in hours.overrides)

    def slots_of(booked: list[Busy]) -> int:
        found = open_slots(
            availability=hours,
            type=AppointmentType.SESSION,
            busy=booked,
            now=NOW,
            first_day=FIRST,
            last_day=FIRST + timedelta(days=DAYS),
            asker_zone="Europe/London",
        )
        return len(found)

    def walk() -> int:
        zone = ZoneInfo(ZONE)
        return sum((NOW + timedelta(minutes=n)).astimezone(zone).minute == 0 for n in range(60 * 1440))

    assert 0 < slots_of(busy) < slots_of([])
    everything = _times(lambda: slots_of(busy))
    print(f"{windows} windows and {len(busy)} appointments over 60 days: {slots_of(busy)} open slots (milliseconds)")
    print(HEADER)
    print(line("every open slot", everything))
    print(line("with nothing booked", _times(lambda: slots_of([]))))
    minutes = _times(walk, rounds=10)
    print(line("every minute's wall clock", minutes))
    print(f"  the rule takes {median(everything) / median(minutes):.2f} of reading every minute's wall clock")
    print(against(f"a median under {GOAL_MS:.0f} ms", met=median(everything) < GOAL_MS))


def _hours() -> Availability:
    """Half an hour, 33 times a date; 20 stretches of time off; no date may have more than 200 appointments."""
    settings = SlotSettings(
        duration=15, step=5, buffer_before=0, buffer_after=0, minimum_notice=0, horizon_days=60, max_per_day=200
    )
    starts = [n * 1440 // A_DAY for n in range(A_DAY)]
    both = frozenset(AppointmentType)
    return Availability(
        time_zone=ZONE,
        overrides=tuple(
            DateOverride(
                day=FIRST + timedelta(days=n),
                windows=tuple(DayWindow(start=start, end=start + 30, types=both) for start in starts),
            )
            for n in range(DAYS)
        ),
        time_off=tuple(
            TimeOff(starts_at=start, ends_at=start + timedelta(hours=5))
            for start in (NOW + timedelta(days=3 * n) for n in range(20))
        ),
        settings=dict.fromkeys(DEFAULT_SETTINGS, settings),
    )


def _busy() -> list[Busy]:
    kinds = list(AppointmentType)
    starts = [NOW + timedelta(days=day, minutes=n * 1440 // A_DAY + 7) for day in range(DAYS) for n in range(A_DAY)]
    return [
        Busy(id=str(n), type=kinds[n % 2], starts_at=start, ends_at=start + timedelta(minutes=15))
        for n, start in enumerate(starts)
    ]


def _times(work: Callable[[], int], *, rounds: int = ROUNDS) -> list[float]:
    taken: list[float] = []
    for number in range(WARM_UP + rounds):
        began = now_ms()
        work()
        if number >= WARM_UP:
            taken.append(now_ms() - began)
    return taken
