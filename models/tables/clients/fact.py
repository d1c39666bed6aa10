"""The timeline: every fact of a client's journey, who did it, in a hash chain. Facts are only ever added."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.columns import Document, Instant


class Fact(SQLModel, table=True):
    __tablename__ = "fact"

    client_id: UUID = Field(primary_key=True, foreign_key="client.id")
    seq: int = Field(primary_key=True)
    at: datetime = Field(sa_type=Instant)
    actor: str
    kind: str = Field(max_length=60)
    text: str
    data: dict[str, Any] = Field(default_factory=dict, sa_type=Document)
    previous_hash: str = Field(max_length=64)
    hash: str = Field(max_length=64)
