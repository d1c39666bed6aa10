"""What the Stripe stand-in says over bare HTTP: keys, parameters, errors, idempotency, the browser's part."""

import base64
from typing import Any

import httpx
import pytest

from sandbox.stripe.cards import CARDS, passes_luhn
from sandbox.stripe.wire import nested
from tests.sandbox.process import Sandbox

MONEY = {"amount": "5000", "currency": "usd"}


def post(http: httpx.Client, path: str, **fields: str) -> dict[str, Any]:
    answer = http.post(path, data=fields)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def error(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["request-id"].startswith("req_")
    found: dict[str, Any] = answer.json()["error"]
    return found


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer nonsense", "Bearer sk_live_real", "Basic !!!", "Digest sk_test_x"],
)
def test_a_wrong_key_is_unauthorized(sandbox: Sandbox, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = httpx.get(sandbox.stripe + "/v1/customers", headers=headers, trust_env=False)
    assert error(answer, 401)["type"] == "invalid_request_error"
    assert "sk_live_real" not in answer.text


def test_basic_auth_works_as_with_curl(sandbox: Sandbox) -> None:
    basic = base64.b64encode(b"sk_test_x:").decode()
    headers = {"Authorization": f"Basic {basic}"}
    assert httpx.get(sandbox.stripe + "/v1/customers", headers=headers, trust_env=False).status_code == 200


def test_nested_parameters() -> None:
    pairs = [
        ("a[b]", "1"),
        ("a[c][d]", "2"),
        ("list[0]", "x"),
        ("list[1]", "y"),
        ("many[]", "p"),
        ("many[]", "q"),
    ]
    assert nested(pairs) == {"a": {"b": "1", "c": {"d": "2"}}, "list": ["x", "y"], "many": ["p", "q"]}


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"amount": "5000"}, "parameter_missing", "currency"),
        ({**MONEY, "colour": "red"}, "parameter_unknown", "colour"),
        ({**MONEY, "amount": "12.50"}, "parameter_invalid_integer", "amount"),
        ({**MONEY, "amount": "0"}, "parameter_invalid_integer", "amount"),
        ({**MONEY, "amount": "49"}, "amount_too_small", "amount"),
        ({**MONEY, "amount": "100000000"}, "amount_too_large", "amount"),
        ({"amount": "29", "currency": "gbp"}, "amount_too_small", "amount"),
        ({**MONEY, "currency": "doubloons"}, None, "currency"),
        ({**MONEY, "confirm": "maybe"}, None, "confirm"),
        ({**MONEY, "capture_method": "manual"}, None, "capture_method"),
        ({**MONEY, "customer": "cus_nothere"}, "resource_missing", "customer"),
        ({**MONEY, "payment_method": "pm_nothere"}, "resource_missing", "payment_method"),
        ({**MONEY, "metadata": "x"}, None, "metadata"),
        ({**MONEY, "payment_method_types[]": "card"}, "payment_method_types_no_longer_supported", None),
        ({**MONEY, "expand[]": "colour"}, None, "expand"),
    ],
)
def test_bad_parameters_are_named(
    http: httpx.Client, sandbox: Sandbox, fields: dict[str, str], code: str | None, param: str | None
) -> None:
    before = len(sandbox.get("/stripe/_state")["payment_intents"])
    told = error(http.post("/v1/payment_intents", data=fields), 400)
    assert told["type"] == "invalid_request_error"
    assert told.get("code") == code
    assert param is None or told["param"] == param
    assert len(sandbox.get("/stripe/_state")["payment_intents"]) == before


def test_unknown_calls_and_objects(http: httpx.Client) -> None:
    assert "Unrecognized request URL" in error(http.get("/v1/nonsense"), 404)["message"]
    assert error(http.get("/v1/payment_intents/pi_nothere"), 404)["code"] == "resource_missing"
    assert error(http.post("/v1/payment_intents/pi_nothere/confirm"), 404)["code"] == "resource_missing"


