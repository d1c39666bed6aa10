"""Reconciliation's terms: a line of the ledger, a line of Stripe's, and the discrepancies that can be between them.

Amounts are whole minor units; instants are aware.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rules.enums import PaymentStatus, RefundStatus


class DiscrepancyKind(StrEnum):
    """What can be wrong between ledger and Stripe."""

    MISSED_PAYMENT = "missed_payment"
    STRAY_INTENT = "stray_intent"
    MISSED_REFUND = "missed_refund"
    REFUND_BY_HAND = "refund_by_hand"
    MISSED_DISPUTE = "missed_dispute"

    TAKEN_AFTER_ALL = "taken_after_all"
    TAKEN_TWICE = "taken_twice"
    UNKNOWN_PAYMENT = "unknown_payment"
    NOT_TAKEN = "not_taken"
    MISSING_AT_STRIPE = "missing_at_stripe"
    AMOUNT_DIFFERS = "amount_differs"
    CURRENCY_DIFFERS = "currency_differs"
    STUCK_PAYMENT = "stuck_payment"
    REFUND_TOO_MUCH = "refund_too_much"
    REFUND_MISSING = "refund_missing"
    REFUND_DIFFERS = "refund_differs"
    STUCK_REFUND = "stuck_refund"


HEALED = frozenset(
    {
        DiscrepancyKind.MISSED_PAYMENT,
        DiscrepancyKind.STRAY_INTENT,
        DiscrepancyKind.MISSED_REFUND,
        DiscrepancyKind.REFUND_BY_HAND,
        DiscrepancyKind.MISSED_DISPUTE,
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerPayment:
    """``credit_at_hand`` is what it could take of the client's credit, with what it has reserved; ``to_card`` what was
    given back to the card as far as Stripe was asked, and ``refunded`` to card and credit; ``trying_since`` is set
    while it is processing."""

    id: str
    client_id: str
    status: PaymentStatus
    because: str | None
    amount: int
    currency: str
    deadline: datetime
    credit_used: int = 0
    credit_at_hand: int = 0
    to_card: int = 0
    refunded: int = 0
    intent: str | None = None
    trying_since: datetime | None = None
    test: bool = False

    @property
    def by_card(self) -> int:
        return self.amount - self.credit_used


@dataclass(frozen=True, kw_only=True, slots=True)
class StripeIntent:
    """``payment_id`` is the payment that its metadata names; ``refunded`` what its charge has given back."""

    id: str
    payment_id: str | None
    status: str
    amount: int
    received: int
    currency: str
    created: datetime
    refunded: int = 0

    @property
    def kept(self) -> int:
        return self.received - self.refunded


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerRefund:
    """``intent`` is that of its payment."""

    id: str
    payment_id: str
    client_id: str
    card_amount: int
    currency: str
    status: RefundStatus
    asked_at: datetime
    stripe_refund: str | None = None
    intent: str | None = None
    test: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class StripeRefund:
    """``refund_id`` is the refund of ours that its metadata names."""

    id: str
    refund_id: str | None
    intent: str | None
    status: str
    amount: int
    currency: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StripeDispute:
    id: str
    intent: str | None
    status: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Discrepancy:
    """One discrepancy, in words that a bookkeeper reads, with the ids of all it is about."""

    kind: DiscrepancyKind
    text: str
    payment_id: str | None = None
    client_id: str | None = None
    intent: str | None = None
    refund_id: str | None = None
    stripe_refund: str | None = None
    dispute: str | None = None

    @property
    def certain(self) -> bool:
        return self.kind in HEALED

    @property
    def key(self) -> str:
        """The same for the same discrepancy whenever it is found."""
        about = self.dispute or self.refund_id or self.stripe_refund or self.intent or self.payment_id
        return f"{self.kind.value}:{about}"
