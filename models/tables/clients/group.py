"""Client groups of the practice. A client is in one at most; an archived client stays in theirs."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.columns import Instant


class ClientGroup(SQLModel, table=True):
    __tablename__ = "client_group"

    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=200)
    name_folded: str = Field(unique=True, max_length=200)
    made_by: str
    made_at: datetime = Field(sa_type=Instant)
