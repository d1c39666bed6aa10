"""Challenges: what a passkey is asked to sign, once and soon."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.columns import Instant, word
from rules.accounts.passkeys import ChallengePurpose
from rules.accounts.sides import AccountSide


class PasskeyChallenge(SQLModel, table=True):
    """``hash`` is of the challenge, which is not kept. Of a sign-in without an address no ``account_id`` is known;
    ``factor_id`` is the passkey that is being set up. The row goes when the challenge is used. ``expires_at`` is by the
    world's clock."""

    __tablename__ = "passkey_challenge"

    hash: str = Field(primary_key=True, max_length=64)
    purpose: ChallengePurpose = Field(sa_type=word(ChallengePurpose, name="challenge_purpose"))
    side: AccountSide = Field(sa_type=word(AccountSide, name="challenge_side"))
    account_id: UUID | None = Field(default=None, foreign_key="account.id")
    factor_id: UUID | None = Field(default=None, foreign_key="second_factor.id")
    expires_at: datetime = Field(sa_type=Instant, index=True)
