"""Weekly reminders keep their wall time, and the plan loses none, sends none twice and makes up for none."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.journey.goals import GoalReminder, WeeklyTime, due_reminder, next_reminder, read_weekly, write_weekly
from rules.journey.reminders import Due, journey_plan, open_plan
from rules.journey.stage import JourneyFacts
from rules.local_time import WEEKDAYS
from rules.mail.kinds import Mail
from rules.policy import JourneyPolicy

NEW_YORK, LORD_HOWE = "America/New_York", "Australia/Lord_Howe"
START = datetime(2026, 1, 1, tzinfo=UTC)
WEEK = timedelta(weeks=1)
MINUTE = timedelta(minutes=1)


def goal(weekday: str = "mon", at: str = "09:00", *, id: str = "g", since: datetime = START) -> GoalReminder:
    number, minute = read_weekly(WeeklyTime(weekday=weekday, at=at)) or (0, 0)
    return GoalReminder(id=id, weekday=number, minute=minute, since=since)


def year_of(reminder: GoalReminder, zone: str) -> list[datetime]:
    dues, after = [], reminder.since
    while after < START + timedelta(days=365):
        after = next_reminder(reminder, time_zone=zone, after=after)
        dues.append(after)
    return dues


# ---------------------------------------------------------------- when


@pytest.mark.parametrize("zone", [NEW_YORK, LORD_HOWE, "Asia/Kathmandu", "Pacific/Kiritimati", "UTC"])
@pytest.mark.parametrize(("weekday", "at"), [("mon", "09:00"), ("sun", "00:00"), ("sat", "23:59")])
def test_the_wall_time_stays_through_the_year(zone: str, weekday: str, at: str) -> None:
    dues = year_of(goal(weekday, at), zone)
    assert len(dues) in (52, 53)
    told = {(WEEKDAYS[local.weekday()], f"{local:%H:%M}") for local in (due.astimezone(ZoneInfo(zone)) for due in dues)}
    assert told == {(weekday, at)}
    gaps = {later - earlier for earlier, later in pairwise(dues)}
    change = timedelta(minutes=30 if zone == LORD_HOWE else 60)
    changes = {WEEK - change, WEEK + change} if zone in (NEW_YORK, LORD_HOWE) else set()
    assert gaps == {WEEK} | changes


@pytest.mark.parametrize(
    ("zone", "at", "after", "due"),
    [
        # Clocks in New York go from 02:00 to 03:00 on 8 March, and from 02:00 back to 01:00 on 1 November.
        (NEW_YORK, "02:30", "2026-03-07T12:00-05:00", "2026-03-08T03:00-04:00"),
        (NEW_YORK, "02:30", "2026-03-08T03:00-04:00", "2026-03-15T02:30-04:00"),
        (NEW_YORK, "01:30", "2026-10-31T12:00-04:00", "2026-11-01T01:30-04:00"),
        (NEW_YORK, "01:30", "2026-11-01T01:30-04:00", "2026-11-08T01:30-05:00"),  # not again an hour later
        # On Lord Howe Island it is half an hour: back at 02:00 on 5 April, on at 02:00 on 4 October.
        (LORD_HOWE, "01:45", "2026-04-04T12:00+11:00", "2026-04-05T01:45+11:00"),
        (LORD_HOWE, "01:45", "2026-04-05T01:45+11:00", "2026-04-12T01:45+10:30"),
        (LORD_HOWE, "02:15", "2026-10-03T12:00+10:30", "2026-10-04T02:30+11:00"),
        ("no/such_zone", "09:00", "2026-03-07T12:00+00:00", "2026-03-08T09:00+00:00"),
    ],
)
def test_what_the_clocks_skip_is_due_at_the_change_and_what_they_show_twice_at_first(
    zone: str, at: str, after: str, due: str
) -> None:
    sunday = goal("sun", at)
    assert next_reminder(sunday, time_zone=zone, after=datetime.fromisoformat(after)) == datetime.fromisoformat(due)


@pytest.mark.parametrize(
    ("weekday", "at"), [("monday", "09:00"), ("mon", "9:00"), ("mon", "24:00"), ("mon", "09:60"), ("mon", " 09:00")]
)
def test_what_is_no_weekday_or_no_time_is_not_read(weekday: str, at: str) -> None:
    assert read_weekly(WeeklyTime(weekday=weekday, at=at)) is None
    assert read_weekly(write_weekly(6, 1439)) == (6, 1439)


# ---------------------------------------------------------------- the plan


class Journey:
    """A journey's plan of goals' reminders, as whoever starts anew makes it: from the facts alone."""

    def __init__(self, *goals: GoalReminder, now: datetime) -> None:
        self.facts = JourneyFacts(
            version=1, ref="R", archived=False, created_at=START, anonymous=False, time_zone=NEW_YORK, goals=goals
        )
        self.plan: list[Due] = []
        self.look(now)

    def look(self, now: datetime, **changed: object) -> None:
        self.facts = replace(self.facts, **changed)  # type: ignore[arg-type]
        self.plan = open_plan(journey_plan(self.facts, policy=JourneyPolicy(), now=now), done=())

    def acts(self, now: datetime) -> datetime:
        self.look(now)
        due = self.plan[0]
        assert due.kind == Mail.GOAL_REMINDER
        marked = (replace(goal, reminded_at=due.at) if goal.id == due.about else goal for goal in self.facts.goals)
        self.look(now, goals=tuple(marked))
        return due.at

    @property
    def ahead(self) -> list[datetime]:
        return [due.at for due in self.plan]


MONDAY = datetime(2026, 1, 5, 14, tzinfo=UTC)  # 09:00 in New York


def weeks(*numbers: int) -> list[datetime]:
    return [MONDAY + number * WEEK for number in numbers]


def test_each_reminder_is_acted_on_once_and_the_next_is_planned() -> None:
    journey = Journey(goal(), now=START)
    assert journey.ahead == weeks(0)
    early = MONDAY - timedelta(milliseconds=1)  # an engine's timer may be as inexact as that
    assert [journey.acts(moment) for moment in (early, MONDAY + WEEK, MONDAY + 2 * WEEK + MINUTE)] == weeks(0, 1, 2)
    assert journey.ahead == weeks(3)


def test_what_was_planned_is_not_lost_when_facts_change_before_it_is_acted_on() -> None:
    journey = Journey(goal(), now=START)
    for version in (2, 3):
        journey.look(MONDAY + MINUTE, version=version)
    assert journey.ahead == weeks(0)
    assert journey.acts(MONDAY + MINUTE) == MONDAY
    journey.look(MONDAY + MINUTE, version=4)
    assert journey.ahead == weeks(1)


@pytest.mark.parametrize(
    ("out", "ahead"), [(timedelta(hours=23), weeks(0)), (timedelta(days=1), weeks(1)), (timedelta(days=24), weeks(4))]
)
def test_after_an_outage_one_comes_late_within_its_day_and_then_next_weeks(
    out: timedelta, ahead: list[datetime]
) -> None:
    journey = Journey(goal(), now=START)
    journey.look(MONDAY + out)
    assert journey.ahead == ahead


def test_an_archive_or_a_switch_pauses_and_nothing_missed_is_made_up() -> None:
    on_again = MONDAY + timedelta(days=10)
    pauses: Iterable[tuple[dict[str, object], dict[str, object]]] = (
        ({"archived": True}, {"archived": False, "active_since": on_again}),
        ({"goals": ()}, {"goals": (goal(),)}),
    )
    for off, on in pauses:
        journey = Journey(goal(), now=START)
        journey.look(START + MINUTE, **off)
        assert journey.ahead == []
        journey.look(on_again, **on)
        assert journey.ahead == weeks(2)


def test_what_fell_due_a_moment_before_the_end_of_an_archive_is_not_made_up() -> None:
    journey = Journey(goal(), now=START)
    journey.look(MONDAY + MINUTE, active_since=MONDAY + MINUTE)
    assert journey.ahead == weeks(1)


@given(moments=st.lists(st.integers(0, 60 * 24 * 40), min_size=1), reminded=st.booleans())
def test_looking_again_and_again_plans_the_same(moments: list[int], reminded: bool) -> None:
    """Nothing is carried from look to look: the plan at an instant is that of whoever looks for the first time."""
    one = replace(goal(), reminded_at=MONDAY if reminded else None)
    looks_often = Journey(one, now=START)
    for minutes in sorted(moments):
        now = START + minutes * MINUTE
        looks_often.look(now)
        assert looks_often.plan == Journey(one, now=now).plan
        [at] = looks_often.ahead
        assert at > now - timedelta(days=1)
        assert at == due_reminder(one, time_zone=NEW_YORK, since=START, now=now)


def test_another_reminder_or_none_takes_the_place_of_the_one_before() -> None:
    journey = Journey(goal(), goal("mon", "09:00", id="other"), now=START)
    assert journey.ahead == weeks(0, 0)
    changed = goal("tue", "08:00", since=MONDAY + MINUTE)
    journey.look(MONDAY + MINUTE, goals=(changed,))  # before anybody acted on Monday's
    assert journey.ahead == [datetime(2026, 1, 6, 13, tzinfo=UTC)]
    journey.acts(journey.ahead[0])
    # Set anew as it was, it stands from then on; Monday's belonged to the one before.
    again = Journey(goal(), now=START)
    again.look(MONDAY + MINUTE, goals=(goal(since=MONDAY + MINUTE),))
    assert again.ahead == weeks(1)
    # Set anew for the day after: that is another reminder, and not too soon.
    journey.look(MONDAY + timedelta(days=1), goals=(goal("wed", since=MONDAY + timedelta(days=1)),))
    assert journey.ahead == [MONDAY + timedelta(days=2)]
    journey.look(MONDAY + timedelta(days=1), goals=())
    assert journey.ahead == []


def test_another_time_zone_moves_a_reminder_and_does_not_repeat_it() -> None:
    journey = Journey(goal(), now=START)
    journey.look(START, time_zone="Europe/London")
    assert journey.ahead == [datetime(2026, 1, 5, 9, tzinfo=UTC)]
    journey.acts(journey.ahead[0])
    journey.look(datetime(2026, 1, 5, 9, 1, tzinfo=UTC), time_zone=NEW_YORK)  # where it is not yet 09:00 on that Monday
    assert journey.ahead == weeks(1)
