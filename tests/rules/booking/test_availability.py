"""Single times: may this one be taken, when does a series go on, what is offered instead."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from rules.booking.availability import (
    DEFAULT_SETTINGS,
    Availability,
    Busy,
    DateOverride,
    DayWindow,
    TimeOff,
    WeeklyWindow,
    alternatives,
    check_slot,
    earliest_slot,
    local_week,
    open_slots,
    outside_hours,
    week_of_series,
)
from rules.enums import AppointmentType

SESSION, INTRO = AppointmentType.SESSION, AppointmentType.INTRO_CALL
BOTH = frozenset(AppointmentType)
WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
MONDAY = datetime(2026, 11, 30, tzinfo=UTC)
NOW = MONDAY - timedelta(days=1)

LONDON = Availability(
    time_zone="Europe/London",
    weekly=tuple(WeeklyWindow(weekday=day, start=9 * 60, end=17 * 60, types=BOTH) for day in WORKDAYS),
)


def at(hour: int, minute: int = 0, *, day: int = 0) -> datetime:
    return MONDAY + timedelta(days=day, hours=hour, minutes=minute)


def booked(start: datetime, *, minutes: int = 50, kind: AppointmentType = SESSION, name: str | None = None) -> Busy:
    return Busy(id=name, type=kind, starts_at=start, ends_at=start + timedelta(minutes=minutes))


def check(
    start: datetime,
    *busy: Busy,
    availability: Availability = LONDON,
    now: datetime = NOW,
    practice: bool = False,
    needs_grid: bool = True,
    needs_horizon: bool = True,
    notice_from: datetime | None = None,
    client_busy: Iterable[Busy] = (),
    ends_at: datetime | None = None,
) -> str | None:
    problem = check_slot(
        availability=availability,
        type=SESSION,
        starts_at=start,
        busy=busy,
        now=now,
        practice=practice,
        needs_grid=needs_grid,
        needs_horizon=needs_horizon,
        notice_from=notice_from,
        client_busy=client_busy,
        ends_at=ends_at,
    )
    return None if problem is None else f"{problem.kind}: {problem.because}"


TAKEN = "taken: This time is no longer free."
OUTSIDE = "unavailable: This time is outside the therapist's hours."
OFF_GRID = "unavailable: The therapist's appointments do not begin at this time."
AWAY = "unavailable: The therapist is away at this time."
TOO_SOON = "unavailable: This time is too soon; the therapist needs more notice."
TOO_FAR = "unavailable: This time is further ahead than the therapist takes bookings."
FULL = "unavailable: The therapist takes no more appointments of this type on that day."
PAST = "unavailable: This time is in the past."
CLIENT_BUSY = "taken: The client has another appointment at this time."


def with_session(**changes: int) -> Availability:
    session = replace(DEFAULT_SETTINGS[SESSION], **changes)
    return replace(LONDON, settings={**DEFAULT_SETTINGS, SESSION: session})


class TestOneTime:
    def test_each_rule_has_its_own_answer(self) -> None:
        away = replace(LONDON, time_off=(TimeOff(starts_at=at(10, 20), ends_at=at(11)),))
        assert check(at(9)) is None
        assert check(at(8)) == OUTSIDE
        assert check(at(16, 30)) == OUTSIDE  # it would end at 17:20
        assert check(at(9, 10)) == OFF_GRID
        assert check(at(9, 30), availability=away) is None  # ends as time off begins
        assert check(at(10), availability=away) == AWAY
        assert check(at(11), availability=away) is None
        assert check(at(9), booked(at(9))) == TAKEN
        assert check(at(10), booked(at(9), minutes=51)) == TAKEN  # 9 of 10 minutes of buffer
        assert check(at(10), booked(at(9))) is None

    def test_a_booked_day_that_is_also_full_says_taken_for_the_booked_time(self) -> None:
        capped = with_session(max_per_day=1)
        assert check(at(9), booked(at(9)), availability=capped) == TAKEN
        assert check(at(12), booked(at(9)), availability=capped) == FULL
        assert check(at(12), booked(at(9), minutes=15, kind=INTRO), availability=capped) is None
        assert check(at(12, day=1), booked(at(9)), availability=capped) is None

    def test_notice_and_horizon_are_exact(self) -> None:
        noon = at(9) - timedelta(hours=12)
        assert check(at(9), now=noon) is None
        assert check(at(9), now=noon + timedelta(microseconds=1)) == TOO_SOON
        far = at(9) - timedelta(days=60)
        assert check(at(9), now=far) is None
        assert check(at(9), now=far - timedelta(microseconds=1)) == TOO_FAR
        assert check(at(9), now=far - timedelta(days=30), needs_horizon=False) is None

    def test_a_hold_freezes_the_notice_but_not_the_past(self) -> None:
        made = at(9) - timedelta(hours=12)
        assert check(at(9), now=made + timedelta(minutes=9), notice_from=made) is None
        assert check(at(9), now=made + timedelta(minutes=9), notice_from=made + timedelta(minutes=1)) == TOO_SOON
        assert check(at(9), now=at(9), notice_from=made) is None
        assert check(at(9), now=at(9, 1), notice_from=made) == PAST

    def test_the_practice_is_bound_by_overlaps_and_the_past_alone(self) -> None:
        closed = replace(
            with_session(max_per_day=1),
            weekly=(),
            time_off=(TimeOff(starts_at=at(0), ends_at=at(24)),),
        )
        odd = at(3, 7)
        assert check(odd, availability=closed, practice=True) is None
        assert check(odd, booked(at(8)), availability=closed, practice=True) is None  # over the cap
        assert check(odd, booked(odd + timedelta(minutes=50)), availability=closed, practice=True) is None  # no buffer
        assert check(odd, booked(odd + timedelta(minutes=49)), availability=closed, practice=True) == TAKEN
        assert check(odd + timedelta(days=400), availability=closed, practice=True) is None
        assert check(odd, availability=closed, now=odd, practice=True) is None
        assert check(odd, availability=closed, now=odd + timedelta(seconds=1), practice=True) == PAST

    def test_later_weeks_need_hours_but_no_grid(self) -> None:
        assert check(at(9, 10), needs_grid=False) is None
        assert check(at(8, 50), needs_grid=False) == OUTSIDE

    @pytest.mark.parametrize("practice", [False, True])
    def test_a_client_is_in_one_place_at_a_time(self, practice: bool) -> None:
        assert check(at(10), practice=practice, client_busy=[booked(at(10, 40))]) == CLIENT_BUSY
        assert check(at(10), practice=practice, client_busy=[booked(at(10, 50)), booked(at(9, 10))]) is None

    def test_another_length_is_tested_as_it_is(self) -> None:
        assert check(at(16, 30), ends_at=at(17)) is None
        assert check(at(9), booked(at(10)), ends_at=at(10, 1)) == TAKEN
        assert check(at(9), ends_at=at(9)) == "unavailable: The appointment would end before it begins."

    def test_days_at_the_end_of_the_calendar_are_answered(self) -> None:
        last = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
        assert check(last) == TOO_FAR
        assert check(datetime(1, 1, 1, tzinfo=UTC)) == PAST
        assert (
            open_slots(
                availability=LONDON,
                type=SESSION,
                busy=(),
                now=NOW,
                first_day=date.max,
                last_day=date.max,
                asker_zone="Pacific/Kiritimati",
            )
            == []
        )

    def test_an_instant_without_a_zone_is_refused(self) -> None:
        with pytest.raises(ValueError, match="needs a time zone"):
            check(datetime(2026, 11, 30, 9))  # noqa: DTZ001


def test_a_slot_may_run_over_midnight_only_where_hours_go_on() -> None:
    late = WeeklyWindow(weekday="mon", start=22 * 60, end=24 * 60, types=BOTH)
    early = DateOverride(day=date(2026, 12, 1), windows=(DayWindow(start=0, end=60, types=BOTH),))
    night = replace(LONDON, weekly=(late,), overrides=(early,))
    assert check(at(23, 30), availability=night) is None
    assert check(at(23, 30), availability=replace(night, overrides=())) == OUTSIDE
    only_intros = replace(early, windows=(DayWindow(start=0, end=60, types=frozenset({INTRO})),))
    assert check(at(23, 30), availability=replace(night, overrides=(only_intros,))) == OUTSIDE


def offered(availability: Availability, *busy: Busy, day: date = date(2026, 11, 30)) -> list[str]:
    """The open session starts (UTC) of one of the therapist's dates, asked long before."""
    slots = open_slots(
        availability=availability,
        type=SESSION,
        busy=busy,
        now=datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=5),
        first_day=day,
        last_day=day,
        asker_zone=availability.time_zone,
    )
    return [slot.starts_at.strftime("%H:%M") for slot in slots]


