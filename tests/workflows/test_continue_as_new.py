"""Workflows that begin a new run every few steps: nothing is lost, nothing happens twice, timers go on.

The bursts run on the ordinary development server, in real time and with times of seconds: the time-skipping server
stops moving once an appointment ends, or begins a new run, whose journey has begun one since.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

import httpx
import pytest
from sqlmodel import col, select
from temporalio.client import WorkflowQueryFailedError

from models.tables.mail.outbox import OutboxItem, OutboxStatus
from rules.policy import SHORTEST_HISTORY, JourneyPolicy
from tests.care.defaults import NO_LIMITS
from tests.care.house import open_house
from tests.care.story import Booked, Care, Person
from tests.journeys.money.amounts import goes_well_again, goes_wrong, payment_of, refunded, refunds_at_stripe
from tests.workflows.conftest import run_of, with_short_histories
from workflows.messages import APPOINTMENT_QUERY, INBOUND_EVENT, OUTBOX_FILLED, AppointmentProgress

BURST = 6
SECOND = timedelta(seconds=1)
SESSION = timedelta(minutes=50)


@pytest.fixture
async def hasty(database_url: str) -> AsyncIterator[Care]:
    """In real time. A session may be marked from its start, and is charged two seconds after that."""
    rules = JourneyPolicy(history_limit=SHORTEST_HISTORY, charge_after=2 * SECOND - SESSION, **NO_LIMITS)
    async with (
        open_house(database_url, rules, real_time=True) as house,
        httpx.AsyncClient(timeout=60, trust_env=False) as http,
    ):
        yield Care(house, http)


async def burst(sara: Person, number: int) -> int:
    """Updates and signals together, until they no longer fit into one run. How many updates were answered and done."""
    before = await run_of(sara.journey)
    path = f"/v1/clients/{sara.id}"
    for round in range(1, 8):
        states = [f"state {number}.{round}.{line}" for line in range(BURST)]
        await asyncio.gather(
            *(sara.care.call("PATCH", path, {"state": state}, by="desk", expect=200) for state in states),
            *(sara.journey.signal(INBOUND_EVENT, f"evt_unknown_{line}") for line in range(BURST)),
        )
        assert (await sara.look())["state"] in states
        if await run_of(sara.journey) != before:
            return BURST * round
    raise AssertionError("the journey did not continue as new")


async def until(look: Callable[[], Awaitable[object]], wanted: object) -> None:
    """Wait, for ten seconds at most, until ``look`` gives what is wanted."""
    found = await look()
    for _ in range(100):
        if found == wanted:
            return
        await asyncio.sleep(0.1)
        found = await look()
    assert found == wanted


async def soon(care: Care) -> datetime:
    """Late enough that a mail about it goes out before: once it has begun, nobody wants to be told of its time."""
    return (await care.now() + 8 * SECOND).replace(microsecond=0)


async def confirmed(person: Person, number: int) -> None:
    """Wait until so many bookings were confirmed: later mails about one wait, up to half a minute, for a mail about it
    that is on its way."""

    async def confirmations() -> int:
        return (await person.care.mail_counts(to=person.email))["booking_confirmation"]

    await until(confirmations, number)


async def begins(session: Booked) -> None:
    """Wait for its start."""
    await asyncio.sleep((session.starts_at - await session.person.care.now() + SECOND).total_seconds())


async def known_by(session: Booked) -> AppointmentProgress:
    """What its workflow answers, once a run that has just begun has read the rows."""
    async with asyncio.timeout(10):
        while True:
            try:
                told: AppointmentProgress = await session.workflow.query(
                    APPOINTMENT_QUERY, result_type=AppointmentProgress
                )
            except WorkflowQueryFailedError:
                await asyncio.sleep(0.1)
            else:
                return told


async def test_a_journey_continues_as_new_in_every_stage_with_messages_arriving(hasty: Care) -> None:
    care = hasty
    await care.therapist("ana", licensed_in=["CA"])
    sara = await care.arrives("matching_form", client={"first_name": "Sara", "email": "sara@example.com"})
    stages: list[str] = []
    updates = 0

    async def here() -> None:
        nonlocal updates
        stages.append(await sara.stage())
        updates += await burst(sara, len(stages))

    await here()
    match = {"therapist": "ana", "reason": "by telephone"}
    await care.call("PUT", f"/v1/clients/{sara.id}/match", match, by="desk", expect=200)
    await here()
    [call] = await sara.books("intro_call")
    await here()
    await care.rest()
    await sara.activates()
    await here()
    await sara.completes_forms()
    await here()
    await call.cancelled()
    await here()
    [session] = await sara.books("session")
    await confirmed(sara, 2)
    await session.moved(await soon(care), by="desk")

    async def moves() -> int:
        return (await care.mail_counts(to=sara.email))["appointment_rescheduled"]

    await until(moves, 1)
    await begins(session)
    await session.marked("occurred")
    await here()

    async def receipts() -> int:
        return (await care.mail_counts())["receipt"]

    await until(receipts, 1)
    await sara.is_archived()
    await here()
    await sara.is_unarchived()

    names = ["matching", "first_booking", "activation", "intake", "intro_call", "scheduling", "in_care", "archived"]
    assert stages == names

    async def mails() -> Counter[str]:
        return await care.mail_counts(to=sara.email)

    wanted = Counter(
        we_will_get_back=1,
        welcome=1,
        booking_confirmation=2,
        forms_requested=1,
        appointment_cancelled=1,
        appointment_rescheduled=1,
        receipt=1,
    )
    await until(mails, wanted)
    assert await care.charges_at_stripe() == [12000]
    assert await sara.stage() == "in_care"
    # One change was said at the start, one with each burst's updates, and one with the first booking.
    assert (await sara.facts()).count("details_changed") == 2 + updates
    assert (await care.get(f"/v1/clients/{sara.id}/timeline/verify"))["valid"] is True


async def test_an_appointment_continues_as_new_while_it_is_moved_about_and_is_charged_once(hasty: Care) -> None:
    care = hasty
    await care.therapist()
    sara = Person(care, {}, "Sara")
    sara.answer = (await care.arrives("care_team", by="desk", client=sara.details)).answer
    await sara.completes_forms()
    start = (await care.now()).replace(microsecond=0) + timedelta(days=1)
    [session] = await sara.books("session", start, by="desk")
    await confirmed(sara, 1)
    before = await run_of(session.workflow)
    times = [start + timedelta(hours=number) for number in range(1, BURST + 1)]
    await asyncio.gather(*(session.moved(instant, by="desk") for instant in times))
    assert await run_of(session.workflow) != before
    seen = await known_by(session)
    assert seen.starts_at == datetime.fromisoformat((await session.look())["starts_at"])
    assert seen.starts_at in times

    await session.moved(await soon(care), by="desk")

    async def told() -> int:
        return (await care.mail_counts(to=sara.email))["appointment_rescheduled"]

    await until(told, BURST + 1)
    await begins(session)
    await asyncio.gather(*(session.marked("occurred") for _ in range(BURST)))
    await session.workflow.result()
    assert await care.charges_at_stripe() == [12000]
    assert (await sara.payment_facts()) == ["scheduled", "processing", "paid"]
    assert (await care.mail_counts(to=sara.email))["receipt"] == 1


async def test_a_refund_that_stripe_does_not_answer_holds_up_no_run_and_is_made_once(hasty: Care) -> None:
    care = hasty
    await care.therapist()
    sara = Person(care, {}, "Sara")
    sara.answer = (await care.arrives("care_team", by="desk", client=sara.details)).answer
    await sara.completes_forms()
    soon = (await care.now()).replace(microsecond=0) + 2 * SECOND
    [session] = await sara.books("session", soon, by="desk")
    await care.rest()
    await session.marked("occurred")
    await session.workflow.result()

    await goes_wrong(care, {"kind": "lost_request", "call": "refunds.create", "times": 1000})
    payment = (await payment_of(session))["id"]
    refund, updates = await asyncio.gather(refunded(care, payment, 5000), burst(sara, 1))
    assert (refund["status"], updates > 0) == ("pending", True)
    for number in range(2, 5):
        await burst(sara, number)
    await goes_well_again(care)
    await _next_try_comes(sara)

    async def made() -> list[str]:
        return [fact for fact in await sara.facts() if fact == "refund_made"]

    await until(made, ["refund_made"])
    assert await refunds_at_stripe(care) == [(5000, "succeeded")]
    assert (await payment_of(session))["refunded"] == 5000


async def _next_try_comes(person: Person) -> None:
    """What was put off for a minute is due now."""
    async with person.care.house.sessions.begin() as session:
        waiting = col(OutboxItem.client_id) == UUID(person.id), col(OutboxItem.status) == OutboxStatus.WAITING
        [put_off] = await session.exec(select(OutboxItem).where(*waiting))
        put_off.next_try_at = await person.care.now()
    await person.journey.signal(OUTBOX_FILLED)


async def test_timers_go_on_from_run_to_run(care: Care) -> None:
    await care.therapist()
    sara = await care.arrives()
    await sara.books("session", after=timedelta(days=5))
    await with_short_histories(care, sara)
    for day in range(8):
        await burst(sara, day)
        await care.pass_time(days=1)
    assert await care.mail_counts(to=sara.email) == Counter(
        welcome=1,
        booking_confirmation=1,
        forms_requested=1,
        activation_reminder=2,
        forms_reminder=3,
        appointment_reminder=2,
    )
    assert (await care.mail_counts(to="ana@practice.example"))["mark_outcome"] == 1
    assert [task["kind"] for task in await care.tasks()] == ["outcome_missing"]
    assert (await sara.facts()).count("outcome_breach") == 1
