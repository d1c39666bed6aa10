"""Credit: money of a client's that the practice holds. Amounts are integer minor units."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from models.columns import Instant, MinorUnits, word
from models.sealed import SealedText
from rules.enums import CreditSource


class Credit(SQLModel, table=True):
    """One amount that was credited. ``remaining`` is what is neither used nor reserved; it never goes below 0."""

    __tablename__ = "credit"
    __table_args__ = (
        CheckConstraint("amount > 0", name="credit_amount_positive"),
        CheckConstraint("remaining >= 0 AND remaining <= amount", name="credit_within_amount"),
        Index("credit_by_client", "client_id", "given_at"),
    )

    id: UUID = Field(primary_key=True)
    client_id: UUID = Field(foreign_key="client.id")
    amount: int = Field(sa_type=MinorUnits)
    remaining: int = Field(sa_type=MinorUnits)
    currency: str = Field(max_length=3)
    source: CreditSource = Field(sa_type=word(CreditSource, name="credit_source"))
    reason: str = Field(sa_type=SealedText)
    given_by: str
    approved_by: str | None = None  # the second person, where one was needed
    given_at: datetime = Field(sa_type=Instant)


class CreditUse(SQLModel, table=True):
    """What a payment takes of one credit: reserved with its first try, and given back if the payment is called off."""

    __tablename__ = "credit_use"
    __table_args__ = (CheckConstraint("amount > 0", name="credit_use_positive"),)

    id: UUID = Field(primary_key=True)
    credit_id: UUID = Field(foreign_key="credit.id", index=True)
    payment_id: UUID = Field(foreign_key="payment.id", index=True)
    amount: int = Field(sa_type=MinorUnits)
    reserved_at: datetime = Field(sa_type=Instant)
    given_back_at: datetime | None = Field(default=None, sa_type=Instant)


class CreditReversal(SQLModel, table=True):
    """Credit of a refund that was taken back: the same money had gone back to the card, or to the bank, besides. What
    was spent of it stays given."""

    __tablename__ = "credit_reversal"
    __table_args__ = (CheckConstraint("amount > 0", name="credit_reversal_positive"),)

    id: UUID = Field(primary_key=True)
    refund_id: UUID = Field(foreign_key="refund.id")  # and the credit's: they have one id
    payment_id: UUID = Field(foreign_key="payment.id", index=True)
    amount: int = Field(sa_type=MinorUnits)
    currency: str = Field(max_length=3)
    reversed_at: datetime = Field(sa_type=Instant)
