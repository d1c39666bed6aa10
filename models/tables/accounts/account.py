"""Accounts (identity): one for each person who signs in, a client or somebody of the practice."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from models.columns import Instant, Words, word
from rules.accounts.sides import AccountSide


class Account(SQLModel, table=True):
    """A person who signs in, by an address and a password.

    The address of a client's account is that of the client's record, which owns it; staff have theirs here. ``handle``
    is the short name by which the timeline tells who of the staff it was: it is nobody else's, ever, and stays when the
    name changes. A therapist's profile is one live account's, so that it tells who acted. Of staff that were invited
    and have not accepted, ``activated_at`` is empty. An account that was ended stays, so that what it did keeps its
    name. One that is locked (``locked_at``) opens nothing until another person unlocks it.
    """

    __tablename__ = "account"
    __table_args__ = (
        Index(
            "one_staff_account_per_address",
            "email_folded",
            unique=True,
            postgresql_where=text("deactivated_at IS NULL"),
        ),
        Index(
            "one_account_per_therapist", "therapist_id", unique=True, postgresql_where=text("deactivated_at IS NULL")
        ),
        CheckConstraint("(client_id IS NOT NULL) = (side = 'client')", name="account_of_a_client_has_one"),
        CheckConstraint("(email_folded IS NOT NULL) = (side = 'staff')", name="account_of_staff_has_an_address"),
        CheckConstraint("(handle IS NOT NULL) = (side = 'staff')", name="account_of_staff_has_a_handle"),
    )

    id: UUID = Field(primary_key=True)
    side: AccountSide = Field(sa_type=word(AccountSide, name="account_side"))
    client_id: UUID | None = Field(default=None, foreign_key="client.id", unique=True)
    email: str | None = None
    email_folded: str | None = None
    handle: str | None = Field(default=None, max_length=80, unique=True)
    name: str | None = None
    roles: list[str] = Field(default_factory=list, sa_type=Words)  # of rules.enums.Role, of staff
    therapist_id: UUID | None = Field(default=None, foreign_key="therapist.id", index=True)
    password_hash: str | None = None
    made_at: datetime = Field(sa_type=Instant)
    made_by: str
    invited_at: datetime | None = Field(default=None, sa_type=Instant)  # the last time
    activated_at: datetime | None = Field(default=None, sa_type=Instant)
    deactivated_at: datetime | None = Field(default=None, sa_type=Instant)
    locked_at: datetime | None = Field(default=None, sa_type=Instant)
    locked_by: str | None = None

    @property
    def is_shut(self) -> bool:
        """Ended or locked: nothing that is its own opens anything."""
        return self.deactivated_at is not None or self.locked_at is not None
