"""Sign-ins by OpenID Connect: begun at the provider, and whom of the practice the provider means by its subject."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import Instant


class OidcSignIn(SQLModel, table=True):
    """Begun by one browser, which shows its secret again; ``state``, ``nonce`` and the verifier of PKCE follow from
    that, and are kept nowhere. All instants are the world's.

    ``claimed_at``: the provider's code was taken, which happens once. ``account_id`` with ``subject`` and ``address``:
    whom the provider named then. ``ended_at``: somebody has signed in by it.
    """

    __tablename__ = "oidc_sign_in"

    hash: str = Field(primary_key=True, max_length=64)  # SHA-256 of the browser's secret, in hex
    return_url: str
    begun_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant, index=True)
    claimed_at: datetime | None = Field(default=None, sa_type=Instant)
    account_id: UUID | None = Field(default=None, foreign_key="account.id", index=True)
    subject: str | None = Field(default=None, max_length=255)
    address: str | None = None  # folded; None where the provider has not verified it
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


class OidcLink(SQLModel, table=True):
    """Whose account a provider means by a subject, whatever addresses become of either. It goes with the account."""

    __tablename__ = "oidc_link"
    __table_args__ = (UniqueConstraint("account_id", "issuer", name="one_subject_of_an_issuer"),)

    issuer: str = Field(primary_key=True)
    subject: str = Field(primary_key=True, max_length=255)
    account_id: UUID = Field(foreign_key="account.id")
    linked_at: datetime = Field(sa_type=Instant)
