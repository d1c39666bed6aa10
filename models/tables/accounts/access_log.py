"""The access log: who looked at what, and who changed what others may. Rows of all four tables are only ever added, and
refer to no other table."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from models.columns import Document, Instant, word
from rules.accounts.accesses import AccessEvent, AccessKind, BlockKind


class AccessLine(SQLModel, table=True):
    """A line (`rules.accounts.accesses.Access`), signed when written. ``id`` is the same for what is one line."""

    __tablename__ = "access_line"
    __table_args__ = (
        Index("access_lines_in_time", "at", "id"),
        Index("access_lines_of_client", "whose", postgresql_using="gin"),
        Index("access_lines_of_who", "who", "at", "id"),
        Index("access_lines_of_event", "event", "at", "id"),
        # As of anchors: one row with an instant that Python cannot read would stop whoever reads.
        CheckConstraint("at BETWEEN '2000-01-01Z' AND '9999-12-30Z'", name="access_at_can_be_read"),
    )

    number: int | None = Field(
        default=None, sa_type=BigInteger, primary_key=True, sa_column_args=(Identity(always=True),)
    )
    id: UUID = Field(unique=True)
    at: datetime = Field(sa_type=Instant)
    event: AccessEvent = Field(sa_type=word(AccessEvent, name="access_event"))
    who: str = Field(max_length=200)
    role: str | None = Field(default=None, max_length=40)
    account_id: UUID | None = None
    about: str | None = Field(default=None, max_length=200)
    token_by: str | None = Field(default=None, max_length=200)
    kind: AccessKind | None = Field(default=None, sa_type=word(AccessKind, name="access_kind"))
    whose: list[UUID] = Field(default_factory=list, sa_type=ARRAY(Uuid))
    visitor: str | None = Field(default=None, max_length=64)
    network: str | None = Field(default=None, max_length=64)
    request_id: str = Field(max_length=64)
    of_archive: bool = False
    key_id: str = Field(max_length=100)
    mac: str = Field(max_length=64)


class AccessRepeat(SQLModel, table=True):
    """That the same was looked at once more within the quarter of an hour of a line."""

    __tablename__ = "access_repeat"

    line: UUID = Field(primary_key=True)
    number: int | None = Field(
        default=None, sa_type=BigInteger, primary_key=True, sa_column_args=(Identity(always=True),)
    )
    at: datetime = Field(sa_type=Instant)


class AccessBlock(SQLModel, table=True):
    """An entry of the chain of the access log (`rules.chain.Entry`). ``data`` of one that covers ``lines``: how many,
    and their ``root``; of each, ``last``: the highest number of a line that was covered so far."""

    __tablename__ = "access_block"
    __table_args__ = (CheckConstraint("at BETWEEN '2000-01-01Z' AND '9999-12-30Z'", name="block_at_can_be_read"),)

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime = Field(sa_type=Instant)
    kind: BlockKind = Field(sa_type=word(BlockKind, name="access_block_kind"))
    data: dict[str, Any] = Field(sa_type=Document)
    key_id: str = Field(max_length=100)
    previous_key_id: str | None = Field(default=None, max_length=100)
    previous_hash: str = Field(max_length=64)
    hash: str = Field(max_length=64)


class ChainedAccess(SQLModel, table=True):
    """Which block covers a line, by their numbers. A trigger refuses what is said of a line that is not there yet."""

    __tablename__ = "chained_access"
    __table_args__ = (Index("lines_of_block", "block", "line"),)

    line: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False})
    block: int
