"""Money given back: never more than was paid, once, by itself when Stripe is back, and never silently lost."""

import asyncio
from datetime import timedelta

import pytest

from activities.ports import GatewayRejected, Intent
from rules.money.webhook_signature import signature
from tests.care.defaults import CARE_TEAM_EMAIL
from tests.care.story import Booked, Care, Person, key
from tests.journeys.money.amounts import (
    FEE,
    balance,
    bank,
    fact,
    goes_well_again,
    goes_wrong,
    granted,
    payment_of,
    refunded,
    refunds_at_stripe,
    task_kinds,
    while_stripe_is_away,
)

DAY_AFTER = timedelta(hours=24, minutes=1)


async def paid(care: Care, booked: Booked) -> str:
    """The session takes place and is paid; answers the payment's id. Its workflow has ended."""
    await booked.occurs()
    await care.until(booked.ends_at + DAY_AFTER)
    payment = await payment_of(booked)
    assert payment["status"] == "paid"
    await booked.workflow.result()
    return str(payment["id"])


async def stands(person: Person, number: int = 1) -> tuple[str, int]:
    payment = await payment_of(person.session(number))
    return payment["status"], payment["refunded"]


async def test_what_stripe_refuses_for_good_keeps_no_refund_waiting(
    care: Care, monkeypatch: pytest.MonkeyPatch
) -> None:
    sara = await care.client_in_care(sessions=2)
    payment = await paid(care, sara.session(1))
    await sara.bank_says("insufficient_funds")
    await sara.session(2).occurs()
    await care.until(sara.session(2).ends_at + DAY_AFTER)
    declined = await payment_of(sara.session(2))

    async def refuses(**_: object) -> Intent:
        raise GatewayRejected("not with this key", code="more_permissions_required")

    monkeypatch.setattr(care.house.dependencies.payments, "cancel_intent", refuses)
    await care.post(f"/v1/payments/{declined['id']}/waive", {"reason": "kindness"}, by="desk", expect=200)
    done = await refunded(care, payment, 3000)
    assert (done["status"], await refunds_at_stripe(care)) == ("succeeded", [(3000, "succeeded")])


async def test_in_parts_then_over_then_the_rest_months_after_and_when_archived(care: Care) -> None:
    sara = await care.client_in_care()
    await granted(sara, 2000)
    payment = await paid(care, sara.session(1))
    path = f"/v1/payments/{payment}/refund"

    headers = key()
    first = await refunded(care, payment, 3000, by="ana", headers=headers)
    assert (first["status"], first["card_amount"], first["credit_amount"]) == ("succeeded", 3000, 0)
    assert (first["payment"]["status"], first["payment"]["refunded"]) == ("partially_refunded", 3000)
    assert await refunded(care, payment, 3000, by="ana", headers=headers) == first  # asked twice with one key
    assert await refunds_at_stripe(care) == [(3000, "succeeded")]
    assert (first["asked_by"], first["reason"]) == ("therapist:ana", "a mistake")

    # Years later: the appointment's workflow ended long ago, the client's journey still does it.
    await care.pass_time(days=400)
    await refunded(care, payment, 6000)
    assert (await stands(sara), await refunds_at_stripe(care)) == (
        ("partially_refunded", 9000), [(3000, "succeeded"), (6000, "succeeded")]
    )  # fmt: skip
    for too_much in (3001, 100_000_000):
        problem = await care.refused(
            "POST", path, {"amount": too_much, "to": "card", "reason": "more"}, by="desk", name="payment-not-refundable"
        )
        assert problem["refundable"] == 3000
    assert await stands(sara) == ("partially_refunded", 9000)
    refused = await fact(sara, "refund_refused")
    assert (refused["actor"], refused["data"]["amount"], refused["words"]) == (
        "care_team:desk", 100_000_000, "more"
    )  # fmt: skip

    await sara.is_archived(notify=False)
    last = await refunded(care, payment)  # the rest: a thousand of the card's, and what credit paid
    assert (last["card_amount"], last["credit_amount"], last["status"]) == (1000, 2000, "succeeded")
    assert (await stands(sara), await balance(sara)) == (("refunded", FEE), (2000, 0))
    await care.refused("POST", path, {"to": "credit", "reason": "x"}, by="desk", name="payment-not-refundable")
    assert [row["amount"] for row in (await care.get(f"/v1/payments/{payment}/refunds"))["items"]] == [3000, 6000, 3000]
    assert await refunds_at_stripe(care) == [(3000, "succeeded"), (6000, "succeeded"), (1000, "succeeded")]
    kinds = [kind for kind in await sara.facts() if "refund" in kind]
    assert kinds == (
        ["refund_begun", "payment_partially_refunded", "refund_made", "refund_begun", "refund_made"]
        + ["refund_refused"] * 2
        + ["refund_begun", "payment_refunded", "refund_made", "refund_refused"]
    )
    await sara.signs_in()
    seen = await payment_of(sara.session(1), by=sara.email)
    assert (seen["status"], seen["refunded"], "because" in seen) == ("refunded", FEE, False)
    assert await task_kinds(care) == []


