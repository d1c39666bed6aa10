"""Many clients' payments side by side: each is followed as its appointment's workflow follows it, and one may fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.dialects.postgresql import insert
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import derived_id
from activities.snapshots import facts_of_appointments
from activities.types.facts import AppointmentFacts, PaymentFacts
from activities.types.money import EventHandled
from activities.types.reconciliation import JourneyNews
from models.tables.clients.client import Client
from models.tables.mail.inbound_event import InboundEvent
from rules.enums import AppointmentStatus, Mode
from rules.journey.settling import next_step
from tests.activities.money.crashes.steps import SLOW, PaymentSteps
from tests.care.practice import DESK, FEE, MONDAY, POLICY, Practice
from tests.care.rows import appointment_row, payment_row
from tests.sandbox.receiver import receiver
from workflows.parts import payment as money


@dataclass
class Fee:
    """One payment. ``deaths`` are the points at which its steps die, ``trouble`` is ``kind@call`` or ``kind``."""

    steps: PaymentSteps
    client: str
    facts: AppointmentFacts
    deaths: tuple[str, ...] = ()
    trouble: str = ""
    met: bool = False  # whether that trouble came
    intent: str | None = None  # one that is to be called off
    tells: bool = True  # whether mails are sent
    postman: asyncio.Lock = field(default_factory=asyncio.Lock)  # one mail after the other, as the workflow sends them

    @property
    def payment(self) -> PaymentFacts:
        assert self.facts.payment is not None
        return self.facts.payment

    @property
    def id(self) -> str:
        return self.payment.id

    @property
    def open(self) -> bool:
        return money.is_open(self.payment)

    @property
    def workflow(self) -> str:
        return f"appointment:{self.facts.id}"

    @property
    def label(self) -> str:
        return f"death at {'+'.join(self.deaths) or 'no point'}, {self.trouble or 'no trouble'}"

    @property
    def died(self) -> bool:
        return bool(self.deaths) and not self.steps.failpoints.left(self.workflow)

    def arm(self) -> None:
        self.steps.failpoints.arm(self.workflow, *self.deaths)

    def fault(self) -> dict[str, Any] | None:
        """What the stand-in is told about a call that is in trouble."""
        kind, _, call = self.trouble.partition("@")
        if not call:
            return None
        about = self.intent if call == "cancel" else self.id
        fault = {"kind": kind, "call": f"payment_intents.{call}", "key": f"{call}:{about}:*"}
        return fault | ({"seconds": SLOW} if kind == "slow" else {})

    async def next_step(self) -> None:
        """What is due now: a try, or the end of the time for it."""
        before = self.payment
        step = next_step(before)
        assert step.at <= self.steps.practice.clock.instant, f"{self.label}: nothing is due yet"
        with self.steps.as_workflow(self.workflow):
            if step.owe:
                settled = await self.steps.run("owe_payment", before.id)
            else:
                _, settled = await money.attempt(
                    before.id, money.number_of(before), began=lambda begun: self.take(begun.appointment)
                )
        self.take(settled.appointment)
        await self.deliver()

    async def hear(self, facts: AppointmentFacts) -> None:
        """Its journey tells what Stripe has reported."""
        self.take(facts)
        await self.deliver()

    def take(self, facts: AppointmentFacts) -> bool:
        """Keep the newer facts, as the workflow does."""
        if facts.version < self.facts.version or facts == self.facts:
            return False
        self.facts = facts
        return True

    async def deliver(self) -> None:
        """What waits for the payment's workflow, and for its client's journey."""
        if self.tells:
            async with self.postman:
                await self.steps.deliver(self.client, self.facts.id)
                await self.steps.deliver(self.client)


@dataclass
class Lanes:
    """Clients with a card, whose payments fall due at one time, each beside the others."""

    steps: PaymentSteps
    clients: list[str]
    fees: list[Fee] = field(default_factory=list)
    weeks: int = 0

    @classmethod
    async def of(cls, steps: PaymentSteps, count: int) -> Lanes:
        clients = [await steps.practice.client(name=f"client{number}") for number in range(count)]
        for client in clients:
            await steps.practice.gives_card(client)
        return cls(steps, clients)

    @property
    def practice(self) -> Practice:
        return self.steps.practice

    async def week(self, deaths: Sequence[tuple[str, ...]], trouble: str = "", *, tells: bool = True) -> list[Fee]:
        """Everybody has had a session, and its payment is due now."""
        fees = []
        ended = MONDAY + timedelta(weeks=self.weeks)
        self.weeks += 1
        self.practice.clock.instant = ended + POLICY.charge_after
        async with self.practice.sessions() as session:
            for client, points in zip(self.clients, deaths, strict=True):
                row = await session.get_one(Client, UUID(client))
                id = add_due(session, row, id=uuid4(), amount=FEE, ended=ended)
                [facts] = await facts_of_appointments(session, row, [id])
                fees.append(Fee(self.steps, client, facts, deaths=points, trouble=trouble, tells=tells))
            await session.commit()
        self.fees += fees
        return fees

    async def in_trouble(self, fees: Sequence[Fee], act: Callable[[Fee], Awaitable[object]]) -> None:
        """Do it for all at once, each with its own death and its own trouble."""
        faults = [(fee, fault) for fee in fees if (fault := fee.fault())]
        events = [
            {"kind": fee.trouble, "event": "payment_intent.succeeded"}
            | ({"seconds": 3600} if fee.trouble == "webhook_late" else {})
            for fee in fees
            if fee.trouble.startswith("webhook_")
        ]
        await self.steps.arrange([fault for _, fault in faults] + events)
        for fee in fees:
            fee.arm()
        async with asyncio.TaskGroup() as at_once:
            for fee in fees:
                at_once.create_task(_told(act, fee))
        rows = await self.steps.ask("GET", "_faults")
        for (fee, _), row in zip(faults, rows, strict=False):
            fee.met = fee.met or row["fired"] > 0
        if events and all(row["fired"] for row in rows):
            for fee in fees:
                fee.met = True

    # ------------------------------------------------------------ what Stripe reports

    @asynccontextmanager
    async def hearing(self) -> AsyncIterator[None]:
        """Webhooks arrive and are acted on, as the API and the journeys do it."""

        async def receive(body: bytes, _: dict[str, str]) -> int:
            event = json.loads(body)
            if event["type"].startswith("payment_intent.") and event["type"] != "payment_intent.created":
                await self._store(event)
                await self.report(event["id"], client=event["data"]["object"]["metadata"]["client_id"])
            return 200

        async with receiver(receive) as url:
            await self.steps.ask("POST", "_webhook", {"url": url, "secret": "whsec_tests"})
            yield
            await self.steps.ask("POST", "_webhooks/release")
            await self.steps.ask("POST", "_webhook", {"url": None, "secret": "whsec_tests"})

    async def _store(self, event: dict[str, Any]) -> None:
        about = {name: event["data"]["object"].get(name) for name in ("id", "object", "status", "customer")}
        row = insert(InboundEvent).values(
            id=event["id"],
            vendor="stripe",
            type=event["type"],
            payload={"id": event["id"], "type": event["type"], "data": {"object": about}},
            received_at=self.practice.clock.instant,
        )
        async with self.practice.sessions() as session:
            await session.exec(row.on_conflict_do_nothing())
            await session.commit()

    async def report(self, event_id: str, *, client: str) -> None:
        """The journey looks at an event, and tells the payment's workflow what has changed."""
        with self.steps.as_workflow(journey_of(client)):
            handled: EventHandled = await self.steps.run("handle_inbound_event", event_id)
            if handled.settled is None:
                return
            [fee] = [fee for fee in self.fees if fee.facts.id == handled.settled.appointment.id]
            await fee.hear(handled.settled.appointment)

    async def news(self, told: JourneyNews) -> None:
        if told.event_id is not None:
            await self.report(told.event_id, client=told.client_id)


def journey_of(client: str) -> str:
    """The workflow that hears what Stripe reports."""
    return f"client-journey:{client}"


def add_due(session: AsyncSession, client: Client, *, id: UUID, amount: int, ended: datetime) -> UUID:
    """A session that occurred, and its payment, as marking it at its end writes them."""
    assert client.therapist_id is not None
    appointment = appointment_row(
        id=id,
        client_id=client.id,
        therapist_id=client.therapist_id,
        status=AppointmentStatus.OCCURRED,
        starts_at=ended - timedelta(hours=1),
        ends_at=ended,
        mode=Mode.PHONE,
        fee_amount=amount,
        booked_by=DESK.actor,
        booked_at=ended - timedelta(days=8),
        outcome_at=ended,
        outcome_by=DESK.actor,
    )
    payment = payment_row(
        appointment,
        id=derived_id(id, "payment"),
        created_at=ended,
        due_at=ended + POLICY.charge_after,
        deadline=ended + POLICY.charge_deadline,
    )
    session.add_all([appointment, payment])
    return id


async def _told(act: Callable[[Fee], Awaitable[object]], fee: Fee) -> None:
    try:
        await act(fee)
    except Exception as error:
        error.add_note(fee.label)
        raise