def test_a_slot_that_fits_exactly_between_two_others_is_open() -> None:
    fits = with_session(step=10)
    around = [booked(at(9)), booked(at(11)), booked(at(12), minutes=300)]
    assert offered(fits, *around) == ["10:00"]
    assert check(at(10), *around, availability=fits) is None


@pytest.mark.parametrize(
    ("zone", "day", "start", "end", "starts"),
    [
        # Ends take the later reading of a time shown twice, starts the earlier.
        ("America/New_York", date(2026, 11, 1), 60, 90, ["05:00", "05:30", "06:00"]),
        ("America/New_York", date(2026, 11, 1), 105, 135, ["05:45", "06:15", "06:45"]),
        # Half an hour shown twice: 01:30 to 02:00.
        ("Australia/Lord_Howe", date(2026, 4, 5), 60, 105, ["14:00", "14:30"]),
        # An end in a gap is the moment of the change, and so is a start; a window inside the gap is none.
        ("America/New_York", date(2026, 3, 8), 60, 150, ["06:00", "06:30"]),
        ("America/New_York", date(2026, 3, 8), 120, 180, []),
        ("Asia/Beirut", date(2026, 3, 29), 0, 120, ["22:00", "22:30"]),  # there is no midnight
        ("America/Sao_Paulo", date(2018, 2, 17), 1380, 1440, ["01:00", "01:30", "02:00", "02:30"]),  # 23:00 twice
        ("America/Havana", date(2026, 11, 1), 0, 30, ["04:00", "04:30", "05:00"]),  # midnight twice
        ("Pacific/Apia", date(2011, 12, 30), 540, 1020, []),  # a day that never was
    ],
)
def test_hours_where_clocks_change(zone: str, day: date, *, start: int, end: int, starts: list[str]) -> None:
    hours = DateOverride(day=day, windows=(DayWindow(start=start, end=end, types=BOTH),))
    short = replace(with_session(duration=30), time_zone=zone, weekly=(), overrides=(hours,))
    assert offered(short, day=day) == starts


