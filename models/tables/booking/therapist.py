"""Therapists: who they are, what they offer, and when they work."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import Document, Instant, MinorUnits, Words, word
from models.sealed import SealedText
from rules.enums import AppointmentType, IntroCalls


class Therapist(SQLModel, table=True):
    __tablename__ = "therapist"
    __table_args__ = (
        CheckConstraint("session_fee_amount >= 0", name="therapist_fee_not_negative"),
        CheckConstraint("caseload_limit >= 0", name="therapist_caseload_not_negative"),
    )

    id: UUID = Field(primary_key=True)
    slug: str = Field(unique=True, max_length=80)
    name: str
    email: str
    time_zone: str
    licensed_in: list[str] = Field(default_factory=list, sa_type=Words)
    licences: list[dict[str, str]] = Field(default_factory=list, sa_type=Document)  # [{"state", "number"}]
    credentials: str | None = None
    about: str | None = None  # in their own words, for clients
    photo: str | None = Field(default=None, max_length=64)  # SHA-256 of the picture, in hex; null without one
    concerns: list[str] = Field(default_factory=list, sa_type=Words)
    languages: list[str] = Field(default_factory=list, sa_type=Words)
    modalities: list[str] = Field(default_factory=list, sa_type=Words)
    gender: str | None = None
    insurances: list[str] = Field(default_factory=list, sa_type=Words)
    session_fee_amount: int = Field(sa_type=MinorUnits)
    session_fee_currency: str = Field(max_length=3)
    intro_calls: IntroCalls = Field(default=IntroCalls.REQUIRED, sa_type=word(IntroCalls, name="therapist_intro_calls"))
    zoom_link: str | None = None
    accepting_clients: bool = True
    caseload_limit: int | None = None
    created_at: datetime = Field(sa_type=Instant)


class AppointmentSettings(SQLModel, table=True):
    """Slot settings of one therapist and appointment type; minutes, but for ``horizon_days`` and ``max_per_day``."""

    __tablename__ = "appointment_settings"

    therapist_id: UUID = Field(primary_key=True, foreign_key="therapist.id")
    type: AppointmentType = Field(primary_key=True, sa_type=word(AppointmentType, name="settings_type"))
    duration: int
    step: int
    buffer_before: int
    buffer_after: int
    minimum_notice: int
    horizon_days: int
    max_per_day: int | None = None


class WeeklyHours(SQLModel, table=True):
    """One weekly window, in minutes of the therapist's local day; ``closes`` goes up to 1440."""

    __tablename__ = "weekly_hours"
    __table_args__ = (
        CheckConstraint("opens >= 0 AND opens < closes AND closes <= 1440", name="weekly_hours_in_order"),
    )

    id: int | None = Field(default=None, primary_key=True)
    therapist_id: UUID = Field(foreign_key="therapist.id", index=True)
    weekday: str = Field(max_length=3)
    opens: int
    closes: int
    types: list[str] = Field(sa_type=Words)


class DateOverrideRow(SQLModel, table=True):
    """Hours of one date instead of the weekly ones: ``[{"from": minutes, "to": minutes, "types": [...]}]``."""

    __tablename__ = "date_override"
    __table_args__ = (UniqueConstraint("therapist_id", "day", name="one_override_per_date"),)

    id: int | None = Field(default=None, primary_key=True)
    therapist_id: UUID = Field(foreign_key="therapist.id", index=True)
    day: date
    windows: list[dict[str, Any]] = Field(default_factory=list, sa_type=Document)


class TimeOffPeriod(SQLModel, table=True):
    """``number`` counts those of one therapist, in the order in which they were given."""

    __tablename__ = "time_off"
    __table_args__ = (CheckConstraint("starts_at < ends_at", name="time_off_in_order"),)

    id: UUID = Field(primary_key=True)
    therapist_id: UUID = Field(foreign_key="therapist.id", index=True)
    number: int = 0
    starts_at: datetime = Field(sa_type=Instant)
    ends_at: datetime = Field(sa_type=Instant)
    reason: str | None = Field(default=None, sa_type=SealedText)
