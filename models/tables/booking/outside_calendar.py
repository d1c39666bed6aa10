"""Calendars that therapists keep elsewhere, and the busy times read from them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import Instant, word
from models.sealed import SealedDocument, SealedText
from rules.enums import CalendarKind, CalendarTrouble


class OutsideCalendarRow(SQLModel, table=True):
    """``access`` is what it is read with: ``{"address"}`` of a file, ``{"address", "user", "password"}`` by CalDAV, the
    tokens of a consent. ``known``: what its source gave along with the last reading, such as an ETag; ``covers_until``
    how far that reading went. ``looks`` counts them, so that of two at once the later to begin is the one that counts.

    ``looked_at`` is the last try, ``read_at`` the last that succeeded. ``told_at``: when people were told that it fails
    since ``failing_since``. ``ended_at``: it was taken away, its busy times with it, and the row goes when its workflow
    has seen that.

    ``channel_id``: of the channel by which its vendor tells of changes, until ``channel_until``; ``channel`` has its
    ``token``, which comes with each push, and the ``resource`` by which it is stopped. ``pushed_at``: the last push
    that was heard.
    """

    __tablename__ = "outside_calendar"
    __table_args__ = (
        CheckConstraint("(failing_since IS NULL) = (trouble IS NULL)", name="outside_calendar_fails_for_a_reason"),
        CheckConstraint("(channel_id IS NULL) = (channel IS NULL)", name="outside_calendar_channel_has_a_token"),
        UniqueConstraint("channel_id", name="one_calendar_of_a_channel"),
    )

    id: UUID = Field(primary_key=True)
    therapist_id: UUID = Field(foreign_key="therapist.id", index=True)
    kind: CalendarKind = Field(sa_type=word(CalendarKind, name="outside_calendar_kind"))
    label: str | None = Field(default=None, sa_type=SealedText)
    access: dict[str, Any] = Field(sa_type=SealedDocument)
    known: dict[str, Any] | None = Field(default=None, sa_type=SealedDocument)
    covers_until: datetime | None = Field(default=None, sa_type=Instant)
    made_by: str
    made_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    looks: int = 0
    looked_at: datetime | None = Field(default=None, sa_type=Instant)
    read_at: datetime | None = Field(default=None, sa_type=Instant)
    failing_since: datetime | None = Field(default=None, sa_type=Instant)
    trouble: CalendarTrouble | None = Field(
        default=None, sa_type=word(CalendarTrouble, name="outside_calendar_trouble")
    )
    told_at: datetime | None = Field(default=None, sa_type=Instant)
    channel_id: UUID | None = None
    channel: dict[str, Any] | None = Field(default=None, sa_type=SealedDocument)
    channel_until: datetime | None = Field(default=None, sa_type=Instant)
    pushed_at: datetime | None = Field(default=None, sa_type=Instant)


class OutsideBusy(SQLModel, table=True):
    """One busy time of such a calendar. It may overlap others, and appointments: it is no part of what makes two of
    those at once impossible. ``event`` is a digest of the event's id; what it is called is not kept anywhere."""

    __tablename__ = "outside_busy"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="outside_busy_in_order"),
        UniqueConstraint("calendar_id", "event", "starts_at", "ends_at", name="one_outside_busy"),
        Index("outside_busy_by_start", "therapist_id", "starts_at"),
    )

    id: UUID = Field(primary_key=True)
    calendar_id: UUID = Field(foreign_key="outside_calendar.id")
    therapist_id: UUID = Field(foreign_key="therapist.id")
    event: str = Field(max_length=64)
    starts_at: datetime = Field(sa_type=Instant)
    ends_at: datetime = Field(sa_type=Instant)
    all_day: bool = False
    tentative: bool = False
