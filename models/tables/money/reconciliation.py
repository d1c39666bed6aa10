"""Reconciliations: what was compared with Stripe, what was healed, and what a person must look at."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.columns import Document, Instant


class Reconciliation(SQLModel, table=True):
    """``compared`` counts what was looked at; ``healed`` and ``differences`` list discrepancies as documents. One that
    was ``stopped`` has not compared all, and is finished all the same."""

    __tablename__ = "reconciliation"
    __table_args__ = (Index("reconciliation_by_end", "finished_at"),)

    id: UUID = Field(primary_key=True)
    asked_by: str
    started_at: datetime = Field(sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
    stopped: bool = False
    since: datetime = Field(sa_type=Instant)
    until: datetime = Field(sa_type=Instant)
    compared: dict[str, int] = Field(default_factory=dict, sa_type=Document)
    healed: list[dict[str, Any]] = Field(default_factory=list, sa_type=Document)
    differences: list[dict[str, Any]] = Field(default_factory=list, sa_type=Document)