def test_the_states_of_an_intent(http: httpx.Client) -> None:
    bare = post(http, "/v1/payment_intents", **MONEY)
    assert bare["status"] == "requires_payment_method"
    assert "missing a payment method" in error(http.post(f"/v1/payment_intents/{bare['id']}/confirm"), 400)["message"]

    made = post(http, "/v1/payment_intents", **MONEY, payment_method="pm_card_visa")
    assert made["status"] == "requires_confirmation"
    assert made["payment_method"].startswith("pm_")
    assert made["payment_method"] != "pm_card_visa"
    paid = post(http, f"/v1/payment_intents/{made['id']}/confirm")
    assert (paid["status"], paid["amount_received"]) == ("succeeded", 5000)
    for verb in ("confirm", "cancel"):
        told = error(http.post(f"/v1/payment_intents/{made['id']}/{verb}"), 400)
        assert told["code"] == "payment_intent_unexpected_state"

    assert post(http, f"/v1/payment_intents/{bare['id']}", amount="6000", **{"metadata[a]": "1"})["amount"] == 6000
    gone = post(http, f"/v1/payment_intents/{bare['id']}/cancel", cancellation_reason="abandoned")
    assert (gone["status"], gone["cancellation_reason"]) == ("canceled", "abandoned")
    told = error(http.post(f"/v1/payment_intents/{bare['id']}/confirm", data={"payment_method": "pm_card_visa"}), 400)
    assert told["code"] == "payment_intent_unexpected_state"


def test_a_decline_tells_the_whole_story(http: httpx.Client) -> None:
    made = post(http, "/v1/payment_intents", **MONEY)
    card = {"payment_method": "pm_card_visa_chargeDeclinedInsufficientFunds"}
    told = error(http.post(f"/v1/payment_intents/{made['id']}/confirm", data=card), 402)
    assert (told["type"], told["code"], told["decline_code"]) == (
        "card_error",
        "card_declined",
        "insufficient_funds",
    )
    assert told["payment_method"]["card"]["last4"] == "9995"
    intent = told["payment_intent"]
    assert (intent["status"], intent["payment_method"]) == ("requires_payment_method", None)
    assert intent["last_payment_error"]["decline_code"] == "insufficient_funds"
    assert intent["latest_charge"] == told["charge"]
    assert http.get(f"/v1/payment_intents/{made['id']}").json() == intent


def test_a_card_belongs_to_one_customer_and_is_spent_once_without(http: httpx.Client) -> None:
    sara, ben = (post(http, "/v1/customers")["id"] for _ in range(2))
    card = post(http, "/v1/payment_methods/pm_card_visa/attach", customer=sara)["id"]
    stranger = post(http, "/v1/payment_intents", **MONEY, customer=ben)
    told = error(http.post(f"/v1/payment_intents/{stranger['id']}/confirm", data={"payment_method": card}), 400)
    assert "belongs to another Customer" in told["message"]
    assert http.post(f"/v1/payment_methods/{card}/attach", data={"customer": ben}).status_code == 400
    refused = http.post("/v1/payment_methods/pm_card_visa_chargeDeclined/attach", data={"customer": sara})
    assert error(refused, 402)["code"] == "card_declined"

    default = {"invoice_settings[default_payment_method]": card}
    assert post(http, f"/v1/customers/{sara}", **default)["invoice_settings"]["default_payment_method"] == card
    assert error(http.post(f"/v1/customers/{ben}", data=default), 400)["code"] == "resource_missing"
    post(http, f"/v1/payment_methods/{card}/detach")
    assert http.get(f"/v1/customers/{sara}").json()["invoice_settings"]["default_payment_method"] is None
    assert "may not be used again" in http.post(f"/v1/payment_methods/{card}/attach", data={"customer": sara}).text

    once = post(http, "/v1/payment_intents", **MONEY, payment_method="pm_card_visa", confirm="true")["payment_method"]
    again = http.post("/v1/payment_intents", data={**MONEY, "payment_method": once, "confirm": "true"})
    assert "may not be used again" in error(again, 400)["message"]


