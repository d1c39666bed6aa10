"""Payments settled per second on the whole local stack, and how much of that is ours.

Worker, API, engine, stand-ins and PostgreSQL are programs of their own. So many payments fall due at one moment; each
is an appointment's workflow that wins it, charges the card, records the answer and sends the receipt, while Stripe's
webhook reaches the client's journey. Beside that, in the same run, two floors: a workflow with six durable steps that
do nothing, which stay six whatever a payment takes, and the calls of the stand-ins alone. The ratios hold when the
machine's speed drifts.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import psutil
from sqlalchemy import text
from sqlmodel import select
from temporalio.client import Client as Engine

from activities.base import derived_id
from activities.gateways.sendgrid import SendGridMailer
from activities.gateways.stripe import StripeGateway
from activities.ports import OutgoingMail
from activities.snapshots import facts_of_appointments
from activities.types.facts import AppointmentFacts
from bench.nothing import QUEUE, READY, Nothing
from config.development import DEV_PAYLOAD_KEYS
from engine.codec import PayloadKeys, data_converter
from engine.connect import TASK_QUEUE
from local.processes import Process, until
from local.stack import WEBHOOK_SECRET, LocalStack, Ports
from local.temporal import Service
from models.database import Sessions, connect, session_factory
from models.sealed import RowKeys
from models.tables.booking.appointment import Appointment
from models.tables.clients.client import Client
from models.tables.money.payment import Payment
from rules.enums import AppointmentStatus, AppointmentType, Mode, PaymentKind, PaymentStatus
from rules.money.terms import Terms
from rules.policy import JourneyPolicy
from workflows.messages import APPOINTMENT_JOURNEY, AppointmentInput, appointment_workflow_id

SITE, DESK = "dev-booking-site", "dev-care-team"
PAYMENTS, CLIENTS = 200, 20
AT_ONCE = 30  # calls of the stand-in, as many as the worker makes
FEE = 12_000
LEAD = timedelta(seconds=12)  # in which every workflow starts, and waits
PATIENCE = 180.0  # seconds
ROOM = {"POLICY__MAILS_PER_ADDRESS": "1000"}  # for ten receipts a client in one day
THERAPIST = {
    "slug": "ana",
    "name": "Ana",
    "email": "ana@practice.example",
    "time_zone": "UTC",
    "licensed_in": ["NY"],
    "concerns": [],
    "languages": ["en"],
    "modalities": ["individual"],
    "session_fee": {"amount": FEE, "currency": "USD"},
    "intro_calls": "off",
}


async def run() -> None:
    async with await LocalStack.start(ports=Ports.free(), seed=False, env=ROOM) as stack:
        database = connect(stack.database_url)
        sessions = session_factory(database, rows=RowKeys(PayloadKeys.parse(DEV_PAYLOAD_KEYS).keys))
        try:
            clients = await arrive(stack)
            alone = await _stand_ins_alone(stack, sessions)
            *floor, idle = await _nothing(stack)
            await settle(stack, sessions, clients, count=CLIENTS)  # warm
            worked = _worked(stack)
            paid, told = await settle(stack, sessions, clients, count=PAYMENTS)
            worked = {name: after - worked[name] for name, after in _worked(stack).items()}
        finally:
            await database.dispose()
    print(f"{PAYMENTS} payments that fall due at one moment")
    _line("settled", paid)
    _line("... and receipts sent", told)
    _line("the engine alone: three steps that do nothing", floor[0])
    _line("... and six", floor[1])
    _line("the stand-ins alone: customers' cards charged, and mails", alone)
    for name, seconds in worked.items():
        _core(name, seconds)
    _core("beside it, a worker whose six steps do nothing", idle)
    print(f"  a payment with its receipt costs {told / floor[1]:.1f} times six steps of nothing,")
    print(f"  and {told / (floor[1] + alone):.1f} times engine and stand-ins together; the rest is ours")


def _core(name: str, seconds: float) -> None:
    print(f"  {name:58} {seconds / PAYMENTS * 1000:6.1f} ms of a core each")


def _line(name: str, seconds: float) -> None:
    print(f"  {name:58} {PAYMENTS / seconds:6.1f} a second ({seconds:.1f} s)")


def _worked(stack: LocalStack) -> dict[str, float]:
    """Seconds of a core that our processes have used so far."""
    used = {}
    for process in (*stack.workers.values(), stack.api, stack.sandbox):
        assert process is not None
        used[process.name] = _used(process)
    return used


def _used(process: Process) -> float:
    assert process.pid is not None
    times = psutil.Process(process.pid).cpu_times()
    return times.user + times.system


# ---------------------------------------------------------------- the payments


async def arrive(stack: LocalStack) -> list[UUID]:
    """Clients with a journey and a card, as they arrive over the API."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:

        async def ask(method: str, path: str, body: Any, *, key: str = SITE) -> Any:
            answer = await http.request(
                method, stack.api_url + path, json=body, headers={"Authorization": f"Bearer {key}"}
            )
            assert answer.is_success, answer.text
            return answer.json()

        async def one(number: int) -> UUID:
            details = {
                "first_name": f"Client{number}",
                "last_name": "Lind",
                "email": f"client{number}@example.com",
                "phone": "+12125550100",
                "time_zone": "UTC",
            }
            form = {"source": "direct_booking", "therapist": "ana", "client": details}
            id = (await ask("POST", "/v1/journeys", form))["client_id"]
            setup = (await ask("POST", f"/v1/clients/{id}/card-setup", {}, key=DESK))["setup_intent"]
            confirmed = await http.post(
                f"{stack.sandbox_url}/stripe/v1/setup_intents/{setup}/confirm",
                data={"payment_method": "pm_card_visa"},
                headers={"Authorization": "Bearer sk_test_browser"},
            )
            confirmed.raise_for_status()
            answers = {"billing_name": details["first_name"], "accepts_fee_policy": True}
            billing = {"answers": answers, "signature": details["first_name"], "setup_intent": setup}
            await ask("PUT", f"/v1/clients/{id}/forms/billing_info", billing, key=DESK)
            return UUID(id)

        await ask("POST", "/v1/therapists", THERAPIST, key="dev-admin")
        return [await one(number) for number in range(CLIENTS)]


