"""Occupied time: appointments and holds in one table, so that one constraint makes an overlap impossible.

A row exists exactly while the time is occupied. An appointment's row has the appointment's id.
"""

from datetime import datetime
from uuid import UUID

from psycopg.errors import ExclusionViolation
from sqlalchemy import CheckConstraint, Index, column, func, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, SQLModel

from models.columns import Instant, word
from rules.enums import AppointmentType

_RANGE = func.tstzrange(column("starts_at"), column("ends_at"))


class OccupiedTime(SQLModel, table=True):
    __tablename__ = "occupied_time"
    __table_args__ = (
        ExcludeConstraint(
            (column("therapist_id"), "="),
            (_RANGE, "&&"),
            name="no_two_at_once",
            using="gist",
            deferrable=True,
            initially="IMMEDIATE",
        ),
        # Holds have no client here, and NULL never conflicts.
        ExcludeConstraint(
            (column("client_id"), "="),
            (_RANGE, "&&"),
            name="no_client_twice_at_once",
            using="gist",
            deferrable=True,
            initially="IMMEDIATE",
        ),
        CheckConstraint("starts_at < ends_at", name="occupied_time_in_order"),
        CheckConstraint(
            "(appointment_id IS NULL) = (expires_at IS NOT NULL)", name="occupied_time_is_a_hold_or_an_appointment"
        ),
        Index("occupied_time_by_start", "therapist_id", "starts_at"),
        Index("occupied_time_of_holds", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
        Index("occupied_time_by_holder", "made_by", postgresql_where=text("expires_at IS NOT NULL")),
    )

    id: UUID = Field(primary_key=True)
    therapist_id: UUID = Field(foreign_key="therapist.id")
    client_id: UUID | None = Field(default=None, foreign_key="client.id")  # of appointments only
    appointment_id: UUID | None = Field(default=None, foreign_key="appointment.id", unique=True)
    type: AppointmentType = Field(sa_type=word(AppointmentType, name="occupied_time_type"))
    starts_at: datetime = Field(sa_type=Instant)
    ends_at: datetime = Field(sa_type=Instant)
    made_by: str
    made_at: datetime = Field(sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    # Of a hold: for whom it is counted (rules.accounts.budgets.CountedFor); of the practice's, and of offers, nobody.
    visitor: str | None = Field(default=None, max_length=64)
    network: str | None = Field(default=None, max_length=64)


def is_overlap(error: IntegrityError) -> bool:
    """Whether the database refused a write because the time was taken: by whoever did not lock the therapist first."""
    return isinstance(error.orig, ExclusionViolation)
