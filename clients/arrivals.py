"""Whether the receiver of each language takes what is signed, once, and nothing else."""

import asyncio
import base64
import json
import secrets
from asyncio.subprocess import Process
from datetime import UTC, datetime, timedelta

import httpx
from standardwebhooks.webhooks import Webhook

from clients.commands import Failed, started
from local.processes import free_ports

PROGRAMS = (("python", "python/receive.py"), ("node", "typescript/receive.ts"))
_ARRIVES_WITHIN = 30.0  # seconds


async def check_receivers() -> None:
    for program in PROGRAMS:
        [port] = free_ports(1)
        secret = f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}"
        async with started(*program, env={"PORT": str(port), "WEBHOOK_SECRET": secret}) as process:
            await line_of(process, "listening")
            await _deliver(f"http://127.0.0.1:{port}/", Webhook(secret))
            await line_of(process, "appointment.booked 41")
            await line_of(process, "appointment.cancelled 42")  # the next one: what came twice was taken once


async def _deliver(url: str, signed: Webhook) -> None:
    now = datetime.now(UTC)
    event = json.dumps({"id": "41", "kind": "appointment.booked", "at": now.isoformat(), "data": {}})
    later = json.dumps({"id": "42", "kind": "appointment.cancelled", "at": now.isoformat(), "data": {}})
    old = now - timedelta(hours=1)
    forged = Webhook(base64.b64encode(secrets.token_bytes(24)).decode())
    async with httpx.AsyncClient() as client:
        for status, id_, at, body, signer in (
            (401, "41", now, event, forged),
            (401, "41", old, event, signed),
            (204, "41", now, event, signed),
            (204, "41", now, event, signed),
            (204, "42", now, later, signed),
        ):
            headers = {
                "webhook-id": id_,
                "webhook-timestamp": str(int(at.timestamp())),
                "webhook-signature": signer.sign(id_, at, body),
            }
            answer = await client.post(url, content=body, headers=headers)
            if answer.status_code != status:
                raise Failed(f"{status} was expected of {url}, and {answer.status_code} came")


async def line_of(process: Process, wanted: str) -> None:
    """The next line that it writes. Raises Failed when it is another."""
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_ARRIVES_WITHIN):
            line = (await process.stdout.readline()).decode().strip()
    except TimeoutError:
        line = "nothing"
    if line != wanted:
        raise Failed(f"{wanted!r} was expected of a receiver, and {line!r} came")
