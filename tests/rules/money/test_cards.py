"""When a saved card stops working, and when its owner hears of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.enums import AppointmentType
from rules.journey.reminders import Due, journey_plan, open_plan
from rules.journey.stage import JourneyFacts, OpenAppointment
from rules.mail.kinds import Mail
from rules.money.cards import SavedCard
from rules.policy import JourneyPolicy

POLICY = JourneyPolicy()
NOW = datetime(2027, 1, 10, tzinfo=UTC)
DAY = timedelta(days=1)
MARCH = SavedCard(id="pm_1", exp_year=2027, exp_month=3)


def at(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


def booked(type: AppointmentType = AppointmentType.SESSION) -> OpenAppointment:
    return OpenAppointment(id="a", type=type, starts_at=NOW + DAY, ends_at=NOW + DAY)


IN_CARE = JourneyFacts(
    version=1,
    ref="R",
    archived=False,
    created_at=NOW,
    therapist="ana",
    anonymous=False,
    reachable=True,
    account_active=True,
    first_booked_at=NOW,
    open_appointments=(booked(),),
    session_booked=True,
    session_occurred=True,
    card=MARCH,
)


def notices(facts: JourneyFacts) -> list[Due]:
    return [due for due in journey_plan(facts, policy=POLICY, now=NOW) if due.kind == Mail.CARD_EXPIRING]


@pytest.mark.parametrize(
    ("year", "month", "over", "noticed"),
    [
        (2027, 3, at(2027, 4, 1), at(2027, 3, 2)),
        (2027, 1, at(2027, 2, 1), at(2027, 1, 2)),
        (2027, 2, at(2027, 3, 1), at(2027, 1, 30)),  # a short month
        (2028, 2, at(2028, 3, 1), at(2028, 1, 31)),  # and a leap year's
        (2027, 12, at(2028, 1, 1), at(2027, 12, 2)),  # the next year
    ],
)
def test_a_card_works_to_the_end_of_its_month_and_is_told_of_thirty_days_before(
    year: int, month: int, over: datetime, noticed: datetime
) -> None:
    card = SavedCard(id="pm_1", exp_year=year, exp_month=month)
    assert card.stops_working_at == over
    [due] = notices(replace(IN_CARE, card=card))
    assert due.at == noticed


@given(st.integers(2020, 2090), st.integers(1, 12))
def test_the_first_instant_that_it_does_not_work_is_the_next_months(year: int, month: int) -> None:
    over = SavedCard(id="x", exp_year=year, exp_month=month).stops_working_at
    last = over - timedelta(microseconds=1)
    assert (last.year, last.month) == (year, month)
    assert (over.day, over.hour, over.minute) == (1, 0, 0)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, True),
        ({"open_appointments": ()}, False),  # nothing will be charged
        ({"open_appointments": (booked(AppointmentType.INTRO_CALL),)}, False),  # which is free
        ({"open_appointments": (), "payment_open": True}, True),
        ({"archived": True}, False),
        ({"card": None}, False),
        ({"first_booked_at": None}, False),
    ],
)
def test_only_whose_card_is_needed_is_told(changes: dict[str, object], told: bool) -> None:
    assert bool(notices(replace(IN_CARE, **changes))) == told  # type: ignore[arg-type]


def test_each_card_has_a_notice_of_its_own() -> None:
    renewed, another = replace(MARCH, exp_year=2030), replace(MARCH, id="pm_2")
    keys = {due.key for card in (MARCH, renewed, another) for due in notices(replace(IN_CARE, card=card))}
    assert len(keys) == 3
    assert notices(IN_CARE) == notices(replace(IN_CARE, version=2))


def test_a_card_given_late_is_told_of_at_once_and_once() -> None:
    """Whose thirty days have begun already, when the card is given: it is the one mail that is told even so."""
    [fresh] = notices(replace(IN_CARE, first_booked_at=MARCH.stops_working_at - 3 * DAY))
    assert fresh.at < fresh.since
    assert open_plan([fresh], done=()) == [fresh]
    # The facts change again: what is done is not planned anew.
    assert open_plan([fresh], done=[fresh.key]) == []
    other = notices(replace(IN_CARE, card=replace(MARCH, id="pm_2")))
    assert open_plan(other, done=[fresh.key]) == other
