"""Who of a line is offered which time, and for how long."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rules.booking.availability import DEFAULT_SETTINGS, Availability, Busy, WeeklyWindow, check_slot
from rules.booking.waitlist import (
    LEAST_TIME_TO_ANSWER,
    MOST_UNANSWERED,
    Offer,
    Waiting,
    counts_if_unanswered,
    is_given_up,
    next_offer,
)
from rules.enums import AppointmentType

SESSION, INTRO = AppointmentType.SESSION, AppointmentType.INTRO_CALL
MONDAY = datetime(2026, 11, 30, tzinfo=UTC)
NOW = MONDAY - timedelta(days=3)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
TTL = 2 * HOUR
# Ten and eleven o'clock of every weekday.
MORNINGS = Availability(
    time_zone="UTC",
    weekly=tuple(
        WeeklyWindow(weekday=day, start=10 * 60, end=12 * 60, types=frozenset(AppointmentType))
        for day in ("mon", "tue", "wed", "thu", "fri")
    ),
    settings={
        SESSION: replace(DEFAULT_SETTINGS[SESSION], step=60, minimum_notice=0),
        INTRO: replace(DEFAULT_SETTINGS[INTRO], step=60, minimum_notice=0),
    },
)


def at(hour: int, minute: int = 0, *, day: int = 0) -> datetime:
    return MONDAY + timedelta(days=day, hours=hour, minutes=minute)


def waiting(name: str = "first", *, first: int = 0, last: int = 0, kind: AppointmentType = SESSION) -> Waiting:
    """A wish for whole days, counted from Monday, both included."""
    return Waiting(
        place_id=name,
        type=kind,
        wished_from=MONDAY + first * DAY,
        wished_until=MONDAY + (last + 1) * DAY,
        offered=frozenset(),
        busy=(),
    )


def taken(start: datetime, *, minutes: int = 50, kind: AppointmentType = SESSION) -> Busy:
    return Busy(type=kind, starts_at=start, ends_at=start + minutes * MINUTE)


def offered(*line: Waiting, busy: Iterable[Busy] = (), now: datetime = NOW) -> tuple[str, datetime] | None:
    offer = next_offer(line=line, availability=MORNINGS, busy=busy, now=now, offer_ttl=TTL)
    return (offer.place_id, offer.starts_at) if offer else None


def test_the_first_in_line_gets_the_earliest_time_of_the_wish_and_some_hours_to_answer() -> None:
    offer = next_offer(
        line=[waiting("first"), waiting("second")], availability=MORNINGS, busy=(), now=NOW, offer_ttl=TTL
    )
    assert offer == Offer(place_id="first", type=SESSION, starts_at=at(10), ends_at=at(10, 50), expires_at=NOW + TTL)
    assert offered(waiting(), busy=[taken(at(10))]) == ("first", at(11))
    assert offered() is None


def test_whoever_cannot_have_a_time_is_passed_over_and_keeps_others_from_nothing() -> None:
    line = [waiting("monday"), waiting("tuesday", first=1, last=1)]
    full_monday = [taken(at(10)), taken(at(11))]
    assert offered(*line, busy=full_monday) == ("tuesday", at(10, day=1))
    assert offered(*line, busy=[*full_monday, taken(at(10, day=1)), taken(at(11, day=1))]) is None


def test_a_time_is_offered_once_to_each_and_other_times_still_are() -> None:
    once = replace(waiting("first"), offered=frozenset({at(10)}))
    assert offered(once, waiting("second")) == ("first", at(11))
    both = replace(once, offered=frozenset({at(10), at(11)}))
    assert offered(both, waiting("second")) == ("second", at(10))
    assert offered(both) is None


def test_an_appointment_of_the_clients_own_elsewhere_is_in_the_way_only_where_it_overlaps() -> None:
    elsewhere = replace(waiting(), busy=(taken(at(9, 30)),))  # until 10:20
    assert offered(elsewhere) == ("first", at(11))
    touching = replace(waiting(), busy=(taken(at(9, 10)),))  # until 10:00
    assert offered(touching) == ("first", at(10))


@pytest.mark.parametrize(
    ("since", "until", "gets"),
    [
        (at(10), at(10, 1), at(10)),
        (at(10), at(10), None),
        (at(9), at(10), None),  # the end is not in the wish
        (at(10, 1), at(11), None),
        (at(10, 1), at(11, 1), at(11)),
    ],
)
def test_the_edges_of_a_wish(since: datetime, until: datetime, gets: datetime | None) -> None:
    wish = replace(waiting(), wished_from=since, wished_until=until)
    assert offered(wish) == (("first", gets) if gets else None)


def test_each_type_has_its_own_length_and_all_times_keep_their_buffers() -> None:
    line = [waiting("call", kind=INTRO), waiting("session")]
    offer = next_offer(line=line, availability=MORNINGS, busy=(), now=NOW, offer_ttl=TTL)
    assert offer is not None
    assert (offer.place_id, offer.ends_at - offer.starts_at) == ("call", 15 * MINUTE)
    # A session that ends at 9:55 wants ten minutes after it.
    assert offered(waiting(), busy=[taken(at(9, 5))]) == ("first", at(11))


def test_an_offer_never_lasts_beyond_the_start_of_what_it_offers() -> None:
    now = at(9)
    offer = next_offer(line=[waiting()], availability=MORNINGS, busy=(), now=now, offer_ttl=TTL)
    assert offer is not None
    assert (offer.starts_at, offer.expires_at) == (at(10), at(10))
    assert not counts_if_unanswered(starts_at=offer.starts_at, expires_at=offer.expires_at)
    assert counts_if_unanswered(starts_at=at(10), expires_at=at(9, 59))


def test_nobody_is_offered_what_begins_before_they_could_answer() -> None:
    assert offered(waiting(), now=at(10) - LEAST_TIME_TO_ANSWER) == ("first", at(10))
    assert offered(waiting(), now=at(10) - LEAST_TIME_TO_ANSWER + timedelta(seconds=1)) == ("first", at(11))
    assert offered(waiting(), now=at(11)) is None


def test_a_place_is_given_up_after_three_offers_without_an_answer() -> None:
    assert MOST_UNANSWERED == 3
    assert [is_given_up(number) for number in range(5)] == [False, False, False, True, True]


def test_offered_one_after_the_other_a_line_never_gets_two_times_that_collide() -> None:
    line = [waiting(str(number), last=1) for number in range(9)]
    busy: list[Busy] = [taken(at(11, day=1))]
    got: list[tuple[str, datetime]] = []
    while (offer := next_offer(line=line, availability=MORNINGS, busy=busy, now=NOW, offer_ttl=TTL)) is not None:
        problem = check_slot(availability=MORNINGS, type=offer.type, starts_at=offer.starts_at, busy=busy, now=NOW)
        assert problem is None
        got.append((offer.place_id, offer.starts_at))
        busy.append(taken(offer.starts_at))
        line = [place for place in line if place.place_id != offer.place_id]
    assert got == [("0", at(10)), ("1", at(11)), ("2", at(10, day=1))]
