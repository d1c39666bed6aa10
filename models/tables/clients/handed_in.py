"""What was handed in for a workflow (claim check): words that the engine is not to see. The message names the row."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.columns import Instant
from models.sealed import SealedDocument


class HandedIn(SQLModel, table=True):
    """The API writes it before it asks; the step that carries out the request takes it over into rows of its own, and
    removes it. ``about`` is the client or the appointment that the request is about: nothing else may take it."""

    __tablename__ = "handed_in"

    id: UUID = Field(primary_key=True)
    request_id: str = Field(max_length=64)
    about: UUID
    said: dict[str, Any] = Field(sa_type=SealedDocument)
    handed_in_by: str
    handed_in_at: datetime = Field(sa_type=Instant, index=True)
