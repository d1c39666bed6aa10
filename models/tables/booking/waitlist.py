"""Waitlists: who wants an earlier or another time with a therapist, and what was offered to them.

A place is live until it has ended. Its offers are holds on the therapist's calendar: an open one has a row of the same
id in ``occupied_time``.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from models.columns import Instant, word
from rules.enums import AppointmentType, OfferEnd, PlaceEnd

_LIVE = text("ended_at IS NULL")
_OPEN = text("closed_at IS NULL")


class WaitlistPlace(SQLModel, table=True):
    __tablename__ = "waitlist_place"
    __table_args__ = (
        CheckConstraint("wished_from < wished_until", name="waitlist_place_in_order"),
        CheckConstraint("(ended_at IS NULL) = (ended_because IS NULL)", name="waitlist_place_ends_for_a_reason"),
        Index("one_live_place", "client_id", "therapist_id", "type", unique=True, postgresql_where=_LIVE),
        Index("waitlist_in_order", "therapist_id", "joined_at", "id", postgresql_where=_LIVE),
    )

    id: UUID = Field(primary_key=True)
    client_id: UUID = Field(foreign_key="client.id", index=True)
    therapist_id: UUID = Field(foreign_key="therapist.id")
    type: AppointmentType = Field(sa_type=word(AppointmentType, name="waitlist_place_type"))
    wished_from: datetime = Field(sa_type=Instant)  # appointments that start from here on
    wished_until: datetime = Field(sa_type=Instant)  # and before this instant
    joined_at: datetime = Field(sa_type=Instant)
    joined_by: str
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_because: PlaceEnd | None = Field(default=None, sa_type=word(PlaceEnd, name="waitlist_place_end"))


class WaitlistOfferRecord(SQLModel, table=True):
    """One time offered to one place. ``id`` is the hold's: presenting it books the time."""

    __tablename__ = "waitlist_offer"
    __table_args__ = (
        CheckConstraint("(closed_at IS NULL) = (closed_because IS NULL)", name="waitlist_offer_closes_for_a_reason"),
        Index("one_open_offer", "place_id", unique=True, postgresql_where=_OPEN),
    )

    id: UUID = Field(primary_key=True)
    place_id: UUID = Field(foreign_key="waitlist_place.id", index=True)
    starts_at: datetime = Field(sa_type=Instant)
    ends_at: datetime = Field(sa_type=Instant)
    made_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    closed_because: OfferEnd | None = Field(default=None, sa_type=word(OfferEnd, name="waitlist_offer_end"))
