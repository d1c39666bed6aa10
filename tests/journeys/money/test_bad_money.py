"""Wrong requests about money: refused by name, and not a cent moved, here or at Stripe."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from rules.money.webhook_signature import signature
from tests.care.defaults import WEBHOOK_SECRET, Json
from tests.care.story import Care, Person
from tests.journeys.money.amounts import granted, payment_of
from tests.journeys.refused import Bad, field_by_field, nothing_comes_of, seen

NOBODY = "00000000-0000-4000-8000-000000000000"
TEXTS: list[Any] = ["", "   ", None, 5, "x" * 501, "a\u0000b", ["because"]]
AMOUNTS: list[Any] = [0, -1, 1.5, "12", True, 10**30, [100], {}]


@pytest.fixture
async def sara(care: Care) -> Person:
    """A client in care: one session was paid, in part by credit; one payment has failed; one session is ahead."""
    person = await care.client_in_care(sessions=3)
    await granted(person, 2000)
    first, second, _ = person.appointments
    await first.occurs()
    await care.until(first.ends_at + timedelta(hours=25))
    await person.bank_says("expired_card")
    await second.occurs()
    await care.until(second.ends_at + timedelta(hours=25))
    await granted(person, 300)
    assert [payment["status"] for payment in await person.payments()] == ["paid", "failed"]
    return person


async def test_wrong_bodies(care: Care, sara: Person) -> None:
    paid, failed = [(await payment_of(session))["id"] for session in sara.appointments[:2]]
    ahead = sara.session(3)

    def requests() -> Iterator[Bad]:
        yield from field_by_field(
            f"/v1/payments/{paid}/refund",
            {"amount": 100, "to": "card", "reason": "a mistake"},
            {"amount": AMOUNTS, "to": ["bank", None, "", 1], "reason": TEXTS, "currency": ["USD"]},
            by="desk",
        )
        yield from field_by_field(
            f"/v1/clients/{sara.id}/credits",
            {"amount": 100, "currency": "USD", "reason": "a fault"},
            {
                "amount": [*AMOUNTS, None],
                "currency": ["EUR", "US", "DOLLARS", None, 5],
                "reason": TEXTS,
                "source": ["refund"],
            },
            by="desk",
        )
        for what in ("waive", "write-off"):
            yield from field_by_field(
                f"/v1/payments/{failed}/{what}",
                {"reason": "hardship"},
                {"reason": TEXTS, "amount": [100]},
                by="desk",
            )
            yield Bad("POST", f"/v1/payments/{failed}/{what}", {}, "reason", by="desk")
        yield Bad("POST", f"/v1/payments/{failed}/write-off", {"reason": "x"}, None, by="desk",
                  name="payment-not-open", status=409)  # fmt: skip
        for what in ("waive", "write-off"):
            yield Bad("POST", f"/v1/payments/{paid}/{what}", {"reason": "x"}, None, by="desk",
                      name="payment-not-open", status=409)  # fmt: skip
        yield Bad("POST", f"/v1/payments/{paid}/retry", None, None, by="desk", name="payment-not-open", status=409)
        outcome = f"/v1/appointments/{ahead.id}/outcome"
        yield Bad("POST", outcome, {"outcome": "occurred"}, None, by="desk", name="appointment-not-started", status=409)
        yield Bad("POST", outcome, {"outcome": "no_show", "waive_fee": True}, "waive_reason", by="desk")
        yield Bad("POST", outcome, {"outcome": "no_show", "waive_fee": True, "waive_reason": " "}, "waive_reason",
                  by="desk")  # fmt: skip

    await nothing_comes_of(care, sara, requests())
    for amount in (10001 + 2000, 100_000_000):
        before = await seen(care, sara)
        body = {"amount": amount, "to": "card", "reason": "too much"}
        problem = await care.refused(
            "POST", f"/v1/payments/{paid}/refund", body, by="desk", name="payment-not-refundable"
        )
        assert problem["refundable"] == 12000
        after = await seen(care, sara)
        # Who tried to give back more than was paid stands in the timeline, and nothing else is different.
        [told] = after.pop("facts")[len(before.pop("facts")) :]
        assert (told["kind"], told["actor"], told["data"]["amount"]) == ("refund_refused", "care_team:desk", amount)
        assert after == before


async def test_who_may_not_and_what_there_is_not(care: Care, sara: Person) -> None:
    paid, failed = [(await payment_of(session))["id"] for session in sara.appointments[:2]]
    await care.therapist("ben")
    otto = await care.arrives(name="Otto")
    await otto.books("intro_call")
    await care.rest()
    await otto.activates()
    await sara.signs_in()
    bodies: dict[str, Json | None] = {
        "refund": {"to": "card", "reason": "please"},
        "waive": {"reason": "please"},
        "write-off": {"reason": "please"},
        "retry": None,
    }

    def requests() -> Iterator[Bad]:
        for what, body in bodies.items():
            for payment in (paid, failed):
                path = f"/v1/payments/{payment}/{what}"
                yield Bad("POST", path, body, None, by="ben", name="not-found", status=404)
                for by in (sara.email, otto.email, "site"):
                    yield Bad("POST", path, body, None, by=by, name="not-allowed", status=403)
                yield Bad("POST", path, body, None, by=None, name="unauthenticated", status=401)
            for nothing in (NOBODY, "x", paid + "0"):
                path = f"/v1/payments/{nothing}/{what}"
                yield Bad("POST", path, body, None, by="desk", name="not-found", status=404)
        credits = f"/v1/clients/{sara.id}/credits"
        credit = {"amount": 100, "currency": "USD", "reason": "please"}
        yield Bad("POST", credits, credit, None, by="ben", name="not-found", status=404)
        for by in (sara.email, otto.email, "site"):
            yield Bad("POST", credits, credit, None, by=by, name="not-allowed", status=403)
        for path in (credits, f"/v1/clients/{sara.id}/balance", f"/v1/clients/{sara.id}/payments"):
            for by in ("ben", otto.email):
                yield Bad("GET", path, None, None, by=by, name="not-found", status=404)
        yield Bad("GET", f"/v1/payments/{paid}/refunds", None, None, by=sara.email, name="not-allowed", status=403)
        yield Bad("POST", f"/v1/payments/{failed}/confirmation", None, None, by=otto.email, name="not-found",
                  status=404)  # fmt: skip

    await nothing_comes_of(care, sara, requests())


async def test_webhooks_that_are_forged_stale_or_untrue(care: Care, sara: Person) -> None:
    paid, failed = [await payment_of(session) for session in sara.appointments[:2]]
    state = await care.stripe()
    intent = {i["metadata"]["payment_id"]: i for i in state["payment_intents"]}

    async def tell(type: str, told: Json, *, secret: str = WEBHOOK_SECRET, late: int = 0) -> int:
        created = int((await care.now()).timestamp()) - late
        body = json.dumps({"id": f"evt_{type}_{late}_{secret}", "type": type, "created": created,
                           "data": {"object": told}}).encode()  # fmt: skip
        signed = signature(payload=body, secret=secret, timestamp=created)
        answer = await care.http.post(
            f"{care.house.api_url}/v1/webhooks/stripe",
            content=body,
            headers={"Stripe-Signature": f"t={created},v1={signed}"},
        )
        return answer.status_code

    customer = intent[paid["id"]]["customer"]
    events: list[tuple[str, Json]] = [
        ("payment_intent.succeeded", {"id": intent[failed["id"]]["id"], "object": "payment_intent",
                                      "status": "succeeded", "customer": customer}),
        ("charge.dispute.created", {"id": "du_invented", "object": "dispute",
                                    "payment_intent": intent[paid["id"]]["id"]}),
        ("refund.failed", {"id": "re_invented", "object": "refund", "payment_intent": intent[paid["id"]]["id"]}),
        ("payment_intent.succeeded.more", {"id": ["pi_1"], "object": 7, "customer": customer}),
        ("invoice.paid", {"id": "in_1", "object": "invoice", "customer": customer}),
    ]  # fmt: skip
    before = await seen(care, sara)
    for type, told in events:
        assert await tell(type, told, secret="whsec_guess") == 400
        assert await tell(type, told, late=301) == 400
        # Well signed, and yet not so: Stripe is asked, and knows nothing of it.
        assert await tell(type, told) == 200
        assert await tell(type, told) == 200
    await care.rest()
    assert await seen(care, sara) == before
