"""A therapist's line: what is offered to whom, once however often it is looked at, and by however many at a time."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import select

from activities.types.archive import ArchiveOrder
from activities.types.booking import Booked, RescheduleOrder
from activities.types.clients import Done, MatchOrder
from models.tables.booking.occupied_time import OccupiedTime
from models.tables.booking.waitlist import WaitlistPlace
from rules.enums import OfferEnd, PlaceEnd
from rules.refusals import Problem
from tests.care.crash_points import Death
from tests.care.practice import DESK, MONDAY
from tests.care.waitlist import DAY, HOUR, INTRO, MINUTE, SITE, TUESDAY, Waitlist

# ---------------------------------------------------------------- once, however often


async def test_one_time_goes_to_the_first_and_to_nobody_else(waitlist: Waitlist) -> None:
    await waitlist.waiters(*(f"P{number:02}" for number in range(20)))
    look = await waitlist.look()
    assert await waitlist.offers() == [("P00", MONDAY, None)]
    assert len(look.line) == 20
    assert [place.offered for place in look.line] == [MONDAY, *[None] * 19]
    assert (look.look_at, look.line[0].offered_until) == (waitlist.practice.clock.instant + 2 * HOUR,) * 2
    assert await waitlist.held() == [MONDAY]


async def test_looking_again_changes_nothing_and_tells_of_every_open_offer(waitlist: Waitlist) -> None:
    """Whoever asks again may be asking because the first answer was lost: its mail must not be lost with it."""
    first, second = await waitlist.waiters("Anna", "Berta", last=1)
    look = await waitlist.look()
    assert await waitlist.offers() == [("Anna", MONDAY, None), ("Berta", TUESDAY, None)]
    assert [offer.client_id for offer in look.offers] == [first, second]
    assert [offer.offer_id for offer in look.offers] == [await waitlist.open_offer(c) for c in (first, second)]
    before = await waitlist.rows()
    waitlist.passes(7 * MINUTE)
    assert await waitlist.look() == look
    assert await waitlist.rows() == before


async def test_killed_at_every_commit_a_look_ends_as_if_nothing_had_been(waitlist: Waitlist) -> None:
    await waitlist.waiters("Anna", "Berta", "Carla", last=1)
    for commit in range(1, 9):
        waitlist.practice.points.reset(commit)
        try:
            look = await waitlist.look()
        except Death:
            continue
        break
    else:
        pytest.fail("a look never ended")
    waitlist.practice.points.reset()
    assert commit > 3, "it was to be killed at each of its commits"
    assert await waitlist.offers() == [("Anna", MONDAY, None), ("Berta", TUESDAY, None)]
    assert len(look.offers) == 2
    for client in waitlist.names:
        assert (await waitlist.practice.facts(client)).count("time_offered") == (waitlist.names[client] != "Carla")


async def test_a_place_is_taken_and_left_once(waitlist: Waitlist) -> None:
    anna = await waitlist.person("Anna")
    order = waitlist.wish(anna)
    first = await waitlist.steps.join_waitlist(order)
    before = await waitlist.rows()
    waitlist.passes(7 * MINUTE)
    assert await waitlist.steps.join_waitlist(order) == first
    assert await waitlist.rows() == before

    # Asked again after the wish was changed, the old request does not bring the old wish back.
    await waitlist.joins(anna, first=2, last=3)
    before = await waitlist.rows()
    assert (await waitlist.steps.join_waitlist(order)).refusal is None
    assert await waitlist.rows() == before

    [place] = await waitlist.places()
    assert (await waitlist.leaves(anna, place.id)).changed is True
    before = await waitlist.rows()
    again = await waitlist.leaves(anna, place.id)
    assert (again.refusal, again.changed, again.lines) == (None, False, ("ana",))
    assert await waitlist.rows() == before
    assert (await waitlist.steps.join_waitlist(order)).refusal is None, "answered as before"
    assert await waitlist.ends() == [PlaceEnd.LEFT]
    facts = await waitlist.practice.facts(anna)
    assert [kind for kind in facts if "waitlist" in kind] == [
        "waitlist_joined",
        "waitlist_wish_changed",
        "waitlist_left",
    ]


# ---------------------------------------------------------------- at the same moment


async def test_many_looks_at_once_make_no_double_offer(waitlist: Waitlist) -> None:
    await waitlist.waiters("Anna", "Berta", "Carla", "Dora", last=1)
    looks = await asyncio.gather(*(waitlist.look() for _ in range(12)))
    assert await waitlist.offers() == [("Anna", MONDAY, None), ("Berta", TUESDAY, None)]
    assert {tuple(offer.offer_id for offer in look.offers) for look in looks} == {
        tuple(offer.offer_id for offer in looks[0].offers)
    }
    assert await waitlist.held() == [MONDAY, TUESDAY]


@pytest.mark.parametrize("round", range(4))
async def test_looks_bookings_joins_and_archives_at_once_never_wait_in_a_circle(waitlist: Waitlist, round: int) -> None:
    """Each ends in good time; a time is somebody's offer or somebody's appointment, and never both."""
    people = await waitlist.waiters("Anna", "Berta", "Carla", "Dora", last=2)
    stranger = await waitlist.person("Emma")
    practice = waitlist.practice
    archive = ArchiveOrder(client_id=people[round], request_id=str(uuid4()), by="care_team:desk")
    steps: list[Any] = [
        waitlist.look(),
        practice.booking.book(practice.booking_order(stranger, MONDAY)),
        waitlist.look(),
        practice.archive.archive_client(archive),
        practice.booking.book(practice.booking_order(people[(round + 1) % 4], TUESDAY)),
        waitlist.steps.join_waitlist(waitlist.wish(people[(round + 2) % 4], last=5)),
        waitlist.look(),
    ]
    answers = await asyncio.wait_for(asyncio.gather(*steps[round:], *steps[:round]), 20)
    assert all(answer.refusal is None or answer.refusal.name is Problem.SLOT_TAKEN for answer in answers
               if isinstance(answer, Booked | Done))  # fmt: skip
    await waitlist.look()
    async with practice.sessions() as session:
        rows = (await session.exec(select(OccupiedTime))).all()
    assert len({row.starts_at for row in rows}) == len(rows)
    open_offers = [starts_at for _, starts_at, end in await waitlist.offers() if end is None]
    assert sorted(open_offers) == await waitlist.held()
    assert open_offers
    for client in waitlist.names:
        await practice.facts(client)  # the chain holds


# ---------------------------------------------------------------- unanswered, declined, taken


async def test_three_offers_without_an_answer_end_the_place(waitlist: Waitlist) -> None:
    anna, berta = await waitlist.waiters("Anna", "Berta", last=6)
    for _ in range(3):
        assert await waitlist.ends() == [None, None]
        await waitlist.look()
        waitlist.passes(2 * HOUR)
    look = await waitlist.look()
    assert await waitlist.ends() == [PlaceEnd.UNANSWERED, PlaceEnd.UNANSWERED]
    assert (look.line, look.offers, look.look_at) == ((), (), None)
    offers = await waitlist.offers()
    assert {end for _, _, end in offers} == {OfferEnd.RAN_OUT}
    starts = [starts_at for name, starts_at, _ in offers if name == "Anna"]
    assert len(set(starts)) == 3
    assert await waitlist.held() == []
    for client in (anna, berta):
        kinds = await waitlist.practice.facts(client)
        assert (kinds.count("time_offered"), kinds.count("offer_ran_out"), kinds[-1]) == (3, 3, "waitlist_left")


async def test_a_declined_offer_does_not_count_and_is_not_made_again(waitlist: Waitlist) -> None:
    anna, berta = await waitlist.waiters("Anna", "Berta", last=6)
    for day in range(5):
        await waitlist.look()
        await waitlist.releases(await waitlist.open_offer(anna))
        assert (await waitlist.seen(anna))[0].offer is None, "released is released, before anybody has looked"
        if day == 0:
            await waitlist.releases(await waitlist.open_offer(berta))
    await waitlist.look()
    assert await waitlist.ends() == [None, None]
    starts = [starts_at for name, starts_at, _ in await waitlist.offers() if name == "Anna"]
    assert len(starts) == len(set(starts)) == 6
    assert ("Berta", MONDAY, None) in await waitlist.offers(), "what the first declined goes to the next"
    assert (await waitlist.practice.facts(anna)).count("offer_declined") == 5


async def test_an_offer_with_less_time_than_usual_to_answer_does_not_count(waitlist: Waitlist) -> None:
    anna = await waitlist.person("Anna")
    place = await waitlist.joins(anna, last=6)
    for day in range(4):
        waitlist.practice.clock.instant = MONDAY + day * DAY - HOUR
        await waitlist.look()
        waitlist.passes(HOUR)
    async with waitlist.practice.sessions() as session:
        assert (await session.get_one(WaitlistPlace, place)).ended_at is None
    look = await waitlist.look()
    assert [end for _, _, end in await waitlist.offers()] == [*[OfferEnd.RAN_OUT] * 4, None]
    assert look.line[0].offered == MONDAY + 4 * DAY


async def test_a_hold_that_somebody_else_presents_is_used_up_and_the_line_is_told(waitlist: Waitlist) -> None:
    anna, berta = await waitlist.waiters("Anna", "Berta", last=1)
    emma = await waitlist.person("Emma")
    await waitlist.look()
    hold = await waitlist.open_offer(anna)
    order = waitlist.practice.booking_order(emma, MONDAY, hold_id=hold)
    for _ in range(2):  # asked again, because the answer was lost
        answer = await waitlist.practice.booking.book(order)
        assert (answer.refusal, answer.lines) == (None, ("ana",))
    await waitlist.look()
    assert await waitlist.offers() == [("Anna", MONDAY, OfferEnd.DECLINED), ("Berta", TUESDAY, None)]
    assert await waitlist.ends() == [None, None]
    await waitlist.releases(await waitlist.open_offer(berta))
    await waitlist.look()
    assert (await waitlist.offers())[1:] == [("Anna", TUESDAY, None), ("Berta", TUESDAY, OfferEnd.DECLINED)]


# ---------------------------------------------------------------- who may take what is offered


async def test_what_is_offered_is_theirs_with_the_hold_and_without_and_nobody_elses(waitlist: Waitlist) -> None:
    anna, berta = await waitlist.waiters("Anna", "Berta")
    await waitlist.look()
    book, order = waitlist.practice.booking.book, waitlist.practice.booking_order
    for stranger in (berta, await waitlist.person("Emma")):
        answer = await book(order(stranger, MONDAY))
        assert answer.refusal is not None
        assert answer.refusal.name is Problem.SLOT_TAKEN
        assert str(MONDAY.isoformat()) not in [one["starts_at"] for one in answer.refusal.data["alternatives"]]
    answer = await book(replace(order(anna, MONDAY), type=INTRO))
    assert answer.refusal is not None, "it was offered for a session"
    answer = await book(order(anna, MONDAY))
    assert (answer.refusal, answer.lines) == (None, ("ana",))
    assert await waitlist.offers() == [("Anna", MONDAY, OfferEnd.BOOKED)]
    assert await waitlist.ends() == [PlaceEnd.BOOKED, None]
    assert await waitlist.held() == []


async def test_an_appointment_can_be_moved_into_what_is_offered(waitlist: Waitlist) -> None:
    anna, berta = await waitlist.person("Anna"), await waitlist.person("Berta")
    [later] = await waitlist.practice.booked(anna, MONDAY + 5 * DAY)
    await waitlist.joins(anna, last=1)
    waitlist.passes(MINUTE)
    await waitlist.joins(berta, last=1)
    await waitlist.look()
    hold = await waitlist.open_offer(anna)
    move = RescheduleOrder(request_id=str(uuid4()), appointment_id=later.id, by=SITE, starts_at=MONDAY, hold_id=hold)
    moved = await waitlist.practice.appointments.reschedule_appointment(move)
    assert (moved.refusal, moved.lines) == (None, ("ana",))
    assert await waitlist.ends() == [PlaceEnd.BOOKED, None]
    assert await waitlist.offers() == [("Anna", MONDAY, OfferEnd.BOOKED), ("Berta", TUESDAY, None)]


async def test_whoever_is_busy_elsewhere_then_is_passed_over_for_that_time(waitlist: Waitlist) -> None:
    await waitlist.practice.therapist("ben")
    anna = await waitlist.person("Anna", therapist="ben")
    await waitlist.practice.booked(anna, MONDAY + 30 * MINUTE)
    change = MatchOrder(request_id=str(uuid4()), client_id=anna, by=DESK, therapist="ana", reason="evenings")
    assert (await waitlist.practice.matching.match_by_hand(change)).refusal is None
    await waitlist.joins(anna, last=1)
    waitlist.passes(MINUTE)
    await waitlist.waiters("Berta")
    await waitlist.look()
    assert await waitlist.offers() == [("Berta", MONDAY, None), ("Anna", TUESDAY, None)]
