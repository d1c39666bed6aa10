"""What arrives at the receiver of each language: what happened, once, and nothing that is forged."""

import asyncio
import base64
import contextlib
import json
import secrets
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
from standardwebhooks.webhooks import Webhook

from clients.commands import Failed, started
from local.processes import free_ports

_ARRIVES_WITHIN = 60.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """A program that listens at ``url`` and writes a line for each event that it takes."""

    url: str
    secret: str
    process: Process

    async def hears(self, line: str) -> list[str]:
        """The lines up to this one. Raises Failed when it does not come."""
        assert self.process.stdout is not None
        came: list[str] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ARRIVES_WITHIN):
                while read := await self.process.stdout.readline():
                    said = read.decode().strip()
                    came.append(said)
                    if said == line:
                        return came
        raise Failed(f"{line!r} did not arrive at {self.url}, but {came}")


@contextlib.asynccontextmanager
async def receiving(*program: str, api: httpx.AsyncClient) -> AsyncIterator[Receiver]:
    """The program, told to the API as a webhook of the booking site. ``api`` is an admin's."""
    [port] = free_ports(1)
    url = f"http://127.0.0.1:{port}/"
    made = (await api.post("/v1/webhooks", json={"url": url, "for": "site"})).raise_for_status().json()
    async with started(*program, env={"PORT": str(port), "WEBHOOK_SECRET": made["secret"]}) as process:
        receiver = Receiver(url=url, secret=made["secret"], process=process)
        await receiver.hears("listening")
        yield receiver


async def must_take_once_what_is_signed(receiver: Receiver) -> None:
    """Forged, old and doubled ones, made by the stock library."""
    now = datetime.now(UTC)
    one = json.dumps({"id": 1_000_041, "kind": "appointment.moved", "data": {"appointment_id": "one"}})
    next_one = json.dumps({"id": 1_000_042, "kind": "appointment.moved", "data": {"appointment_id": "next"}})
    signed = Webhook(receiver.secret)
    forger = Webhook(base64.b64encode(secrets.token_bytes(24)).decode())
    async with httpx.AsyncClient() as client:
        for status, at, body, signer in (
            (401, now, one, forger),
            (401, now - timedelta(hours=1), one, signed),
            (204, now, one, signed),
            (204, now, one, signed),
            (204, now, next_one, signed),
        ):
            id_ = str(json.loads(body)["id"])
            headers = {
                "webhook-id": id_,
                "webhook-timestamp": str(int(at.timestamp())),
                "webhook-signature": signer.sign(id_, at, body),
            }
            answer = await client.post(receiver.url, content=body, headers=headers)
            if answer.status_code != status:
                raise Failed(f"{status} was expected of {receiver.url}, and {answer.status_code} came")
    came = await receiver.hears("appointment.moved next")
    if came.count("appointment.moved one") != 1:
        raise Failed(f"{receiver.url} took {came}, and not once what was signed")
