"""Events reach the product before the call that caused them is answered, signed, and in spite of trouble."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.processes import free_port
from rules.money.webhook_signature import verify_webhook
from tests.sandbox.process import Sandbox, running_sandbox
from tests.sandbox.receiver import receiver

SECRET = "whsec_tests"
MONEY = {"amount": "5000", "currency": "usd"}
CONFIRMED = {**MONEY, "payment_method": "pm_card_visa", "confirm": "true"}


@pytest.fixture
async def api(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=sandbox.stripe, headers={"Authorization": "Bearer sk_test_x"}, trust_env=False, timeout=20
    ) as client:
        yield client


async def register(api: httpx.AsyncClient, url: str | None, *events: str) -> None:
    body: dict[str, Any] = {"url": url, "secret": SECRET} | ({"events": list(events)} if events else {})
    (await api.post("/_webhook", json=body)).raise_for_status()


async def test_events_are_signed_and_come_before_the_answer(api: httpx.AsyncClient) -> None:
    events = []

    async def receive(body: bytes, headers: dict[str, str]) -> int:
        event = verify_webhook(payload=body, header=headers["stripe-signature"], secret=SECRET, now=datetime.now(UTC))
        # The product fetches the object again before it believes the event: no lock may be in its way.
        now = (await api.get(f"/v1/payment_intents/{event.object['id']}")).json()
        events.append((event.type, event.object["status"], now["status"]))
        return 200

    async with receiver(receive) as url:
        await register(api, url)
        paid = (await api.post("/v1/payment_intents", data=CONFIRMED)).json()
        assert events == [
            ("payment_intent.created", "requires_confirmation", "succeeded"),
            ("payment_intent.succeeded", "succeeded", "succeeded"),
        ]
        refused = {**CONFIRMED, "payment_method": "pm_card_visa_chargeDeclined"}
        assert (await api.post("/v1/payment_intents", data=refused)).status_code == 402
        asked = {**CONFIRMED, "payment_method": "pm_card_authenticationRequired"}
        waiting = (await api.post("/v1/payment_intents", data=asked)).json()
        await api.post(f"/v1/payment_intents/{waiting['id']}/cancel")
        assert [kind for kind, _, _ in events[2:]] == [
            "payment_intent.created",
            "payment_intent.payment_failed",
            "payment_intent.created",
            "payment_intent.requires_action",
            "payment_intent.canceled",
        ]
        await register(api, None)
    listed = (await api.get("/v1/events", params={"type": "payment_intent.succeeded"})).json()["data"]
    assert listed[0]["data"]["object"]["id"] == paid["id"]


async def test_a_twin_in_flight_is_refused(api: httpx.AsyncClient) -> None:
    arrived, answer = asyncio.Event(), asyncio.Event()

    async def receive(body: bytes, headers: dict[str, str]) -> int:
        arrived.set()
        await answer.wait()
        return 200

    async with receiver(receive) as url:
        await register(api, url, "payment_intent.succeeded")
        headers = {"Idempotency-Key": "twin"}
        first = asyncio.create_task(api.post("/v1/payment_intents", data=CONFIRMED, headers=headers))
        await arrived.wait()
        twin = await api.post("/v1/payment_intents", data=CONFIRMED, headers=headers)
        assert twin.status_code == 409
        assert twin.json()["error"]["code"] == "idempotency_key_in_use"
        answer.set()
        done = await first
        after = await api.post("/v1/payment_intents", data=CONFIRMED, headers=headers)
        assert after.json() == done.json()
        await register(api, None)


async def test_a_receiver_in_trouble_is_tried_again(api: httpx.AsyncClient) -> None:
    seen: list[str] = []
    enough = asyncio.Event()

    async def receive(body: bytes, headers: dict[str, str]) -> int:
        seen.append(json.loads(body)["type"])
        if len(seen) == 3:
            enough.set()
        return 500 if len(seen) == 1 else 200

    async with receiver(receive) as url:
        await register(api, url)
        assert (await api.post("/v1/payment_intents", data=CONFIRMED)).status_code == 200
        assert seen == ["payment_intent.created"]
        await asyncio.wait_for(enough.wait(), 10)
        assert seen == ["payment_intent.created", "payment_intent.created", "payment_intent.succeeded"]
        await asyncio.sleep(0.2)
        rows = (await api.get("/_state")).json()["deliveries"][-2:]
        assert [(row["status"], row["attempts"]) for row in rows] == [("delivered", 2), ("delivered", 1)]
        await register(api, None)


async def test_everything_survives_a_kill(tmp_path: Path) -> None:
    """Also an event that could not be delivered before the kill, and the answers kept under keys."""
    state, port = str(tmp_path / "state.db"), free_port()
    nobody = f"http://127.0.0.1:{free_port()}/hook"

    async def charge(sandbox: Sandbox) -> httpx.Response:
        headers = {"Authorization": "Bearer sk_test_x", "Idempotency-Key": "once"}
        async with httpx.AsyncClient(trust_env=False, headers=headers) as client:
            return await client.post(sandbox.stripe + "/v1/payment_intents", data=CONFIRMED)

    async def mail_once(sandbox: Sandbox) -> httpx.Response:
        mail = {
            "personalizations": [{"to": [{"email": "sara@example.org"}]}],
            "from": {"email": "care@example.org"},
            "subject": "Hello",
            "content": [{"type": "text/plain", "value": "Hello"}],
        }
        async with httpx.AsyncClient(trust_env=False, headers={"Authorization": "Bearer SG.x"}) as client:
            return await client.post(sandbox.sendgrid + "/v3/mail/send", json=mail)

    with running_sandbox("--state", state, "--webhook-url", nobody, port=port) as first:
        made = await charge(first)
        assert (await mail_once(first)).status_code == 202
        before, outbox = first.get("/stripe/_state"), first.get("/outbox")
        first.stop(how=signal.SIGKILL)

    seen: list[str] = []
    enough = asyncio.Event()

    async def receive(body: bytes, headers: dict[str, str]) -> int:
        seen.append(json.loads(body)["type"])
        if len(seen) == 2:
            enough.set()
        return 200

    async with receiver(receive) as url:
        hook = int(url.split(":")[2].split("/")[0])
        # The events were meant for the old address: the one in force at the time of retrying is used.
        with running_sandbox("--state", state, "--webhook-url", f"http://127.0.0.1:{hook}/hook", port=port) as second:
            await asyncio.wait_for(enough.wait(), 10)
            after = second.get("/stripe/_state")
            for kind in ("payment_intents", "charges", "payment_methods", "events"):
                assert after[kind] == before[kind]
            assert second.get("/outbox") == outbox
            again = await charge(second)
            assert again.json() == made.json()
            assert again.headers["idempotent-replayed"] == "true"
            assert len(second.get("/stripe/_state")["charges"]) == 1
    assert seen == ["payment_intent.created", "payment_intent.succeeded"]
