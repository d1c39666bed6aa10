"""Money on its way back: refunds as Stripe allows them, refunds that fail, and disputes."""

from typing import Any

import httpx
import pytest

from tests.sandbox.process import Sandbox
from tests.sandbox.test_stripe_wire import error, post

CONFIRMED = {"amount": "5000", "currency": "usd", "confirm": "true"}


def paid(http: httpx.Client, card: str = "pm_card_visa") -> dict[str, Any]:
    return post(http, "/v1/payment_intents", **CONFIRMED, payment_method=card)


def charge_of(http: httpx.Client, intent: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = http.get(f"/v1/charges/{intent['latest_charge']}").json()
    return found


def events_about(http: httpx.Client, *ids: str) -> list[str]:
    """Oldest first."""
    rows = http.get("/v1/events", params={"limit": 100}).json()["data"]
    return [row["type"] for row in reversed(rows) if row["data"]["object"]["id"] in ids]


def by_hand(sandbox: Sandbox, path: str, body: Any) -> httpx.Response:
    return httpx.post(f"{sandbox.stripe}{path}", json=body, trust_env=False)


def test_parts_add_up_to_the_whole(http: httpx.Client) -> None:
    intent = paid(http)
    assert (intent["amount_received"], charge_of(http, intent)["amount_refunded"]) == (5000, 0)
    first = post(http, "/v1/refunds", payment_intent=intent["id"], amount="2000")
    charge = charge_of(http, intent)
    assert (charge["amount_refunded"], charge["refunded"]) == (2000, False)
    too_much = error(http.post("/v1/refunds", data={"payment_intent": intent["id"], "amount": "3001"}), 400)
    assert too_much["message"] == ("Refund amount (30.01 usd) is greater than unrefunded amount on charge (30.00 usd)")
    assert too_much["param"] == "amount"
    rest = post(http, "/v1/refunds", charge=charge["id"], reason="duplicate", **{"metadata[refund_id]": "r-2"})
    assert (rest["amount"], rest["reason"], rest["metadata"]) == (3000, "duplicate", {"refund_id": "r-2"})
    charge = charge_of(http, intent)
    assert (charge["amount_refunded"], charge["refunded"]) == (5000, True)
    again = error(http.post("/v1/refunds", data={"payment_intent": intent["id"], "amount": "1"}), 400)
    assert again["code"] == "charge_already_refunded"
    assert events_about(http, first["id"], rest["id"], charge["id"]) == [
        "charge.succeeded",
        "refund.created",
        "charge.refunded",
        "refund.created",
        "charge.refunded",
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": "0"},
        {"amount": "-5"},
        {"amount": "12.50"},
        {"reason": "changed_my_mind"},
        {"currency": "eur"},
        {"metadata": "x"},
    ],
)
def test_a_bad_refund_is_refused_by_field(http: httpx.Client, fields: dict[str, str]) -> None:
    intent = paid(http)
    told = error(http.post("/v1/refunds", data={"payment_intent": intent["id"], **fields}), 400)
    assert told["param"] == next(iter(fields))
    assert charge_of(http, intent)["amount_refunded"] == 0


def test_there_must_be_something_to_refund(http: httpx.Client) -> None:
    assert error(http.post("/v1/refunds", data={"amount": "5"}), 400)["code"] == "parameter_missing"
    assert error(http.post("/v1/refunds", data={"payment_intent": "pi_no"}), 400)["code"] == "resource_missing"
    waiting = post(http, "/v1/payment_intents", amount="5000", currency="usd")
    told = error(http.post("/v1/refunds", data={"payment_intent": waiting["id"]}), 400)
    assert told["message"] == f"This PaymentIntent ({waiting['id']}) does not have a successful charge to refund."
    refused = http.post("/v1/payment_intents", data={**CONFIRMED, "payment_method": "pm_card_visa_chargeDeclined"})
    failed = error(refused, 402)["charge"]
    assert "did not succeed" in error(http.post("/v1/refunds", data={"charge": failed}), 400)["message"]


def test_a_refund_can_fail_long_after_it_seemed_to_succeed(http: httpx.Client, sandbox: Sandbox) -> None:
    intent = paid(http, "pm_card_refundFail")
    refund = post(http, "/v1/refunds", payment_intent=intent["id"], amount="2000")
    assert refund["status"] == "succeeded"
    failed = by_hand(sandbox, f"/_refunds/{refund['id']}", {}).json()
    assert (failed["status"], failed["failure_reason"]) == ("failed", "expired_or_canceled_card")
    assert http.get(f"/v1/refunds/{refund['id']}").json() == failed
    charge = charge_of(http, intent)
    assert (charge["amount_refunded"], charge["refunded"]) == (0, False)
    assert events_about(http, refund["id"]) == [
        "refund.created",
        "refund.updated",
        "charge.refund.updated",
        "refund.failed",
    ]
    # The money is there again, and can be given back another time.
    assert post(http, "/v1/refunds", payment_intent=intent["id"])["amount"] == 5000
    told = error_by_hand(by_hand(sandbox, f"/_refunds/{refund['id']}", {"status": "succeeded"}))
    assert "failed already" in told["message"]


def test_a_refund_can_wait_before_it_succeeds(http: httpx.Client, sandbox: Sandbox) -> None:
    intent = paid(http, "pm_card_pendingRefund")
    refund = post(http, "/v1/refunds", payment_intent=intent["id"])
    assert (refund["status"], charge_of(http, intent)["refunded"]) == ("pending", True)
    assert by_hand(sandbox, f"/_refunds/{refund['id']}", {}).json()["status"] == "succeeded"
    assert events_about(http, refund["id"]) == ["refund.created", "refund.updated", "charge.refund.updated"]


