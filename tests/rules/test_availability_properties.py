"""Open slots against a slow model that looks at every minute's wall clock, where clocks change above all."""

from bisect import bisect_left
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, pairwise
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.availability import (
    DEFAULT_SETTINGS,
    WEEKDAYS,
    Availability,
    Busy,
    DateOverride,
    DayWindow,
    SlotSettings,
    TimeOff,
    WeeklyWindow,
    alternatives,
    check_slot,
    earliest_slot,
    open_slots,
    outside_hours,
)
from rules.words import AppointmentType

BOTH = frozenset(AppointmentType)
MINUTE = timedelta(minutes=1)

# Zones with a date near which something happens: half-hour changes, changes at midnight, a skipped day, a
# two-hour change, a clock that goes back from one minute past midnight, and zones where nothing ever happens.
PLACES = [
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Asia/Kathmandu", date(2026, 6, 1)),
    ("Asia/Kolkata", date(2026, 12, 2)),
    ("America/Sao_Paulo", date(2018, 2, 18)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("Asia/Beirut", date(2026, 3, 29)),
    ("Asia/Beirut", date(2026, 10, 25)),
    ("Australia/Adelaide", date(2026, 4, 5)),
    ("Australia/Adelaide", date(2026, 10, 4)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("America/Havana", date(2026, 11, 1)),
    ("America/St_Johns", date(2010, 11, 7)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Antarctica/Troll", date(2026, 3, 29)),
    ("Europe/London", date(2026, 10, 25)),
]


@dataclass(frozen=True)
class Question:
    availability: Availability
    type: AppointmentType
    busy: list[Busy]
    now: datetime
    first_day: date
    last_day: date
    asker_zone: str


def quarter(limit: int) -> st.SearchStrategy[int]:
    return st.integers(0, limit // 15).map(lambda quarters: quarters * 15)


windows = st.builds(
    DayWindow,
    start=quarter(1439),
    end=quarter(1440),
    types=st.sampled_from([BOTH, frozenset({AppointmentType.SESSION}), frozenset({AppointmentType.INTRO_CALL})]),
)
slot_settings = st.builds(
    SlotSettings,
    duration=st.sampled_from([15, 30, 50, 60, 90]),
    step=st.sampled_from([10, 15, 30, 45, 60]),
    buffer_before=st.sampled_from([0, 5, 15]),
    buffer_after=st.sampled_from([0, 10, 20]),
    minimum_notice=st.sampled_from([0, 0, 60, 720]),
    horizon_days=st.sampled_from([60, 60, 60, 3]),
    max_per_day=st.sampled_from([None, None, None, 1, 2]),
)


@st.composite
def questions(draw: st.DrawFn) -> Question:
    zone, eventful = draw(st.sampled_from(PLACES))
    middle = datetime(eventful.year, eventful.month, eventful.day, tzinfo=UTC)

    def moment(hours: int) -> datetime:
        return middle + timedelta(minutes=draw(st.integers(-hours * 12, hours * 12)) * 5)

    def stretch(lengths: list[int]) -> tuple[datetime, datetime]:
        start = moment(30)
        return start, start + draw(st.sampled_from(lengths)) * MINUTE

    weekly = [
        WeeklyWindow(weekday=draw(st.sampled_from(WEEKDAYS)), start=w.start, end=w.end, types=w.types)
        for w in draw(st.lists(windows, max_size=4))
    ]
    # Hours that are there most of the day, so that most questions have an answer worth comparing.
    weekly += [
        WeeklyWindow(
            weekday=day,
            start=draw(st.sampled_from([0, 0, 15, 75, 105, 480])),
            end=draw(st.sampled_from([30, 90, 105, 180, 1200, 1395, 1410, 1440, 1440])),
            types=BOTH,
        )
        for day in draw(st.lists(st.sampled_from(WEEKDAYS), min_size=7, max_size=7, unique=True))
    ]
    override_days = draw(st.sampled_from([[], [], [-1], [0], [1]]))
    overrides = tuple(
        DateOverride(day=eventful + timedelta(days=n), windows=tuple(draw(st.lists(windows, max_size=3))))
        for n in override_days
    )
    time_off = tuple(
        TimeOff(starts_at=start, ends_at=end)
        for start, end in (stretch([25, 180, 300]) for _ in range(draw(st.integers(0, 2))))
    )
    busy = [
        Busy(type=draw(st.sampled_from(list(AppointmentType))), starts_at=start, ends_at=end)
        for start, end in (stretch([15, 50, 65]) for _ in range(draw(st.integers(0, 4))))
    ]
    first = eventful + timedelta(days=draw(st.integers(-1, 1)))
    return Question(
        availability=Availability(
            time_zone=zone,
            weekly=tuple(weekly),
            overrides=overrides,
            time_off=time_off,
            settings={kind: draw(slot_settings) for kind in AppointmentType},
        ),
        type=draw(st.sampled_from(list(AppointmentType))),
        busy=busy,
        now=draw(st.sampled_from([middle - timedelta(days=3), middle - timedelta(days=3), moment(24)])),
        first_day=first,
        last_day=first + timedelta(days=draw(st.sampled_from([0, 0, 1, 1, -1]))),
        asker_zone=draw(st.sampled_from([zone, zone, "UTC", "Pacific/Honolulu", "America/St_Johns"])),
    )


class Model:
    """The rules read off a list of minutes and what the therapist's wall clock shows in each."""

    def __init__(self, asked: Question) -> None:
        self.asked = asked
        zone = ZoneInfo(asked.availability.time_zone)
        begin = datetime(asked.first_day.year, asked.first_day.month, asked.first_day.day, tzinfo=UTC)
        begin -= timedelta(days=3)
        self.minutes = [begin + n * MINUTE for n in range(8 * 1440)]
        self.walls = [minute.astimezone(zone).replace(tzinfo=None) for minute in self.minutes]
        self.highest_so_far = list(accumulate(self.walls, max))
        self.lowest_from_here = list(accumulate(reversed(self.walls), min))[::-1]
        self.last_shown = {wall: n for n, wall in enumerate(self.walls)}
        self.settings = asked.availability.settings[asked.type]
        self.offered, self.grid = self._hours()

    def _hours(self) -> tuple[set[int], set[int]]:
        offered: set[int] = set()
        grid: set[int] = set()
        days = {wall.date() for wall in self.walls[1440:-1440]}
        days |= {max(days) + timedelta(days=1), min(days) - timedelta(days=1), self.asked.first_day}
        for day in days:
            minutes = sorted({minute for window in self._windows(day) for minute in self._span(day, window)})
            offered.update(minutes)
            since = -1
            for n, minute in enumerate(minutes):
                if n == 0 or minutes[n - 1] != minute - 1:
                    since = minute
                if (minute - since) % self.settings.step == 0:
                    grid.add(minute)
        return offered, grid

    def _windows(self, day: date) -> list[tuple[int, int]]:
        availability = self.asked.availability
        lines: list[DayWindow | WeeklyWindow] = [w for w in availability.weekly if w.weekday == WEEKDAYS[day.weekday()]]
        for override in availability.overrides:
            if override.day == day:
                lines = list(override.windows)
        return [(w.start, w.end) for w in lines if self.asked.type in w.types and w.end > w.start]

    def _span(self, day: date, window: tuple[int, int]) -> range:
        midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001
        opens, closes = (midnight + minutes * MINUTE for minutes in window)
        if not self.walls[0] < opens < closes < self.walls[-1]:
            return range(0)
        # From the first minute that shows the start or more, up to the last that shows the end; where the clocks skip
        # the end, up to the last that shows less.
        until = self.last_shown.get(closes, bisect_left(self.lowest_from_here, closes))
        return range(bisect_left(self.highest_so_far, opens), until)

    def open(self, n: int) -> bool:
        asked, start = self.asked, self.minutes[n]
        end = start + self.settings.duration * MINUTE
        if n not in self.grid or not all(m in self.offered for m in range(n, n + self.settings.duration)):
            return False
        if any(start < off.ends_at and off.starts_at < end for off in asked.availability.time_off):
            return False
        if start < asked.now + self.settings.minimum_notice * MINUTE:
            return False
        if start > asked.now + timedelta(hours=24 * self.settings.horizon_days):
            return False
        if any(not self._apart(start, end, other) for other in asked.busy):
            return False
        zone = ZoneInfo(asked.availability.time_zone)
        same_day = [
            b
            for b in asked.busy
            if b.type == asked.type and b.starts_at.astimezone(zone).date() == self.walls[n].date()
        ]
        return self.settings.max_per_day is None or len(same_day) < self.settings.max_per_day

    def _apart(self, start: datetime, end: datetime, other: Busy) -> bool:
        its = self.asked.availability.settings[other.type]
        if other.starts_at >= end:
            return other.starts_at - end >= max(self.settings.buffer_after, its.buffer_before) * MINUTE
        return start - other.ends_at >= max(its.buffer_after, self.settings.buffer_before) * MINUTE

    def answer(self) -> list[datetime]:
        asker = ZoneInfo(self.asked.asker_zone)
        return [
            minute
            for n, minute in enumerate(self.minutes)
            if n in self.grid
            and self.asked.first_day <= minute.astimezone(asker).date() <= self.asked.last_day
            and self.open(n)
        ]


def ask(asked: Question) -> list[datetime]:
    slots = open_slots(
        availability=asked.availability,
        type=asked.type,
        busy=asked.busy,
        now=asked.now,
        first_day=asked.first_day,
        last_day=asked.last_day,
        asker_zone=asked.asker_zone,
    )
    length = asked.availability.settings[asked.type].duration * MINUTE
    assert all(slot.ends_at - slot.starts_at == length for slot in slots)
    assert all(slot.starts_at.tzinfo is UTC for slot in slots)
    return [slot.starts_at for slot in slots]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(questions())
def test_open_slots_are_those_of_the_model(asked: Question) -> None:
    assert ask(asked) == Model(asked).answer()


@settings(max_examples=150, deadline=None)
@given(questions(), st.data())
def test_a_time_can_be_taken_exactly_if_it_is_offered(asked: Question, data: st.DataObject) -> None:
    offered = ask(asked)
    midnight = datetime(
        asked.first_day.year, asked.first_day.month, asked.first_day.day, tzinfo=ZoneInfo(asked.asker_zone)
    )
    tried = {midnight.astimezone(UTC) + data.draw(st.integers(0, 288)) * 5 * MINUTE for _ in range(8)}
    for at in tried | set(offered[:5]) | set(offered[-5:]):
        if not asked.first_day <= at.astimezone(ZoneInfo(asked.asker_zone)).date() <= asked.last_day:
            continue
        problem = check_slot(
            availability=asked.availability, type=asked.type, starts_at=at, busy=asked.busy, now=asked.now
        )
        assert (problem is None) == (at in offered), (at, problem)


@settings(max_examples=100, deadline=None)
@given(questions())
def test_slots_are_in_order_and_inside_hours(asked: Question) -> None:
    offered = ask(asked)
    assert all(one < next_one for one, next_one in pairwise(offered))
    length = asked.availability.settings[asked.type].duration * MINUTE
    taken = [Busy(type=asked.type, starts_at=at, ends_at=at + length) for at in offered]
    assert outside_hours(availability=asked.availability, appointments=taken) == []


@settings(max_examples=100, deadline=None)
@given(questions(), st.integers(-600, 600))
def test_alternatives_and_earliest_are_picked_from_all_slots(asked: Question, minutes: int) -> None:
    everything = replace(
        asked,
        first_day=asked.now.date() - timedelta(days=2),
        last_day=asked.now.date() + timedelta(days=70),
        asker_zone="UTC",
    )
    offered = ask(everything)
    first = earliest_slot(availability=asked.availability, type=asked.type, busy=asked.busy, now=asked.now)
    assert first == (offered[0] if offered else None)
    wanted = asked.now + timedelta(days=2, minutes=minutes)
    nearest = sorted((abs(at - wanted), at) for at in offered if at != wanted)[:3]
    found = alternatives(availability=asked.availability, type=asked.type, busy=asked.busy, now=asked.now, near=wanted)
    assert [slot.starts_at for slot in found] == sorted(at for _, at in nearest)


def test_an_end_at_the_first_repeated_minute_takes_its_later_reading() -> None:
    """In Havana 00:00 to 00:59 come twice on 1 November 2026: Saturday's 24:00 is the second of the two midnights."""
    saturday = WeeklyWindow(weekday="sat", start=0, end=1440, types=BOTH)
    quarters = replace(DEFAULT_SETTINGS[AppointmentType.INTRO_CALL], minimum_notice=0)
    availability = Availability(
        time_zone="America/Havana",
        weekly=(saturday,),
        settings={**DEFAULT_SETTINGS, AppointmentType.INTRO_CALL: quarters},
    )
    sunday = Question(
        availability=availability,
        type=AppointmentType.INTRO_CALL,
        busy=[],
        now=datetime(2026, 10, 29, tzinfo=UTC),
        first_day=date(2026, 11, 1),
        last_day=date(2026, 11, 1),
        asker_zone="America/Havana",
    )
    expected = [datetime(2026, 11, 1, 4, minute, tzinfo=UTC) for minute in (0, 15, 30, 45)]
    assert ask(sunday) == Model(sunday).answer() == expected
