"""Days on which the practice is closed (closures)."""

from datetime import date, datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.columns import Instant


class Closure(SQLModel, table=True):
    """``name`` is told to everybody who asks why there is no time on that day."""

    __tablename__ = "closure"

    id: UUID = Field(primary_key=True)
    day: date = Field(unique=True)
    name: str = Field(max_length=200)
    made_by: str
    made_at: datetime = Field(sa_type=Instant)
