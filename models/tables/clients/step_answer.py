"""Idempotency records of steps: what a step answered to a request of a client's, so that asking again gets it back."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.columns import Document, Instant

LONGEST_REQUEST_ID = 64


class StepAnswer(SQLModel, table=True):
    """Written in the transaction of the change itself, and kept for good: the engine may ask again at any time.

    ``answer`` has ids, states, times and amounts, never what people typed. Snapshots are kept as references, see
    ``activities.answers``.
    """

    __tablename__ = "step_answer"

    client_id: UUID = Field(primary_key=True, foreign_key="client.id")
    step: str = Field(primary_key=True, max_length=60)
    request_id: str = Field(primary_key=True, max_length=LONGEST_REQUEST_ID)
    answer: dict[str, Any] = Field(sa_type=Document)
    made_at: datetime = Field(sa_type=Instant)
