"""How many times can be held at once: by a visitor, a client, a network, of a calendar, and by the practice."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from models.tables import OccupiedTime
from rules.accounts.budgets import NETWORKS_MOST
from rules.booking.hold_limits import MOST_HOLDS_OF_THE_PRACTICE
from rules.enums import AppointmentType
from rules.policy import JourneyPolicy
from tests.api.booking.calls import HALF_HOUR, TEN, BookingCalls
from tests.api.conftest import DESK, SITE, StandingClock, problem_of
from tests.care.rows import NOW, Rows

MOST = JourneyPolicy().holds_per_visitor
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def visitor(name: object, network: str = "198.51.100.0/24") -> dict[str, str]:
    """The headers by which the booking site says for whom it asks."""
    return SITE | {"Visitor": str(name), "Visitor-Network": network}


async def statuses(booking: BookingCalls, by: list[Any], slug: str = "ana") -> list[int]:
    """One after the other, each asks for a time of its own."""
    days = [TEN + n // 6 * DAY + n % 6 * HOUR for n in range(len(by))]
    return [(await booking.ask(day, by=who, slug=slug)).status_code for day, who in zip(days, by, strict=True)]


async def test_a_client_holds_three_times_at_once(booking: BookingCalls, rows: Rows, clock: StandingClock) -> None:
    ana, _ = await rows.therapist("ana"), await rows.therapist("ben")
    sara = await booking.person(ana)
    me = await booking.sign_in(sara)
    days = [TEN + n * DAY for n in range(9)]
    first = await booking.hold(days[0], by=me)
    clock.advance(minutes=4, seconds=0.7)
    second = await booking.hold(days[1], by=me, slug="ben")  # whomever with
    await booking.hold(days[2], by=me)

    refused = await booking.ask(days[5], by=me | {"Visitor": "somebody else"})
    assert (refused.status_code, problem_of(refused)) == (429, "rate-limited")
    assert refused.headers["retry-after"] == "360"  # then the first has run out, and not a moment before
    assert "3" in refused.json()["detail"]
    assert days[5] in await booking.slots(day=days[5])
    for by in (SITE, DESK, await booking.sign_in(await booking.person(ana, "otto"))):
        assert (await booking.release(await booking.hold(days[5], by=by), by=by)).status_code == 204

    assert (await booking.release(second, by=me)).status_code == 204
    await booking.hold(days[5], by=me)
    assert problem_of(await booking.ask(days[6], by=me)) == "rate-limited"
    assert (await booking.books(sara, days[0], hold=first, by=me)).status_code == 201
    await booking.hold(days[6], by=me)
    assert problem_of(await booking.ask(days[7], by=me)) == "rate-limited"
    clock.advance(minutes=10)
    await booking.hold(days[7], by=me)


async def test_a_client_who_asks_everywhere_at_once_gets_three_all_the_same(booking: BookingCalls, rows: Rows) -> None:
    slugs = [f"ana-{n}" for n in range(12)]
    therapists = [await rows.therapist(slug) for slug in slugs]
    me = await booking.sign_in(await booking.person(therapists[0]))
    answers = await asyncio.gather(*(booking.ask(by=me, slug=slug) for slug in slugs))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [429] * 9
    assert len(await booking.occupied()) == 3


async def test_one_visitor_who_asks_for_199_times_gets_three(booking: BookingCalls, rows: Rows) -> None:
    for n in range(4):
        await rows.therapist(f"ana-{n}")
    asked = [(TEN + n // 4 % 12 * DAY + n // 48 * HOUR, f"ana-{n % 4}") for n in range(199)]
    answers = await asyncio.gather(*(booking.ask(day, by=visitor("one"), slug=slug) for day, slug in asked))
    assert [answer.status_code for answer in answers].count(201) == MOST
    assert {answer.status_code for answer in answers} == {201, 429}
    assert len(await booking.occupied()) == MOST  # who was refused has changed nothing


async def test_who_has_no_key_holds_nothing_whoever_they_say_they_are(
    booking: BookingCalls, rows: Rows, api: httpx.AsyncClient
) -> None:
    await rows.therapist()
    made_up = [{"Visitor": f"v{n}", "Visitor-Network": f"203.0.{n}.0/24"} for n in range(20)]
    assert await statuses(booking, made_up) == [401] * 20
    assert await booking.occupied() == []


async def test_visitors_made_up_by_a_stolen_key_have_together_what_their_network_has(
    booking: BookingCalls, rows: Rows
) -> None:
    slugs = [f"ana-{n}" for n in range(10)]
    for slug in slugs:
        await rows.therapist(slug)
    calls = [
        booking.ask(TEN + n // 10 % 8 * DAY + n // 80 * HOUR, by=visitor(f"made up {n}"), slug=slugs[n % 10])
        for n in range(199)
    ]
    told = [answer.status_code for answer in await asyncio.gather(*calls)]
    assert (told.count(201), told.count(429)) == (MOST * NETWORKS_MOST, 199 - MOST * NETWORKS_MOST)
    assert (await booking.ask(TEN + 9 * DAY, by=visitor("else", "192.0.2.0/24"), slug="ana-0")).status_code == 201


async def test_a_program_that_names_nobody_is_one_network(booking: BookingCalls, rows: Rows) -> None:
    therapists = [await rows.therapist(f"ana-{n}") for n in range(5)]
    await booking.hold(slug="ana-0")
    [of_nobody] = await booking.occupied()
    assert (of_nobody.visitor, len(of_nobody.network or "")) == (None, 64)
    others = range(1, MOST * NETWORKS_MOST - 1)
    await rows.add(*(_held(therapists[n % 3].id, n, network=of_nobody.network) for n in others))
    assert (await booking.ask(slug="ana-3")).status_code == 201
    refused = await booking.ask(TEN + HOUR, slug="ana-4", by=SITE | {"Visitor": "made up"})
    assert (refused.status_code, problem_of(refused)) == (429, "rate-limited")
    assert "network" in refused.json()["detail"]


async def test_of_a_calendar_visitors_hold_a_fifth_and_the_practice_what_it_likes(
    booking: BookingCalls, rows: Rows, clock: StandingClock
) -> None:
    ana = await rows.therapist("ana", weekly=[{"weekday": "tue", "from": "09:00", "to": "14:00", "types": ["session"]}])
    offered = await booking.slots()
    most = 2 * len(offered) * JourneyPolicy().holds_per_calendar // 100  # two Tuesdays in 14 days
    assert (len(offered), most) == (9, 3)
    free = offered[::2]
    networks = [f"203.0.{n}.0/24" for n in range(9)]  # whoever has the key makes up visitors and networks as they like
    for number in range(most):
        await booking.hold(free[number], by=visitor(number, networks[number]))
        clock.advance(minutes=1)
    refused = await booking.ask(free[most], by=visitor("next", networks[most]))
    assert (refused.status_code, problem_of(refused)) == (429, "rate-limited")
    assert refused.headers["retry-after"] == str((10 - most) * 60)
    me = await booking.sign_in(await booking.person(ana))
    assert (await booking.ask(free[most], by=me)).status_code == 201  # who is known has their own three
    assert (await booking.ask(free[most + 1], by=DESK)).status_code == 201
    clock.advance(minutes=10 - most)
    await booking.hold(free[0], by=visitor("next", networks[most]))


async def test_who_has_few_slots_can_be_held_once(booking: BookingCalls, rows: Rows) -> None:
    await rows.therapist("ana", weekly=[{"weekday": "tue", "from": "09:00", "to": "11:00", "types": ["session"]}])
    first, *_, last = await booking.slots()
    await booking.hold(first, by=visitor("one"))
    assert problem_of(await booking.ask(last, by=visitor("two"))) == "rate-limited"


async def test_somebody_of_the_practice_holds_two_hundred_times_at_once(
    booking: BookingCalls, rows: Rows, clock: StandingClock
) -> None:
    await rows.therapist("ana")
    ben = await rows.therapist("ben")
    await rows.add(
        *(_held(ben.id, n, minutes=3 if n == 7 else 10, made_by="care_team:desk") for n in range(199)),
    )
    await booking.hold(by=DESK)
    later = TEN + HOUR
    refused = await booking.ask(later, by=DESK)
    assert (refused.status_code, problem_of(refused)) == (429, "rate-limited")
    assert refused.headers["retry-after"] == "180"
    assert str(MOST_HOLDS_OF_THE_PRACTICE) in refused.json()["detail"]
    await booking.hold(later)  # each has their own
    clock.advance(minutes=3)
    await booking.hold(later + HALF_HOUR * 2, by=DESK)
    assert problem_of(await booking.ask(later + HALF_HOUR * 4, by=DESK)) == "rate-limited"


def _held(therapist: Any, number: int, *, minutes: int = 10, **more: Any) -> OccupiedTime:
    start: datetime = TEN + timedelta(days=10) + number * HALF_HOUR
    usual: dict[str, Any] = {"made_by": "booking_site:site", "type": AppointmentType.SESSION, "made_at": NOW}
    return OccupiedTime(
        id=uuid4(),
        therapist_id=therapist,
        starts_at=start,
        ends_at=start + HALF_HOUR,
        expires_at=NOW + timedelta(minutes=minutes),
        **usual | more,
    )
