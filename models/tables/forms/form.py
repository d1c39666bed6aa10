"""Form requests: forms asked of a client, and the answers given. Answers are never changed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import Instant, word
from models.sealed import SealedDocument, SealedText
from rules.enums import FormStatus


class FormRequest(SQLModel, table=True):
    """A new version is a new row, unless an intake form is still open: that moves to the new version (the timeline
    tells when each was asked for). ``gates_from``: since when bookings wait for an intake form that was asked for
    again; none if they did at once."""

    __tablename__ = "form_request"
    __table_args__ = (
        UniqueConstraint("client_id", "kind", "version", "number", name="one_request_per_form_version_and_time"),
    )

    id: UUID = Field(primary_key=True)
    client_id: UUID = Field(foreign_key="client.id", index=True)
    kind: str = Field(max_length=80)
    version: int
    number: int = 1  # which time this version is asked for: the practice may ask for its own forms again
    status: FormStatus = Field(default=FormStatus.REQUESTED, sa_type=word(FormStatus, name="form_status"))
    requested_at: datetime = Field(sa_type=Instant)
    requested_by: str
    gates_from: datetime | None = Field(default=None, sa_type=Instant)
    completed_at: datetime | None = Field(default=None, sa_type=Instant)


class FormAnswer(SQLModel, table=True):
    __tablename__ = "form_answer"

    id: UUID = Field(primary_key=True)
    request_id: UUID = Field(foreign_key="form_request.id", index=True)
    answers: dict[str, Any] = Field(sa_type=SealedDocument)
    signature: str = Field(sa_type=SealedText)
    consent_text: str | None = None
    consent_version: str | None = None
    answered_by: str
    answered_at: datetime = Field(sa_type=Instant)
