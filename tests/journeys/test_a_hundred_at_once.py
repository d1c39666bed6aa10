"""A hundred clients at once, from the form to a charged session."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta

import pytest

from rules.policy import JourneyPolicy
from tests.care.defaults import NO_LIMITS
from tests.care.story import Care, Person

CLIENTS = 100
THERAPISTS = 10


@pytest.fixture
def policy() -> JourneyPolicy:
    """No reminders: this is about times and money, and reminders are most of the work."""
    return JourneyPolicy(activation_reminders=(), forms_reminders=(), appointment_reminders=(), **NO_LIMITS)


@pytest.mark.crowd
@pytest.mark.timeout(480)
async def test_a_hundred_journeys_started_at_once_are_each_charged_once(care: Care) -> None:
    slugs = [f"t{number}" for number in range(THERAPISTS)]
    for slug in slugs:
        await care.therapist(slug, settings={"session": {"buffer_after": 0}}, intro_calls="off", concerns=["anxiety"])

    async def arrive(number: int) -> Person:
        person = await care.arrives("matching_form", name=f"Client{number}")
        assert person.answer["match"] is not None
        return person

    people = await asyncio.gather(*(arrive(number) for number in range(CLIENTS)))
    assigned = Counter(person.answer["match"]["therapist"] for person in people)
    assert sum(assigned.values()) == CLIENTS
    assert max(assigned.values()) <= 50  # nobody above the caseload limit

    # Clients of one therapist want the same hours in pairs: one of two gets it, the other takes an alternative.
    hours = {slug: await care.slots(slug, "session", after=timedelta(hours=13)) for slug in slugs}
    wishes = {person.id: hours[slug][place // 2] for slug in slugs for place, person in enumerate(_of(people, slug))}

    at_the_counter = asyncio.Semaphore(20)  # one process plays every part here; more at a time would only wait

    async def book(person: Person) -> None:
        async with at_the_counter:
            await book_and_give_a_card(person)

    async def book_and_give_a_card(person: Person) -> None:
        start = wishes[person.id]
        while True:
            answer = await care.call("POST", f"/v1/clients/{person.id}/appointments", person.booking("session", start))
            if answer.status_code == 201:
                break
            assert answer.status_code == 409, answer.text
            assert answer.json()["type"].endswith("/slot-taken")
            start = datetime.fromisoformat(answer.json()["alternatives"][-1]["starts_at"])
        person.books_at(answer.json())
        await person.gives_card()

    await asyncio.gather(*(book(person) for person in people))
    taken = Counter((p.answer["match"]["therapist"], p.session(1).starts_at) for p in people)
    assert max(taken.values()) == 1, "two clients have one time"

    last = max(person.session(1).ends_at for person in people)
    await care.until(last)

    async def mark(person: Person) -> None:
        async with at_the_counter:
            await person.session(1).marked("occurred")

    await asyncio.gather(*(mark(person) for person in people))
    await care.pass_time(hours=25)

    assert await care.charges_at_stripe() == [12000] * CLIENTS
    by_client = Counter(pi["metadata"]["client_id"] for pi in (await care.stripe())["payment_intents"])
    assert by_client == Counter(person.id for person in people)
    payments = [payment for person in people for payment in await person.payments()]
    assert [payment["status"] for payment in payments] == ["paid"] * CLIENTS
    assert (await care.mail_counts())["receipt"] == CLIENTS


def _of(people: list[Person], slug: str) -> list[Person]:
    return [person for person in people if person.answer["match"]["therapist"] == slug]
