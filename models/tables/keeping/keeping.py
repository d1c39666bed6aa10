"""Rounds of the keeper, and what was started again: by a round, or by a request that needed it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models.columns import Instant, word
from rules.keeping import ResumedBecause


class Keeping(SQLModel, table=True):
    """One round. ``tasks`` counts those that it opened."""

    __tablename__ = "keeping"
    __table_args__ = (Index("keeping_by_end", "finished_at"),)

    id: UUID = Field(primary_key=True)
    asked_by: str
    started_at: datetime = Field(sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
    looked_at: int = 0
    tasks: int = 0


class Resumption(SQLModel, table=True):
    """One workflow, started again once for each run of it that was lost. ``run_id`` is that run's; where the engine
    knew none, what it was found by. Until ``done_at`` it may not run yet, or not know what was said to the lost run."""

    __tablename__ = "resumption"
    __table_args__ = (
        Index("resumptions_of_workflow", "workflow_id", "at"),
        Index("resumptions_not_done", "at", postgresql_where=text("done_at IS NULL")),
    )

    workflow_id: str = Field(primary_key=True, max_length=200)
    run_id: str = Field(primary_key=True, max_length=100)
    because: ResumedBecause = Field(sa_type=word(ResumedBecause, name="resumption_because"))
    by: str | None = None  # who ended it, by the identity that the engine has of them
    client_id: UUID | None = Field(default=None, foreign_key="client.id")
    keeping_id: UUID | None = Field(default=None, foreign_key="keeping.id", index=True)  # none: by a request
    at: datetime = Field(sa_type=Instant)
    done_at: datetime | None = Field(default=None, sa_type=Instant)
