"""Matches: which therapist, when, why, and by whom; and what a client's matching form found. A re-match ends the match
before it and keeps it."""

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
    made_by: str
    made_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


class FormMatch(SQLModel, table=True):
    """A matching form: the answers, what it found, and all that this can be replayed from. ``match_id`` is the match
    that was made of it; None where nobody fitted."""

    __tablename__ = "form_match"

    id: UUID = Field(primary_key=True)
    client_id: UUID = Field(foreign_key="client.id", index=True)
    match_id: UUID | None = Field(default=None, foreign_key="match.id", unique=True)
    answers: dict[str, Any] = Field(sa_type=SealedDocument)
    explanation: dict[str, Any] = Field(sa_type=SealedDocument)
    considered: bytes = Field(sa_type=SealedAside)  # everybody who could have been it, as they were: JSON, deflated
    made_by: str
    made_at: datetime = Field(sa_type=Instant)
