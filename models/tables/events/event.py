"""Events: what programs are told, in order. Each is written with its fact, in the same transaction."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Identity, Index
from sqlmodel import Field, SQLModel

from models.columns import Document, Instant, word
from rules.events.kinds import EventKind


class Event(SQLModel, table=True):
    """``id`` is given by the database when it is written: the order of what has been committed
    (`models.reads.events.events`). ``for_site``: the client's side may know of it, too."""

    __tablename__ = "event"
    __table_args__ = (
        Index("events_of_client", "client_id", "id"),
        Index("events_by_time", "at"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_column_args=(Identity(always=True),))
    kind: EventKind = Field(sa_type=word(EventKind, name="event_kind"))
    at: datetime = Field(sa_type=Instant)
    client_id: UUID | None = Field(default=None, foreign_key="client.id")  # none: it is about no client
    ref: str | None = Field(default=None, max_length=40)
    data: dict[str, Any] = Field(default_factory=dict, sa_type=Document)
    for_site: bool


class EventsRemoved(SQLModel, table=True):
    """Up to which id events were removed because they are old; one row, and none before the first are."""

    __tablename__ = "events_removed"
    __table_args__ = (CheckConstraint("single", name="one_row"),)

    single: bool = Field(default=True, primary_key=True)
    up_to: int
