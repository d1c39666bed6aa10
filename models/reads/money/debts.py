"""Debts that a saved card can settle: owed payments for which it was not asked yet."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case
from sqlmodel import col, func, select

from models.tables.clients.client import Client
from models.tables.clients.fact import Fact
from models.tables.money.payment import Payment, PaymentTry
from rules.enums import ClientStatus, PaymentStatus
from rules.journey.stage import Debt
from rules.money.payment_states import Because, can_a_card_settle, is_asked_for
from rules.timeline import FactKind


@dataclass(frozen=True, kw_only=True)
class Unpaid:
    """A payment that is neither settled nor called off. ``card_is_newer``: than its last try, or than the fee; None
    for what is not owed, or if no card was ever saved."""

    id: str
    status: PaymentStatus
    because: str | None
    attempts: int
    next_try_at: datetime | None
    card_is_newer: bool | None


def card_is_newer(client: Client) -> ColumnElement[bool | None]:
    """Whether the client's card was not asked for a payment yet: it came after the last try, or after the fee was
    earned. Part of a larger question about payments, and looked for with those that are owed alone."""
    last_try = (
        select(col(PaymentTry.payment_method).is_distinct_from(client.stripe_payment_method))
        .where(col(PaymentTry.payment_id) == Payment.id)
        .order_by(col(PaymentTry.number).desc())
        .limit(1)
        .scalar_subquery()
    )
    saved_at = (
        select(func.max(col(Fact.at)))
        .where(col(Fact.client_id) == client.id, col(Fact.kind) == FactKind.CARD_SAVED)
        .scalar_subquery()
    )
    newer = func.coalesce(last_try, saved_at >= col(Payment.created_at))
    return case((col(Payment.status) == PaymentStatus.OWED, newer))


def debts_to_settle(client: Client, unpaid: Iterable[Unpaid]) -> Iterator[Debt]:
    """What a try was begun for that has not ended; and what is owed, and a person asked to try again, or the saved card
    was not asked for yet.

    Nothing new while no charge may be made; of an archived client what a person asked for, and nothing else. Never what
    an archive cancelled.
    """
    unpaid = tuple(unpaid)
    for payment in unpaid:
        if payment.status is PaymentStatus.PROCESSING and payment.because == Because.DEBT:
            yield Debt(payment_id=payment.id, attempts=payment.attempts - 1, not_before=payment.next_try_at)
    if client.charges_frozen:
        return
    for payment in unpaid:
        if payment.status is PaymentStatus.OWED and _is_to_be_tried(client, payment):
            yield Debt(payment_id=payment.id, attempts=payment.attempts, not_before=payment.next_try_at)


def _is_to_be_tried(client: Client, payment: Unpaid) -> bool:
    if is_asked_for(payment.status, payment.next_try_at):
        return True
    if client.status is ClientStatus.ARCHIVED or client.stripe_payment_method is None or client.card_blocked:
        return False
    return can_a_card_settle(payment.because) and bool(payment.card_is_newer)
