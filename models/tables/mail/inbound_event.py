"""Events that vendors send: stored once by their id, then handed on, then marked handled."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models.columns import Document, Instant


class InboundEvent(SQLModel, table=True):
    __tablename__ = "inbound_event"
    __table_args__ = (Index("inbound_events_left", "id", postgresql_where=text("handled_at IS NULL")),)

    id: str = Field(primary_key=True, max_length=255)
    vendor: str = Field(max_length=20)
    type: str = Field(max_length=100)
    payload: dict[str, Any] = Field(sa_type=Document)
    received_at: datetime = Field(sa_type=Instant)
    handled_at: datetime | None = Field(default=None, sa_type=Instant)
    outcome: str | None = None
