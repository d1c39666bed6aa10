"""Random calendars and questions about them, most of them where clocks change; the same for the same number.

A `Place` is a zone and a date to be asked about; its wall clock is looked at once for all calendars there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import chain
from random import Random
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from rules.booking.availability import (
    WEEKDAYS,
    Availability,
    Busy,
    ClosedDay,
    DateOverride,
    DayWindow,
    SlotSettings,
    TimeOff,
    WeeklyWindow,
)
from rules.enums import AppointmentType
from tests.rules.booking.slow_model import DAY, MINUTE, WallClock

Item = TypeVar("Item")

# Where clocks change: by an hour, half an hour, two hours or a whole day; at midnight, a minute past it, or at two; in
# either hemisphere; from zones of whole, half and quarter hours.
CHANGING = (
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Asuncion",
    "America/Caracas",
    "America/Havana",
    "America/New_York",
    "America/Nuuk",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/Scoresbysund",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Pyongyang",
    "Asia/Tehran",
    "Atlantic/Azores",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Europe/Dublin",
    "Europe/London",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Easter",
)
CALM = ("UTC", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Riyadh", "Asia/Tokyo", "Pacific/Honolulu", "Pacific/Kiritimati")
# Days that never were, midnights that come twice or never, and dates that come back for an hour.
RARE = (
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Pacific/Fakaofo", date(2011, 12, 30)),
    ("Pacific/Kwajalein", date(1993, 8, 21)),
    ("Pacific/Kiritimati", date(1994, 12, 31)),
    ("America/St_Johns", date(2010, 11, 7)),
    ("America/Goose_Bay", date(2009, 11, 1)),
    ("America/Moncton", date(2005, 10, 30)),
    ("America/Sao_Paulo", date(2018, 2, 18)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("America/Havana", date(2026, 11, 1)),
    ("Asia/Beirut", date(2026, 3, 29)),
    ("Atlantic/Azores", date(2026, 3, 29)),
    ("Atlantic/Azores", date(2026, 10, 25)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Antarctica/Troll", date(2026, 10, 25)),
    ("Asia/Pyongyang", date(2015, 8, 15)),
)
BOTH = frozenset(AppointmentType)
_YEARS = range(1990, 2038)
_BEFORE, _AFTER = 9, 12  # days of a place's clock around its date


@dataclass(frozen=True)
class Place:
    zone: str
    near: date

    @property
    def middle(self) -> datetime:
        return datetime(self.near.year, self.near.month, self.near.day, tzinfo=UTC)

    def clock(self) -> WallClock:
        return WallClock(self.zone, since=self.middle - _BEFORE * DAY, days=_BEFORE + _AFTER)


@cache
def changes(zone: str) -> list[date]:
    """The dates (UTC) on which clocks change there."""
    info = ZoneInfo(zone)
    midnights = [datetime(_YEARS[0], 1, 1, tzinfo=UTC) + n * DAY for n in range(len(_YEARS) * 365)]
    offsets = [midnight.astimezone(info).utcoffset() for midnight in midnights]
    return [at.date() for at, now, then in zip(midnights, offsets, offsets[1:], strict=False) if now != then]


def place(number: int) -> Place:
    """The place of that number: every other one where clocks change, first the rare ones."""
    rng = Random(f"place {number}")  # noqa: S311 - the same cases every time
    if number % 2 == 0:
        half = number // 2
        if half < len(RARE):
            return Place(*RARE[half])
        zone = CHANGING[half % len(CHANGING)]
        return Place(zone, rng.choice(changes(zone)) + timedelta(days=rng.choice([-1, 0, 0, 0, 1])))
    return Place(rng.choice(CHANGING + CALM), date(rng.choice(_YEARS), 1, 1) + timedelta(days=rng.randrange(365)))


@dataclass(frozen=True)
class Calendar:
    """What a therapist said and has, and what is asked. Far from now, only questions with an end can be answered.

    ``wanted``, ``others``, ``earliest`` and ``series`` are keyword arguments of `check_slot`, `alternatives`,
    `earliest_slot` and `week_of_series`.
    """

    availability: Availability
    type: AppointmentType
    busy: Sequence[Busy]
    now: datetime
    days: tuple[date, date]
    asker_zone: str
    booked: Sequence[Busy]
    wanted: Sequence[dict[str, Any]] = field(default=())
    others: Sequence[dict[str, Any]] = field(default=())
    earliest: Sequence[dict[str, Any]] = field(default=())
    series: Sequence[dict[str, Any]] = field(default=())


def calendars(where: Place, *, seed: str, count: int) -> Iterator[Calendar]:
    for number in range(count):
        yield _Maker(where, Random(f"{seed}, calendar {number}")).calendar()  # noqa: S311


class _Maker:
    def __init__(self, where: Place, rng: Random) -> None:
        self.where = where
        self.rng = rng
        self.any = rng.choice

    def calendar(self) -> Calendar:
        rng = self.rng
        kinds = list(AppointmentType)
        far = rng.random() < 0.25
        settings = {kind: self.settings(far=far) for kind in kinds}
        kind = self.any(kinds)
        now = self.moment(-4, 2)
        if far:
            now = self.moment(-1, 3) - settings[kind].horizon_days * DAY
        if rng.random() < 0.2:
            now += self.any([timedelta(microseconds=1), timedelta(seconds=30), timedelta(seconds=59.5)])
        availability = Availability(
            time_zone=self.where.zone,
            weekly=tuple(self.weekly()),
            overrides=tuple(
                DateOverride(day=self.where.near + timedelta(days=n), windows=tuple(self.some(self.window, 3)))
                for n in rng.sample(range(-2, 4), self.any([0, 0, 1, 2]))
            ),
            time_off=tuple(TimeOff(starts_at=start, ends_at=end) for start, end in self.some(self.away, 2)),
            closures=tuple(
                ClosedDay(day=self.where.near + timedelta(days=n), name="Closed")
                for n in rng.sample(range(-2, 4), self.any([0, 0, 0, 1, 2]))
            ),
            settings=settings,
        )
        busy = self.some(self.taken, 8)
        if busy and rng.random() < 0.4:
            busy.append(self.neighbour(busy[0], settings, kind))
        notice, horizon = now + settings[kind].minimum_notice * MINUTE, now + settings[kind].horizon_days * DAY
        edges = [notice, horizon, *chain(*map(_ends, busy), *map(_ends, availability.time_off))]
        lowest, highest = self.where.middle - 4 * DAY, self.where.middle + 6 * DAY
        edges = [edge for edge in edges if lowest < edge < highest] or [self.where.middle]
        # Most questions are about times that are neither too soon nor too far away.
        self.between = max(notice, lowest), max(min(horizon, highest), lowest + DAY)
        first = self.any([self.asked().date(), self.where.near]) - self.any([0, 0, 1]) * DAY
        return Calendar(
            availability=availability,
            type=kind,
            busy=busy,
            now=now,
            days=(first, first + timedelta(days=self.any([0, 0, 1, 2, 4, -1]))),
            asker_zone=self.any([self.where.zone, self.where.zone, "UTC", "Pacific/Honolulu", "Asia/Kathmandu"]),
            booked=[*busy, *self.some(self.taken, 4)],
            wanted=[self.wanted(edges, now) for _ in range(8)],
            others=[self.other(far=far) for _ in range(2)],
            earliest=[self.earliest(far=far) for _ in range(2)],
            series=[self.series() for _ in range(3)],
        )

    # ---------------------------------------------------------------- what a therapist says

    def settings(self, *, far: bool) -> SlotSettings:
        return SlotSettings(
            duration=self.mostly([15, 30, 50, 60, 90], [1, 7, 240, 1440]),
            step=self.mostly([10, 15, 20, 30, 45, 60], [1, 7, 90, 240, 1440]),
            buffer_before=self.mostly([0, 5, 15], [45, 1440]),
            buffer_after=self.mostly([0, 10, 20], [60, 1440]),
            minimum_notice=self.mostly([0, 60, 720], [1, 1441, 2880]),
            horizon_days=self.any([14, 60, 60, 180, 730] if far else [2, 3, 4, 5]),
            max_per_day=self.any([None, None, None, 1, 2, 3]),
        )

    def weekly(self) -> Iterator[WeeklyWindow]:
        for window in self.some(self.window, 4):
            yield WeeklyWindow(weekday=self.any(WEEKDAYS), start=window.start, end=window.end, types=window.types)
        if self.rng.random() < 0.15:
            return
        # Hours most days, so that most questions have an answer worth comparing.
        start, end = self.any([0, 0, 1, 15, 75, 105, 480]), self.any([180, 1050, 1200, 1395, 1410, 1440, 1440])
        for day in WEEKDAYS:
            chance = self.rng.random()
            if chance < 0.7:
                yield WeeklyWindow(weekday=day, start=start, end=end, types=BOTH)
            elif chance < 0.9:
                window = self.window()
                yield WeeklyWindow(weekday=day, start=window.start, end=window.end, types=window.types)

    def window(self) -> DayWindow:
        types = self.any([BOTH, BOTH, frozenset({AppointmentType.SESSION}), frozenset({AppointmentType.INTRO_CALL})])
        return DayWindow(start=self.clock_time(), end=self.clock_time(latest=1440), types=types)

    def clock_time(self, *, latest: int = 1439) -> int:
        often = [0, 0, 1, 30, 60, 90, 120, 150, 180, 1380, 1410, 1439, latest, latest]
        return self.any([self.any(often), self.rng.randrange(0, latest // 15) * 15, self.rng.randint(0, latest)])

    def away(self) -> tuple[datetime, datetime]:
        start = self.moment(-4, 5, odd=True)
        return start, start + self.mostly([1, 25, 180, 300], [1440, 2900]) * MINUTE

    def taken(self, near: datetime | None = None) -> Busy:
        start = near + self.any([-60, -15, 0, 15, 30]) * MINUTE if near else self.moment(-4, 5, odd=True)
        end = start + self.mostly([15, 50, 65], [1, 240, 1440]) * MINUTE
        return Busy(type=self.any([*AppointmentType, None]), starts_at=start, ends_at=end)

    def neighbour(self, first: Busy, settings: Mapping[AppointmentType, SlotSettings], kind: AppointmentType) -> Busy:
        """Busy time so far after another that one appointment fits exactly between them, or not quite."""
        here, its = settings[kind], settings[first.type or kind]
        gaps = [max(its.buffer_after, here.buffer_before), max(here.buffer_after, its.buffer_before)]
        start = first.ends_at + (sum(gaps) + here.duration + self.any([0, 0, 0, -1, 1])) * MINUTE
        return Busy(type=first.type, starts_at=start, ends_at=start + 50 * MINUTE)

    # ---------------------------------------------------------------- what is asked

    def wanted(self, edges: Sequence[datetime], now: datetime) -> dict[str, Any]:
        """A start and its circumstances; often one to which something else is near."""
        near_edge = self.any(edges) + self.any([0, 0, 1, -1, 5, 10, 20, 45, 60, -15, -50, -60, -70]) * MINUTE
        starts = [near_edge, self.any(edges) + timedelta(microseconds=self.any([-1, 1]))]
        asked: dict[str, Any] = {"starts_at": self.any([*starts, *(self.asked() for _ in range(4))])}
        if self.rng.random() < 0.3:
            asked["notice_from"] = now + self.any([-30, -10, -1, 0, 5]) * MINUTE
        if self.rng.random() < 0.15:
            asked["ends_at"] = asked["starts_at"] + self.mostly([15, 80], [-5, 0, 1440]) * MINUTE
        if self.rng.random() < 0.3:
            asked["client_busy"] = self.some(lambda: self.taken(near=asked["starts_at"]), 2)
        for flag in ("practice", "needs_grid", "needs_horizon"):
            if self.rng.random() < 0.2:
                asked[flag] = flag == "practice"
        return asked

    def other(self, *, far: bool) -> dict[str, Any]:
        asked: dict[str, Any] = {"near": self.asked()}
        if far or self.rng.random() < 0.4:
            asked["first_day"] = self.any([self.asked().date(), self.where.near]) - self.any([0, 0, 1]) * DAY
            asked["last_day"] = asked["first_day"] + timedelta(days=self.any([0, 0, 1, 4]))
        if self.rng.random() < 0.3:
            asked["client_busy"] = self.some(lambda: self.taken(near=asked["near"]), 3)
        if self.rng.random() < 0.15:
            asked["needs_horizon"] = False
        if self.rng.random() < 0.2:
            asked["count"] = self.any([1, 2, 5])
        return asked

    def earliest(self, *, far: bool) -> dict[str, Any]:
        asked: dict[str, Any] = {}
        if far or self.rng.random() < 0.4:
            asked["wished_from"] = self.asked()
        if far or self.rng.random() < 0.4:
            asked["wished_until"] = asked.get("wished_from", self.asked()) + self.any([1, 5, 24, 72]) * 60 * MINUTE
        if self.rng.random() < 0.5:
            asked["leave_out"] = self.some(self.asked, 40)
        if self.rng.random() < 0.3:
            asked["client_busy"] = self.some(self.taken, 3)
        return asked

    def series(self) -> dict[str, Any]:
        week = self.any([0, 1, 2, 3, 5, 26, 51])
        return {"first": self.moment(-2, 2) - timedelta(days=7) * week, "week": week}

    # ---------------------------------------------------------------- parts

    def asked(self) -> datetime:
        """A quarter of an hour that can be booked, as far as notice and horizon go; sometimes any time."""
        low, high = self.between
        if low >= high or self.rng.random() < 0.15:
            return self.moment(-4, 6)
        at = low + self.rng.randint(0, (high - low) // (15 * MINUTE)) * 15 * MINUTE
        return at - (at - self.where.middle) % (15 * MINUTE)

    def moment(self, first: int, last: int, *, odd: bool = False) -> datetime:
        """An instant so many days around the middle, mostly at a quarter of an hour; an odd one may have seconds."""
        at = self.where.middle + self.rng.randrange(first * 96, last * 96) * 15 * MINUTE
        if self.rng.random() < 0.3:
            at += self.rng.randint(1, 14) * MINUTE
        if odd and self.rng.random() < 0.1:
            at += timedelta(seconds=self.any([1, 59, 0.000001]))
        return at

    def mostly(self, common: Sequence[Item], rare: Sequence[Item]) -> Item:
        return self.any(rare if self.rng.random() < 0.15 else common)

    def some(self, make: Callable[[], Item], most: int) -> list[Item]:
        return [make() for _ in range(self.rng.randint(0, most))]


def _ends(taken: Busy | TimeOff) -> tuple[datetime, datetime]:
    return taken.starts_at, taken.ends_at
