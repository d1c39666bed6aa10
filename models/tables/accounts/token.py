"""Tokens: sign-ins, passes, therapists' tokens and links sent by mail. Only hashes are kept."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models.columns import Instant, word


class TokenKind(StrEnum):
    SESSION = "session"
    THERAPIST = "therapist"
    ACTIVATION = "activation"
    INVITATION = "invitation"  # makes an account of the practice active
    RESET = "reset"  # sets a new password
    EMAIL = "email"  # confirms a new address
    DEVICE = "device"  # from which its owner has signed in before
    PASS = "pass"  # noqa: S105 - of a client who has no account yet, beside the booking site's key
    JOIN = "join"  # joins a booking made with a known address to the record that has it


class Token(SQLModel, table=True):
    """``account_id`` is whose sign-in it is, ``client_id`` whose mailed link or pass, ``therapist_id`` whose program's
    token.

    ``email_change_id``: the change, and no other one, that a link confirms which was mailed for it.
    ``factor_at_provider``: of a sign-in by OpenID Connect, that the provider has asked for a second factor.
    ``made_by``: of a therapist's program's, who made it, as timelines name them.
    ``network`` (an address, cut) and ``agent`` (a browser, in its own words) tell its owner where a sign-in was made.
    """

    __tablename__ = "token"
    __table_args__ = (Index("token_by_end", text("(COALESCE(revoked_at, used_at, expires_at))")),)

    hash: str = Field(primary_key=True, max_length=64)  # SHA-256 of the token, in hex
    kind: TokenKind = Field(sa_type=word(TokenKind, name="token_kind"))
    account_id: UUID | None = Field(default=None, foreign_key="account.id", index=True)
    client_id: UUID | None = Field(default=None, foreign_key="client.id", index=True)
    therapist_id: UUID | None = Field(default=None, foreign_key="therapist.id", index=True)
    email_change_id: UUID | None = Field(default=None, foreign_key="email_change.id")
    made_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    last_used_at: datetime | None = Field(default=None, sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)
    used_at: datetime | None = Field(default=None, sa_type=Instant)
    network: str | None = Field(default=None, max_length=64)
    agent: str | None = Field(default=None, max_length=200)
    factor_at_provider: bool = False
    made_by: str | None = None
