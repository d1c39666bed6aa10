"""Archives of many clients at once: who asked, and what became of each."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from models.columns import Instant, word
from models.sealed import SealedText
from rules.enums import ArchiveResult


class BulkArchiveRecord(SQLModel, table=True):
    __tablename__ = "bulk_archive"

    id: UUID = Field(primary_key=True)
    group_id: UUID | None = Field(default=None, foreign_key="client_group.id")
    reason: str | None = Field(default=None, sa_type=SealedText)
    notify: bool = True
    asked_by: str
    asked_at: datetime = Field(sa_type=Instant)
    stopped_at: datetime | None = Field(default=None, sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)


class BulkArchiveLine(SQLModel, table=True):
    """One client of it, in the order asked for. ``because`` says why one was skipped or failed."""

    __tablename__ = "bulk_archive_line"
    __table_args__ = (
        CheckConstraint("(result = 'pending') = (done_at IS NULL)", name="bulk_archive_line_is_done_once"),
    )

    archive_id: UUID = Field(primary_key=True, foreign_key="bulk_archive.id")
    client_id: UUID = Field(primary_key=True, foreign_key="client.id", index=True)
    number: int
    result: ArchiveResult = Field(
        default=ArchiveResult.PENDING, sa_type=word(ArchiveResult, name="bulk_archive_result")
    )
    because: str | None = None
    done_at: datetime | None = Field(default=None, sa_type=Instant)
