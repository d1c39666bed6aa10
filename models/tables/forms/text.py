"""Texts: the wording and the questions of every form, by version. What was asked for keeps its own."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import Document, Instant


class PracticeText(SQLModel, table=True):
    """``body``: what is read before the questions, with the numbers of ``terms`` by name (``rules.forms.wording``).
    ``terms``: those the version was published with, a document of ``rules.money.terms``. ``fields``: a list of
    documents, as in ``rules.forms.fields``. ``intake_place``: of an intake form, where it stands among those; none for
    one of the practice's own."""

    __tablename__ = "practice_text"
    __table_args__ = (UniqueConstraint("kind", "version", name="one_text_per_kind_and_version"),)

    id: UUID = Field(primary_key=True)
    kind: str = Field(max_length=80)
    version: int
    title: str = Field(max_length=200)
    body: str = ""
    terms: dict[str, Any] = Field(sa_type=Document)
    fields: list[dict[str, Any]] = Field(sa_type=Document)
    intake_place: int | None = None
    made_by: str
    made_at: datetime = Field(sa_type=Instant)

    @property
    def is_intake(self) -> bool:
        return self.intake_place is not None