async def settle(
    stack: LocalStack, sessions: Sessions, clients: list[UUID], *, count: int, lead: timedelta = LEAD
) -> tuple[float, float]:
    """Seconds from the moment when all are due until the last is paid, and until its receipt is sent. ``lead``: in
    which their workflows start."""
    due = await stack.clock.now() + lead
    facts = await _due(sessions, clients, count=count, at=due)
    converter = data_converter(PayloadKeys.parse(DEV_PAYLOAD_KEYS))
    namespace = Service.read().namespace
    engine = await Engine.connect(stack.temporal_address, namespace=namespace, data_converter=converter)

    async def start(appointment: AppointmentFacts) -> None:
        await engine.start_workflow(
            APPOINTMENT_JOURNEY,
            AppointmentInput(appointment_id=appointment.id),
            id=appointment_workflow_id(appointment.id),
            task_queue=TASK_QUEUE,
        )

    await _so_many_at_once([lambda one=one: start(one) for one in facts])  # type: ignore[misc]
    left = (due - await stack.clock.now()).total_seconds()
    assert left > 0, "the workflows did not start in time"
    await asyncio.sleep(left)
    sent = text("SELECT count(*), max(sent_at) FROM outbox WHERE template = 'receipt' AND sent_at >= :due")
    paid = text("SELECT max(paid_at) FROM payment WHERE due_at = :due")
    async with asyncio.timeout(PATIENCE):
        while True:
            async with sessions() as session:
                connection = await session.connection()
                number, last = (await connection.execute(sent, {"due": due})).one()
                if number >= count:
                    last_paid = (await connection.execute(paid, {"due": due})).scalar_one()
                    return (last_paid - due).total_seconds(), (last - due).total_seconds()
            await asyncio.sleep(0.5)


async def _due(sessions: Sessions, clients: list[UUID], *, count: int, at: datetime) -> list[AppointmentFacts]:
    """Sessions that occurred, and their payments, written as marking them writes them."""
    ids: dict[UUID, list[UUID]] = {client: [] for client in clients}
    async with sessions() as session:
        for number in range(count):
            client = await session.get_one(Client, clients[number % CLIENTS])
            appointment = _session_of(client, at=at)
            ids[client.id].append(appointment.id)
            session.add_all([appointment, _payment_of(appointment, at=at)])
        found: list[AppointmentFacts] = []
        for client in (await session.exec(select(Client))).all():
            found += await facts_of_appointments(session, client, ids[client.id])
        await session.commit()
    return found


def _session_of(client: Client, *, at: datetime) -> Appointment:
    assert client.therapist_id is not None
    id = uuid4()
    return Appointment(
        id=id,
        client_id=client.id,
        therapist_id=client.therapist_id,
        type=AppointmentType.SESSION,
        status=AppointmentStatus.OCCURRED,
        starts_at=at - timedelta(hours=25),
        ends_at=at - timedelta(hours=24),
        mode=Mode.PHONE,
        fee_amount=FEE,
        fee_currency="USD",
        booked_by="care_team:desk",
        booked_at=at - timedelta(days=8),
        planned_at=at - timedelta(days=8),
        terms=Terms.of(JourneyPolicy()).document(),
        fee_policy_version=1,
    )


