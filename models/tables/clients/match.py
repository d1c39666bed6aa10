"""Matches: which therapist, when, why, and by whom. A re-match ends the one before it and keeps it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models.columns import Instant, word
from models.sealed import SealedAside, SealedDocument, SealedText
from rules.enums import Source


class Match(SQLModel, table=True):
    __tablename__ = "match"
    __table_args__ = (Index("one_present_match", "client_id", unique=True, postgresql_where=text("ended_at IS NULL")),)

    id: UUID = Field(primary_key=True)
    client_id: UUID = Field(foreign_key="client.id", index=True)
    therapist_id: UUID = Field(foreign_key="therapist.id", index=True)
    how: Source = Field(sa_type=word(Source, name="match_how"))
    reason: str | None = Field(default=None, sa_type=SealedText)
    explanation: dict[str, Any] | None = Field(default=None, sa_type=SealedDocument)
    # The candidates as scored: JSON, deflated.
    considered: bytes | None = Field(default=None, sa_type=SealedAside)
    made_by: str
    made_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
