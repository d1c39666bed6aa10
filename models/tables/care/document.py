"""Documents of the practice, kept whole in the database, and with whom each is shared."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from models.columns import Instant
from models.sealed import SealedBytes, SealedText


class Document(SQLModel, table=True):
    """``therapist_id`` is whose it is; none for the care team's. The bytes are in ``document_content``."""

    __tablename__ = "document"
    __table_args__ = (CheckConstraint("size > 0", name="document_not_empty"),)

    id: UUID = Field(primary_key=True)
    therapist_id: UUID | None = Field(default=None, foreign_key="therapist.id", index=True)
    title: str = Field(sa_type=SealedText)
    filename: str = Field(sa_type=SealedText)
    content_type: str = Field(max_length=100)  # by its content, whatever was said
    size: int  # bytes
    sha256: str = Field(max_length=64)
    uploaded_by: str
    uploaded_at: datetime = Field(sa_type=Instant)


class DocumentContent(SQLModel, table=True):
    """A piece of 1 MB at most: whoever writes or reads a document has one in memory at a time, never the whole.

    Apart from the document's own row, so that lists do not read it. ``number`` counts from 0.
    """

    __tablename__ = "document_content"

    document_id: UUID = Field(primary_key=True, foreign_key="document.id")
    number: int = Field(primary_key=True)
    content: bytes = Field(sa_type=SealedBytes)


class DocumentShare(SQLModel, table=True):
    __tablename__ = "document_share"
    __table_args__ = (
        Index("one_live_share", "document_id", "client_id", unique=True, postgresql_where=text("unshared_at IS NULL")),
        Index("shares_of_client", "client_id", postgresql_where=text("unshared_at IS NULL")),
    )

    id: UUID = Field(primary_key=True)
    document_id: UUID = Field(foreign_key="document.id", index=True)
    client_id: UUID = Field(foreign_key="client.id")
    shared_by: str
    shared_at: datetime = Field(sa_type=Instant)
    unshared_by: str | None = None
    unshared_at: datetime | None = Field(default=None, sa_type=Instant)
