"""An appointment whose workflow is ended, at whatever stage, and started with its id alone: as if nothing had been."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.care.story import Care, Person
from tests.journeys.money.amounts import goes_well_again, goes_wrong, payment_of, pays_at_the_link
from workflows.messages import APPOINTMENT_JOURNEY, TASK_QUEUE, AppointmentInput

FEE = 12000
SOFT = "insufficient_funds"


async def at_the_same_time(care: Care) -> tuple[Person, Person]:
    """Two clients of two therapists, each with a session at the same time."""
    people = []
    for name, therapist in (("Sara", "ana"), ("Tom", "ben")):
        await care.therapist(therapist)
        person = await care.arrives(therapist=therapist, name=name)
        await person.books("intro_call")
        await care.rest()
        await person.activates()
        await person.completes_forms()
        people.append(person)
    for person in people:
        await person.appointments[0].occurs()
        person.appointments.clear()
    start = await care.slot("ana", "session", after=timedelta(days=5))
    for person in people:
        await person.books("session", start)
    await care.rest()
    return people[0], people[1]


async def is_ended_and_started_again(care: Care, person: Person) -> None:
    """Between two steps, by a wrong click; whoever notices starts it by its id."""
    booked = person.session(1)
    await care.rest()
    await booked.workflow.terminate("a wrong click")
    await care.house.engine.start_workflow(
        APPOINTMENT_JOURNEY, AppointmentInput(appointment_id=booked.id), id=booked.workflow.id, task_queue=TASK_QUEUE
    )
    await care.rest()


async def told(care: Care, person: Person) -> dict[str, Any]:
    """What became of it, but for ids and names."""
    return {
        "mails": await care.mail_counts(to=person.email),
        "facts": Counter(await person.facts()),
        "payments": [(one["status"], one["attempts"]) for one in await person.payments()],
        "balance": (await person.balance())["owed"],
    }


@pytest.mark.parametrize("stage", ["ahead", "running", "unmarked", "marked", "failed", "never paid"])
async def test_an_appointment_goes_on_from_its_rows(care: Care, stage: str) -> None:
    both = sara, twin = await at_the_same_time(care)
    starts, ends = sara.session(1).starts_at, sara.session(1).ends_at

    async def pass_until(name: str) -> None:
        if name == stage or (name, stage) == ("failed", "never paid"):
            await is_ended_and_started_again(care, sara)

    await pass_until("ahead")
    await care.until(starts + timedelta(minutes=5))
    await pass_until("running")
    await care.until(ends + timedelta(hours=30 if stage == "unmarked" else 1))
    await pass_until("unmarked")
    for one in both:
        if stage in ("failed", "never paid"):
            await one.bank_says(SOFT)
        await one.session(1).marked("occurred")
    await pass_until("marked")
    await care.until(ends + timedelta(hours=31 if stage == "unmarked" else 25))
    await pass_until("failed")
    if stage == "failed":
        for one in both:
            await one.bank_says(None)
    await care.until(ends + timedelta(hours=60))
    await care.pass_time(days=30)

    after = await told(care, sara)
    assert after == await told(care, twin)
    assert [status for status, _ in after["payments"]] == ["owed" if stage == "never paid" else "paid"]
    assert await care.charges_at_stripe() == ([] if stage == "never paid" else [FEE, FEE])


async def until_it_is_due(care: Care, both: tuple[Person, Person]) -> datetime:
    """Their sessions took place; a moment before the cards are charged. When that is."""
    due: datetime = both[0].session(1).ends_at + timedelta(hours=24)
    await care.until(due - timedelta(hours=23))
    for one in both:
        await one.session(1).marked("occurred")
    return due


async def test_a_payment_that_waits_for_its_client_waits_on(care: Care) -> None:
    both = sara, twin = await at_the_same_time(care)
    for one in both:
        await one.bank_says("authentication_required")
    due = await until_it_is_due(care, both)
    await care.until(due + timedelta(minutes=1))
    assert (await payment_of(sara.session(1)))["status"] == "requires_action"
    await is_ended_and_started_again(care, sara)
    for one in both:
        payment = await payment_of(one.session(1))
        asked = await care.post(f"/v1/payments/{payment['id']}/confirmation", expect=200)
        await pays_at_the_link(care, asked, card="pm_card_visa")
        await care.rest()
    await care.pass_time(days=30)

    after = await told(care, sara)
    assert after == await told(care, twin)
    assert [status for status, _ in after["payments"]] == ["paid"]
    assert await care.charges_at_stripe() == [FEE, FEE]


@pytest.mark.crowd  # a minute long
async def test_a_try_that_was_begun_is_carried_through(care: Care) -> None:
    """Ended between start and finish, while Stripe is away."""
    both = sara, twin = await at_the_same_time(care)
    due = await until_it_is_due(care, both)
    await goes_wrong(care, {"kind": "lost_request", "call": "payment_intents.confirm", "times": 1000})
    await care.until(due + timedelta(minutes=1))
    assert (await payment_of(sara.session(1)))["status"] == "processing"
    await is_ended_and_started_again(care, sara)
    await goes_well_again(care)
    await care.pass_time(days=30)

    after = await told(care, sara)
    assert after == await told(care, twin)
    assert after["payments"] == [("paid", 1)]
    assert await care.charges_at_stripe() == [FEE, FEE]
