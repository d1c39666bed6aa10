"""Which appointments "this and all after it" means, and when they would be if it is moved."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from rules.booking.series import Member, moved_together, this_and_following
from rules.enums import AppointmentStatus

NEW_YORK = "America/New_York"
MONDAY = datetime(2026, 2, 16, 15, tzinfo=UTC)  # 10:00 in New York, three weeks before its clocks go forward
WEEK = timedelta(weeks=1)
HOUR = timedelta(hours=1)
SCHEDULED = AppointmentStatus.SCHEDULED


def member(week: int, *, status: AppointmentStatus = SCHEDULED, starts_at: datetime | None = None) -> Member:
    return Member(id=str(week), week=week, status=status, starts_at=starts_at or MONDAY + week * WEEK)


def weeks_of(members: list[Member]) -> list[int]:
    return [one.week for one in members]


def local(starts: list[datetime], zone: str = NEW_YORK) -> list[str]:
    return [f"{start.astimezone(ZoneInfo(zone)):%m-%d %H:%M}" for start in starts]


# ---------------------------------------------------------------- which


def test_the_named_one_and_those_of_later_weeks_in_the_order_of_weeks() -> None:
    series = [member(week) for week in (3, 0, 4, 1, 2)]
    assert weeks_of(this_and_following(first=member(2), series=series, now=MONDAY - HOUR)) == [2, 3, 4]
    assert weeks_of(this_and_following(first=member(0), series=series, now=MONDAY - HOUR)) == [0, 1, 2, 3, 4]
    assert weeks_of(this_and_following(first=member(4), series=series, now=MONDAY - HOUR)) == [4]


@pytest.mark.parametrize("status", [status for status in AppointmentStatus if status is not SCHEDULED])
def test_later_ones_whose_fate_is_known_are_left(status: AppointmentStatus) -> None:
    series = [member(0), member(1, status=status), member(2)]
    assert weeks_of(this_and_following(first=series[0], series=series, now=MONDAY - HOUR)) == [0, 2]


def test_later_ones_that_have_begun_are_left_and_the_named_one_is_not() -> None:
    series = [member(week) for week in range(4)]
    began = MONDAY + 2 * WEEK
    assert weeks_of(this_and_following(first=series[0], series=series, now=began)) == [0, 3]
    assert weeks_of(this_and_following(first=series[0], series=series, now=began - timedelta(seconds=1))) == [0, 2, 3]
    # Whether the named one can be changed is another question; it is always meant.
    held = member(1, status=AppointmentStatus.OCCURRED)
    assert weeks_of(this_and_following(first=held, series=[*series, held], now=began)) == [1, 3]


def test_a_week_stays_the_same_when_its_appointment_moved() -> None:
    away = member(1, starts_at=MONDAY + 5 * WEEK)
    series = [member(0), away, member(2)]
    assert weeks_of(this_and_following(first=member(2), series=series, now=MONDAY - HOUR)) == [2]
    assert weeks_of(this_and_following(first=away, series=series, now=MONDAY - HOUR)) == [1, 2]


# ---------------------------------------------------------------- when


def test_whole_weeks_after_the_new_time_of_the_first_whatever_lies_between() -> None:
    members = [member(1), member(2), member(4)]
    tuesday = MONDAY + WEEK + timedelta(days=1, hours=2)
    moved = moved_together(members=members, starts_at=tuesday, time_zone="Asia/Riyadh")
    assert moved == [tuesday, tuesday + WEEK, tuesday + 3 * WEEK]


def test_one_that_was_moved_by_itself_goes_back_into_the_rhythm() -> None:
    members = [member(0), member(1, starts_at=MONDAY + WEEK + timedelta(days=3, hours=5)), member(2)]
    assert moved_together(members=members, starts_at=MONDAY, time_zone="UTC") == [
        MONDAY,
        MONDAY + WEEK,
        MONDAY + 2 * WEEK,
    ]


def test_the_wall_time_is_kept_over_both_changes_of_the_clocks() -> None:
    spring = [member(week) for week in range(5)]
    later = MONDAY + HOUR
    assert local(moved_together(members=spring, starts_at=later, time_zone=NEW_YORK)) == [
        "02-16 11:00", "02-23 11:00", "03-02 11:00", "03-09 11:00", "03-16 11:00"
    ]  # fmt: skip
    # Half past two is skipped on one Sunday, and comes twice on another: the moment of the change, the first of both.
    skipped = datetime(2026, 3, 1, 2, 30, tzinfo=ZoneInfo(NEW_YORK))
    assert local(moved_together(members=spring[:3], starts_at=skipped, time_zone=NEW_YORK)) == [
        "03-01 02:30", "03-08 03:00", "03-15 02:30"
    ]  # fmt: skip
    twice = datetime(2026, 10, 25, 1, 30, tzinfo=ZoneInfo(NEW_YORK))
    autumn = moved_together(members=spring[:3], starts_at=twice, time_zone=NEW_YORK)
    assert local(autumn) == ["10-25 01:30", "11-01 01:30", "11-08 01:30"]
    assert autumn[1] == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


def test_the_first_goes_exactly_where_it_is_asked_to() -> None:
    """Even to the later of two readings, which no later week would be given."""
    later_reading = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    moved = moved_together(members=[member(0), member(1)], starts_at=later_reading, time_zone=NEW_YORK)
    assert moved[0] == later_reading
    assert local(moved) == ["11-01 01:30", "11-08 01:30"]
