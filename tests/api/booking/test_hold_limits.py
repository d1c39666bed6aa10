"""How many times can be held at once: five by a client, two hundred by a program."""

import asyncio
from datetime import timedelta
from uuid import uuid4

from models.tables import OccupiedTime
from rules.enums import AppointmentType
from tests.api.booking.calls import HALF_HOUR, TEN, BookingCalls
from tests.api.conftest import DESK, SITE, StandingClock, problem_of
from tests.care.rows import NOW, Rows


async def test_a_client_holds_five_times_at_once(booking: BookingCalls, rows: Rows, clock: StandingClock) -> None:
    ana, _ = await rows.therapist("ana"), await rows.therapist("ben")
    sara = await booking.person(ana)
    me = await booking.sign_in(sara)
    days = [TEN + timedelta(days=n) for n in range(9)]
    first = await booking.hold(days[0], by=me)
    clock.advance(minutes=4, seconds=0.7)
    second = await booking.hold(days[1], by=me, slug="ben")  # whomever with
    for day in days[2:5]:
        await booking.hold(day, by=me)

    refused = await booking.ask(days[5], by=me)
    assert (refused.status_code, problem_of(refused)) == (429, "rate-limited")
    assert refused.headers["retry-after"] == "360"  # then the first has run out, and not a moment before
    assert "5" in refused.json()["detail"]
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


async def test_a_client_who_asks_everywhere_at_once_gets_five_all_the_same(booking: BookingCalls, rows: Rows) -> None:
    slugs = [f"ana-{n}" for n in range(12)]
    therapists = [await rows.therapist(slug) for slug in slugs]
    me = await booking.sign_in(await booking.person(therapists[0]))
    answers = await asyncio.gather(*(booking.ask(by=me, slug=slug) for slug in slugs))
    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [429] * 7
    assert len(await booking.occupied()) == 5


async def test_a_key_holds_two_hundred_times_at_once(booking: BookingCalls, rows: Rows, clock: StandingClock) -> None:
    await rows.therapist("ana")
    ben = await rows.therapist("ben")
    start = TEN + timedelta(days=10)
    others = [
        OccupiedTime(
            id=uuid4(),
            therapist_id=ben.id,
            type=AppointmentType.SESSION,
            starts_at=start + n * HALF_HOUR,
            ends_at=start + (n + 1) * HALF_HOUR,
            made_by="booking_site:site",
            made_at=NOW,
            expires_at=NOW + timedelta(minutes=3 if n == 7 else 10),
        )
        for n in range(199)
    ]
    await rows.add(*others)
    await booking.hold()
    later = TEN + timedelta(hours=1)
    refused = await booking.ask(later)
    assert (refused.status_code, problem_of(refused)) == (429, "rate-limited")
    assert refused.headers["retry-after"] == "180"
    assert "200" in refused.json()["detail"]
    await booking.hold(later, by=DESK)  # each key has its own
    assert problem_of(await booking.ask(later + HALF_HOUR * 2)) == "rate-limited"
    clock.advance(minutes=3)
    await booking.hold(later + HALF_HOUR * 2)
    assert problem_of(await booking.ask(later + HALF_HOUR * 4)) == "rate-limited"
    assert (await booking.release(others[0].id)).status_code == 204
    await booking.hold(later + HALF_HOUR * 4)
