"""Money in stories: what the practice decides, what the bank does, and how a client's money stands after it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx

from tests.care.defaults import Json
from tests.care.story import Booked, Care, Person

FEE = 12000


# ------------------------------------------------------------ what the practice decides


async def granted(person: Person, amount: int, *, reason: str = "a fault of ours") -> Json:
    body = {"amount": amount, "currency": "USD", "reason": reason}
    return await person.care.post(f"/v1/clients/{person.id}/credits", body, by="desk")


async def refunded(
    care: Care, payment: str, amount: int | None = None, *, to: str = "card", by: str = "desk", **more: Any
) -> Json:
    body: Json = {"to": to, "reason": "a mistake"} | ({} if amount is None else {"amount": amount})
    return await care.post(f"/v1/payments/{payment}/refund", body, by=by, **more)


async def let_go(care: Care, payment: str, how: str, *, by: str = "desk", reason: str = "hardship") -> Json:
    """``how`` is ``waive`` or ``write-off``."""
    return await care.post(f"/v1/payments/{payment}/{how}", {"reason": reason}, by=by, expect=200)


async def retried(care: Care, payment: str, *, by: str = "desk") -> Json:
    view = await care.post(f"/v1/payments/{payment}/retry", by=by, expect=202)
    await care.rest()
    return view


async def not_open(care: Care, payment: str, what: str, **body: Any) -> str:
    """It is refused, and why."""
    said = body or ({} if what == "retry" else {"reason": "hardship"})
    problem = await care.refused("POST", f"/v1/payments/{payment}/{what}", said, by="desk", name="payment-not-open")
    return str(problem["detail"])


# ------------------------------------------------------------ what the bank does


async def bank(care: Care, path: str, body: Any, *, method: str = "POST") -> Any:
    return await care.at_stripe.ask(method, path, body)


async def disputed(care: Care, booked: Booked, *, reason: str = "fraudulent") -> str:
    """The client asks the bank for the money back."""
    return await care.at_stripe.disputed(await intent_of(care, booked), reason)


async def goes_wrong(care: Care, *faults: Json) -> None:
    await bank(care, "_faults", list(faults))


async def goes_well_again(care: Care) -> None:
    await bank(care, "_faults", None, method="DELETE")


async def while_stripe_is_away(care: Care, call: str, ask: Any, *, waits: float = 10) -> Any:
    """Somebody asks, and Stripe cannot be reached for as long as a person would wait: the answer all the same."""
    await goes_wrong(care, {"kind": "lost_request", "call": call, "times": 100_000})
    asked = asyncio.ensure_future(ask)
    while not asked.done():
        await asyncio.sleep(0.2)  # of real time: the request must have come in before the clock moves
        await care.house.clock.advance(timedelta(seconds=waits))
    return await asked


async def pays_at_the_link(care: Care, asked: Json, *, card: str) -> httpx.Response:
    """What a browser does that opened the pay link a while ago: Stripe is asked directly, with what it was given."""
    return await care.at_stripe.confirms(asked["payment_intent"], secret=asked["client_secret"], card=card)


# ------------------------------------------------------------ how it stands


async def payment_of(booked: Booked, *, by: str = "desk") -> Json:
    return dict((await booked.look(by=by))["payment"])


async def intent_of(care: Care, booked: Booked) -> str:
    """The PaymentIntent of an appointment's payment, the newest if there were more."""
    payment = (await payment_of(booked))["id"]
    return str((await care.at_stripe.intents_of(payment))[-1]["id"])


async def intents(care: Care) -> list[tuple[int, str]]:
    """Amount and status of every PaymentIntent, oldest first."""
    return await care.at_stripe.intents()


async def refunds_at_stripe(care: Care) -> list[tuple[int, str]]:
    return await care.at_stripe.refunds()


async def balance(person: Person) -> tuple[int, int]:
    """Credit and debt."""
    view = await person.balance()
    return view["credit"], view["owed"]


async def task_kinds(care: Care) -> list[str]:
    return sorted(task["kind"] for task in await care.tasks())


async def fact(person: Person, kind: str) -> Json:
    """The newest fact of that kind."""
    return [told for told in await person.timeline() if told["kind"] == kind][-1]
