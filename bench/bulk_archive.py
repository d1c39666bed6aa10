"""How long it takes to archive 200 clients at once on the whole local stack, with the worker killed in the middle.

Each client has an appointment ahead and a payment scheduled: archiving one cancels both, tells the two appointments'
workflows, and mails client and therapist. Worker, API, engine, stand-ins and PostgreSQL are programs of their own.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text
from temporalio.client import Client as Engine

from activities.snapshots import facts_of_appointments
from activities.types.facts import AppointmentFacts
from bench.payments import THERAPIST, _payment_of, _session_of, _worked
from config.development import DEV_PAYLOAD_KEYS
from engine.codec import PayloadKeys, data_converter
from engine.connect import TASK_QUEUE
from local.stack import LocalStack, Ports
from local.temporal import Service
from models.database import Sessions, connect, session_factory
from models.sealed import RowKeys
from models.tables.clients.client import Client
from workflows.messages import APPOINTMENT_JOURNEY, AppointmentInput, appointment_workflow_id

CLIENTS, THERAPISTS = 200, 10
AT_ONCE = 20  # requests while the scene is set
PATIENCE = 180.0  # seconds
KEY = "dev-care-team"


@dataclass(frozen=True, kw_only=True)
class Took:
    """Seconds until all were archived, until the last mail was sent, and of the slowest answer about the progress."""

    archived: float
    mailed: float
    slowest_look: float
    looks: int


async def run() -> None:
    async with (
        await LocalStack.start(ports=Ports.free(), seed=False) as stack,
        # Connections that the API is about to close are not used again.
        httpx.AsyncClient(
            trust_env=False, timeout=60, base_url=stack.api_url, limits=httpx.Limits(keepalive_expiry=1)
        ) as http,
    ):
        http.headers["Authorization"] = f"Bearer {KEY}"
        database = connect(stack.database_url)
        sessions = session_factory(database, rows=RowKeys(PayloadKeys.parse(DEV_PAYLOAD_KEYS).keys))
        try:
            await _therapists(http)
            print(f"{CLIENTS} clients with an appointment and a scheduled payment each, {THERAPISTS} therapists")
            for name, kill in (("undisturbed", False), ("the worker killed once, and started again", True)):
                clients = await _clients(stack, http, sessions, name)
                worked = _worked(stack)
                _show(name, await _archive(stack, http, sessions, clients, kill=kill))
                if not kill:  # whoever is killed takes the count along
                    for process, seconds in _worked(stack).items():
                        print(f"    {(seconds - worked[process]) / CLIENTS * 1000:6.1f} ms of a core each: {process}")
                await _each_exactly_once(sessions, clients)
        finally:
            await database.dispose()


def _show(name: str, took: Took) -> None:
    print(f"  {name}")
    print(f"    archived in {took.archived:5.1f} s, {CLIENTS / took.archived:5.1f} a second")
    print(f"    the last of their mails after {took.mailed:5.1f} s")
    print(f"    progress was read {took.looks} times meanwhile, the slowest answer took {took.slowest_look:.2f} s")


# ---------------------------------------------------------------- the scene


async def _ask(http: httpx.AsyncClient, method: str, path: str, body: Any = None) -> Any:
    answer = await http.request(method, path, json=body)
    assert answer.is_success, answer.text
    return answer.json()


async def _therapists(http: httpx.AsyncClient) -> None:
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    weekly = [{"weekday": day, "from": "00:00", "to": "24:00", "types": ["session"]} for day in days]
    settings = {"session": {"duration": 15, "step": 15, "buffer_after": 0, "minimum_notice": 0}}
    for number in range(THERAPISTS):
        slug = f"t{number}"
        await _ask(http, "POST", "/v1/therapists", {**THERAPIST, "slug": slug, "email": f"{slug}@practice.example"})
        await _ask(http, "PUT", f"/v1/therapists/{slug}/availability", {"weekly": weekly, "settings": settings})


async def _clients(stack: LocalStack, http: httpx.AsyncClient, sessions: Sessions, name: str) -> list[UUID]:
    """Each with an appointment booked over the API, and one that occurred, whose payment is due tomorrow."""
    midnight = (await stack.clock.now()).replace(hour=0, minute=0, second=0, microsecond=0)

    async def arrive(number: int) -> UUID:
        details = {
            "first_name": f"Client{number}",
            "last_name": "Lind",
            "email": f"{name.rsplit(maxsplit=1)[-1]}{number}@example.com",
            "phone": "+12125550100",
            "time_zone": "UTC",
        }
        form = {"source": "care_team", "therapist": f"t{number % THERAPISTS}", "note": "bench", "client": details}
        id = (await _ask(http, "POST", "/v1/journeys", form))["client_id"]
        start = midnight + timedelta(days=7, minutes=15 * (number // THERAPISTS))
        booking = {"type": "session", "starts_at": start.isoformat(), "mode": "video"}
        await _ask(http, "POST", f"/v1/clients/{id}/appointments", booking)
        return UUID(id)

    found: list[UUID] = []
    for first in range(0, CLIENTS, AT_ONCE):
        found += await asyncio.gather(*(arrive(number) for number in range(first, first + AT_ONCE)))
    await _payments(stack, sessions, found)
    return found


async def _payments(stack: LocalStack, sessions: Sessions, clients: Sequence[UUID]) -> None:
    """Written as marking a session writes them, with the appointment's workflow waiting for the payment to be due."""
    due = await stack.clock.now() + timedelta(days=1)
    facts: list[AppointmentFacts] = []
    async with sessions() as session:
        for client_id in clients:
            client = await session.get_one(Client, client_id)
            appointment = _session_of(client, at=due)
            session.add_all([appointment, _payment_of(appointment, at=due)])
            facts += await facts_of_appointments(session, client, [appointment.id])
        await session.commit()
    engine = await Engine.connect(
        stack.temporal_address,
        namespace=Service.read().namespace,
        data_converter=data_converter(PayloadKeys.parse(DEV_PAYLOAD_KEYS)),
    )
    for first in range(0, len(facts), AT_ONCE):
        await asyncio.gather(
            *(
                engine.start_workflow(
                    APPOINTMENT_JOURNEY,
                    AppointmentInput(appointment_id=appointment.id),
                    id=appointment_workflow_id(appointment.id),
                    task_queue=TASK_QUEUE,
                )
                for appointment in facts[first : first + AT_ONCE]
            )
        )
    await asyncio.sleep(2)  # all of it comes to rest


