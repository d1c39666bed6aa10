"""What every activity stands on: its dependencies, its transaction, and the facts it hands back."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import ParamSpec, TypeVar
from uuid import UUID, uuid5

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.ports import Mailer, PaymentGateway, SignalRecord
from activities.rendering import Links, Practice
from activities.types import AppointmentFacts, PaymentFacts
from engine.clock import Clock
from engine.signed_links import SignedLinks
from models.appointment import Appointment
from models.client import Client
from models.database import Sessions
from models.locks import lock_client
from models.occupied_time import is_overlap
from models.payment import Payment
from models.task import Task
from models.therapist import Therapist
from models.timeline import append_fact
from rules.words import ClientStatus, TaskKind

Asked = ParamSpec("Asked")
Result = TypeVar("Result")
_LOOKS = 3


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """All that activities touch outside of themselves. ``link_key`` makes the tokens of activation links,
    ``unsubscribe_links`` those by which a client unsubscribes. Without ``signals`` nobody knows who sent one."""

    sessions: Sessions
    clock: Clock
    payments: PaymentGateway
    simulated_payments: PaymentGateway
    mailer: Mailer
    links: Links
    practice: Practice
    email_from: str
    link_key: bytes
    unsubscribe_links: SignedLinks
    signals: SignalRecord | None = None


class Activities:
    """A group of activities over the same dependencies."""

    def __init__(self, dependencies: Dependencies) -> None:
        self.deps = dependencies

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed if the block ends, rolled back if it raises or rolls back itself."""
        async with self.deps.sessions() as session:
            yield session
            await session.commit()

    async def now(self) -> datetime:
        return await self.deps.clock.now()

    def gateway_for(self, client: Client) -> PaymentGateway:
        """Test clients never reach Stripe."""
        return self.deps.simulated_payments if client.test else self.deps.payments

    async def customer_of(self, client: Client, *, request_id: str) -> str:
        """The client's customer at the gateway, made once. A stray one, never used, is harmless."""
        if client.stripe_customer is not None:
            return client.stripe_customer
        # Of this request and run: Stripe would replay a stored failure to a key that later ones share.
        key = f"customer:{client.id}:{request_id}:{this_run()}"
        made = await self.gateway_for(client).create_customer(client_ref=client.ref, key=key)
        async with self.transaction() as session:
            locked = await lock_client(session, client.id)
            locked.stripe_customer = locked.stripe_customer or made
            session.add(locked)
            return locked.stripe_customer


def this_run() -> int:
    """How often the step that runs was begun: part of a key to which Stripe must not replay a stored failure."""
    return activity.info().attempt if activity.in_activity() else 1


def looks_again(step: Callable[Asked, Awaitable[Result]]) -> Callable[Asked, Awaitable[Result]]:
    """For a step that takes times: run it again when the database found one of them taken at the write.

    Whoever locks the therapist first sees everything, so this is for what another program, or a person, writes past
    the locks. The next look sees it, and the answer is an ordinary refusal.
    """

    @wraps(step)
    async def looking(*args: Asked.args, **kwargs: Asked.kwargs) -> Result:
        for _ in range(_LOOKS - 1):
            try:
                return await step(*args, **kwargs)
            except IntegrityError as error:
                if not is_overlap(error):
                    raise
        return await step(*args, **kwargs)

    return looking


def derived_id(base: str | UUID, *parts: object) -> UUID:
    """An id that follows from another: the same step done twice finds its own rows."""
    return uuid5(UUID(str(base)), "/".join(str(part) for part in parts))


def payment_facts(payment: Payment, client: Client) -> PaymentFacts:
    return PaymentFacts(
        id=str(payment.id),
        status=payment.status,
        amount=payment.amount,
        currency=payment.currency,
        due_at=payment.due_at,
        deadline=payment.deadline,
        next_try_at=payment.next_try_at,
        attempts=payment.attempts,
        because=payment.because,
        frozen=client.charges_frozen,
    )


def appointment_facts(
    appointment: Appointment, client: Client, therapist: Therapist, payment: Payment | None
) -> AppointmentFacts:
    """A snapshot of one appointment, from rows read in this transaction."""
    return AppointmentFacts(
        version=client.fact_seq,
        id=str(appointment.id),
        client_id=str(client.id),
        ref=client.ref,
        type=appointment.type,
        status=appointment.status,
        therapist=therapist.slug,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        client_archived=client.status is ClientStatus.ARCHIVED,
        payment=payment_facts(payment, client) if payment else None,
    )


async def facts_of_appointments(
    session: AsyncSession, client: Client, ids: list[UUID] | None = None
) -> tuple[AppointmentFacts, ...]:
    """Snapshots of a client's appointments, in time order; all of them, or those named."""
    statement = (
        select(Appointment, Therapist, Payment)
        .join(Therapist, col(Therapist.id) == col(Appointment.therapist_id))
        .join(Payment, col(Payment.appointment_id) == col(Appointment.id), isouter=True)
        .where(col(Appointment.client_id) == client.id)
        .order_by(col(Appointment.starts_at), col(Appointment.id))
    )
    if ids is not None:
        statement = statement.where(col(Appointment.id).in_(ids))
    await session.flush()
    rows = (await session.exec(statement)).all()
    return tuple(appointment_facts(appointment, client, therapist, payment) for appointment, therapist, payment in rows)


async def open_task_once(
    session: AsyncSession,
    client: Client,
    *,
    key: str,
    kind: TaskKind,
    text: str,
    at: datetime,
    appointment_id: UUID | None = None,
    payment_id: UUID | None = None,
) -> Task | None:
    """Open a task for the care team, once per key; None if it was opened before. The client's row is locked."""
    known = (await session.exec(select(Task).where(col(Task.key) == key))).first()
    if known is not None:
        return None
    about = {"appointment_id": appointment_id, "payment_id": payment_id}
    task = Task(
        id=derived_id(client.id, "task", key),
        key=key,
        client_id=client.id,
        kind=kind,
        text=text,
        data={name: str(value) for name, value in about.items() if value},
        opened_at=at,
    )
    session.add(task)
    append_fact(
        session,
        client,
        at=at,
        actor="system",
        kind="task_opened",
        text=f"A task was opened for the care team: {text}",
        data={"task_id": str(task.id), "task": kind.value, **task.data},
    )
    return task


async def close_tasks(
    session: AsyncSession, client: Client, *, about: str | None, kinds: tuple[TaskKind, ...], at: datetime, note: str
) -> None:
    """Resolve the open tasks of these kinds about one payment or appointment (its id), or all: it is done."""
    statement = select(Task).where(
        col(Task.client_id) == client.id, col(Task.kind).in_(kinds), col(Task.resolved_at).is_(None)
    )
    for task in await session.exec(statement):
        if about is not None and about not in task.data.values():
            continue
        task.resolved_at, task.resolved_by, task.note = at, "system", note
        session.add(task)
        append_fact(
            session,
            client,
            at=at,
            actor="system",
            kind="task_resolved",
            text=f"A task was resolved: {note}",
            data={"task_id": str(task.id), "task": task.kind.value},
        )
