"""What a changed setting brings about for those who are on their way: nothing twice, nothing for everybody at once."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.enums import Role
from rules.journey.reminders import ANONYMOUS_EXPIRY, FIRST_SESSION_TASK, Due, journey_plan
from rules.journey.settings import FOLLOWED, FormerPolicy, PlanSettings, followed, plan_in_force
from rules.journey.stage import JourneyFacts
from rules.mail.kinds import Mail
from rules.policy import Ceiling, JourneyPolicy

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BOOKED = JourneyFacts(
    version=1,
    ref="VBMGA596LT",
    archived=False,
    created_at=START,
    therapist="ana",
    matched_at=START,
    anonymous=False,
    reachable=True,
    known_since=START,
    first_booked_at=START,
)
MET = replace(BOOKED, account_active=True, intro_occurred_at=START, unbooked_since=START)


def changed(at: timedelta, *policies: JourneyPolicy) -> PlanSettings:
    """Each of the policies but the last held until ``at``, ``2 * at`` and so on after the start."""
    *before, present = policies
    former = [FormerPolicy(policy=policy, until=START + at * number) for number, policy in enumerate(before, start=1)]
    return PlanSettings(present=present, former=tuple(former))


def plan_of(facts: JourneyFacts, settings: PlanSettings, *, kind: str, now: datetime = START) -> list[timedelta]:
    plan = plan_in_force(settings, lambda policy: journey_plan(facts, policy=policy, now=now))
    return [due.at - START for due in plan if due.kind == kind]


def reminding(*delays: timedelta) -> JourneyPolicy:
    return JourneyPolicy(activation_reminders=delays)


def test_what_lies_ahead_follows_the_new_setting() -> None:
    settings = changed(2 * DAY, reminding(DAY, 3 * DAY), reminding(DAY, 4 * DAY, 6 * DAY))
    assert plan_of(BOOKED, settings, kind=Mail.ACTIVATION_REMINDER) == [DAY, 4 * DAY, 6 * DAY]


def test_nobody_is_mailed_for_an_instant_that_was_past_when_the_setting_came() -> None:
    settings = changed(10 * DAY, reminding(DAY, 3 * DAY), reminding(12 * HOUR, 2 * DAY))
    assert plan_of(BOOKED, settings, kind=Mail.ACTIVATION_REMINDER) == []


def test_who_still_had_one_ahead_gets_the_latest_of_those_that_are_past_now() -> None:
    settings = changed(10 * DAY, reminding(DAY, 14 * DAY), reminding(12 * HOUR, 2 * DAY, 4 * DAY))
    assert plan_of(BOOKED, settings, kind=Mail.ACTIVATION_REMINDER) == [4 * DAY]


def test_an_instant_that_both_settings_have_is_done_late_if_nothing_ran() -> None:
    settings = changed(10 * DAY, reminding(DAY, 3 * DAY), reminding(3 * DAY))
    assert plan_of(BOOKED, settings, kind=Mail.ACTIVATION_REMINDER) == [3 * DAY]


def test_a_task_that_was_to_come_later_is_opened_now() -> None:
    settings = changed(10 * DAY, JourneyPolicy(first_session_task=14 * DAY), JourneyPolicy(first_session_task=7 * DAY))
    assert plan_of(MET, settings, kind=FIRST_SESSION_TASK) == [7 * DAY]


def test_endings_and_records_come_whatever_was_set_before() -> None:
    nobody = replace(BOOKED, anonymous=True, first_booked_at=None, known_since=None)
    settings = changed(10 * DAY, JourneyPolicy(anonymous_ttl=5 * DAY), JourneyPolicy(anonymous_ttl=3 * DAY))
    assert plan_of(nobody, settings, kind=ANONYMOUS_EXPIRY) == [3 * DAY]


def test_a_setting_that_was_taken_back_is_in_force_again_for_what_lies_ahead() -> None:
    usual = reminding(DAY, 9 * DAY)
    settings = changed(2 * DAY, usual, reminding(12 * HOUR), usual)
    assert plan_of(BOOKED, settings, kind=Mail.ACTIVATION_REMINDER) == [9 * DAY]


POLICIES = st.builds(
    JourneyPolicy,
    activation_reminders=st.lists(st.integers(1, 300).map(lambda hours: hours * HOUR), max_size=3).map(tuple),
    first_session_reminder=st.integers(1, 300).map(lambda hours: hours * HOUR),
    first_session_task=st.integers(1, 300).map(lambda hours: hours * HOUR),
)


@given(st.lists(POLICIES, min_size=1, max_size=4), st.integers(1, 100), st.sampled_from([BOOKED, MET]))
def test_whatever_changed_only_what_the_present_policy_plans_is_planned_and_all_of_it_that_lies_ahead(
    policies: list[JourneyPolicy], hours: int, facts: JourneyFacts
) -> None:
    settings = changed(hours * HOUR, *policies)
    last = settings.former[-1].until if settings.former else START

    def plan(policy: JourneyPolicy) -> list[Due]:
        return journey_plan(facts, policy=policy, now=START)

    planned = plan_in_force(settings, plan)
    present = plan(settings.present)
    assert planned == [due for due in present if due in planned]
    assert [due for due in present if due.at > last] == [due for due in planned if due.at > last]


READ = re.compile(r"\b(?:policy|present)\.(\w+)")


def test_what_workflows_go_by_is_all_that_they_read() -> None:
    root = Path(__file__).parents[3]
    files = [*(root / "workflows").rglob("*.py"), *(root / "rules/journey").glob("*.py")]
    assert {name for file in files for name in READ.findall(file.read_text())} == FOLLOWED


@pytest.mark.parametrize("name", sorted(JourneyPolicy.__dataclass_fields__.keys() - FOLLOWED))
def test_what_no_workflow_goes_by_is_told_to_none(name: str) -> None:
    value = getattr(JourneyPolicy(), name)
    other: Any = (
        (*value, Ceiling(role=Role.CARE_TEAM, currency="USD", amount=1)) if isinstance(value, tuple) else value * 2
    )
    assert followed(replace(JourneyPolicy(), **{name: other})) == JourneyPolicy()
