"""The stand-ins live on the engine's clock when they are given one."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from engine.clock import EngineClock
from local.processes import free_port
from rules.money.webhook_signature import SignatureInvalid, verify_webhook
from tests.sandbox.process import running_sandbox
from tests.sandbox.receiver import receiver


async def listening(port: int) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


@pytest.fixture
async def clock() -> AsyncIterator[EngineClock]:
    port = free_port()
    program = Path(sys.executable).with_name("temporal-test-server")
    server = subprocess.Popen([program, str(port), "--enable-time-skipping"], stdout=subprocess.DEVNULL)
    clock = EngineClock(f"127.0.0.1:{port}")
    try:
        await listening(port)
        await clock.lock()
        yield clock
    finally:
        server.kill()
        server.wait()


async def test_keys_events_and_mails_follow_the_movable_clock(clock: EngineClock) -> None:
    events: list[tuple[bytes, str]] = []

    async def receive(body: bytes, headers: dict[str, str]) -> int:
        events.append((body, headers["stripe-signature"]))
        return 200

    money = {"amount": "5000", "currency": "usd"}
    mail = {
        "personalizations": [{"to": [{"email": "sara@example.org"}]}],
        "from": {"email": "care@example.org"},
        "subject": "Hello",
        "content": [{"type": "text/plain", "value": "Hello"}],
    }
    async with receiver(receive) as url, httpx.AsyncClient(trust_env=False) as http:
        with running_sandbox(
            "--clock-address", clock.address, "--webhook-url", url, "--webhook-secret", "whsec_x"
        ) as sandbox:

            async def create() -> str:
                answer = await http.post(
                    sandbox.stripe + "/v1/payment_intents",
                    data=money,
                    headers={"Authorization": "Bearer sk_test_x", "Idempotency-Key": "daily"},
                )
                return str(answer.json()["id"])

            first = await create()
            await clock.advance(timedelta(hours=23, minutes=50))
            assert await create() == first
            later = await clock.advance(timedelta(minutes=20))
            second = await create()
            assert second != first  # kept for 24 hours, and no longer
            await clock.advance(timedelta(days=400))
            now = await clock.now()
            await http.post(sandbox.sendgrid + "/v3/mail/send", json=mail, headers={"Authorization": "Bearer SG.x"})
            [sent] = sandbox.get("/outbox")
            assert abs(datetime.fromisoformat(sent["sent_at"]) - now) < timedelta(minutes=1)
    assert len(events) == 2
    body, header = events[1]
    event = verify_webhook(payload=body, header=header, secret="whsec_x", now=later)
    assert event.object["id"] == second
    assert abs(event.created - later.timestamp()) < 60
    with pytest.raises(SignatureInvalid, match="outside"):
        verify_webhook(payload=body, header=header, secret="whsec_x", now=datetime.now(UTC) - timedelta(days=2))
