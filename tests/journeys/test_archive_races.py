"""An archive at the same moment as a booking, an outcome or a charge: whoever comes first, all records agree."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pytest

from rules.policy import JourneyPolicy
from tests.journeys.care import Care, Person


@pytest.fixture
def policy() -> JourneyPolicy:
    """A session is charged the moment it is marked: outcome, charge and archive then meet."""
    return JourneyPolicy(charge_after=timedelta(0))


async def after(milliseconds: float, work: Awaitable[Any]) -> Any:
    await asyncio.sleep(milliseconds / 1000)
    return await work


async def client_of_the_desk(care: Care, name: str) -> Person:
    sara = Person(care, {}, name)
    sara.answer = (await care.arrives("care_team", by="desk", name=name, client=sara.details)).answer
    return sara


async def test_an_archive_and_a_booking_at_once(care: Care) -> None:
    await care.therapist()
    people = [await client_of_the_desk(care, f"Sara{number}") for number in range(8)]
    for person in people:
        await person.books("session", by="desk", after=timedelta(days=2))
    times = [await care.slot("ana", "session", after=timedelta(days=9), number=3 * n) for n in range(len(people))]

    async def race(number: int) -> str:
        person, delay = people[number], 20.0 * (number // 2)
        archive, book = person.is_archived(), person.books("session", times[number], by="desk")
        first, second = (archive, book) if number % 2 else (book, archive)
        await asyncio.gather(after(0, first), after(delay, second))
        return str((await person.look())["status"])

    ends = await asyncio.gather(*(race(number) for number in range(len(people))))
    await care.rest()
    assert set(ends) <= {"archived", "active"}
    for person, end in zip(people, ends, strict=True):
        [old, new] = [(await appointment.look())["status"] for appointment in person.appointments]
        facts = [kind for kind in await person.facts() if kind in ("booked", "archived", "unarchived")]
        if end == "archived":  # booked first, and then archived with everything ahead
            assert (old, new) == ("cancelled", "cancelled")
            assert facts == ["booked", "booked", "archived"]
        else:  # archived first, and the booking made active again
            assert (old, new) == ("cancelled", "scheduled")
            assert facts == ["booked", "archived", "unarchived", "booked"]


async def test_an_archive_an_outcome_and_its_charge_at_once(care: Care) -> None:
    await care.therapist()
    people = [await client_of_the_desk(care, f"Sara{number}") for number in range(5)]
    for number, person in enumerate(people):
        await person.books("session", await care.slot("ana", "session", number=2 * number), by="desk")
        await person.completes_forms()
    await care.until(people[-1].session(1).ends_at)

    await asyncio.gather(
        *(
            asyncio.gather(person.session(1).marked("occurred"), after(30.0 * number, person.is_archived()))
            for number, person in enumerate(people)
        )
    )
    await care.pass_time(days=10)

    intents = {pi["metadata"]["payment_id"]: pi["status"] for pi in (await care.stripe())["payment_intents"]}
    ends = []
    for person in people:
        [payment] = await person.payments()
        ends.append(payment["status"])
        at_stripe = intents.pop(payment["id"], None)
        if payment["status"] == "paid":
            assert at_stripe == "succeeded"
        else:
            assert (payment["status"], payment["because"]) == ("cancelled", "archived")
            assert at_stripe in (None, "canceled")
            assert (await person.balance())["owed"] == 12000
        assert (await person.look())["status"] == "archived"
    assert intents == {}
    assert len(await care.charges_at_stripe()) == ends.count("paid")