# ---------------------------------------------------------------- the archive


async def _archive(
    stack: LocalStack, http: httpx.AsyncClient, sessions: Sessions, clients: Sequence[UUID], *, kill: bool
) -> Took:
    mails = await _sent(sessions)
    began, slowest, looks, killing = time.perf_counter(), 0.0, 0, None
    started = await _ask(http, "POST", "/v1/archives", {"client_ids": [str(id) for id in clients]})
    async with asyncio.timeout(PATIENCE):
        while True:
            before = time.perf_counter()
            view = await _ask(http, "GET", f"/v1/archives/{started['archive_id']}")
            slowest, looks = max(slowest, time.perf_counter() - before), looks + 1
            if kill and killing is None and view["done"] >= CLIENTS // 4:
                killing = asyncio.create_task(_kill_and_start(stack))
            if view["status"] == "finished":
                break
            await asyncio.sleep(0.5)
        archived = time.perf_counter() - began
        assert view["archived"] == CLIENTS, view
        if killing is not None:
            await killing
        while True:
            if await _sent(sessions) >= mails + 2 * CLIENTS:
                break
            await asyncio.sleep(0.2)
    return Took(archived=archived, mailed=time.perf_counter() - began, slowest_look=slowest, looks=looks)


async def _kill_and_start(stack: LocalStack) -> None:
    await stack.kill_worker()
    await stack.start_worker()


async def _sent(sessions: Sessions) -> int:
    """How many cancellations were sent; one on its way when its worker was killed counts, as nobody knows."""
    return await _count(
        sessions,
        "SELECT count(*) FROM outbox WHERE template IN ('appointment_cancelled', 'appointment_changed')"
        " AND status IN ('sent', 'uncertain')",
    )


async def _each_exactly_once(sessions: Sessions, clients: Sequence[UUID]) -> None:
    checks = (
        ("SELECT count(*) FROM fact WHERE kind = 'archived' AND client_id = ANY(:ids)", len(clients)),
        ("SELECT count(*) FROM client WHERE status = 'archived' AND id = ANY(:ids)", len(clients)),
        ("SELECT count(*) FROM appointment WHERE status = 'cancelled' AND client_id = ANY(:ids)", len(clients)),
        ("SELECT count(*) FROM payment WHERE because = 'archived' AND client_id = ANY(:ids)", len(clients)),
        ("SELECT count(*) FROM payment WHERE status <> 'cancelled' AND client_id = ANY(:ids)", 0),
    )
    for statement, wanted in checks:
        found = await _count(sessions, statement, ids=list(clients))
        assert found == wanted, (statement, found, wanted)


async def _count(sessions: Sessions, statement: str, **values: Any) -> int:
    async with sessions() as session:
        connection = await session.connection()
        return int((await connection.execute(text(statement), values)).scalar_one())
