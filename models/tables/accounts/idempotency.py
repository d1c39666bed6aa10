"""Idempotency keys: what a creating request was answered, kept for a day, per caller and route."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary, text
from sqlmodel import Field, SQLModel

from models.columns import Instant


class IdempotencyKey(SQLModel, table=True):
    """``answer`` is encrypted, and empty while the first request is still being answered.

    Ids of what the request creates follow from ``request_id``: when an answer was lost on the way, the next
    try with the same key finds its own work. ``status`` is then 0, "nobody knows": that try may go ahead.
    ``alive_at``, by the database's own clock, is when whoever answers was last heard of.
    """

    __tablename__ = "idempotency_key"

    caller: str = Field(primary_key=True, max_length=200)
    route: str = Field(primary_key=True, max_length=300)
    key: str = Field(primary_key=True, max_length=255)
    body_hash: str = Field(max_length=64)
    request_id: UUID
    claimed_at: datetime = Field(sa_type=Instant, index=True)
    alive_at: datetime = Field(sa_type=Instant, sa_column_kwargs={"server_default": text("now()")})
    status: int | None = None
    answer: bytes | None = Field(default=None, sa_type=LargeBinary)
