"""Appointments: intro calls and sessions, and what became of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from models.columns import Document, Instant, MinorUnits, Words, word
from models.sealed import SealedText
from rules.enums import AppointmentStatus, AppointmentType, Mode
from rules.money.terms import Terms


class Appointment(SQLModel, table=True):
    __tablename__ = "appointment"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="appointment_in_order"),
        CheckConstraint("fee_amount >= 0", name="appointment_fee_not_negative"),
        CheckConstraint("(series_id IS NULL) = (every IS NULL)", name="appointment_of_a_series_says_how_often"),
        CheckConstraint("every IN (1, 2, 4)", name="appointment_every_known"),
        Index("appointment_by_client", "client_id", "starts_at"),
        Index("appointment_by_therapist", "therapist_id", "starts_at"),
        Index("appointment_unmarked", "ends_at", postgresql_where=text("status = 'scheduled'")),
        *(
            Index(f"appointment_of_{of}", of, postgresql_where=text(f"{of} IS NOT NULL"))
            for of in ("visitor", "network")
        ),
    )

    id: UUID = Field(primary_key=True)
    client_id: UUID = Field(foreign_key="client.id")
    therapist_id: UUID = Field(foreign_key="therapist.id")
    type: AppointmentType = Field(sa_type=word(AppointmentType, name="appointment_type"))
    status: AppointmentStatus = Field(
        default=AppointmentStatus.SCHEDULED, sa_type=word(AppointmentStatus, name="appointment_status")
    )
    starts_at: datetime = Field(sa_type=Instant)
    ends_at: datetime = Field(sa_type=Instant)
    mode: Mode = Field(sa_type=word(Mode, name="appointment_mode"))
    join_url: str | None = None
    series_id: UUID | None = Field(default=None, index=True)
    week: int = 0  # of the series, counted from 0 in weeks of the calendar
    every: int | None = None  # of a series: how many weeks its appointments lie apart
    fee_amount: int = Field(sa_type=MinorUnits)
    fee_currency: str = Field(max_length=3)
    booked_by: str
    booked_at: datetime = Field(sa_type=Instant)
    planned_at: datetime = Field(sa_type=Instant)  # when it was booked, or moved last: its reminders count from then
    terms: dict[str, Any] = Field(sa_type=Document)  # rules.money.terms, of the fee policy that it was booked under
    fee_policy_version: int
    complete_forms_in_session: bool = False
    forms_outstanding_when_booked: list[str] = Field(default_factory=list, sa_type=Words)
    first_of_its_type: bool = False
    sequence: int = 0  # of the calendar file; raised with every change
    changed_by: UUID | None = None  # the request that changed it last
    cancelled_at: datetime | None = Field(default=None, sa_type=Instant)
    cancelled_by: str | None = None
    cancel_reason: str | None = Field(default=None, sa_type=SealedText)
    outcome_at: datetime | None = Field(default=None, sa_type=Instant)
    outcome_by: str | None = None
    breached_at: datetime | None = Field(default=None, sa_type=Instant)
    forms_warned: bool = False  # it started while intake forms were incomplete, and that was noted
    restored_from: UUID | None = None
    # For whom the booking is counted while the client's account is not active (rules.accounts.budgets.CountedFor).
    visitor: str | None = Field(default=None, max_length=64)
    network: str | None = Field(default=None, max_length=64)

    @property
    def agreed(self) -> Terms:
        return Terms.read(self.terms)
