"""The timeline: every fact of a client's journey, who did it, in a signed chain. Facts are only ever added."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models.columns import Document, Instant
from rules.clients.exceptions import tells_of_one


class Fact(SQLModel, table=True):
    """An entry of the client's chain (`rules.chain.Entry`): ``digest`` is that of text and data, and of
    the words of its remark, if there is one."""

    __tablename__ = "fact"
    __table_args__ = (Index("exceptions_by_time", "at", "hash", postgresql_where=text(tells_of_one())),)

    client_id: UUID = Field(primary_key=True, foreign_key="client.id")
    seq: int = Field(primary_key=True)
    at: datetime = Field(sa_type=Instant)
    actor: str
    kind: str = Field(max_length=60)
    text: str
    data: dict[str, Any] = Field(default_factory=dict, sa_type=Document)
    digest: str = Field(max_length=64)
    key_id: str = Field(max_length=100)
    previous_key_id: str | None = Field(default=None, max_length=100)  # of the entry before, under a new key
    previous_hash: str = Field(max_length=64)
    hash: str = Field(max_length=64)