@pytest.mark.parametrize(
    ("card", "status", "code"),
    [
        ({"number": "4242424242424241"}, 402, "incorrect_number"),
        ({"number": "4111111111111111"}, 402, "card_declined"),
        ({"number": "4242424242424242", "exp_month": "13"}, 402, "invalid_expiry_month"),
        ({"number": "4242424242424242", "exp_year": "1999"}, 402, "invalid_expiry_year"),
        ({"number": "4242424242424242", "cvc": "99"}, 402, "invalid_cvc"),
        ({"number": "4242424242424242", "colour": "red"}, 400, "parameter_unknown"),
        ({"token": "tok_nonsense"}, 400, "resource_missing"),
    ],
)
def test_bad_cards(http: httpx.Client, card: dict[str, str], status: int, code: str) -> None:
    fields = {"exp_month": "12", "exp_year": "2040", "cvc": "123", **card}
    answer = http.post("/v1/payment_methods", data={"type": "card", **{f"card[{k}]": v for k, v in fields.items()}})
    assert error(answer, status)["code"] == code


def test_the_card_table_holds_together() -> None:
    names = [name for card in CARDS for name in card.names]
    assert len(set(names)) == len(names)
    assert len({card.number for card in CARDS}) == len(CARDS)
    assert all(passes_luhn(card.number) for card in CARDS)


def test_the_browser_sees_only_what_it_has_the_secret_of(sandbox: Sandbox, http: httpx.Client) -> None:
    setup = post(http, "/v1/setup_intents", customer=post(http, "/v1/customers")["id"])
    browser = httpx.Client(base_url=sandbox.stripe, headers={"Authorization": "Bearer pk_test_x"}, trust_env=False)
    path = f"/v1/setup_intents/{setup['id']}"
    assert error(browser.get("/v1/customers"), 403)["code"] == "secret_key_required"
    assert browser.get(path).status_code == 400
    assert browser.get(path, params={"client_secret": "wrong"}).status_code == 400
    secret = {"client_secret": setup["client_secret"]}
    assert browser.get(path, params=secret).json()["id"] == setup["id"]
    done = browser.post(f"{path}/confirm", data={"payment_method": "pm_card_visa", **secret})
    assert done.json()["status"] == "succeeded"
    browser.close()


def test_setup_intents_can_be_cancelled_but_not_twice(http: httpx.Client) -> None:
    setup = post(http, "/v1/setup_intents", usage="off_session")
    assert post(http, f"/v1/setup_intents/{setup['id']}/cancel")["status"] == "canceled"
    told = error(http.post(f"/v1/setup_intents/{setup['id']}/cancel"), 400)
    assert told["code"] == "setup_intent_unexpected_state"


def test_only_what_was_begun_is_kept_under_a_key(http: httpx.Client) -> None:
    headers = {"Idempotency-Key": "begun"}
    assert error(http.post("/v1/payment_intents", data={"amount": "5000"}, headers=headers), 400)
    first = http.post("/v1/payment_intents", data=MONEY, headers=headers)
    assert first.status_code == 200
    again = http.post("/v1/payment_intents", data=MONEY, headers=headers)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["original-request"] == first.headers["request-id"]
    assert "idempotent-replayed" not in first.headers

    confirm = f"/v1/payment_intents/{first.json()['id']}/confirm"
    declined = {"payment_method": "pm_card_visa_chargeDeclined"}
    kept = [http.post(confirm, data=declined, headers={"Idempotency-Key": "try-1"}) for _ in range(2)]
    assert [answer.status_code for answer in kept] == [402, 402]
    assert kept[0].json() == kept[1].json()
    other = http.post(confirm, data={"payment_method": "pm_card_visa"}, headers={"Idempotency-Key": "try-1"})
    assert error(other, 400)["type"] == "idempotency_error"
    assert http.post("/v1/customers", headers={"Idempotency-Key": "k" * 256}).status_code == 400


def test_expansion(http: httpx.Client) -> None:
    owner = post(http, "/v1/customers", name="Sara")["id"]
    fields = {**MONEY, "customer": owner, "payment_method": "pm_card_visa", "confirm": "true"}
    paid = post(http, "/v1/payment_intents", **fields, **{"expand[0]": "latest_charge.customer"})
    assert paid["latest_charge"]["customer"]["name"] == "Sara"
    listed = http.get("/v1/payment_intents", params={"customer": owner, "expand[]": "data.payment_method"}).json()
    assert listed["data"][0]["payment_method"]["card"]["last4"] == "4242"
    assert http.get(f"/v1/payment_intents/{paid['id']}").json()["latest_charge"].startswith("ch_")
