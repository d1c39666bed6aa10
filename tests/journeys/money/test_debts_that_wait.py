"""A debt that cannot be settled now is waited for, at the cost of nothing."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from ops.restored import mark_restored
from rules.enums import TaskKind
from tests.care.story import Booked, Care, Person
from tests.journeys.money.amounts import payment_of

A_WHILE = 3  # seconds of real time, in which a journey that waits for nothing could do hundreds of things


async def owes(care: Care) -> tuple[Person, Booked]:
    """A client whose fee became a debt, and whose bank would pay it now."""
    sara = await care.client_in_care()
    await sara.bank_says("insufficient_funds")
    await sara.session(1).occurs()
    await care.until(sara.session(1).ends_at + timedelta(hours=48, minutes=1))
    await sara.bank_says(None)
    return sara, sara.session(1)


async def tried_again(care: Care, session: Booked) -> None:
    payment = await payment_of(session)
    assert payment["status"] == "owed"
    await care.post(f"/v1/payments/{payment['id']}/retry", by="desk", expect=202)


async def steps_of(person: Person) -> Counter[str]:
    """Ordinary activities by name, and the markers of local ones."""
    found: Counter[str] = Counter()
    async for event in person.journey.fetch_history_events():
        if event.HasField("marker_recorded_event_attributes"):
            found["local"] += 1
        if event.HasField("activity_task_scheduled_event_attributes"):
            found[event.activity_task_scheduled_event_attributes.activity_type.name] += 1
    return found


async def test_after_a_restore_it_waits_for_the_comparison(care: Care) -> None:
    sara, session = await owes(care)
    await mark_restored(care.house.sessions, at=await care.now())
    before = await steps_of(sara)
    await tried_again(care, session)
    await asyncio.sleep(A_WHILE)
    assert sum((await steps_of(sara) - before).values()) <= 4
    assert await care.charges_at_stripe() == []
    await care.post("/v1/keepings?wait=60", by="desk", expect=200)  # has Stripe compared
    await care.pass_time(minutes=6)
    assert (await payment_of(session))["status"] == "paid"
    assert await care.charges_at_stripe() == [12000]


async def test_a_step_that_is_broken_is_tried_again_after_an_hour(care: Care, monkeypatch: pytest.MonkeyPatch) -> None:
    sara, session = await owes(care)
    gateway = care.house.dependencies.payments

    async def broken(*_: Any, **__: Any) -> Any:
        message = "a bug"
        raise ValueError(message)

    monkeypatch.setattr(gateway, "confirm_intent", broken)
    before = await steps_of(sara)
    await tried_again(care, session)
    await asyncio.sleep(A_WHILE)
    assert (await steps_of(sara) - before)["try_payment"] == 1
    assert TaskKind.STEP_FAILED in {task["kind"] for task in await care.tasks()}
    monkeypatch.undo()
    await care.pass_time(minutes=59)
    assert (await steps_of(sara) - before)["try_payment"] == 1
    await care.pass_time(minutes=2)
    assert (await payment_of(session))["status"] == "paid"