def test_an_end_at_the_first_repeated_minute_takes_its_later_reading() -> None:
    """In Havana 00:00 to 00:59 come twice on 1 November 2026: Saturday's 24:00 is the second of the two midnights."""
    saturday = WeeklyWindow(weekday="sat", start=0, end=1440, types=BOTH)
    havana = replace(with_session(duration=30), time_zone="America/Havana", weekly=(saturday,))
    assert offered(havana, day=date(2026, 11, 1)) == ["04:00", "04:30"]


def test_windows_in_which_nothing_can_begin_are_not_hours() -> None:
    backward = (WeeklyWindow(weekday="mon", start=720, end=660, types=BOTH),)
    assert offered(replace(LONDON, weekly=backward)) == []


class TestSeries:
    @pytest.mark.parametrize(
        ("zone", "first", "week", "expected"),
        [
            ("Europe/London", "2026-10-20T09:00:00+01:00", 1, "2026-10-27T09:00:00+00:00"),
            ("Europe/London", "2026-10-20T09:00:00+01:00", 0, "2026-10-20T08:00:00+00:00"),
            ("America/New_York", "2026-03-01T02:30:00-05:00", 1, "2026-03-08T07:00:00+00:00"),  # skipped
            ("America/New_York", "2026-10-25T01:30:00-04:00", 1, "2026-11-01T05:30:00+00:00"),  # shown twice
            (
                "America/New_York",
                "2026-11-01T01:30:00-05:00",
                0,
                "2026-11-01T06:30:00+00:00",
            ),  # the second reading
            ("America/New_York", "2026-11-01T01:30:00-05:00", 1, "2026-11-08T06:30:00+00:00"),
            ("Australia/Lord_Howe", "2026-03-29T09:00:00+11:00", 1, "2026-04-04T22:30:00+00:00"),
            ("Asia/Kathmandu", "2026-06-01T18:10:00+05:45", 51, "2027-05-24T12:25:00+00:00"),
        ],
    )
    def test_a_week_keeps_the_wall_time(self, zone: str, first: str, week: int, expected: str) -> None:
        start = week_of_series(first=datetime.fromisoformat(first), week=week, time_zone=zone)
        assert start.isoformat() == expected

    def test_a_week_is_the_therapists(self) -> None:
        sunday_evening = datetime(2026, 12, 6, 23, tzinfo=UTC)
        assert local_week(instant=sunday_evening, time_zone="UTC") == (date(2026, 11, 30), date(2026, 12, 6))
        assert local_week(instant=sunday_evening, time_zone="Asia/Kolkata") == (
            date(2026, 12, 7),
            date(2026, 12, 13),
        )