def _payment_of(appointment: Appointment, *, at: datetime) -> Payment:
    return Payment(
        id=derived_id(appointment.id, "payment"),
        appointment_id=appointment.id,
        client_id=appointment.client_id,
        kind=PaymentKind.SESSION,
        amount=FEE,
        currency="USD",
        status=PaymentStatus.SCHEDULED,
        created_at=appointment.ends_at,
        due_at=at,
        deadline=at + timedelta(hours=24),
    )


# ---------------------------------------------------------------- the floors


async def _nothing(stack: LocalStack) -> tuple[float, float, float]:
    """Seconds until the last workflow has done its third step of nothing, and its last; and of a core."""
    namespace = Service.read().namespace
    async with _worker_of_nothing(stack, namespace) as worker:
        engine = await Engine.connect(stack.temporal_address, namespace=namespace)

        async def steps(due: float) -> tuple[float, float]:
            return await engine.execute_workflow(Nothing.run, due, id=str(uuid4()), task_queue=QUEUE)

        await asyncio.gather(*(steps(0) for _ in range(CLIENTS)))  # warm
        used = _used(worker)
        due = (await stack.clock.now() + LEAD).timestamp()
        async with asyncio.timeout(PATIENCE):
            done = await asyncio.gather(*(steps(due) for _ in range(PAYMENTS)))
        used = _used(worker) - used
    recorded, ended = (max(moments) for moments in zip(*done, strict=True))
    return recorded - due, ended - due, used


@asynccontextmanager
async def _worker_of_nothing(stack: LocalStack, namespace: str) -> AsyncIterator[Process]:
    command = [sys.executable, "-m", "bench.nothing", stack.temporal_address, namespace]
    process = Process(name="nothing", command=command, log=stack.log)
    await process.start()
    try:

        async def ready() -> bool:
            return any(READY in line for line in process.tail)

        assert await until(ready, within=60, process=process), process.last_words
        yield process
    finally:
        await process.stop(kill=True)


async def _stand_ins_alone(stack: LocalStack, sessions: Sessions) -> float:
    """Seconds for as many intents made and confirmed, and mails taken; nobody is told of them."""
    async with sessions() as session:
        client = (await session.exec(select(Client).limit(1))).one()
    assert client.stripe_customer is not None
    assert client.stripe_payment_method is not None
    customer, card = client.stripe_customer, client.stripe_payment_method
    stripe = StripeGateway(api_key="sk_test_bench", api_base=f"{stack.sandbox_url}/stripe")
    mailer = SendGridMailer(api_key="SG.bench", host=f"{stack.sandbox_url}/sendgrid", at_once=AT_ONCE)

    async def charge() -> None:
        id = str(uuid4())
        intent = await stripe.create_intent(
            payment_id=id, client_id=id, customer=customer, amount=FEE, currency="USD", key=f"create:{id}"
        )
        assert (await stripe.retrieve_intent(intent=intent.id)) is not None  # as the webhook's handler does
        await stripe.confirm_intent(intent=intent.id, payment_method=card, key=f"confirm:{id}")
        await mailer.send(
            OutgoingMail(
                key=id,
                to="client@example.com",
                to_name=None,
                from_="hello@practice.example",
                subject="Your receipt",
                text="Thank you." * 40,
                html="<p>Thank you.</p>" * 40,
                template="receipt",
            )
        )

    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        endpoint = f"{stack.sandbox_url}/stripe/_webhook"
        url = f"{stack.api_url}/v1/webhooks/stripe"
        (await http.post(endpoint, json={"url": None, "secret": WEBHOOK_SECRET})).raise_for_status()
        await _so_many_at_once([charge] * CLIENTS)  # warm
        began = time.perf_counter()
        await _so_many_at_once([charge] * PAYMENTS)
        took = time.perf_counter() - began
        (await http.post(endpoint, json={"url": url, "secret": WEBHOOK_SECRET})).raise_for_status()
    await stripe.aclose()
    await mailer.aclose()
    return took


async def _so_many_at_once(work: list[Callable[[], Awaitable[object]]]) -> None:
    free = asyncio.Semaphore(AT_ONCE)

    async def one(do: Callable[[], Awaitable[object]]) -> None:
        async with free:
            await do()

    await asyncio.gather(*(one(do) for do in work))
