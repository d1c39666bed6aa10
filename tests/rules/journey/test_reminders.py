"""The plan is a function of the facts: whoever starts anew, at whatever moment, plans what the one before planned."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.enums import AppointmentType
from rules.journey.goals import GoalReminder
from rules.journey.reminders import (
    APPOINTMENT_STARTS,
    FIRST_SESSION_TASK,
    MAILS_OF_A_JOURNEY,
    Due,
    appointment_plan,
    journey_plan,
    open_plan,
)
from rules.journey.stage import AskedForm, Debt, JourneyFacts, OpenAppointment, is_news
from rules.mail.kinds import MAILS, Mail
from rules.money.cards import SavedCard
from rules.policy import JourneyPolicy

POLICY = JourneyPolicy()
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def instants(first: int = 0, last: int = 24 * 60) -> st.SearchStrategy[datetime]:
    """Within sixty days, by the hour."""
    return st.integers(first, last).map(lambda hours: START + hours * HOUR)


def appointments() -> st.SearchStrategy[OpenAppointment]:
    return st.builds(
        lambda id, type, starts_at, planned_at: OpenAppointment(
            id=str(id), type=type, starts_at=starts_at, ends_at=starts_at + HOUR, planned_at=planned_at
        ),
        st.uuids(version=4),
        st.sampled_from(AppointmentType),
        instants(),
        instants(),
    )


GOALS = st.builds(
    GoalReminder,
    id=st.just("goal"),
    weekday=st.integers(0, 6),
    minute=st.integers(0, 1439),
    since=instants(),
    reminded_at=st.none() | instants(),
)
FORMS = st.builds(
    AskedForm, id=st.uuids().map(str), asked_at=instants(), intake=st.booleans(), gates_from=st.none() | instants()
)
FACTS = st.builds(
    JourneyFacts,
    version=st.just(1),
    ref=st.just("R"),
    archived=st.just(False),
    created_at=st.just(START),
    anonymous=st.booleans(),
    reachable=st.booleans(),
    known_since=st.none() | instants(),
    therapist=st.just("ana"),
    matched_at=st.none() | instants(),
    account_active=st.booleans(),
    first_booked_at=st.none() | instants(),
    forms_requested_at=st.none() | instants(),
    outstanding_forms=st.sampled_from([(), ("billing_info",)]),
    open_appointments=st.lists(appointments(), max_size=3).map(tuple),
    intro_occurred_at=st.none() | instants(),
    unbooked_since=st.none() | instants(),
    session_booked=st.booleans(),
    card=st.none() | st.just(SavedCard(id="pm_1", exp_year=2026, exp_month=4)),
    payment_open=st.booleans(),
    goals=st.lists(GOALS, max_size=1).map(tuple),
    asked_forms=st.lists(FORMS, max_size=2).map(tuple),
    active_since=st.none() | instants(),
)


class Follower:
    """Acts on what is due, marks it, and can be lost at any moment: only the marks and the facts stay."""

    def __init__(self, facts: JourneyFacts) -> None:
        self.facts = facts
        self.marks: dict[str, datetime] = {}

    def plan(self, now: datetime) -> list[Due]:
        return open_plan(journey_plan(self.facts, policy=POLICY, now=now), done=self.marks)

    def acts(self, now: datetime) -> None:
        for due in self.plan(now):
            if due.at > now:
                return
            self.marks[due.key] = now
            if due.kind == Mail.GOAL_REMINDER:
                goals = tuple(replace(goal, reminded_at=due.at) for goal in self.facts.goals)
                self.facts = replace(self.facts, goals=goals)


@given(facts=FACTS, now=instants())
def test_the_plan_needs_nothing_but_the_facts_and_the_marks(facts: JourneyFacts, now: datetime) -> None:
    plan = journey_plan(facts, policy=POLICY, now=now)
    assert plan == journey_plan(facts, policy=POLICY, now=now) == sorted(plan)
    assert len({due.key for due in plan}) == len(plan)
    still = open_plan(plan, done=())
    assert all(due.at > due.since or due.must_happen for due in still)
    assert open_plan(reversed(plan), done=()) == still
    assert open_plan(still, done=()) == still
    assert open_plan(plan, done=[due.key for due in plan]) == []


@given(facts=FACTS, moments=st.lists(instants(), min_size=2, max_size=12))
def test_nothing_is_done_twice_and_nothing_that_was_due_is_left(facts: JourneyFacts, moments: list[datetime]) -> None:
    follower = Follower(facts)
    for now in sorted(moments):
        before = set(follower.marks)
        follower.acts(now)
        assert all(due.at > now for due in follower.plan(now) if due.kind != Mail.GOAL_REMINDER)
        again = Follower(follower.facts)
        again.marks = dict(follower.marks)
        again.acts(now)
        assert set(again.marks) == set(follower.marks) >= before


@given(facts=FACTS, moments=st.lists(instants(), min_size=1, max_size=6))
def test_without_what_comes_every_week_looking_late_makes_up_for_not_having_looked(
    facts: JourneyFacts, moments: list[datetime]
) -> None:
    """Whoever looked often and whoever was ended the whole time have done the same in the end, some of it late."""
    last = max(moments)
    facts = replace(facts, goals=(), open_appointments=tuple(a for a in facts.open_appointments if a.starts_at > last))
    often, once = Follower(facts), Follower(facts)
    for now in sorted(moments):
        often.acts(now)
    once.acts(last)
    assert set(often.marks) == set(once.marks)
    assert often.plan(last) == once.plan(last)


@given(facts=FACTS, now=instants())
def test_while_archived_nothing_is_planned_and_afterwards_nothing_that_was_past(
    facts: JourneyFacts, now: datetime
) -> None:
    assert journey_plan(replace(facts, archived=True), policy=POLICY, now=now) == []
    back = open_plan(journey_plan(replace(facts, active_since=now), policy=POLICY, now=now), done=())
    assert all(due.at > now or due.must_happen for due in back)


@given(facts=FACTS, now=instants())
def test_each_timed_mail_of_a_journey_has_its_mark_looked_for(facts: JourneyFacts, now: datetime) -> None:
    mails = {Mail(due.kind) for due in journey_plan(facts, policy=POLICY, now=now) if due.kind in set(Mail)}
    assert mails <= set(MAILS_OF_A_JOURNEY)
    assert all(MAILS[mail].in_preview for mail in mails)


# ---------------------------------------------------------------- of an appointment


@given(since=instants(-24 * 60), starts_at=instants(), type=st.sampled_from(AppointmentType))
def test_what_was_past_when_it_was_booked_is_skipped_and_its_outcome_is_always_asked_for(
    since: datetime, starts_at: datetime, type: AppointmentType
) -> None:
    plan = appointment_plan(
        starts_at=starts_at,
        ends_at=starts_at + HOUR,
        type=type,
        policy=POLICY,
        charge_deadline=POLICY.charge_deadline,
        since=since,
    )
    still = open_plan(plan, done=())
    for before in POLICY.appointment_reminders:
        reminded = any(due.kind == Mail.APPOINTMENT_REMINDER and due.at == starts_at - before for due in still)
        assert reminded == (starts_at - before > since)
    assert {due.kind for due in plan if due.must_happen} <= {due.kind for due in still}
    moved = appointment_plan(
        starts_at=starts_at + DAY,
        ends_at=starts_at + DAY + HOUR,
        type=type,
        policy=POLICY,
        charge_deadline=POLICY.charge_deadline,
        since=since,
    )
    assert not {due.key for due in plan} & {due.key for due in moved}


# ---------------------------------------------------------------- since when


def test_starts_are_planned_while_intake_forms_are_missing_that_were_asked_for_before() -> None:
    """The appointment may have begun before anybody looked: it is noted late, and not where the forms came later."""
    booked = OpenAppointment(
        id="a",
        type=AppointmentType.SESSION,
        starts_at=START + 3 * DAY,
        ends_at=START + 3 * DAY + HOUR,
        planned_at=START,
    )
    facts = JourneyFacts(
        version=1,
        ref="VBMGA596LT",
        archived=False,
        created_at=START,
        therapist="ana",
        first_booked_at=START,
        forms_requested_at=START,
        outstanding_forms=("informed_consent",),
        open_appointments=(booked,),
    )

    def starts(facts: JourneyFacts, now: datetime) -> list[datetime]:
        plan = open_plan(journey_plan(facts, policy=POLICY, now=now), done=())
        return [due.at for due in plan if due.kind == APPOINTMENT_STARTS]

    for now in (START, START + 4 * DAY):
        assert starts(facts, now) == [booked.starts_at]
    assert starts(replace(facts, outstanding_forms=()), START) == []
    assert starts(replace(facts, forms_requested_at=START + 4 * DAY), START + 4 * DAY) == []
    asked_anew = AskedForm(id="f", asked_at=START + DAY, intake=True)
    assert starts(replace(facts, outstanding_forms=(), asked_forms=(asked_anew,)), START) == [booked.starts_at]


def test_a_payment_that_was_made_is_news_only_when_none_can_follow() -> None:
    before = JourneyFacts(version=7, ref="VBMGA596LT", archived=False, created_at=START, payment_open=True)
    ahead = OpenAppointment(id="a", type=AppointmentType.SESSION, starts_at=START + DAY, ends_at=START + DAY + HOUR)
    made = replace(before, version=8, payment_open=False)
    assert is_news(made, after=before)
    assert not is_news(replace(made, open_appointments=(ahead,)), after=replace(before, open_appointments=(ahead,)))
    assert not is_news(replace(before, version=8), after=before)
    debt = Debt(payment_id="p", attempts=1)
    assert is_news(replace(before, version=8, debts=(debt,)), after=before)


def test_of_a_call_whose_outcome_was_marked_late_only_what_is_still_ahead_is_planned() -> None:
    facts = JourneyFacts(
        version=1,
        ref="R",
        archived=False,
        created_at=START,
        anonymous=False,
        therapist="ana",
        first_booked_at=START,
        account_active=True,
        intro_occurred_at=START,
        unbooked_since=START + POLICY.first_session_reminder + HOUR,
    )
    [task] = open_plan(journey_plan(facts, policy=POLICY, now=START), done=())
    assert task.kind == FIRST_SESSION_TASK


@pytest.mark.parametrize("known_after", [timedelta(0), timedelta(days=3), timedelta(days=60)])
def test_reminders_to_book_count_from_the_match_and_begin_when_an_address_is_known(known_after: timedelta) -> None:
    known_since = START + known_after
    facts = JourneyFacts(
        version=1,
        ref="R",
        archived=False,
        created_at=START,
        anonymous=False,
        reachable=True,
        therapist="ana",
        matched_at=START,
        known_since=known_since,
    )
    planned = open_plan(journey_plan(facts, policy=POLICY, now=known_since), done=())
    assert [due.at for due in planned] == [
        START + after for after in POLICY.book_first_reminders if START + after > known_since
    ]
