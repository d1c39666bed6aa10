"""The stack as ``make run`` starts it: real processes that are killed, drained and doubled, on the real clock."""

import asyncio
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client

from local.stack import LocalStack, Ports
from tests.care.defaults import Json
from tests.care.story import Care
from tests.stack.practice import add_therapist, arrives_with_card, care_of, recipients, soon, until_paid

CLIENTS = 30
TEMPORAL = str(Path(sys.executable).with_name("temporal"))


async def _cli(stack: LocalStack, *arguments: str) -> str:
    """The stock ``temporal`` command line."""
    process = await asyncio.create_subprocess_exec(
        TEMPORAL,
        "workflow",
        *arguments,
        "--address",
        stack.temporal_address,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | {"HOME": str(stack.data_dir)},
    )
    output, _ = await asyncio.wait_for(process.communicate(), timeout=30)
    assert process.returncode == 0, output.decode()
    return output.decode()


@pytest.mark.crowd
@pytest.mark.timeout(480)
async def test_workers_are_killed_drained_and_doubled_and_everybody_is_charged_once() -> None:
    """Sessions end within a minute and are charged five seconds later, while workers come and go."""
    env = {"POLICY__CHARGE_AFTER": "PT5S"}
    async with (
        await LocalStack.start(ports=Ports.free(), env=env, workers=2, seed=False) as stack,
        httpx.AsyncClient(timeout=60, trust_env=False) as http,
    ):
        care = care_of(stack, http)
        await asyncio.gather(*(add_therapist(care, f"t{number}", minutes=1) for number in range(CLIENTS)))
        clients = await asyncio.gather(
            *(arrives_with_card(care, f"client{number}", f"t{number}") for number in range(CLIENTS))
        )
        start = soon(20)
        await asyncio.gather(*(client.books("session", start, by="desk") for client in clients))
        assert len(await _workers_that_took_part(stack, [client.id for client in clients])) == 2
        await _support_staff_can_act(stack, care, clients[0].id)
        clients = clients[1:]  # the first was archived by hand, and is charged nothing

        await asyncio.sleep(max(0.0, (start - datetime.now(UTC)).total_seconds()) + 0.5)
        await asyncio.gather(*(client.session(1).marked("occurred") for client in clients))
        # Between "occurred" and the charge: one worker is killed, and started again before the money is due.
        await stack.kill_worker("worker")
        await stack.start_worker("worker")
        # In the middle of the charges: the other is asked to stop, and drains.
        due = max(client.session(1).ends_at for client in clients).timestamp() + 5
        await asyncio.sleep(max(0.0, due - datetime.now(UTC).timestamp()) + 0.3)
        assert await stack.stop_worker("worker-2") == 0
        await until_paid(clients, within=180)

        assert await care.charges_at_stripe() == [12000] * len(clients)
        for client in clients:
            [payment] = await client.payments()
            assert (payment["status"], payment["attempts"]) == ("paid", 1), payment
        async with asyncio.timeout(60):
            while len(await recipients(care, "receipt")) < len(clients):
                await asyncio.sleep(0.2)
        assert Counter(await recipients(care, "receipt")) == Counter(client.email for client in clients)
        assert Counter(await recipients(care, "welcome")).most_common(1)[0][1] == 1


async def _workers_that_took_part(stack: LocalStack, client_ids: Sequence[str]) -> set[str]:
    """Who completed the workflow tasks of these journeys, by the engine's own record."""
    engine = await Client.connect(stack.temporal_address)
    seen: set[str] = set()
    for client_id in client_ids:
        async for event in engine.get_workflow_handle(f"client-journey:{client_id}").fetch_history_events():
            if event.HasField("workflow_task_completed_event_attributes"):
                seen.add(event.workflow_task_completed_event_attributes.identity)
    return seen


async def _own_token(care: Care) -> str:
    """Of somebody of the care team, who was invited by mail."""
    email = "maria@practice.example"
    await care.post("/v1/staff", {"name": "Maria Lopez", "email": email, "roles": ["care_team"]}, by="admin")
    mails: list[Json] = []
    async with asyncio.timeout(30):
        while not mails:
            await asyncio.sleep(0.2)
            mails = await care.mails(to=email, template="invitation")
    [link] = re.findall(r"/invitations/(\S+)", mails[0]["text"])
    accepted = {"token": link, "password": "correct horse battery"}
    return str((await care.post("/v1/activations", accepted, by=None, expect=200))["token"])


async def _support_staff_can_act(stack: LocalStack, care: Care, client_id: str) -> None:
    """List journeys by stage, query one, and archive it, with no input; all with the stock command line, whose identity
    the timeline then has."""
    listed = ""
    async with asyncio.timeout(60):  # the list is eventually consistent
        while client_id not in listed:
            listed = await _cli(stack, "list", "--query", "JourneyStage = 'activation'", "--limit", "100", "-o", "json")
    journey = f"client-journey:{client_id}"
    codec = ["--codec-endpoint", f"{stack.api_url}/codec", "--codec-auth", f"Bearer {await _own_token(care)}"]
    asked = ["query", "-w", journey, "--type", "journey", *codec]
    view = json.loads(await _cli(stack, *asked, "-o", "json"))
    assert view["queryResult"][0]["stage"] == "activation", view
    await _cli(stack, "signal", "-w", journey, "--name", "archive")
    async with asyncio.timeout(60):
        while not json.loads(await _cli(stack, *asked, "-o", "json"))["queryResult"][0]["archived"]:
            await asyncio.sleep(0.2)
    timeline = await care.get(f"/v1/clients/{client_id}/timeline", limit=100)
    [actor] = [fact["actor"] for fact in timeline["items"] if fact["kind"] == "archived"]
    assert actor.startswith("via Temporal (temporal-cli:"), actor
