"""Webhooks that go missing, come twice, late, or in another order than things happened."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from rules.money.webhook_signature import verify_webhook
from sandbox.app import create_app
from sandbox.store import Store
from tests.sandbox.receiver import receiver

SECRET = "whsec_tests"
CONFIRMED = {"amount": "5000", "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"}
CREATED, SUCCEEDED = "payment_intent.created", "payment_intent.succeeded"


class StandingClock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.at = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)

    async def now(self) -> datetime:
        return self.at


class Town:
    """The stand-in in this process, on a clock that stands still, and a receiver of its webhooks."""

    def __init__(self, api: httpx.AsyncClient, clock: StandingClock) -> None:
        self.api = api
        self.clock = clock
        self.came: list[tuple[str, str]] = []  # type, and id of what it is about
        self.ages: list[timedelta] = []  # from what happened to the signature
        self.busy = False

    async def receive(self, body: bytes, headers: dict[str, str]) -> int:
        if self.busy:
            return 503
        event = verify_webhook(payload=body, header=headers["stripe-signature"], secret=SECRET, now=self.clock.at)
        self.came.append((event.type, event.object["id"]))
        self.ages.append(self.clock.at - datetime.fromtimestamp(event.created, UTC))
        return 200

    async def arrange(self, *faults: dict[str, Any]) -> None:
        (await self.api.post("/stripe/_faults", json=list(faults))).raise_for_status()

    async def pay(self) -> str:
        answer = await self.api.post("/stripe/v1/payment_intents", data=CONFIRMED)
        answer.raise_for_status()
        return str(answer.json()["id"])

    async def release(self) -> list[str]:
        released: list[str] = (await self.api.post("/stripe/_webhooks/release")).json()["released"]
        return released

    async def statuses(self) -> list[tuple[str, int]]:
        rows = (await self.api.get("/stripe/_state")).json()["deliveries"]
        return [(row["status"], row["attempts"]) for row in rows]


@asynccontextmanager
async def a_town(state: Path | None = None, clock: StandingClock | None = None) -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        clock = clock or StandingClock()
        store = Store(state)
        stack.callback(store.close)
        app = create_app(store=store, clock=clock)
        api = await stack.enter_async_context(
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app),
                base_url="http://stand-in",
                headers={"Authorization": "Bearer sk_test_x"},
                timeout=10,
            )
        )
        town = Town(api, clock)
        url = await stack.enter_async_context(receiver(town.receive))
        app.state.webhooks.register(url=url, secret=SECRET, events=[CREATED, SUCCEEDED])
        await stack.enter_async_context(app.router.lifespan_context(app))
        yield town


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with a_town() as town:
        yield town


async def test_one_goes_missing(town: Town) -> None:
    await town.arrange({"kind": "webhook_dropped", "event": SUCCEEDED})
    first, second = await town.pay(), await town.pay()
    assert town.came == [(CREATED, first), (CREATED, second), (SUCCEEDED, second)]
    assert await town.release() == []
    assert (await town.statuses())[:2] == [("delivered", 1), ("dropped", 0)]


async def test_one_comes_twice(town: Town) -> None:
    await town.arrange({"kind": "webhook_doubled", "event": "payment_intent.*"})
    paid = await town.pay()
    assert town.came == [(CREATED, paid), (CREATED, paid), (SUCCEEDED, paid)]
    assert await town.statuses() == [("delivered", 2), ("delivered", 1)]


async def test_one_is_held_until_it_is_released(town: Town) -> None:
    await town.arrange({"kind": "webhook_late", "event": SUCCEEDED})
    first, second = await town.pay(), await town.pay()
    town.clock.at += timedelta(days=3)
    assert town.came == [(CREATED, first), (CREATED, second), (SUCCEEDED, second)]
    assert (await town.statuses())[1] == ("held", 0)
    assert len(await town.release()) == 1
    assert town.came[-1] == (SUCCEEDED, first)
    assert town.ages[-1] == timedelta(days=3)  # signed when it is sent, as Stripe does
    assert (await town.statuses())[1] == ("delivered", 1)
    assert await town.release() == []


async def test_one_is_held_for_a_time_on_the_stand_ins_clock(town: Town) -> None:
    await town.arrange({"kind": "webhook_late", "event": SUCCEEDED, "seconds": 3600})
    paid = await town.pay()
    town.clock.at += timedelta(seconds=3599)
    await town.api.get(f"/stripe/v1/payment_intents/{paid}")
    assert town.came == [(CREATED, paid)]
    town.clock.at += timedelta(seconds=1)
    await town.api.get(f"/stripe/v1/payment_intents/{paid}")
    assert town.came == [(CREATED, paid), (SUCCEEDED, paid)]


async def test_what_is_due_comes_although_nobody_asks(town: Town) -> None:
    await town.arrange({"kind": "webhook_late", "event": SUCCEEDED, "seconds": 60})
    paid = await town.pay()
    town.clock.at += timedelta(hours=1)
    async with asyncio.timeout(30):
        while len(town.came) < 2:
            await asyncio.sleep(0.02)
    assert town.came == [(CREATED, paid), (SUCCEEDED, paid)]


async def test_two_of_one_call_change_places(town: Town) -> None:
    await town.arrange({"kind": "webhook_reordered", "event": CREATED})
    paid = await town.pay()
    assert town.came == [(SUCCEEDED, paid), (CREATED, paid)]


async def test_the_last_of_a_call_comes_behind_the_next_ones_first(town: Town) -> None:
    await town.arrange({"kind": "webhook_reordered", "event": SUCCEEDED})
    first = await town.pay()
    assert town.came == [(CREATED, first)]
    second = await town.pay()
    assert town.came == [(CREATED, first), (CREATED, second), (SUCCEEDED, first), (SUCCEEDED, second)]


async def test_one_that_nothing_overtakes_can_be_released(town: Town) -> None:
    await town.arrange({"kind": "webhook_reordered", "event": SUCCEEDED})
    paid = await town.pay()
    await town.release()
    assert town.came == [(CREATED, paid), (SUCCEEDED, paid)]


async def test_the_events_of_one_object_alone_can_be_meant(town: Town) -> None:
    made = await town.api.post("/stripe/v1/payment_intents", data={"amount": "5000", "currency": "usd"})
    meant = made.json()["id"]
    await town.arrange({"kind": "webhook_dropped", "event": "*", "object": meant})
    other = await town.pay()
    await town.api.post(f"/stripe/v1/payment_intents/{meant}/confirm", data={"payment_method": "pm_card_visa"})
    assert town.came == [(CREATED, meant), (CREATED, other), (SUCCEEDED, other)]


async def test_what_is_held_is_still_held_after_a_restart(tmp_path: Path) -> None:
    state, clock = tmp_path / "state.db", StandingClock()
    async with a_town(state, clock) as before:
        await before.arrange(
            {"kind": "webhook_late", "event": CREATED},
            {"kind": "webhook_late", "event": SUCCEEDED, "seconds": 60},
            {"kind": "webhook_reordered", "event": SUCCEEDED},
        )
        first, second = await before.pay(), await before.pay()
        assert before.came == [(CREATED, second)]
    clock.at += timedelta(hours=1)
    async with a_town(state, clock) as after:
        await after.api.get(f"/stripe/v1/payment_intents/{first}")
        assert after.came == [(SUCCEEDED, first)]
        await after.release()
        assert after.came[1:] == [(CREATED, first), (SUCCEEDED, second)]


async def test_a_receiver_in_trouble_gets_what_was_held_later(town: Town) -> None:
    await town.arrange({"kind": "webhook_late", "event": SUCCEEDED})
    paid = await town.pay()
    town.busy = True
    await town.release()
    assert (await town.statuses())[1] == ("pending", 1)
    town.busy = False
    async with asyncio.timeout(30):
        while len(town.came) < 2:
            await asyncio.sleep(0.02)
    assert town.came[-1] == (SUCCEEDED, paid)


async def test_a_failure_after_still_tells_what_was_done(town: Town) -> None:
    await town.arrange({"kind": "error_after", "call": "payment_intents.create"})
    assert (await town.api.post("/stripe/v1/payment_intents", data=CONFIRMED)).status_code == 500
    assert [type_ for type_, _ in town.came] == [CREATED, SUCCEEDED]


async def test_the_list_of_events_knows_what_never_came(town: Town) -> None:
    await town.arrange({"kind": "webhook_dropped", "event": "payment_intent.*", "times": 2})
    paid = await town.pay()
    assert town.came == []
    listed = (await town.api.get("/stripe/v1/events", params={"type": "payment_intent.*"})).json()["data"]
    assert [(row["type"], row["data"]["object"]["id"]) for row in listed] == [(SUCCEEDED, paid), (CREATED, paid)]
    assert json.dumps(listed[0]["data"])  # whole, as it would have come
