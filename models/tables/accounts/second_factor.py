"""Second factors of accounts, and the recovery codes that stand in for them once."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from models.columns import Instant, word
from models.sealed import SealedSecret
from rules.accounts.second_factors import FactorKind


class SecondFactor(SQLModel, table=True):
    """An authenticator app of an account (TOTP), or a passkey (WebAuthn). One that is not confirmed is being set up,
    and an account has one such at most.

    ``secret`` is sealed: of an app, what its codes follow from; of a passkey in force, its public key and whose it is
    (`api.accounts.factors.passkeys.KeptPasskey`), so that nobody can put another key or another account in its place.
    It goes when the factor ends, with the ``name`` that its owner gave it.

    Of an app: ``last_step`` is the latest time step of which a code was used: no earlier one, and not the same, is
    taken again. Of a passkey: ``credential_hash`` is by which it is found, ``sign_count`` what its counter said last,
    ``backed_up`` whether it is kept outside of one device. ``ended_by`` is who removed it, as timelines name them.
    """

    __tablename__ = "second_factor"
    __table_args__ = (
        Index(
            "one_factor_being_set_up",
            "account_id",
            unique=True,
            postgresql_where=text("confirmed_at IS NULL AND ended_at IS NULL"),
        ),
        CheckConstraint(
            "(secret IS NOT NULL) = (ended_at IS NULL AND (kind = 'totp' OR confirmed_at IS NOT NULL))",
            name="live_factor_has_its_secret",
        ),
        CheckConstraint(
            "(credential_hash IS NOT NULL) = (ended_at IS NULL AND kind = 'passkey' AND confirmed_at IS NOT NULL)",
            name="passkey_in_force_has_its_credential",
        ),
    )

    id: UUID = Field(primary_key=True)
    account_id: UUID = Field(foreign_key="account.id", index=True)
    kind: FactorKind = Field(sa_type=word(FactorKind, name="second_factor_kind"))
    secret: str | None = Field(default=None, sa_type=SealedSecret, repr=False)
    name: str | None = Field(default=None, sa_type=SealedSecret, repr=False)
    made_at: datetime = Field(sa_type=Instant)
    confirmed_at: datetime | None = Field(default=None, sa_type=Instant)
    last_used_at: datetime | None = Field(default=None, sa_type=Instant)
    last_step: int | None = Field(default=None, sa_type=BigInteger)
    credential_hash: str | None = Field(default=None, max_length=64, unique=True)
    sign_count: int | None = Field(default=None, sa_type=BigInteger)
    backed_up: bool | None = None
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_by: str | None = None


class RecoveryCode(SQLModel, table=True):
    """``hash`` is of the account and the code (`rules.accounts.second_factors.recovery_hash`), which is not kept."""

    __tablename__ = "recovery_code"

    hash: str = Field(primary_key=True, max_length=64)
    account_id: UUID = Field(foreign_key="account.id", index=True)
    made_at: datetime = Field(sa_type=Instant)
    used_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
