"""What a reconciler reads: lists by time, page by page, through Stripe's own client; and the count of tries."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import stripe

from activities.gateways.stripe import Transport
from tests.sandbox.process import Sandbox, running_sandbox
from tests.sandbox.test_stripe_wire import error, post

PAYABLE = {"amount": "5000", "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One that nobody else puts anything into."""
    with running_sandbox() as running:
        yield running


@pytest.fixture(scope="module")
def paid(sandbox: Sandbox) -> list[str]:
    """Five payments, each refunded in part and disputed: the ids of the intents, oldest first."""
    ids = []
    with httpx.Client(
        base_url=sandbox.stripe, headers={"Authorization": "Bearer sk_test_x"}, trust_env=False
    ) as client:
        for _ in range(5):
            intent = post(client, "/v1/payment_intents", **PAYABLE)["id"]
            post(client, "/v1/refunds", payment_intent=intent, amount="1000")
            sandbox.post("/stripe/_disputes", {"payment_intent": intent})
            ids.append(intent)
    return ids


KINDS = ("payment_intents", "refunds", "disputes", "charges", "events")


@pytest.mark.parametrize("kind", KINDS)
def test_pages_go_on_to_the_oldest(http: httpx.Client, paid: list[str], kind: str) -> None:
    whole = http.get(f"/v1/{kind}", params={"limit": 100}).json()["data"]
    assert len(whole) >= 5
    assert [row["created"] for row in whole] == sorted((row["created"] for row in whole), reverse=True)
    pages: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    for _ in range(100):
        page = http.get(f"/v1/{kind}", params={"limit": "2", **after}).json()
        pages += page["data"]
        if not page["has_more"]:
            break
        after = {"starting_after": page["data"][-1]["id"]}
    assert pages == whole
    last = http.get(f"/v1/{kind}", params={"starting_after": whole[-1]["id"]}).json()
    assert (last["data"], last["has_more"]) == ([], False)


@pytest.mark.parametrize("kind", KINDS)
def test_lists_are_cut_by_time(http: httpx.Client, paid: list[str], kind: str) -> None:
    whole = http.get(f"/v1/{kind}", params={"limit": 100}).json()["data"]
    newest, oldest = whole[0]["created"], whole[-1]["created"]

    def found(**bounds: int) -> list[Any]:
        params = {"limit": "100", **{f"created[{name}]": str(value) for name, value in bounds.items()}}
        rows: list[Any] = http.get(f"/v1/{kind}", params=params).json()["data"]
        return rows

    assert found(gte=oldest, lte=newest) == whole
    assert found(gt=newest) == []
    assert found(lt=oldest) == []
    assert found(gte=newest) == [row for row in whole if row["created"] == newest]
    assert found(gte=oldest - 10, lt=oldest) == []
    told = error(http.get(f"/v1/{kind}", params={"created[since]": "1"}), 400)
    assert told["param"] == "created"
    assert error(http.get(f"/v1/{kind}", params={"created[gte]": "yesterday"}), 400)["param"] == "created"


def test_refunds_and_disputes_of_one_payment(http: httpx.Client, paid: list[str]) -> None:
    for kind in ("refunds", "disputes"):
        [row] = http.get(f"/v1/{kind}", params={"payment_intent": paid[2]}).json()["data"]
        assert row["payment_intent"] == paid[2]
        assert http.get(f"/v1/{kind}", params={"charge": row["charge"]}).json()["data"] == [row]


def test_events_by_their_types(http: httpx.Client, paid: list[str]) -> None:
    def types(params: list[tuple[str, str]]) -> set[str]:
        rows = http.get("/v1/events", params=[*params, ("limit", "100")]).json()["data"]
        return {row["type"] for row in rows}

    assert types([("type", "refund.created")]) == {"refund.created"}
    assert types([("types[]", "refund.created"), ("types[]", "charge.refunded")]) == {
        "refund.created",
        "charge.refunded",
    }
    assert types([("type", "charge.dispute.*")]) == {"charge.dispute.created", "charge.dispute.funds_withdrawn"}
    both = http.get("/v1/events", params=[("type", "refund.created"), ("types[]", "charge.refunded")])
    assert "only specify one" in error(both, 400)["message"]


def test_an_intent_shows_its_charge(http: httpx.Client, paid: list[str]) -> None:
    shown = http.get(f"/v1/payment_intents/{paid[0]}", params={"expand[]": "latest_charge"}).json()
    assert (shown["amount_received"], shown["latest_charge"]["amount_refunded"]) == (5000, 1000)
    charge = http.get(f"/v1/charges/{shown['latest_charge']['id']}").json()
    assert charge == shown["latest_charge"]
    assert (charge["payment_intent"], charge["disputed"]) == (paid[0], True)


def test_tries_and_successes_are_counted(http: httpx.Client, sandbox: Sandbox) -> None:
    def counted(id_: str) -> tuple[int, int]:
        told = sandbox.get("/stripe/_state")["attempts"][id_]
        return told["confirms"], told["successes"]

    intent = post(http, "/v1/payment_intents", amount="5000", currency="usd")["id"]
    confirm = f"/v1/payment_intents/{intent}/confirm"
    assert counted(intent) == (0, 0)
    error(http.post(confirm, data={"payment_method": "pm_card_visa_chargeDeclined"}), 402)
    assert counted(intent) == (1, 0)
    once = {"Idempotency-Key": f"once-{intent}"}
    for _ in range(3):  # the second and third are replays: they never get there
        assert http.post(confirm, data={"payment_method": "pm_card_visa"}, headers=once).status_code == 200
    assert counted(intent) == (2, 1)
    told = error(http.post(confirm, data={"payment_method": "pm_card_visa"}), 400)
    assert told["code"] == "payment_intent_unexpected_state"
    assert counted(intent) == (3, 1)


async def test_the_librarys_own_paging_works(sandbox: Sandbox, paid: list[str]) -> None:
    transport = Transport(timeout=10)
    client = stripe.StripeClient("sk_test_x", base_addresses={"api": sandbox.stripe}, http_client=transport)
    rows = await client.v1.refunds.list_async({"limit": 2, "created": {"gte": 1_000_000_000}})
    assert [row.payment_intent async for row in rows.auto_paging_iter()][-5:] == paid[::-1]
    events = await client.v1.events.list_async({"limit": 2, "types": ["charge.dispute.created"]})
    about = [row.data.object["payment_intent"] async for row in events.auto_paging_iter()]
    assert about[-5:] == paid[::-1]
    disputes = await client.v1.disputes.list_async({"limit": 2})
    assert [row.payment_intent async for row in disputes.auto_paging_iter()][-5:] == paid[::-1]
    await transport.close_async()  # type: ignore[no-untyped-call]
