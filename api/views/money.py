"""Payments and balances, as they are answered."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from models.tables.money.payment import Payment
from rules.accounts.caller import Caller
from rules.enums import PaymentKind, PaymentStatus


class PaymentView(BaseModel):
    """``because`` is for the practice alone."""

    id: UUID
    appointment_id: UUID
    kind: PaymentKind
    amount: int
    currency: str
    credit_used: int
    refunded: int
    status: PaymentStatus
    due_at: datetime
    deadline: datetime
    paid_at: datetime | None
    attempts: int
    because: str | None = None


def payment_view(payment: Payment, *, caller: Caller) -> PaymentView:
    more = {"because": payment.because} if caller.is_practice else {}
    return PaymentView(
        id=payment.id,
        appointment_id=payment.appointment_id,
        kind=payment.kind,
        amount=payment.amount,
        currency=payment.currency,
        credit_used=payment.credit_used,
        refunded=payment.refunded,
        status=payment.status,
        due_at=payment.due_at,
        deadline=payment.deadline,
        paid_at=payment.paid_at,
        attempts=payment.attempts,
        **more,
    )


class CurrencyBalance(BaseModel):
    credit: int
    owed: int
    currency: str


class BalanceView(CurrencyBalance):
    """In the currency that the client pays in; ``by_currency`` are the others, as far as there is anything in them."""

    by_currency: list[CurrencyBalance]
