"""Files for a field of a form, kept whole in the database, in pieces as documents are."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from models.columns import Instant
from models.sealed import SealedBytes, SealedText


class FormUpload(SQLModel, table=True):
    """``field``: the path of the question that it is for, of the form ``kind``. It belongs to the record once answers
    name it: ``answer_id`` is the first that did. One that none names goes 30 days after ``wanted_at``: when it was
    uploaded, or a draft of its form was saved."""

    __tablename__ = "form_upload"
    __table_args__ = (
        CheckConstraint("size > 0", name="upload_not_empty"),
        Index("uploads_without_answer", "wanted_at", postgresql_where=text("answer_id IS NULL")),
    )

    id: UUID = Field(primary_key=True)
    client_id: UUID = Field(foreign_key="client.id", index=True)
    kind: str = Field(max_length=80)
    field: str = Field(max_length=150)
    filename: str = Field(sa_type=SealedText)
    content_type: str = Field(max_length=100)  # by its content, whatever was said
    size: int  # bytes
    sha256: str = Field(max_length=64)
    uploaded_by: str
    uploaded_at: datetime = Field(sa_type=Instant)
    wanted_at: datetime = Field(sa_type=Instant)
    answer_id: UUID | None = Field(default=None, foreign_key="form_answer.id", index=True)


class FormUploadContent(SQLModel, table=True):
    """A piece of 1 MB at most, counted from 0."""

    __tablename__ = "form_upload_content"

    upload_id: UUID = Field(primary_key=True, foreign_key="form_upload.id", ondelete="CASCADE")
    number: int = Field(primary_key=True)
    content: bytes = Field(sa_type=SealedBytes)
