"""The stand-in's objects and events, held to the classes of the pinned client library: nothing is of its own."""

import inspect
import re
from typing import Any

import httpx
import pytest
import stripe

from sandbox.stripe.objects import EVENT_TYPES
from sandbox.stripe.webhooks import DEFAULT_EVENTS
from tests.sandbox.process import Sandbox
from tests.sandbox.test_stripe_wire import post

CLASSES: dict[str, type[stripe.StripeObject]] = {
    "customers": stripe.Customer,
    "payment_methods": stripe.PaymentMethod,
    "setup_intents": stripe.SetupIntent,
    "payment_intents": stripe.PaymentIntent,
    "charges": stripe.Charge,
    "refunds": stripe.Refund,
    "disputes": stripe.Dispute,
    "events": stripe.Event,
}
# What Stripe answers in its API and its library's classes leave out.
LEFT_OUT = {"customers": {"deleted", "currency"}, "charges": {"refunded"}}


def words_of(owner: type, name: str) -> set[str]:
    """The words that a field may hold, where the class names them."""
    return set(re.findall(r"""["']([a-z0-9_.]+)["']""", str(inspect.get_annotations(owner).get(name, "")))) - {"str"}


def test_every_event_is_one_of_stripes() -> None:
    named = words_of(stripe.Event, "type")
    assert named
    assert set(EVENT_TYPES) <= named
    assert set(DEFAULT_EVENTS) <= set(EVENT_TYPES)


@pytest.fixture
def everything(http: httpx.Client, sandbox: Sandbox) -> dict[str, list[dict[str, Any]]]:
    """Whatever can happen to money and cards, once."""

    def by_hand(path: str, body: dict[str, object]) -> dict[str, Any]:
        answer = httpx.post(f"{sandbox.stripe}{path}", json=body, trust_env=False)
        assert answer.is_success, answer.text
        return dict(answer.json())

    def paid(card: str = "pm_card_visa") -> dict[str, Any]:
        fields = {"amount": "5000", "currency": "usd", "confirm": "true"}
        return post(http, "/v1/payment_intents", **fields, payment_method=card)

    customer = post(http, "/v1/customers")["id"]
    setup = post(http, "/v1/setup_intents", customer=customer, usage="off_session")["id"]
    method = post(http, f"/v1/setup_intents/{setup}/confirm", payment_method="pm_card_visa")["payment_method"]
    post(http, f"/v1/payment_methods/{method}", **{"card[exp_month]": "3", "card[exp_year]": "2040"})
    left = post(http, "/v1/setup_intents", customer=customer)["id"]
    http.post(f"/v1/setup_intents/{left}/confirm", data={"payment_method": "pm_card_visa_chargeDeclined"})
    post(http, f"/v1/setup_intents/{left}/cancel")
    asks = post(http, "/v1/setup_intents", customer=customer)["id"]
    post(http, f"/v1/setup_intents/{asks}/confirm", payment_method="pm_card_authenticationRequired")
    post(http, f"/v1/payment_methods/{method}/detach")
    gone = post(http, "/v1/customers")["id"]
    assert http.delete(f"/v1/customers/{gone}").json() == {"id": gone, "object": "customer", "deleted": True}
    refund = post(http, "/v1/refunds", payment_intent=paid()["id"])
    by_hand(f"/_refunds/{refund['id']}", {"status": "failed"})
    for end in ("won", "lost"):
        dispute = by_hand("/_disputes", {"payment_intent": paid()["id"]})
        by_hand(f"/_disputes/{dispute['id']}", {"status": end})
    for end in ("warning_under_review", "warning_closed", "needs_response"):
        inquiry = by_hand("/_disputes", {"payment_intent": paid()["id"], "inquiry": True})
        by_hand(f"/_disputes/{inquiry['id']}", {"status": end})
    asked = paid()
    by_hand("/_disputes", {"payment_intent": asked["id"], "inquiry": True})
    post(http, "/v1/refunds", payment_intent=asked["id"])
    state: dict[str, list[dict[str, Any]]] = sandbox.get("/stripe/_state")
    return state


def test_no_object_has_a_name_or_a_word_of_its_own(everything: dict[str, list[dict[str, Any]]]) -> None:
    for kind, its_class in CLASSES.items():
        fields = set(inspect.get_annotations(its_class)) | LEFT_OUT.get(kind, set())
        assert everything[kind], kind
        for row in everything[kind]:
            assert set(row) <= fields, (kind, set(row) - fields)
            for name in ("status", "reason", "usage", "capture_method", "type"):
                words = words_of(its_class, name)
                if words and row.get(name) is not None:
                    assert row[name] in words, (kind, name, row[name])


def test_a_deleted_customer_is_used_for_nothing_and_listed_no_more(http: httpx.Client) -> None:
    gone = post(http, "/v1/customers")["id"]
    http.delete(f"/v1/customers/{gone}")
    assert http.get(f"/v1/customers/{gone}").json()["deleted"]
    assert gone not in [row["id"] for row in http.get("/v1/customers", params={"limit": 100}).json()["data"]]
    for path in ("/v1/setup_intents", "/v1/payment_intents"):
        fields = {"customer": gone, **({"amount": "5000", "currency": "usd"} if "payment" in path else {})}
        refused = http.post(path, data=fields)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "resource_missing")


def test_an_inquiry_leaves_the_money_and_ends_with_a_refund(http: httpx.Client, sandbox: Sandbox) -> None:
    intent = post(
        http, "/v1/payment_intents", amount="5000", currency="usd", confirm="true", payment_method="pm_card_visa"
    )
    body = {"payment_intent": intent["id"], "inquiry": True}
    made = httpx.post(f"{sandbox.stripe}/_disputes", json=body, trust_env=False).json()
    assert (made["status"], made["is_charge_refundable"], made["balance_transactions"]) == (
        "warning_needs_response", True, []
    )  # fmt: skip
    post(http, "/v1/refunds", payment_intent=intent["id"], amount="2000")
    assert http.get(f"/v1/disputes/{made['id']}").json()["status"] == "warning_needs_response"
    post(http, "/v1/refunds", payment_intent=intent["id"])
    assert http.get(f"/v1/disputes/{made['id']}").json()["status"] == "warning_closed"
