"""A therapist's private calendar feed: its address carries a secret, of which only the hash is kept."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.columns import Instant


class CalendarFeed(SQLModel, table=True):
    """At most one for each therapist: a new one replaces the old, whose address then leads nowhere."""

    __tablename__ = "calendar_feed"

    therapist_id: UUID = Field(primary_key=True, foreign_key="therapist.id")
    secret_hash: str = Field(unique=True, max_length=64)  # SHA-256 of the secret, in hex
    made_at: datetime = Field(sa_type=Instant)
    made_by: str
    # What was in it when it was last read, as a digest, and since when: whole seconds, no two contents the same.
    content_hash: str | None = Field(default=None, max_length=64)
    changed_at: datetime | None = Field(default=None, sa_type=Instant)
