"""Payments (at most one per appointment) and the tries to make them. Amounts are integer minor units."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.columns import Document, Instant, MinorUnits, word
from models.sealed import SealedText
from rules.enums import PaymentKind, PaymentStatus

_PENDING = text("status IN ('failed', 'processing', 'requires_action', 'scheduled')")  # of rules/money/payment_states


class Payment(SQLModel, table=True):
    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint("amount > 0", name="payment_amount_positive"),
        CheckConstraint("credit_used >= 0 AND credit_used <= amount", name="payment_credit_within_amount"),
        CheckConstraint("refunded >= 0 AND refunded <= amount", name="payment_refunded_within_amount"),
        CheckConstraint("(paid_at IS NULL) = (stated IS NULL)", name="payment_paid_is_stated"),
        Index("payment_by_client", "client_id", "due_at"),
        Index("payment_by_due_time", "due_at", "id"),
        Index("payment_by_paid_time", "paid_at"),
        Index("payment_pending_by_appointment", "appointment_id", postgresql_where=_PENDING),
        Index("payment_pending_by_deadline", "deadline", postgresql_where=_PENDING),
        Index(
            "payment_unpaid",
            "status",
            postgresql_where=text("status IN ('scheduled', 'failed', 'requires_action', 'processing', 'owed')"),
        ),
    )

    id: UUID = Field(primary_key=True)
    appointment_id: UUID = Field(foreign_key="appointment.id", unique=True)
    client_id: UUID = Field(foreign_key="client.id")
    kind: PaymentKind = Field(sa_type=word(PaymentKind, name="payment_kind"))
    amount: int = Field(sa_type=MinorUnits)
    currency: str = Field(max_length=3)
    credit_used: int = Field(default=0, sa_type=MinorUnits)
    refunded: int = Field(default=0, sa_type=MinorUnits)  # given back to card and credit; on its way counts
    status: PaymentStatus = Field(sa_type=word(PaymentStatus, name="payment_status"))
    because: str | None = None
    created_at: datetime = Field(sa_type=Instant)
    due_at: datetime = Field(sa_type=Instant)
    deadline: datetime = Field(sa_type=Instant)
    next_try_at: datetime | None = Field(default=None, sa_type=Instant)
    stopped_at: datetime | None = Field(default=None, sa_type=Instant)  # by an archive, or while one lasted: the last
    paid_at: datetime | None = Field(default=None, sa_type=Instant)
    # Whom its receipt names, as they were when it was made (rules.money.receipts.Stated).
    stated: dict[str, Any] | None = Field(default=None, sa_type=Document)
    attempts: int = 0
    intent: str | None = Field(default=None, unique=True)  # Stripe's PaymentIntent
    # Of a waiver or a write-off: who, when, which fee policy was signed by then, and who approved it, if anybody
    # had to; and why.
    exception: dict[str, Any] | None = Field(default=None, sa_type=Document)
    exception_why: str | None = Field(default=None, sa_type=SealedText)


class PaymentTry(SQLModel, table=True):
    """One try to take the money. ``result`` is empty while nobody knows how it ended."""

    __tablename__ = "payment_try"
    __table_args__ = (UniqueConstraint("payment_id", "number", name="tries_are_numbered"),)

    id: UUID = Field(primary_key=True)
    payment_id: UUID = Field(foreign_key="payment.id", index=True)
    number: int
    payment_method: str | None = None
    fingerprint: str | None = None  # Stripe's, of that card's number
    started_at: datetime = Field(sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
    result: str | None = None
    decline_code: str | None = None
    charge: str | None = None  # Stripe's, with which the bank answered
