"""Payments and balances, as they are answered."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from models.tables.money.payment import Payment
from rules.accounts.caller import Caller
from rules.enums import PaymentKind, PaymentStatus
from workflows.messages import PaymentFacts


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


def payment_view(payment: Payment | PaymentFacts, *, caller: Caller) -> PaymentView:
    """From the row, or from a step's snapshot of it."""
    names = set(PaymentView.model_fields) - (set() if caller.is_practice else {"because"})
    return PaymentView.model_validate({name: getattr(payment, name) for name in names})


class CurrencyBalance(BaseModel):
    credit: int
    owed: int
    currency: str


class BalanceView(CurrencyBalance):
    """In the currency that the client pays in; ``by_currency`` are the others, as far as there is anything in them."""

    by_currency: list[CurrencyBalance]
