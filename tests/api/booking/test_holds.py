"""Holds: a time kept for a few minutes, seen by others as taken, used up by a booking, lapsed or released."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.api.booking.calls import HALF_HOUR, TEN, BookingCalls, alternatives
from tests.api.conftest import DESK, SITE, StandingClock, fields_of, problem_of
from tests.care.rows import NOW, Rows

# ---------------------------------------------------------------- who sees it


async def test_a_hold_takes_the_time_from_everybody_but_who_presents_it(
    booking: BookingCalls, rows: Rows, clock: StandingClock
) -> None:
    await rows.therapist()
    before = await booking.slots()
    calls = await booking.slots(type="intro_call")
    answer = await booking.ask()
    assert datetime.fromisoformat(answer.json()["expires_at"]) == NOW + timedelta(minutes=10)
    hold = answer.json()["hold_id"]

    beside = {TEN - HALF_HOUR, TEN, TEN + HALF_HOUR}  # ten minutes stay free after a session
    assert set(before) - set(await booking.slots()) == beside
    assert set(await booking.slots(type="intro_call")) < set(calls)
    assert await booking.slots(hold=hold) == before
    assert await booking.slots(type="intro_call", hold=hold) == calls
    assert await booking.slots(hold=str(uuid4())) != before
    for by in (SITE, DESK):  # nor does who made it get the same time twice
        refused = await booking.ask(by=by)
        assert problem_of(refused) == "slot-taken"
        assert len(alternatives(refused)) == 3
        assert set(alternatives(refused)) <= set(before) - beside

    clock.advance(minutes=9, seconds=59)
    assert TEN not in await booking.slots()
    clock.advance(seconds=1)
    assert await booking.slots() == before
    assert (await booking.ask(by=DESK)).status_code == 201


async def test_a_hold_is_no_appointment(booking: BookingCalls, rows: Rows, api: httpx.AsyncClient) -> None:
    ana = await rows.therapist()
    sara = await booking.person(ana)
    me = await booking.sign_in(sara)
    hold = await booking.hold(by=me)
    for by in (me, await rows.by_pass(sara), DESK):
        assert (await api.get("/v1/appointments", headers=by)).json()["items"] == []
        assert problem_of(await api.get(f"/v1/appointments/{hold}", headers=by)) == "not-found"
    assert (await api.get(f"/v1/clients/{sara.id}", headers=me)).json()["next_appointment_at"] is None
    assert (await api.put("/v1/therapists/ana/availability", json={}, headers=DESK)).json()["outside_hours"] == []


# ---------------------------------------------------------------- used up


async def test_a_booking_uses_up_the_hold_that_it_presents(booking: BookingCalls, rows: Rows) -> None:
    ana = await rows.therapist()
    sara, otto = await booking.person(ana), await booking.person(ana, "otto")
    hold = await booking.hold()
    refused = await booking.books(otto)
    assert problem_of(refused) == "slot-taken"
    assert TEN not in alternatives(refused)
    assert problem_of(await booking.books(otto, hold=str(uuid4()))) == "slot-taken"
    booked = await booking.books(sara, hold=hold)
    assert booked.status_code == 201
    [occupied] = await booking.occupied()
    assert str(occupied.id) == booked.json()["appointments"][0]["id"]
    assert problem_of(await booking.release(hold)) == "not-found"
    # What is used up shows nobody the time any more, and books nothing again.
    assert TEN not in await booking.slots(hold=hold)
    assert problem_of(await booking.books(otto, hold=hold)) == "slot-taken"


async def test_whoever_presents_the_id_owns_the_hold(booking: BookingCalls, rows: Rows) -> None:
    ana = await rows.therapist()
    sara, otto = await booking.person(ana), await booking.person(ana, "otto")
    hold = await booking.hold(by=await booking.sign_in(sara))
    assert (await booking.books(otto, hold=hold, by=DESK)).status_code == 201
    hold = await booking.hold(TEN + 2 * HALF_HOUR, by=DESK)
    assert (await booking.release(hold, by=await booking.sign_in(otto))).status_code == 204


async def test_a_booking_at_another_time_uses_up_the_hold_too(booking: BookingCalls, rows: Rows) -> None:
    """Whoever presents a hold is not in its way: what they are shown as open can be booked."""
    ana = await rows.therapist()
    hold = await booking.hold()
    other = TEN + HALF_HOUR
    assert other not in await booking.slots()
    assert other in await booking.slots(hold=hold)
    booked = await booking.books(await booking.person(ana), other, hold=hold)
    assert booked.status_code == 201, booked.text
    assert [row.starts_at for row in await booking.occupied()] == [other]


async def test_a_hold_for_a_session_serves_an_intro_call_at_that_time(booking: BookingCalls, rows: Rows) -> None:
    ana = await rows.therapist()
    hold = await booking.hold()
    assert TEN in await booking.slots(type="intro_call", hold=hold)
    booked = await booking.books(await booking.person(ana), type="intro_call", hold=hold)
    assert booked.status_code == 201, booked.text
    assert len(await booking.occupied()) == 1


async def test_a_hold_with_another_therapist_is_left_alone(booking: BookingCalls, rows: Rows) -> None:
    ana = await rows.therapist("ana")
    ben = await rows.therapist("ben")
    hold = await booking.hold(slug="ben")
    assert (await booking.books(await booking.person(ana), hold=hold)).status_code == 201
    assert {row.therapist_id for row in await booking.occupied()} == {ana.id, ben.id}
    assert TEN not in await booking.slots(slug="ben")
    assert (await booking.release(hold)).status_code == 204


async def test_an_appointments_id_is_no_hold(booking: BookingCalls, rows: Rows) -> None:
    ana = await rows.therapist()
    sara, otto = await booking.person(ana), await booking.person(ana, "otto")
    booked = (await booking.books(sara)).json()["appointments"][0]["id"]
    assert problem_of(await booking.release(booked, by=DESK)) == "not-found"
    assert TEN not in await booking.slots(hold=booked)
    assert problem_of(await booking.books(otto, hold=booked)) == "slot-taken"
    later = TEN + timedelta(days=1)
    assert (await booking.books(otto, later, hold=booked)).status_code == 201
    assert [row.client_id for row in await booking.occupied()] == [sara.id, otto.id]


async def test_a_move_presents_a_hold_and_uses_it_up(booking: BookingCalls, rows: Rows, api: httpx.AsyncClient) -> None:
    ana = await rows.therapist()
    sara = await booking.person(ana)
    booked = (await booking.books(sara, TEN + timedelta(days=3))).json()["appointments"][0]["id"]
    later = TEN + timedelta(days=4)
    hold = await booking.hold(later)
    move = {"starts_at": later.isoformat(), "reason": "a journey"}
    path = f"/v1/appointments/{booked}/reschedule"
    assert problem_of(await api.post(path, json=move, headers=SITE)) == "slot-taken"
    moved = await api.post(path, json=move | {"hold_id": hold}, headers=SITE)
    assert (moved.status_code, datetime.fromisoformat(moved.json()["starts_at"])) == (200, later)
    assert [str(row.id) for row in await booking.occupied()] == [booked]


# ---------------------------------------------------------------- lapsed or released


async def test_a_hold_that_ran_out_a_second_ago_is_in_nobodys_way(
    booking: BookingCalls, rows: Rows, clock: StandingClock
) -> None:
    ana = await rows.therapist()
    hold = await booking.hold()
    clock.advance(minutes=9, seconds=59)
    otto = await booking.person(ana, "otto")
    assert problem_of(await booking.books(otto)) == "slot-taken"
    clock.advance(seconds=2)
    assert [str(row.id) for row in await booking.occupied()] == [hold]  # nobody has tidied up yet
    assert (await booking.books(otto)).status_code == 201
    [occupied] = await booking.occupied()
    assert occupied.client_id == otto.id


async def test_who_comes_too_late_with_a_hold_books_like_anybody(
    booking: BookingCalls, rows: Rows, clock: StandingClock
) -> None:
    ana = await rows.therapist()
    hold = await booking.hold()
    clock.advance(minutes=11)
    assert (await booking.books(await booking.person(ana), hold=hold)).status_code == 201
    assert len(await booking.occupied()) == 1


async def test_a_hold_is_released_once(booking: BookingCalls, rows: Rows, clock: StandingClock) -> None:
    await rows.therapist()
    before = await booking.slots()
    hold = await booking.hold()
    assert (await booking.release(hold, by={})).status_code == 401
    assert (await booking.release(hold)).status_code == 204
    assert await booking.slots() == before
    assert problem_of(await booking.release(hold)) == "not-found"
    for nobody in (uuid4(), "mine", "%00"):
        assert problem_of(await booking.release(nobody)) == "not-found"
    late = await booking.hold()
    clock.advance(minutes=10)
    assert problem_of(await booking.release(late)) == "not-found"


async def test_the_same_request_again_is_the_same_hold(
    booking: BookingCalls, rows: Rows, api: httpx.AsyncClient
) -> None:
    await rows.therapist()
    body = {"type": "session", "starts_at": TEN.isoformat()}
    headers = SITE | {"Idempotency-Key": "one"}
    first, again = [await api.post("/v1/therapists/ana/holds", json=body, headers=headers) for _ in range(2)]
    assert first.json() == again.json()
    assert len(await booking.occupied()) == 1


# ---------------------------------------------------------------- the rules of a slot


@pytest.mark.parametrize(
    ("starts_at", "name"),
    [
        (NOW - timedelta(days=1), "slot-unavailable"),
        (NOW - timedelta(seconds=1), "slot-unavailable"),
        (TEN + timedelta(minutes=7), "slot-unavailable"),  # not on the grid
        (TEN.replace(hour=3), "slot-unavailable"),  # at night
        (TEN + timedelta(days=365), "slot-unavailable"),  # beyond the horizon
        (TEN + timedelta(days=1), "slot-taken"),
        (TEN + timedelta(days=1, minutes=30), "slot-taken"),
    ],
)
async def test_what_cannot_be_held_is_refused_with_times_that_can(
    booking: BookingCalls, rows: Rows, starts_at: datetime, name: str
) -> None:
    ana = await rows.therapist()
    await rows.appointment(await booking.person(ana), ana, starts_at=TEN + timedelta(days=1))
    refused = await booking.ask(starts_at)
    assert (refused.status_code, problem_of(refused)) == (409, name)
    offered = alternatives(refused)
    assert len(offered) == 3
    assert starts_at not in offered
    for other in offered:
        assert (await booking.release(await booking.hold(other))).status_code == 204


async def test_the_practice_is_bound_by_nothing_but_overlaps_and_the_past(
    booking: BookingCalls, rows: Rows, therapist_token: Callable[[str], Any]
) -> None:
    await rows.therapist(settings={"session": {"minimum_notice": 2880}})
    await booking.hold(NOW + timedelta(minutes=1), by=await therapist_token("ana"))
    assert problem_of(await booking.ask(NOW, by=DESK)) == "slot-taken"
    await booking.hold(NOW + timedelta(minutes=51), by=DESK)
    assert problem_of(await booking.ask(NOW - timedelta(minutes=60), by=DESK)) == "slot-unavailable"


async def test_the_notice_is_the_one_of_the_moment_it_was_held(
    booking: BookingCalls, rows: Rows, clock: StandingClock
) -> None:
    ana = await rows.therapist(settings={"session": {"minimum_notice": 720}})
    sara, otto = await booking.person(ana), await booking.person(ana, "otto")
    clock.time = TEN - timedelta(hours=11, minutes=59)
    assert problem_of(await booking.ask()) == "slot-unavailable"
    clock.time = TEN - timedelta(hours=12, minutes=1)
    hold = await booking.hold()
    clock.time = TEN - timedelta(hours=11, minutes=55)
    assert TEN not in await booking.slots()
    assert TEN in await booking.slots(hold=hold)
    assert TEN + timedelta(hours=5) in await booking.slots(hold=hold)
    assert problem_of(await booking.books(otto)) == "slot-unavailable"
    assert (await booking.books(sara, hold=hold)).status_code == 201


async def test_only_the_held_time_itself_keeps_its_notice(
    booking: BookingCalls, rows: Rows, clock: StandingClock
) -> None:
    settings = {"session": {"minimum_notice": 720, "step": 1, "buffer_after": 0}}
    ana = await rows.therapist(settings=settings)
    clock.time = TEN - timedelta(hours=12)
    hold = await booking.hold()
    clock.advance(minutes=5)
    soon = TEN + timedelta(minutes=4)
    assert soon not in await booking.slots(hold=hold)
    assert problem_of(await booking.books(await booking.person(ana), soon, hold=hold)) == "slot-unavailable"


async def test_a_hold_that_ran_out_keeps_no_notice(booking: BookingCalls, rows: Rows, clock: StandingClock) -> None:
    ana = await rows.therapist(settings={"session": {"minimum_notice": 720}})
    clock.time = TEN - timedelta(hours=12)
    hold = await booking.hold()
    clock.advance(minutes=10)
    assert TEN not in await booking.slots(hold=hold)
    assert problem_of(await booking.books(await booking.person(ana), hold=hold)) == "slot-unavailable"


async def test_a_hold_counts_for_the_days_cap_for_all_but_who_presents_it(booking: BookingCalls, rows: Rows) -> None:
    ana = await rows.therapist(settings={"session": {"minimum_notice": 0, "max_per_day": 1}})
    sara = await booking.person(ana)
    before = await booking.slots()
    hold = await booking.hold()
    assert await booking.slots() == []
    assert await booking.slots(hold=hold) == before
    assert await booking.slots(type="intro_call") != []  # the cap is of one type
    evening = TEN + timedelta(hours=5)
    refused = await booking.ask(evening)
    assert problem_of(refused) == "slot-unavailable"
    assert all(other.date() != TEN.date() for other in alternatives(refused))
    assert (await booking.books(sara, hold=hold)).status_code == 201
    assert await booking.slots() == []


async def test_a_clients_own_appointments_are_in_the_way_of_their_holds(booking: BookingCalls, rows: Rows) -> None:
    ana, ben = await rows.therapist("ana"), await rows.therapist("ben")
    sara = await booking.person(ana)
    await rows.appointment(sara, ben, starts_at=TEN)
    refused = await booking.ask(by=await booking.sign_in(sara))
    assert problem_of(refused) == "slot-taken"
    assert all(abs(other - TEN) >= timedelta(minutes=50) for other in alternatives(refused))
    await booking.hold()  # the booking site does not say for whom


async def test_a_held_time_is_offered_once_when_sessions_become_longer(
    booking: BookingCalls, rows: Rows, api: httpx.AsyncClient
) -> None:
    await rows.therapist()
    hold = await booking.hold()
    hours = (await api.get("/v1/therapists/ana/availability", headers=DESK)).json()
    hours["settings"]["session"]["duration"] = 80
    assert (await api.put("/v1/therapists/ana/availability", json=hours, headers=DESK)).status_code == 200
    assert (await booking.slots(hold=hold)).count(TEN) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "tea"}, "type"),
        ({"type": None}, "type"),
        ({"starts_at": "2026-03-03T15:00:00"}, "starts_at"),
        ({"starts_at": "2026-03-03"}, "starts_at"),
        ({"starts_at": "9999-12-31T23:59:59Z"}, "starts_at"),
        ({"starts_at": None}, "starts_at"),
        ({"client_id": str(uuid4())}, "client_id"),
    ],
)
async def test_what_is_no_wish(api: httpx.AsyncClient, rows: Rows, body: dict[str, Any], field: str) -> None:
    await rows.therapist()
    wish = {"type": "session", "starts_at": TEN.isoformat(), **body}
    assert fields_of(await api.post("/v1/therapists/ana/holds", json=wish, headers=SITE)) == [field]


async def test_of_a_therapist_whom_nobody_knows_nothing_is_held(booking: BookingCalls, rows: Rows) -> None:
    await rows.therapist()
    for slug in ("nobody", "Ana", "ana%20"):
        assert problem_of(await booking.ask(slug=slug)) == "not-found"
    assert problem_of(await booking.ask(by={})) == "unauthenticated"
    assert await booking.occupied() == []


async def test_of_many_who_want_one_time_one_gets_it(booking: BookingCalls, rows: Rows) -> None:
    await rows.therapist()
    answers = await asyncio.gather(*(booking.ask() for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 11
    [held] = await booking.occupied()
    assert held.id == UUID(next(a for a in answers if a.status_code == 201).json()["hold_id"])
