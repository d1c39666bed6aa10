"""What a client has, owes and pays in; and the card that is charged."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, literal, or_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.money.payments import is_owed, is_stopped
from models.tables.booking.appointment import Appointment
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.tables.money.credit import Credit
from models.tables.money.payment import Payment
from rules.archive.plan import MoneyLine, PaymentLine, money_of
from rules.money.cards import SavedCard
from rules.money.payment_states import UNPAID

USUAL_CURRENCY = "USD"  # of a client with neither payments nor a therapist


def saved_card(client: Client) -> SavedCard | None:
    """The card that payments are made with; none if the bank has blocked it."""
    if client.stripe_payment_method is None or client.card is None or client.card_blocked:
        return None
    return SavedCard(
        id=client.stripe_payment_method, exp_year=client.card["exp_year"], exp_month=client.card["exp_month"]
    )


async def currency_of(session: AsyncSession, client: Client) -> str:
    """What the client pays in: that of the newest payment or appointment, else the therapist's."""
    return (await session.exec(select(pays_in(client)))).one()


def pays_in(client: Client) -> ColumnElement[str]:
    """The same, as part of a larger question."""
    paid_in = (
        select(Payment.currency)
        .where(col(Payment.client_id) == client.id)
        .order_by(col(Payment.created_at).desc(), col(Payment.id))
    )
    booked_in = (
        select(Appointment.fee_currency)
        .where(col(Appointment.client_id) == client.id)
        .order_by(col(Appointment.booked_at).desc(), col(Appointment.id))
    )
    asked_in = select(Therapist.session_fee_currency).where(col(Therapist.id) == client.therapist_id)
    found = (newest.limit(1).scalar_subquery() for newest in (paid_in, booked_in, asked_in))
    return func.coalesce(*found, literal(USUAL_CURRENCY))


async def currencies_of(session: AsyncSession, client: Client) -> set[str]:
    """Every currency that a fee of the client's may still be paid in: what they pay in now, and that of every payment
    which is open or owed."""
    unpaid = select(Payment.currency).where(
        col(Payment.client_id) == client.id, or_(col(Payment.status).in_(UNPAID), is_stopped())
    )
    return {await currency_of(session, client), *(await session.exec(unpaid)).all()}


async def credits_of_all(session: AsyncSession, client_id: UUID) -> dict[str, int]:
    """What is left of the client's credit, in minor units by currency; a currency without any is not named."""
    left = func.sum(Credit.remaining)
    statement = select(Credit.currency, left).where(col(Credit.client_id) == client_id).group_by(col(Credit.currency))
    return {currency: int(amount) for currency, amount in await session.exec(statement.having(left > 0))}


async def currencies_of_clients(session: AsyncSession, clients: Sequence[Client]) -> dict[UUID, str]:
    """What each client pays in, as ``currency_of`` finds it for one."""
    ids = [client.id for client in clients]
    paid_in = (
        select(Payment.client_id, Payment.currency)
        .where(col(Payment.client_id).in_(ids))
        .ext(distinct_on(col(Payment.client_id)))
        .order_by(col(Payment.client_id), col(Payment.created_at).desc(), col(Payment.id))
    )
    booked_in = (
        select(Appointment.client_id, Appointment.fee_currency)
        .where(col(Appointment.client_id).in_(ids))
        .ext(distinct_on(col(Appointment.client_id)))
        .order_by(col(Appointment.client_id), col(Appointment.booked_at).desc(), col(Appointment.id))
    )
    asked_in = (
        select(Client.id, Therapist.session_fee_currency)
        .join(Therapist, col(Therapist.id) == col(Client.therapist_id))
        .where(col(Client.id).in_(ids))
    )
    found = dict.fromkeys(ids, USUAL_CURRENCY)
    for rows in (asked_in, booked_in, paid_in):  # the last word counts
        found |= dict((await session.exec(rows)).all())
    return found


async def credits_of_clients(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, dict[str, int]]:
    """What is left of each client's credit, by currency."""
    statement = (
        select(Credit.client_id, Credit.currency, func.sum(Credit.remaining))
        .where(col(Credit.client_id).in_(ids))
        .group_by(col(Credit.client_id), col(Credit.currency))
    )
    found: dict[UUID, dict[str, int]] = {}
    for client_id, currency, left in await session.exec(statement):
        found.setdefault(client_id, {})[currency] = int(left)
    return found


async def money_of_clients(
    session: AsyncSession, clients: Sequence[Client], *, now: datetime
) -> dict[UUID, tuple[MoneyLine, ...]]:
    """Of each client the credit and what is owed, in every currency in which there is any, their own first. Five
    statements for all of them, however many they are."""
    ids = [client.id for client in clients]
    payments: dict[UUID, list[PaymentLine]] = {id: [] for id in ids}
    for payment in await session.exec(select(Payment).where(col(Payment.client_id).in_(ids), is_owed(now))):
        payments[payment.client_id].append(payment_line(payment))
    currencies, credits = await currencies_of_clients(session, clients), await credits_of_clients(session, ids)
    found = {}
    for id in ids:
        own = currencies[id]
        lines = money_of(payments[id], credits=credits.get(id, {}), currency=own, now=now)
        found[id] = tuple(sorted(lines, key=lambda line: (line.currency != own, line.currency)))
    return found


def payment_line(payment: Payment, *, frozen: bool = False) -> PaymentLine:
    """``frozen``: charges of the client's are held up by a dispute, which the payment does not say itself."""
    return PaymentLine(
        id=str(payment.id),
        appointment_id=str(payment.appointment_id),
        status=payment.status,
        because=payment.because,
        amount=payment.amount,
        credit_used=payment.credit_used,
        currency=payment.currency,
        due_at=payment.due_at,
        deadline=payment.deadline,
        next_try_at=payment.next_try_at,
        frozen=frozen,
    )
