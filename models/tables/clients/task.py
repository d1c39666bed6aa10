"""Tasks: what a person must look at. One open task per reason."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models.columns import Document, Instant, word
from models.sealed import SealedText
from rules.enums import TaskKind


class Task(SQLModel, table=True):
    __tablename__ = "task"
    __table_args__ = (Index("tasks_open", "kind", postgresql_where=text("resolved_at IS NULL")),)

    id: UUID = Field(primary_key=True)
    key: str = Field(unique=True, max_length=200)  # why it was opened, in stable ids: opened once
    client_id: UUID | None = Field(default=None, foreign_key="client.id", index=True)  # none: about no client of ours
    kind: TaskKind = Field(sa_type=word(TaskKind, name="task_kind"))
    text: str
    data: dict[str, Any] = Field(default_factory=dict, sa_type=Document)
    opened_at: datetime = Field(sa_type=Instant)
    resolved_at: datetime | None = Field(default=None, sa_type=Instant)
    resolved_by: str | None = None
    note: str | None = Field(default=None, sa_type=SealedText)
