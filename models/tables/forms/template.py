"""Forms that the practice makes for itself. A changed one is a new version; what was asked keeps its own."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import Document, Instant


class FormTemplate(SQLModel, table=True):
    """``fields``: a list of documents, as in ``rules.forms.templates``."""

    __tablename__ = "form_template"
    __table_args__ = (UniqueConstraint("kind", "version", name="one_template_per_kind_and_version"),)

    id: UUID = Field(primary_key=True)
    kind: str = Field(max_length=80)
    version: int
    title: str = Field(max_length=200)
    fields: list[dict[str, Any]] = Field(sa_type=Document)
    made_by: str
    made_at: datetime = Field(sa_type=Instant)
