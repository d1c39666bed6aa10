"""X2 with real processes: a worker is killed by SIGKILL at every point of a payment, and another carries it through."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from temporalio.client import Client as Engine
from temporalio.client import WorkflowExecutionStatus

from activities.base import derived_id
from local.processes import until
from local.stack import LocalStack, Ports
from models.database import connect
from tests.activities.money.crashes.failpoints import POINTS
from tests.care.story import Care, Person
from tests.stack.mortal_worker import DEATHS, name_of
from tests.stack.mortal_worker import POINTS as ARMED
from tests.stack.practice import add_therapist, arrives_with_card, care_of, recipients, soon, until_paid

FEE = 12000
BETWEEN_DEATHS = 1.2  # seconds
# What goes wrong at Stripe besides, for one client after the other; and the points that only such trouble leads to.
TROUBLES = ("", "lost_answer@confirm", "lost_answer@create", "conflict@confirm")
ONLY_IN_TROUBLE = {"before_close": "rate_limited@confirm", "after_close": "rate_limited@create"}
TIMES = {"rate_limited": 3}  # the death of another payment's worker may come first


@pytest.mark.crowd
@pytest.mark.timeout(480)
async def test_x2_workers_killed_at_every_point_of_a_payment_charge_once(tmp_path: Path) -> None:
    async with (
        await LocalStack.start(ports=Ports.free(), env={"POLICY__CHARGE_AFTER": "PT6S"}, seed=False) as stack,
        httpx.AsyncClient(timeout=60, trust_env=False) as http,
    ):
        care = care_of(stack, http)
        troubles = dict(zip(POINTS, cycle(TROUBLES), strict=False)) | ONLY_IN_TROUBLE
        names = {point: point.replace("_", "-") for point in troubles}
        await asyncio.gather(*(add_therapist(care, name, minutes=1) for name in names.values()))
        arrived = await asyncio.gather(*(arrives_with_card(care, name, name) for name in names.values()))
        clients = dict(zip(names, arrived, strict=True))
        start = soon(2)
        await asyncio.gather(*(client.books("session", start, by="desk") for client in arrived))
        await _sessions_end(stack, [client.session(1).id for client in arrived])
        await _arrange(care, [(clients[point], trouble) for point, trouble in troubles.items()])

        armed = {f"appointment:{client.session(1).id}": point for point, client in clients.items()}
        deaths = tmp_path / "deaths"
        deaths.mkdir()
        await asyncio.sleep(max(0.0, (start - datetime.now(UTC)).total_seconds()))
        await asyncio.gather(*(client.session(1).marked("occurred") for client in arrived))
        async with _mortal_worker(stack, {ARMED: json.dumps(armed), DEATHS: str(deaths)}):
            await until_paid(arrived, within=240)
            async with asyncio.timeout(60):
                while len(await recipients(care, "receipt")) < len(arrived):
                    await asyncio.sleep(0.2)
            engine = await Engine.connect(stack.temporal_address)
            await _end(engine, list(armed))
            compared = await care.post("/v1/reconciliations", by="desk", expect=200)
        died = {death.name for death in deaths.iterdir()}
        assert died <= {name_of(*where) for where in armed.items()}
        # One payment's death may carry another past its point, but not many: the points lie close together.
        assert len(died) >= len(armed) - 3, died
        assert (compared["status"], compared["healed"], compared["differences"]) == ("finished", [], [])
        assert compared["compared"]["payments"] >= len(arrived)
        await _everybody_was_charged_once(care, arrived, engine)


async def _sessions_end(stack: LocalStack, appointments: Sequence[str]) -> None:
    """One after the other, soon: no session is shorter than a minute, and nobody wants to wait that long.

    Deaths at one moment would cost each other the engine's patience with a dead worker, over and over.
    """
    engine = connect(stack.database_url)
    async with engine.begin() as connection:
        for number, appointment in enumerate(appointments):
            await connection.execute(
                text("UPDATE appointment SET ends_at = starts_at + make_interval(secs => :seconds) WHERE id = :id"),
                {"id": appointment, "seconds": 1 + number * BETWEEN_DEATHS},
            )
    await engine.dispose()


async def _arrange(care: Care, troubles: Sequence[tuple[Person, str]]) -> None:
    """Each client's payment meets its own trouble, once."""
    faults = []
    for client, trouble in troubles:
        kind, _, call = trouble.partition("@")
        if call:
            payment = derived_id(client.session(1).id, "payment")
            about = {"call": f"payment_intents.{call}", "key": f"{call}:{payment}:*"}
            faults.append({"kind": kind, **about, "times": TIMES.get(kind, 1)})
    await care.at_stripe.ask("POST", "_faults", faults)


async def _end(engine: Engine, workflow_ids: Sequence[str]) -> None:
    """Every payment is settled, and so its workflow ends: how often a step was begun is written with its end."""
    async with asyncio.timeout(60):
        for workflow_id in workflow_ids:
            handle = engine.get_workflow_handle(workflow_id)
            while (await handle.describe()).status is WorkflowExecutionStatus.RUNNING:
                await asyncio.sleep(0.2)


async def _receipt_was_begun(engine: Engine, workflow_id: str) -> int:
    """How often a step that mails was begun by an appointment: once more for every worker that did not answer."""
    scheduled: set[int] = set()
    attempts: list[int] = []
    async for event in engine.get_workflow_handle(workflow_id).fetch_history_events():
        if event.HasField("activity_task_scheduled_event_attributes"):
            if event.activity_task_scheduled_event_attributes.activity_type.name in ("try_payment", "deliver"):
                scheduled.add(event.event_id)
        elif event.HasField("activity_task_started_event_attributes"):
            started = event.activity_task_started_event_attributes
            if started.scheduled_event_id in scheduled:
                attempts.append(started.attempt)
    return sum(attempts)


@asynccontextmanager
async def _mortal_worker(stack: LocalStack, told: Mapping[str, str]) -> AsyncIterator[None]:
    """In the place of the stack's own worker."""
    process = stack.program("mortal", "-m", "tests.stack.mortal_worker")
    process.env = {**process.env, **told}
    await asyncio.gather(stack.stop_worker(), process.start())
    try:

        async def ready() -> bool:
            return any("Ready: taking work" in line for line in process.tail)

        assert await until(ready, within=60, process=process), process.last_words
        yield
    finally:
        await process.stop()


async def _everybody_was_charged_once(care: Care, clients: Sequence[Person], engine: Engine) -> None:
    state = await care.stripe()
    intents = {intent["id"]: intent["metadata"]["payment_id"] for intent in state["payment_intents"]}
    charged = Counter(intents[charge["payment_intent"]] for charge in state["charges"])
    assert {charge["status"] for charge in state["charges"]} == {"succeeded"}
    for client in clients:
        [payment] = await client.payments()
        assert (payment["status"], payment["attempts"], payment["amount"]) == ("paid", 1, FEE), (client.email, payment)
        assert charged[payment["id"]] == 1, client.email
    assert sum(charge["amount"] for charge in state["charges"]) == len(clients) * FEE
    receipts = Counter(await recipients(care, "receipt"))
    for client in clients:
        # One each. Another only for every time that the step was begun anew, its worker killed after sending: of a mail
        # about money, rather two than none.
        begun = await _receipt_was_begun(engine, f"appointment:{client.session(1).id}")
        assert 1 <= receipts[client.email] <= begun, (client.email, receipts[client.email], begun)
    assert set(receipts) == {client.email for client in clients}
    faults = await care.at_stripe.ask("GET", "_faults")
    assert all(fault["fired"] for fault in faults), faults
