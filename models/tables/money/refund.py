"""Refunds of payments, and disputes that a client's bank opens. Amounts are integer minor units."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from models.columns import Instant, MinorUnits, word
from models.sealed import SealedText
from rules.enums import RefundStatus


class Refund(SQLModel, table=True):
    """Money given back for one payment: ``card_amount`` by Stripe, ``credit_amount`` as credit of the same id."""

    __tablename__ = "refund"
    __table_args__ = (
        CheckConstraint("card_amount >= 0 AND credit_amount >= 0", name="refund_not_negative"),
        CheckConstraint("card_amount + credit_amount > 0", name="refund_of_something"),
    )

    id: UUID = Field(primary_key=True)
    payment_id: UUID = Field(foreign_key="payment.id", index=True)
    client_id: UUID = Field(foreign_key="client.id", index=True)
    card_amount: int = Field(sa_type=MinorUnits)
    credit_amount: int = Field(sa_type=MinorUnits)
    currency: str = Field(max_length=3)
    status: RefundStatus = Field(sa_type=word(RefundStatus, name="refund_status"))
    tries: int = 0  # part of the key that Stripe remembers: raised after a stored failure
    stripe_refund: str | None = Field(default=None, unique=True)
    reason: str = Field(sa_type=SealedText)
    asked_by: str
    approved_by: str | None = None  # the second person, where one was needed
    asked_at: datetime = Field(sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)

    @property
    def amount(self) -> int:
        return self.card_amount + self.credit_amount


class Dispute(SQLModel, table=True):
    """A charge that the client's bank questions; ``id`` and ``status`` are Stripe's words."""

    __tablename__ = "dispute"

    id: str = Field(primary_key=True, max_length=255)
    payment_id: UUID = Field(foreign_key="payment.id", index=True)
    client_id: UUID = Field(foreign_key="client.id", index=True)
    amount: int = Field(sa_type=MinorUnits)
    currency: str = Field(max_length=3)
    status: str
    opened_at: datetime = Field(sa_type=Instant)
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
