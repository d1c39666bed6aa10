"""Payments, credits and refunds of a client; whose a customer or an intent of Stripe's is; and how a payment stands."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, and_, func, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.paging import Page, one_page
from models.reads.visibility import may_see_appointment
from models.tables.booking.appointment import Appointment
from models.tables.clients.client import Client
from models.tables.money.credit import Credit
from models.tables.money.payment import Payment, PaymentTry
from models.tables.money.refund import Refund
from rules.accounts.caller import Caller
from rules.enums import PaymentStatus
from rules.money.payment_states import Because


def is_stopped() -> ColumnElement[bool]:
    """The rule of ``payment_states.is_stopped``, asked of the database."""
    return and_(col(Payment.status) == PaymentStatus.CANCELLED, col(Payment.because) == Because.ARCHIVED.value)


def is_owed(now: datetime) -> ColumnElement[bool]:
    """The rule of ``payment_states.is_owed``, asked of the database."""
    failed = and_(col(Payment.status) == PaymentStatus.FAILED, col(Payment.deadline) < now)
    return or_(col(Payment.status) == PaymentStatus.OWED, failed, is_stopped())


def open_credit_for(payment: type[Payment]) -> ScalarSelect[int]:
    """What a payment's client has of credit that nothing has reserved, as part of a larger question."""
    return (
        select(func.coalesce(func.sum(col(Credit.remaining)), 0))
        .where(
            col(Credit.client_id) == payment.client_id,
            col(Credit.currency) == payment.currency,
            col(Credit.remaining) > 0,
        )
        .scalar_subquery()
    )


def last_try_of(payment: type[Payment]) -> ScalarSelect[int]:
    """The number of a payment's last try, as part of a larger question; 0 before the first."""
    last = select(func.coalesce(func.max(col(PaymentTry.number)), 0))
    return last.where(col(PaymentTry.payment_id) == payment.id).scalar_subquery()


async def client_of_customer(session: AsyncSession, customer: str) -> Client | None:
    """The client whom Stripe knows as this customer, or whom that one was joined into."""
    known = select(func.coalesce(Client.joined_into, Client.id)).where(col(Client.stripe_customer) == customer)
    return (await session.exec(select(Client).where(col(Client.id).in_(known)))).first()


async def client_of_card(session: AsyncSession, method: str) -> Client | None:
    """The client whose saved card Stripe knows as this payment method."""
    return (await session.exec(select(Client).where(col(Client.stripe_payment_method) == method))).first()


async def client_of_intent(session: AsyncSession, intent: str) -> Client | None:
    """The client whose payment Stripe knows as this PaymentIntent."""
    statement = select(Client).join(Payment, col(Payment.client_id) == col(Client.id))
    return (await session.exec(statement.where(col(Payment.intent) == intent))).first()


async def is_heard_by_its_try(session: AsyncSession, intent: str, *, took: object) -> bool:
    """Whether it is no news that this PaymentIntent succeeded, and took so many minor units: the try of its payment
    runs, and records the answer to its own question; or it has recorded just that."""
    by_card = col(Payment.amount) - col(Payment.credit_used)
    statement = select(Payment.status, by_card).where(col(Payment.intent) == intent)
    status, expected = (await session.exec(statement)).first() or (None, 0)
    is_recorded = status is PaymentStatus.PAID and expected == took
    return status is PaymentStatus.PROCESSING or is_recorded


async def payment_of_intent(session: AsyncSession, intent: str) -> tuple[Payment, Client] | None:
    """The payment that Stripe knows as this PaymentIntent, and its client."""
    statement = select(Payment, Client).join(Client, col(Client.id) == col(Payment.client_id))
    return (await session.exec(statement.where(col(Payment.intent) == intent))).first()


async def payments_of(session: AsyncSession, client_id: UUID, page: Page) -> Sequence[Payment]:
    """A client's payments by due time; one more than the page holds, if there are more."""
    statement = (
        select(Payment).where(col(Payment.client_id) == client_id).order_by(col(Payment.due_at), col(Payment.id))
    )
    return await one_page(session, statement, page, Payment.due_at, Payment.id)


async def visible_one(session: AsyncSession, caller: Caller, payment_id: UUID) -> Payment | None:
    """For who sees the appointment: of a former client, a therapist's own."""
    statement = (
        select(Payment)
        .join(Appointment, col(Appointment.id) == col(Payment.appointment_id))
        .where(col(Payment.id) == payment_id, may_see_appointment(caller))
    )
    return (await session.exec(statement)).first()


async def credits_of(session: AsyncSession, client_id: UUID, page: Page) -> Sequence[Credit]:
    """A client's credits, oldest first; one more than the page holds, if there are more."""
    statement = select(Credit).where(col(Credit.client_id) == client_id).order_by(col(Credit.given_at), col(Credit.id))
    return await one_page(session, statement, page, Credit.given_at, Credit.id)


async def refunds_of(session: AsyncSession, payment_id: UUID, page: Page) -> Sequence[Refund]:
    """A payment's refunds, oldest first; one more than the page holds, if there are more."""
    statement = (
        select(Refund).where(col(Refund.payment_id) == payment_id).order_by(col(Refund.asked_at), col(Refund.id))
    )
    return await one_page(session, statement, page, Refund.asked_at, Refund.id)


async def all_payments_of(session: AsyncSession, client_id: UUID) -> Sequence[Payment]:
    return (await session.exec(select(Payment).where(col(Payment.client_id) == client_id))).all()
