"""Leaves: time off that a therapist was given in one call, with whoever had an appointment in it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from models.columns import Instant


class Leave(SQLModel, table=True):
    """``ended_at``: it was taken back. What it takes out of the hours, and why, is the time off of the same instants:
    it stands for as long as that is there."""

    __tablename__ = "leave"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="leave_in_order"),
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="leave_is_ended_by_somebody"),
        Index(
            "one_leave", "therapist_id", "starts_at", "ends_at", unique=True, postgresql_where=text("ended_at IS NULL")
        ),
    )

    id: UUID = Field(primary_key=True)
    therapist_id: UUID = Field(foreign_key="therapist.id")
    starts_at: datetime = Field(sa_type=Instant)
    ends_at: datetime = Field(sa_type=Instant)
    made_by: str
    made_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_by: str | None = None
