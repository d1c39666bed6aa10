"""Texts: the wording and the questions of every form and of the fee policy, by version.

What a client was asked for keeps its own version."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import Document, Instant
from rules.forms.intake import FEE_POLICY


class PracticeText(SQLModel, table=True):
    """A version that was published; its newest is in force. Never changed.

    ``body``: what is read before the questions, with the numbers of ``terms`` by name (``rules.forms.wording``).
    ``terms``: those the version was published with, a document of ``rules.money.terms``. ``fields``: a list of
    documents, as in ``rules.forms.fields``. ``intake_place``: of an intake form, where it stands among those; none for
    one of the practice's own. ``fee_policy_version``: of the fee policy that is read below it, and signed with it."""

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
    fee_policy_version: int | None = None
    made_by: str
    made_at: datetime = Field(sa_type=Instant)

    @property
    def is_intake(self) -> bool:
        return self.intake_place is not None

    @property
    def is_own(self) -> bool:
        """Whether it is a form of the practice's own."""
        return self.intake_place is None and self.kind != FEE_POLICY


class TextDraft(SQLModel, table=True):
    """What is to be the next version of a text, and in force for nobody: one for each kind. The id is another after
    every change. ``terms``: of the fee policy, those that settings propose in place of what is in force; none: as it
    is."""

    __tablename__ = "text_draft"

    kind: str = Field(primary_key=True, max_length=80)
    id: UUID
    title: str = Field(max_length=200)
    body: str = ""
    terms: dict[str, Any] | None = Field(default=None, sa_type=Document)
    fields: list[dict[str, Any]] = Field(sa_type=Document)
    made_by: str
    made_at: datetime = Field(sa_type=Instant)