async def test_while_stripe_is_away_it_is_on_its_way_and_made_by_itself(care: Care) -> None:
    sara = await care.client_in_care(sessions=2)
    payment = await paid(care, sara.session(1))
    second = sara.session(2)
    await care.until(second.starts_at - timedelta(hours=24, minutes=1))
    reminded = (await care.mail_counts(to=sara.email))["appointment_reminder"]
    body = {"to": "card", "reason": "a mistake", "amount": 5000}
    asked = await while_stripe_is_away(
        care, "refunds.create", care.post(f"/v1/payments/{payment}/refund", body, by="desk")
    )
    assert (asked["status"], asked["finished_at"]) == ("pending", None)
    assert (await stands(sara), await refunds_at_stripe(care)) == (("partially_refunded", 5000), [])
    # What is on its way counts: no more than the rest can be asked for meanwhile.
    more = body | {"amount": 7001}
    problem = await care.refused(
        "POST", f"/v1/payments/{payment}/refund", more, by="desk", name="payment-not-refundable"
    )
    assert problem["refundable"] == 7000
    # The journey goes on meanwhile: nothing waits for Stripe.
    await granted(sara, 1)
    await care.pass_time(minutes=3)
    assert (await care.mail_counts(to=sara.email))["appointment_reminder"] == reminded + 1
    assert (await refunds_at_stripe(care), await balance(sara)) == ([], (1, 0))

    await goes_well_again(care)
    await care.pass_time(minutes=6)
    assert await refunds_at_stripe(care) == [(5000, "succeeded")]
    [refund] = (await care.get(f"/v1/payments/{payment}/refunds"))["items"]
    assert (refund["status"], refund["finished_at"] is not None) == ("succeeded", True)
    assert (await sara.facts()).count("refund_made") == 1


async def test_an_answer_that_was_lost_is_found_again_and_the_money_goes_back_once(care: Care) -> None:
    sara = await care.client_in_care()
    payment = await paid(care, sara.session(1))
    await goes_wrong(
        care,
        {"kind": "lost_answer", "call": "refunds.create"},
        {"kind": "error_before", "call": "refunds.list", "times": 2},
    )
    body = {"to": "card", "reason": "a mistake"}
    asked = asyncio.ensure_future(care.post(f"/v1/payments/{payment}/refund", body, by="desk"))
    while not asked.done():
        await asyncio.sleep(0.2)
        await care.pass_time(seconds=3)
    assert (await asked)["payment"]["status"] == "refunded"
    await care.pass_time(hours=1)
    assert await refunds_at_stripe(care) == [(FEE, "succeeded")]
    assert (await sara.facts()).count("refund_made") == 1


async def test_one_that_fails_days_later_is_a_task_and_is_made_as_credit(care: Care) -> None:
    sara = await care.client_in_care(card="pm_card_refundFail")
    payment = await paid(care, sara.session(1))
    await refunded(care, payment)
    assert await stands(sara) == ("refunded", FEE)
    await care.pass_time(days=5)
    [made] = (await care.stripe())["refunds"]
    await goes_wrong(care, {"kind": "webhook_doubled", "event": "refund.*", "times": 2})
    await bank(care, f"_refunds/{made['id']}", {})
    await care.rest()
    assert (await stands(sara), await task_kinds(care)) == (("paid", 0), ["refund_failed"])
    assert [m["template"] for m in await care.mails(to=CARE_TEAM_EMAIL)] == ["task_opened"]
    assert (await sara.facts()).count("refund_failed") == 1
    await refunded(care, payment, to="credit")  # which settles the task
    assert (await stands(sara), await balance(sara), await task_kinds(care)) == (("refunded", FEE), (FEE, 0), [])


async def test_who_may_not_ask_for_one_learns_nothing_and_moves_nothing(care: Care) -> None:
    sara = await care.client_in_care()
    await care.therapist("ben")
    payment = await paid(care, sara.session(1))
    await sara.signs_in()
    otto = await care.arrives(name="Otto")
    await otto.books("intro_call")
    await care.rest()
    await otto.activates()
    before = (await sara.timeline(), await care.stripe())
    body = {"to": "card", "reason": "please"}
    for by, name, status in (
        ("ben", "not-found", 404),
        (sara.email, "not-allowed", 403),
        (otto.email, "not-allowed", 403),
        ("site", "not-allowed", 403),
        (None, "unauthenticated", 401),
    ):
        await care.refused("POST", f"/v1/payments/{payment}/refund", body, by=by, name=name, status=status)
        if by is not None:
            await care.refused("GET", f"/v1/payments/{payment}/refunds", by=by, name=name, status=status)
    # A refund that Stripe tells of, and that is of nobody's asking, is believed by nobody.
    now = int((await care.now()).timestamp())
    told = b'{"id":"evt_x","object":"event","type":"refund.updated","created":%d,"data":{"object":{"id":"re_x"}}}' % now
    forged = signature(payload=told, secret="whsec_guess", timestamp=now)
    answer = await care.http.post(
        f"{care.house.api_url}/v1/webhooks/stripe",
        content=told,
        headers={"Stripe-Signature": f"t={now},v1={forged}"},
    )
    assert answer.status_code == 400
    await care.rest()
    assert (await sara.timeline(), await care.stripe()) == before
