"""Debts that a saved card can settle: owed payments for which it was not asked yet."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.clients.client import Client
from models.tables.clients.fact import Fact
from models.tables.money.payment import Payment, PaymentTry
from rules.enums import ClientStatus, PaymentStatus
from rules.journey.stage import Debt
from rules.money.payment_states import Because, can_a_card_settle, is_asked_for
from rules.timeline import FactKind


async def debts_to_settle(session: AsyncSession, client: Client, unpaid: Sequence[Payment]) -> tuple[Debt, ...]:
    """What a try was begun for that has not ended; and what is owed, and a person asked to try again, or the saved card
    was not asked for yet: it came after the last try, or after the fee was earned.

    Nothing new while no charge may be made; of an archived client what a person asked for, and nothing else. Never what
    an archive cancelled.
    """
    debts = [
        Debt(payment_id=str(payment.id), attempts=payment.attempts - 1, not_before=payment.next_try_at)
        for payment in unpaid
        if payment.status is PaymentStatus.PROCESSING and payment.because == Because.DEBT
    ]
    if client.charges_frozen:
        return tuple(debts)
    archived = client.status is ClientStatus.ARCHIVED
    owed = [payment for payment in unpaid if payment.status is PaymentStatus.OWED]
    debts += [
        Debt(payment_id=str(payment.id), attempts=payment.attempts, not_before=payment.next_try_at)
        for payment in owed
        if is_asked_for(payment.status, payment.next_try_at)
        or (not archived and await _is_card_newer(session, client, payment))
    ]
    return tuple(debts)


async def _is_card_newer(session: AsyncSession, client: Client, payment: Payment) -> bool:
    if client.stripe_payment_method is None or client.card_blocked or not can_a_card_settle(payment.because):
        return False
    tries = select(PaymentTry).where(col(PaymentTry.payment_id) == payment.id)
    last = (await session.exec(tries.order_by(col(PaymentTry.number).desc()).limit(1))).first()
    if last is not None:
        return last.payment_method != client.stripe_payment_method
    saved_at = await _card_saved_at(session, client)
    return saved_at is not None and saved_at >= payment.created_at


async def _card_saved_at(session: AsyncSession, client: Client) -> datetime | None:
    saved = select(func.max(col(Fact.at))).where(
        col(Fact.client_id) == client.id, col(Fact.kind) == FactKind.CARD_SAVED
    )
    return (await session.exec(saved)).one()
