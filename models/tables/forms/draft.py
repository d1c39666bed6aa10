"""Drafts of form answers: what somebody has typed so far, until the form is complete or nobody goes on with it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.columns import Instant
from models.sealed import SealedDocument


class FormDraft(SQLModel, table=True):
    """One for each form of a client, in the version that it answers. It is no part of the record: nothing in it was
    signed, and it goes 30 days after it was saved last."""

    __tablename__ = "form_draft"

    client_id: UUID = Field(primary_key=True, foreign_key="client.id")
    kind: str = Field(primary_key=True, max_length=80)
    version: int = Field(primary_key=True)
    answers: dict[str, Any] = Field(sa_type=SealedDocument)
    saved_by: str
    saved_at: datetime = Field(sa_type=Instant, index=True)
