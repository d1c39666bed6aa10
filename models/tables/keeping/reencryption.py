"""Reencryptions: rounds in which everything that is sealed with an older key is sealed anew."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.columns import Instant


class Reencryption(SQLModel, table=True):
    """One round. ``sealed`` rows were sealed anew; ``unreadable`` do not open, and were left as they are."""

    __tablename__ = "reencryption"

    id: UUID = Field(primary_key=True)
    asked_by: str
    started_at: datetime = Field(sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
    sealed: int = 0
    unreadable: int = 0
