"""What has to be translated for localstripe, each seen to be needed; its webhooks; and that it is kept apart."""

import asyncio
import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from rules.money.webhook_signature import SignedEvent, verify_webhook
from tests.gateways.localstripe import LEAVES_OUT, REFUSES, SECRET_KEY, LocalStripe
from tests.sandbox.receiver import receiver


@pytest.fixture
def http(localstripe: LocalStripe) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=localstripe.url, auth=(SECRET_KEY, ""), trust_env=False, timeout=10) as client:
        yield client


def post(http: httpx.Client, path: str, **fields: str) -> dict[str, Any]:
    answer = http.post(path, data=fields)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def payable(http: httpx.Client) -> str:
    card = post(http, "/v1/payment_methods", **a_card())["id"]
    return str(post(http, "/v1/payment_intents", amount="5000", currency="usd", payment_method=card)["id"])


def a_card() -> dict[str, str]:
    card = {"number": "4242424242424242", "exp_month": "12", "exp_year": "2044", "cvc": "123"}
    return {"type": "card", **{f"card[{name}]": value for name, value in card.items()}}


@pytest.mark.parametrize(("call", "name"), [(call, name) for call, names in REFUSES.items() for name in names])
def test_what_is_taken_out_of_requests_would_be_refused(http: httpx.Client, call: str, name: str) -> None:
    intent = payable(http)
    needed = {
        "payment_intents": {"amount": "5000", "currency": "usd"},
        "refunds": {"payment_intent": intent},
    }
    if call == "refunds":
        post(http, f"/v1/payment_intents/{intent}/confirm")
    path = f"/v1/{call.replace('*', intent)}"
    refused = http.post(path, data={**needed.get(call, {}), name: "true"})
    assert refused.status_code == (500 if name == "payment_method" else 400)
    expected = "Not implemented" if name == "payment_method" else f"Unexpected {name.partition('[')[0]}"
    assert refused.json()["error"]["message"] == expected
    assert http.post(path, data=needed.get(call, {})).status_code == 200


def test_what_is_put_into_answers_is_missing_there(http: httpx.Client) -> None:
    intent = payable(http)
    paid = post(http, f"/v1/payment_intents/{intent}/confirm")
    refund = post(http, "/v1/refunds", payment_intent=intent)
    for told in (paid, refund):
        assert set(told).isdisjoint(LEAVES_OUT[told["object"]])
    assert {paid["object"], refund["object"]} == set(LEAVES_OUT)


async def test_its_webhooks_are_signed_by_stripes_scheme(http: httpx.Client) -> None:
    came: asyncio.Queue[SignedEvent] = asyncio.Queue()

    async def receive(body: bytes, headers: dict[str, str]) -> int:
        now = datetime.now(UTC)
        came.put_nowait(verify_webhook(payload=body, header=headers["stripe-signature"], secret="whsec_other", now=now))
        return 200

    async with receiver(receive) as url:
        hook = {"url": url, "secret": "whsec_other", "events": ["payment_intent.succeeded"]}
        assert (await asyncio.to_thread(http.post, "/_config/webhooks/tests", json=hook)).status_code == 200
        intent = await asyncio.to_thread(payable, http)
        await asyncio.to_thread(post, http, f"/v1/payment_intents/{intent}/confirm")
        async with asyncio.timeout(30):
            while (event := await came.get()).object["id"] != intent:
                """It sends a second late: this one is of a test before."""
    assert (event.type, event.object["status"]) == ("payment_intent.succeeded", "succeeded")


def test_it_is_heard_on_this_machine_alone(localstripe: LocalStripe) -> None:
    heard = [each for each in psutil.Process(localstripe.process.pid).net_connections() if each.status == "LISTEN"]
    assert [each.laddr.ip for each in heard] == ["::ffff:127.0.0.1"]
    assert heard[0].family == socket.AF_INET6


def test_it_is_never_imported() -> None:
    root = Path(__file__).parents[2]
    for folder in ("activities", "api", "engine", "local", "models", "rules", "sandbox", "tests", "workflows"):
        for page in (root / folder).rglob("*.py"):
            assert not re.search(r"^\s*(import|from)\s+localstripe\b", page.read_text(), re.MULTILINE), page
