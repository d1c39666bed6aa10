"""Consents under way: a therapist is at a vendor, and comes back with a code."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.columns import Instant
from models.sealed import SealedText


class CalendarConsent(SQLModel, table=True):
    """Begun by ``begun_by``, as whom somebody must come back. ``verifier`` is that of PKCE. ``claimed_at``: the code
    was taken to the vendor, once. All instants are the world's. It goes with its calendar."""

    __tablename__ = "calendar_consent"

    hash: str = Field(primary_key=True, max_length=64)  # SHA-256 of the state in the browser's address, in hex
    calendar_id: UUID = Field(foreign_key="outside_calendar.id", index=True, ondelete="CASCADE")
    begun_by: str
    verifier: str = Field(sa_type=SealedText)
    return_url: str
    begun_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant, index=True)
    claimed_at: datetime | None = Field(default=None, sa_type=Instant)
