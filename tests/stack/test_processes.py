"""The stack as ``make run`` starts it: real processes that are killed, drained and doubled, on the real clock."""

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client

from local.stack import LocalStack, Ports
from tests.stack.practice import Asker, soon

CLIENTS = 50
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


@pytest.mark.timeout(480)
async def test_workers_are_killed_drained_and_doubled_and_everybody_is_charged_once() -> None:
    """Sessions end within a minute and are charged five seconds later, while workers come and go."""
    env = {"POLICY__CHARGE_AFTER": "PT5S"}
    async with (
        await LocalStack.start(ports=Ports.free(), env=env, workers=2, seed=False) as stack,
        httpx.AsyncClient(timeout=60, trust_env=False) as http,
    ):
        practice = Asker(stack, http)
        await asyncio.gather(*(practice.add_therapist(f"t{number}", minutes=1) for number in range(CLIENTS)))
        clients = await asyncio.gather(
            *(practice.arrives(f"client{number}", f"t{number}") for number in range(CLIENTS))
        )
        start = soon(20)
        await asyncio.gather(*(practice.books(client, start) for client in clients))
        assert len(await _workers_that_took_part(stack, [client.id for client in clients])) == 2
        await _support_staff_can_act(stack, practice, clients[0].id)
        clients = clients[1:]  # the first was archived by hand, and is charged nothing

        await asyncio.sleep(max(0.0, (start - datetime.now(UTC)).total_seconds()) + 0.5)
        await asyncio.gather(*(practice.marks(client) for client in clients))
        # Between "occurred" and the charge: one worker is killed, and started again before the money is due.
        await stack.kill_worker("worker")
        await stack.start_worker("worker")
        # In the middle of the charges: the other is asked to stop, and drains.
        due = max(datetime.fromisoformat(client.session["ends_at"]) for client in clients).timestamp() + 5
        await asyncio.sleep(max(0.0, due - datetime.now(UTC).timestamp()) + 0.3)
        assert await stack.stop_worker("worker-2") == 0
        await practice.until_paid(clients, within=180)

        intents = await practice.succeeded()
        assert len(intents) == len(clients)
        assert sum(intent["amount"] for intent in intents) == len(clients) * 12000
        for client in clients:
            [payment] = await practice.payments(client)
            assert (payment["status"], payment["attempts"]) == ("paid", 1), payment
        async with asyncio.timeout(60):
            while len(await practice.mails("receipt")) < len(clients):
                await asyncio.sleep(0.2)
        assert Counter(await practice.mails("receipt")) == Counter(client.email for client in clients)
        assert Counter(await practice.mails("welcome")).most_common(1)[0][1] == 1


async def _workers_that_took_part(stack: LocalStack, client_ids: Sequence[str]) -> set[str]:
    """Who completed the workflow tasks of these journeys, by the engine's own record."""
    engine = await Client.connect(stack.temporal_address)
    seen: set[str] = set()
    for client_id in client_ids:
        async for event in engine.get_workflow_handle(f"client-journey:{client_id}").fetch_history_events():
            if event.HasField("workflow_task_completed_event_attributes"):
                seen.add(event.workflow_task_completed_event_attributes.identity)
    return seen


async def _support_staff_can_act(stack: LocalStack, practice: Asker, client_id: str) -> None:
    """List journeys by stage, query one, and archive it, with no input; all with the stock command line, whose identity
    the timeline then has."""
    listed = ""
    async with asyncio.timeout(60):  # the list is eventually consistent
        while client_id not in listed:
            listed = await _cli(stack, "list", "--query", "JourneyStage = 'activation'", "--limit", "100", "-o", "json")
    journey = f"client-journey:{client_id}"
    codec = ["--codec-endpoint", f"{stack.api_url}/codec", "--codec-auth", "Bearer dev-care-team"]
    view = json.loads(await _cli(stack, "query", "-w", journey, "--type", "journey", *codec, "-o", "json"))
    assert view["queryResult"][0]["stage"] == "activation", view
    await _cli(stack, "signal", "-w", journey, "--name", "archive")
    async with asyncio.timeout(60):
        while "archived" not in await _cli(stack, "query", "-w", journey, "--type", "journey", *codec):
            await asyncio.sleep(0.2)
    timeline = await practice.ask("GET", f"/v1/clients/{client_id}/timeline?limit=100", by="desk")
    [actor] = [fact["actor"] for fact in timeline["items"] if fact["kind"] == "archived"]
    assert actor.startswith("via Temporal (temporal-cli:"), actor
