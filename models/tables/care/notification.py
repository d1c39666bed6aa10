"""A therapist's feed: what happened with their clients, and whether they have seen it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.columns import Document, Instant


class Notification(SQLModel, table=True):
    __tablename__ = "notification"
    __table_args__ = (Index("feed_of_therapist", "therapist_id", "at", "id"),)

    id: UUID = Field(primary_key=True)
    therapist_id: UUID = Field(foreign_key="therapist.id")
    client_id: UUID | None = Field(default=None, foreign_key="client.id", index=True)  # whom it is about, if any
    kind: str = Field(max_length=60)
    text: str
    data: dict[str, Any] = Field(default_factory=dict, sa_type=Document)
    actor: str | None = None  # who did it: it is no news to a therapist who did it themself
    at: datetime = Field(sa_type=Instant)
    read_at: datetime | None = Field(default=None, sa_type=Instant)