def test_any_refund_can_be_made_to_fail(http: httpx.Client, sandbox: Sandbox) -> None:
    refund = post(http, "/v1/refunds", payment_intent=paid(http)["id"])
    assert "say succeeded or failed" in error_by_hand(by_hand(sandbox, f"/_refunds/{refund['id']}", {}))["message"]
    assert by_hand(sandbox, f"/_refunds/{refund['id']}", {"status": "failed"}).json()["status"] == "failed"
    assert error_by_hand(by_hand(sandbox, f"/_refunds/{refund['id']}", {"status": "lost"}))["param"] == "status"
    assert by_hand(sandbox, "/_refunds/re_nothere", {"status": "failed"}).status_code == 404


def error_by_hand(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 400, answer.text
    found: dict[str, Any] = answer.json()["error"]
    return found


@pytest.mark.parametrize("status", ["won", "lost"])
def test_a_dispute_takes_the_money_until_it_is_decided(http: httpx.Client, sandbox: Sandbox, status: str) -> None:
    won = status == "won"
    intent = paid(http)
    post(http, "/v1/refunds", payment_intent=intent["id"], amount="2000")
    body = {"payment_intent": intent["id"], "reason": "product_not_received"}
    dispute = by_hand(sandbox, "/_disputes", body).json()
    assert (dispute["object"], dispute["amount"], dispute["reason"]) == ("dispute", 3000, "product_not_received")
    assert (dispute["status"], dispute["charge"]) == ("needs_response", intent["latest_charge"])
    assert charge_of(http, intent)["disputed"]
    refund = {"payment_intent": intent["id"], "amount": "1"}
    assert error(http.post("/v1/refunds", data=refund), 400)["code"] == "charge_disputed"
    assert "already" in error_by_hand(by_hand(sandbox, "/_disputes", body))["message"]

    closed = by_hand(sandbox, f"/_disputes/{dispute['id']}", {"status": status}).json()
    assert http.get(f"/v1/disputes/{dispute['id']}").json() == closed
    assert [row["amount"] for row in closed["balance_transactions"]] == ([-3000, 3000] if won else [-3000])
    assert events_about(http, dispute["id"]) == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.closed",
        *(["charge.dispute.funds_reinstated"] if won else []),
    ]
    again = error_by_hand(by_hand(sandbox, f"/_disputes/{dispute['id']}", {"status": "won"}))
    assert "already closed" in again["message"]
    assert http.post("/v1/refunds", data=refund).status_code == (200 if won else 400)
    assert dispute["id"] in [row["id"] for row in sandbox.get("/stripe/_state")["disputes"]]


def test_giving_in_loses_a_dispute(http: httpx.Client, sandbox: Sandbox) -> None:
    dispute = by_hand(sandbox, "/_disputes", {"payment_intent": paid(http)["id"]}).json()
    assert dispute["reason"] == "fraudulent"
    assert post(http, f"/v1/disputes/{dispute['id']}/close")["status"] == "lost"


def test_there_must_be_something_to_dispute(http: httpx.Client, sandbox: Sandbox) -> None:
    waiting = post(http, "/v1/payment_intents", amount="5000", currency="usd")
    back = paid(http)
    post(http, "/v1/refunds", payment_intent=back["id"])
    for body, told in (
        ({"payment_intent": waiting["id"]}, "no successful charge"),
        ({"payment_intent": back["id"]}, "already been refunded"),
        ({"payment_intent": "pi_nothere"}, "No such"),
        ({"payment_intent": back["id"], "reason": "boredom"}, "product_not_received"),
        ({"reason": "fraudulent"}, "payment_intent: Field required"),
        ({"payment_intent": back["id"], "colour": "red"}, "colour"),
        ([], "dictionary"),
    ):
        assert told in error_by_hand(by_hand(sandbox, "/_disputes", body))["message"]
    assert by_hand(sandbox, "/_disputes/du_nothere", {"status": "won"}).status_code == 404
    ended = error_by_hand(by_hand(sandbox, "/_disputes/du_nothere", {"status": "draw"}))
    assert ended["param"] == "status"


def test_a_card_expires_when_it_is_told_to(http: httpx.Client, sandbox: Sandbox) -> None:
    owner = post(http, "/v1/customers")["id"]
    card = post(http, "/v1/payment_methods/pm_card_visa/attach", customer=owner)["id"]
    path = f"/_payment_methods/{card}"
    told = by_hand(sandbox, path, {"exp_month": 3, "exp_year": 2020}).json()
    assert (told["card"]["exp_month"], told["card"]["exp_year"]) == (3, 2020)
    assert http.get(f"/v1/payment_methods/{card}").json()["card"] == told["card"]
    assert events_about(http, card)[-1] == "payment_method.automatically_updated"
    # What the bank answers is told to it apart, in one go or two.
    both = {"exp_month": 4, "exp_year": 2031, "decline_code": "expired_card"}
    assert by_hand(sandbox, path, both).json()["declines"] == "expired_card"
    assert http.get(f"/v1/payment_methods/{card}").json()["card"]["exp_year"] == 2031
    for bad in ({"exp_month": 3}, {"exp_year": 2030}):
        assert "a card has both" in error_by_hand(by_hand(sandbox, path, bad))["message"]
    assert by_hand(sandbox, path, {"exp_month": 13, "exp_year": 2030}).status_code == 402
