"""Faults on demand between a practice and the Stripe stand-in: what each one looks like from outside, and the book kept
of them."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sandbox.store import Store
from sandbox.stripe.api import ROUTES
from sandbox.stripe.faults import Faults
from tests.sandbox.process import Sandbox

MONEY = {"amount": "5000", "currency": "usd"}
CONFIRMED = {**MONEY, "payment_method": "pm_card_visa", "confirm": "true"}


@pytest.fixture(autouse=True)
def no_faults_left(http: httpx.Client) -> Iterator[None]:
    yield
    http.delete("/_faults").raise_for_status()


def arrange(http: httpx.Client, *faults: dict[str, Any]) -> list[dict[str, Any]]:
    answer = http.post("/_faults", json=list(faults))
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()
    return rows


def book(http: httpx.Client) -> list[tuple[int, int]]:
    """Of each fault: how many calls fitted it, and how often it came."""
    return [(row["seen"], row["fired"]) for row in http.get("/_faults").json()]


def intents(sandbox: Sandbox) -> int:
    return len(sandbox.get("/stripe/_state")["payment_intents"])


@pytest.mark.parametrize(
    ("given", "named", "told"),
    [
        ({"kind": "lost_answer"}, "faults", "valid list"),
        ([{}], "faults[0].kind", "required"),
        ([{"kind": "lost_mind", "call": "payment_intents.create"}], "faults[0].kind", "'lost_answer'"),
        ([{"kind": "lost_answer"}], "faults[0].call", "lost_answer needs it"),
        ([{"kind": "lost_answer", "call": "payment_intents.destroy"}], "faults[0].call", "payment_intents.confirm"),
        ([{"kind": "lost_answer", "call": "POST /v1/nonsense"}], "faults[0].call", "no call is named"),
        ([{"kind": "lost_answer", "call": "POST /v1/refunds/*/confirm"}], "faults[0].call", "no call is named"),
        ([{"kind": "lost_answer", "call": "PUT /v1/customers"}], "faults[0].call", "no call is named"),
        ([{"kind": "lost_answer", "call": "customers.*", "event": "*"}], "faults[0].event", "no meaning"),
        ([{"kind": "webhook_late", "event": "*", "call": "customers.*"}], "faults[0].call", "no meaning"),
        ([{"kind": "webhook_late"}], "faults[0].event", "needs it"),
        ([{"kind": "webhook_dropped", "event": "payment_intent.sung"}], "faults[0].event", "payment_intent.succeeded"),
        ([{"kind": "lost_answer", "call": "customers.*", "times": 0}], "faults[0].times", "greater than or equal to 1"),
        ([{"kind": "lost_answer", "call": "customers.*", "probability": 2}], "faults[0].probability", "less than"),
        ([{"kind": "lost_answer", "call": "customers.*", "seed": 2}], "faults[0].seed", "probability"),
        ([{"kind": "slow", "call": "customers.*"}], "faults[0].seconds", "needs it"),
        ([{"kind": "slow", "call": "customers.*", "seconds": 61}], "faults[0].seconds", "at most 60"),
        ([{"kind": "conflict", "call": "customers.*", "seconds": 1}], "faults[0].seconds", "no meaning"),
        ([{"kind": "conflict", "call": "customers.*", "colour": "red"}], "faults[0].colour", "not permitted"),
        ([{"kind": "conflict", "call": "customers.*"}, {"kind": "x"}], "faults[1].kind", "'lost_answer'"),
        ("nonsense", "faults", "valid list"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_by_name(http: httpx.Client, given: Any, named: str, told: str) -> None:
    answer = http.post("/_faults", json=given)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["param"] == named
    assert named in error["message"]
    assert told in error["message"]
    assert http.get("/_faults").json() == []


def test_a_body_that_is_no_json_is_refused(http: httpx.Client) -> None:
    answer = http.post("/_faults", content=b"[{")
    assert answer.status_code == 400
    assert "no JSON" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "call",
    [
        "payment_intents.create",
        "payment_intents.*",
        "*",
        "POST /v1/payment_intents",
        "POST /v1/payment_*",
    ],
)
def test_a_call_is_meant_by_name_or_by_method_and_path(http: httpx.Client, call: str) -> None:
    arrange(http, {"kind": "rate_limited", "call": call})
    limited = http.post("/v1/payment_intents", data=MONEY)
    assert (limited.status_code, limited.json()["error"]["code"]) == (429, "rate_limit")
    assert http.post("/v1/payment_intents", data=MONEY).status_code == 200
    assert book(http) == [(1, 1)]


def test_one_object_alone_can_be_meant(http: httpx.Client) -> None:
    one, other = (http.post("/v1/payment_intents", data=MONEY).json()["id"] for _ in range(2))
    arrange(http, {"kind": "error_before", "call": f"POST /v1/payment_intents/{one}/*"})
    data = {"payment_method": "pm_card_visa"}
    assert http.post(f"/v1/payment_intents/{other}/confirm", data=data).status_code == 200
    assert http.get(f"/v1/payment_intents/{one}").status_code == 200
    assert http.post(f"/v1/payment_intents/{one}/confirm", data=data).status_code == 500
    assert http.post(f"/v1/payment_intents/{one}/confirm", data=data).status_code == 200


def test_one_key_alone_can_be_meant(http: httpx.Client) -> None:
    arrange(http, {"kind": "error_before", "call": "customers.create", "key": "sara:*"})
    codes = [
        http.post("/v1/customers", headers={"Idempotency-Key": key} if key else {}).status_code
        for key in (None, "ben:1", "sara:1", "sara:1")
    ]
    assert codes == [200, 200, 500, 200]


def test_the_request_is_lost_before_anything_is_done(http: httpx.Client, sandbox: Sandbox) -> None:
    before = intents(sandbox)
    arrange(http, {"kind": "lost_request", "call": "payment_intents.create", "times": 2})
    for _ in range(2):
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            http.post("/v1/payment_intents", data=MONEY)
    assert intents(sandbox) == before
    assert http.post("/v1/payment_intents", data=MONEY).status_code == 200
    assert book(http) == [(2, 2)]


def test_the_answer_is_lost_after_it_was_done(http: httpx.Client, sandbox: Sandbox) -> None:
    before = intents(sandbox)
    arrange(http, {"kind": "lost_answer", "call": "payment_intents.create"})
    headers = {"Idempotency-Key": "lost-answer"}
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        http.post("/v1/payment_intents", data=CONFIRMED, headers=headers)
    again = http.post("/v1/payment_intents", data=CONFIRMED, headers=headers)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json()["status"] == "succeeded"
    assert intents(sandbox) == before + 1
    told = sandbox.get("/stripe/_state")["attempts"][again.json()["id"]]
    assert told == {"confirms": 1, "successes": 1}


def test_a_replayed_answer_can_be_lost_as_well(http: httpx.Client, sandbox: Sandbox) -> None:
    before = intents(sandbox)
    arrange(http, {"kind": "lost_answer", "call": "payment_intents.create", "times": 3})
    for _ in range(3):
        with pytest.raises(httpx.RemoteProtocolError):
            http.post("/v1/payment_intents", data=MONEY, headers={"Idempotency-Key": "thrice"})
    assert http.post("/v1/payment_intents", data=MONEY, headers={"Idempotency-Key": "thrice"}).status_code == 200
    assert intents(sandbox) == before + 1


def test_a_failure_before_is_not_kept_and_one_after_is(http: httpx.Client, sandbox: Sandbox) -> None:
    before = intents(sandbox)
    arrange(http, {"kind": "error_before", "call": "payment_intents.create"})
    headers = {"Idempotency-Key": "broke-before"}
    broke = http.post("/v1/payment_intents", data=MONEY, headers=headers)
    assert (broke.status_code, broke.json()["error"]["type"]) == (500, "api_error")
    assert intents(sandbox) == before
    assert http.post("/v1/payment_intents", data=MONEY, headers=headers).status_code == 200

    arrange(http, {"kind": "error_after", "call": "payment_intents.create"})
    headers = {"Idempotency-Key": "broke-after"}
    for replayed in (None, "true"):
        broke = http.post("/v1/payment_intents", data=CONFIRMED, headers=headers)
        assert (broke.status_code, broke.json()["error"]["type"]) == (500, "api_error")
        assert broke.headers.get("idempotent-replayed") == replayed
    made = sandbox.get("/stripe/_state")["payment_intents"][-1]
    assert (intents(sandbox), made["status"]) == (before + 2, "succeeded")
    assert book(http)[1] == (1, 1)


def test_a_fault_that_had_nothing_to_befall_waits_for_the_next_call(http: httpx.Client) -> None:
    headers = {"Idempotency-Key": "taken"}
    http.post("/v1/payment_intents", data=MONEY, headers=headers).raise_for_status()
    arrange(http, {"kind": "error_after", "call": "payment_intents.create"})
    other = http.post("/v1/payment_intents", data=CONFIRMED, headers=headers)
    assert (other.status_code, other.json()["error"]["type"]) == (400, "idempotency_error")
    assert http.post("/v1/payment_intents", data=MONEY, headers=headers).status_code == 200  # a replay
    assert http.post("/v1/payment_intents", data={**MONEY, "colour": "red"}).status_code == 400
    assert book(http)[0][1] == 0
    assert http.post("/v1/payment_intents", data=MONEY).status_code == 500
    assert book(http)[0][1] == 1


def test_a_conflict_needs_a_key(http: httpx.Client) -> None:
    arrange(http, {"kind": "conflict", "call": "customers.create"})
    assert http.post("/v1/customers").status_code == 200
    answer = http.post("/v1/customers", headers={"Idempotency-Key": "twins"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "idempotency_key_in_use")
    assert http.post("/v1/customers", headers={"Idempotency-Key": "twins"}).status_code == 200


def test_a_slow_answer_comes_whole(http: httpx.Client) -> None:
    arrange(http, {"kind": "slow", "call": "customers.create", "seconds": 0.5})
    with pytest.raises(httpx.ReadTimeout):
        http.post("/v1/customers", timeout=0.1)
    arrange(http, {"kind": "slow", "call": "customers.create", "seconds": 0.1})
    answer = http.post("/v1/customers")
    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() >= 0.1


def test_faults_come_one_behind_the_other(http: httpx.Client) -> None:
    rows = arrange(
        http,
        {"kind": "rate_limited", "call": "customers.create", "times": 2},
        {"kind": "error_before", "call": "customers.*"},
    )
    assert len({row["id"] for row in rows}) == 2
    assert [http.post("/v1/customers").status_code for _ in range(4)] == [429, 429, 500, 200]
    assert book(http) == [(2, 2), (1, 1)]
    removed = http.delete("/_faults").json()
    assert [row["fired"] for row in removed] == [2, 1]
    assert http.get("/_faults").json() == []
    assert arrange(http, {"kind": "conflict", "call": "*"})[0]["id"] not in {row["id"] for row in rows}


def test_a_probability_draws_from_its_seed(http: httpx.Client) -> None:
    def draws(**more: Any) -> list[int]:
        http.delete("/_faults").raise_for_status()
        arrange(http, {"kind": "rate_limited", "call": "customers.list", **more})
        return [http.get("/v1/customers").status_code for _ in range(40)]

    first = draws(probability=0.4, seed=11)
    assert draws(probability=0.4, seed=11) == first
    assert draws(probability=0.4, seed=12) != first
    assert 8 <= first.count(429) <= 24
    assert draws(probability=0.4, seed=11, times=3).count(429) == 3
    assert draws(probability=1).count(429) == 40


def test_the_book_of_faults_is_kept(tmp_path: Any) -> None:
    store = Store(tmp_path / "state.db")
    Faults(store, ROUTES).add([{"kind": "conflict", "call": "refunds.create", "times": 2}])
    refunds = next(route for route in ROUTES if route.call == "refunds.create")
    assert Faults(store, ROUTES).for_call(refunds, "/v1/refunds", key="r") is not None
    store.close()
    reopened = Store(tmp_path / "state.db")
    [row] = Faults(reopened, ROUTES).all()
    assert (row["seen"], row["fired"]) == (1, 1)
    reopened.close()


def test_every_call_has_a_name_of_its_own() -> None:
    names = [route.call for route in ROUTES]
    assert len(set(names)) == len(names)
    assert {
        "payment_intents.create",
        "payment_intents.confirm",
        "payment_intents.retrieve",
        "payment_intents.cancel",
        "refunds.create",
        "setup_intents.confirm",
        "customers.create",
        "customers.payment_methods.list",
        "disputes.close",
    } < set(names)