class TestAlternatives:
    def near(self, start: datetime, *busy: Busy, **limits: object) -> list[str]:
        found = alternatives(
            availability=LONDON,
            type=SESSION,
            busy=busy,
            now=NOW,
            near=start,
            **limits,  # type: ignore[arg-type]
        )
        return [slot.starts_at.strftime("%a %H:%M") for slot in found]

    def test_the_nearest_in_order_of_time(self) -> None:
        assert self.near(at(12), booked(at(12))) == ["Mon 10:30", "Mon 11:00", "Mon 13:00"]
        assert self.near(at(16, day=4)) == ["Fri 14:30", "Fri 15:00", "Fri 15:30"]
        assert self.near(at(12, day=5)) == ["Fri 15:00", "Fri 15:30", "Fri 16:00"]

    def test_inside_the_limits(self) -> None:
        monday, sunday = local_week(instant=at(9), time_zone="Europe/London")
        full = [booked(at(9, day=day), minutes=480) for day in range(5)]
        assert self.near(at(9), *full) == ["Mon 09:00", "Mon 09:30", "Mon 10:00"]  # the week after
        assert self.near(at(9), *full, first_day=monday, last_day=sunday) == []
        assert self.near(at(9), *full[:4], first_day=monday, last_day=sunday, count=1) == ["Fri 09:00"]

    @pytest.mark.parametrize(
        ("zone", "hours", "day", "starts"),
        [
            # Midnight comes twice, and both are Sunday's.
            ("Atlantic/Azores", ("sun", 0, 180), date(2026, 10, 24), []),
            ("Atlantic/Azores", ("sun", 0, 180), date(2026, 10, 25), ["00:00", "00:30", "01:00", "01:30", "02:00"]),
            # A minute past midnight it is 23:01 again: Saturday comes back for an hour.
            ("America/St_Johns", ("sat", 1380, 1440), date(2010, 11, 6), ["01:30", "02:00", "03:00"]),
            ("America/St_Johns", ("sat", 1380, 1440), date(2010, 11, 7), ["02:30"]),
        ],
    )
    def test_a_date_is_what_the_wall_shows(
        self, zone: str, hours: tuple[str, int, int], *, day: date, starts: list[str]
    ) -> None:
        weekday, start, end = hours
        window = WeeklyWindow(weekday=weekday, start=start, end=end, types=BOTH)
        wanted = datetime(day.year, day.month, day.day, tzinfo=UTC)
        found = alternatives(
            availability=replace(with_session(duration=30), time_zone=zone, weekly=(window,)),
            type=SESSION,
            busy=(),
            now=wanted - timedelta(days=5),
            near=wanted - timedelta(hours=3),
            count=5,
            first_day=day,
            last_day=day,
        )
        assert [slot.starts_at.strftime("%H:%M") for slot in found] == starts

    def test_not_where_the_client_is_elsewhere(self) -> None:
        found = self.near(at(12), booked(at(12)), client_busy=[booked(at(11))])
        assert found == ["Mon 10:00", "Mon 13:00", "Mon 13:30"]

    def test_beyond_the_horizon_only_when_asked(self) -> None:
        far = at(9, day=7 * 20)
        monday, sunday = local_week(instant=far, time_zone="Europe/London")
        week = {"first_day": monday, "last_day": sunday}
        assert self.near(far, booked(far), **week) == []
        found = self.near(far, booked(far), **week, needs_horizon=False)
        assert found == [
            "Mon 08:00",
            "Mon 10:00",
            "Mon 10:30",
        ]  # summer in London by then: 09:00, 11:00, 11:30


def test_the_earliest_slot_may_be_far_away_or_nowhere() -> None:
    away = replace(LONDON, time_off=(TimeOff(starts_at=NOW, ends_at=at(10, day=45)),))

    def first(availability: Availability) -> datetime | None:
        return earliest_slot(availability=availability, type=SESSION, busy=(), now=NOW)

    assert first(LONDON) == at(9)
    assert first(away) == at(10, day=45)
    assert first(replace(LONDON, weekly=())) is None


def test_appointments_outside_changed_hours_are_listed() -> None:
    inside = booked(at(9, 10), name="inside, off the grid")
    early = booked(at(8, 30), name="early")
    away = booked(at(14), name="under time off")
    intro = booked(at(9), minutes=15, kind=INTRO, name="hours serve no intro calls")
    now_off = replace(
        LONDON,
        weekly=tuple(replace(window, types=frozenset({SESSION})) for window in LONDON.weekly),
        time_off=(TimeOff(starts_at=at(14, 30), ends_at=at(20)),),
    )
    everything = [intro, away, inside, early]
    assert outside_hours(availability=now_off, appointments=everything) == [intro, away, early]
    assert outside_hours(availability=replace(now_off, time_zone="Asia/Tokyo"), appointments=[inside]) == [inside]
