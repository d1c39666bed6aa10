"""Payments and balances, as they are answered."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from api.views.base import PracticeOnly, View, sees_what_is_practice_only
from rules.accounts.caller import Caller
from rules.enums import PaymentKind, PaymentStatus
from rules.money.payment_states import told_to_client


class PaymentView(View):
    """``because`` is for the practice alone. What an archive stopped is ``owed`` to everybody else."""

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

    @classmethod
    def of(cls, *rows: Any, caller: Caller | None = None, **more: Any) -> Self:
        """The first row is the payment."""
        if not sees_what_is_practice_only(caller):
            [payment, *_] = rows
            more = {"status": told_to_client(status=payment.status, because=payment.because)} | more
        return super().of(*rows, caller=caller, **more)


class CurrencyBalance(View):
    credit: int
    owed: int
    currency: str


class BalanceView(CurrencyBalance):
    """In the currency that the client pays in; ``by_currency`` are the others, as far as there is anything in them."""

    by_currency: list[CurrencyBalance]
