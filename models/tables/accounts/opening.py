"""Openings: that somebody opened for an hour what their role does not show of a client."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.columns import Instant, word
from models.sealed import SealedText
from rules.accounts.openings import OpeningKind
from rules.enums import Role


class Opening(SQLModel, table=True):
    """In force from ``opened_at`` until ``ends_at``, or until somebody ended it before. Nothing else of it changes: the
    programs' role may write only how it ended, and seal the reason anew.

    ``opened_by`` is how the timeline names who opened it, in the role that allowed it. ``account_id``: whose that was;
    None of a key.
    """

    __tablename__ = "opening"
    __table_args__ = (
        Index("openings_of_client", "client_id", "opened_at", "id"),
        Index("openings_in_force", "client_id", "opened_by", "what", "ends_at"),
    )

    id: UUID = Field(primary_key=True)
    client_id: UUID = Field(foreign_key="client.id")
    what: OpeningKind = Field(sa_type=word(OpeningKind, name="opening_kind"))
    opened_by: str
    role: Role = Field(sa_type=word(Role, name="opening_role"))
    account_id: UUID | None = Field(default=None, foreign_key="account.id")
    reason: str = Field(sa_type=SealedText)
    opened_at: datetime = Field(sa_type=Instant)
    ends_at: datetime = Field(sa_type=Instant)
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    closed_by: str | None = None
