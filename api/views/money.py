"""Payments and balances, as they are answered."""

from datetime import datetime
from uuid import UUID

from api.views.base import PracticeOnly, View
from rules.enums import PaymentKind, PaymentStatus


class PaymentView(View):
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
    because: PracticeOnly[str | None] = None


class CurrencyBalance(View):
    credit: int
    owed: int
    currency: str


class BalanceView(CurrencyBalance):
    """In the currency that the client pays in; ``by_currency`` are the others, as far as there is anything in them."""

    by_currency: list[CurrencyBalance]
