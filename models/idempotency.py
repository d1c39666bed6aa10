"""Idempotency keys: what a creating request was answered, kept for a day, per caller and route."""

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlmodel import Field, SQLModel

from models.columns import Instant


class IdempotencyKey(SQLModel, table=True):
    """``answer`` is encrypted, and empty while the first request is still being answered."""

    __tablename__ = "idempotency_key"

    caller: str = Field(primary_key=True, max_length=200)
    route: str = Field(primary_key=True, max_length=300)
    key: str = Field(primary_key=True, max_length=255)
    body_hash: str = Field(max_length=64)
    claimed_at: datetime = Field(sa_type=Instant, index=True)
    status: int | None = None
    answer: bytes | None = Field(default=None, sa_type=LargeBinary)
