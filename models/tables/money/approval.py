"""Approvals: what one person asked for, and may not decide alone. Amounts are integer minor units."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from models.columns import Instant, MinorUnits, word
from models.sealed import SealedDocument, SealedText
from rules.enums import ApprovalAct, ApprovalStatus, Role


class Approval(SQLModel, table=True):
    """``order`` is the input of the step that carries it out, with the reason in it, as ``request_id`` asked for it.

    ``asked_as`` is the name of who asked in ``asked_role``, ``person`` one key for whoever that is, whatever the role.
    ``settled`` stays empty of one that has lapsed; ``answer`` is why it was refused.
    """

    __tablename__ = "approval"
    __table_args__ = (
        CheckConstraint("amount > 0", name="approval_amount_positive"),
        CheckConstraint("(settled IS NULL) = (settled_at IS NULL)", name="approval_settled_at_an_instant"),
        Index("approval_by_time", "asked_at", "id"),
    )

    id: UUID = Field(primary_key=True)
    request_id: str = Field(max_length=64, unique=True)
    act: ApprovalAct = Field(sa_type=word(ApprovalAct, name="approval_act"))
    client_id: UUID = Field(foreign_key="client.id", index=True)
    payment_id: UUID | None = Field(default=None, foreign_key="payment.id", index=True)
    amount: int = Field(sa_type=MinorUnits)
    currency: str = Field(max_length=3)
    order: dict[str, Any] = Field(sa_type=SealedDocument)
    asked_by: str
    asked_role: Role = Field(sa_type=word(Role, name="approval_role"))
    asked_as: str
    person: str
    asked_at: datetime = Field(sa_type=Instant)
    lapses_at: datetime = Field(sa_type=Instant)
    settled: ApprovalStatus | None = Field(default=None, sa_type=word(ApprovalStatus, name="approval_settled"))
    settled_by: str | None = None
    settled_at: datetime | None = Field(default=None, sa_type=Instant)
    answer: str | None = Field(default=None, sa_type=SealedText)
