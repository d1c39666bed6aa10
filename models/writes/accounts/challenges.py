"""Challenges of passkeys: kept, and used once. The caller commits at once."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.accounts.passkey_challenge import PasskeyChallenge
from rules.accounts.passkeys import ChallengePurpose
from rules.accounts.sides import AccountSide

_AT_ONCE = 20


async def keep_challenge(session: AsyncSession, challenge: PasskeyChallenge, *, real: datetime) -> None:
    """And drop a few that came to nothing: whoever makes some takes more away. ``real``: the world's time."""
    old = select(PasskeyChallenge.hash).where(col(PasskeyChallenge.expires_at) <= real)
    gone = old.limit(_AT_ONCE).with_for_update(skip_locked=True)
    await session.exec(delete(PasskeyChallenge).where(col(PasskeyChallenge.hash).in_(gone)))
    session.add(challenge)


async def take_challenge(
    session: AsyncSession,
    challenge_hash: str,
    purpose: ChallengePurpose,
    *,
    side: AccountSide,
    account_id: UUID | None,
    factor_id: UUID | None,
    real: datetime,
) -> bool:
    """Whether it was made for this, and is good still; it is used up by that."""
    same = (
        col(PasskeyChallenge.hash) == challenge_hash,
        col(PasskeyChallenge.purpose) == purpose,
        col(PasskeyChallenge.side) == side,
        col(PasskeyChallenge.account_id).is_not_distinct_from(account_id),
        col(PasskeyChallenge.factor_id).is_not_distinct_from(factor_id),
        col(PasskeyChallenge.expires_at) > real,
    )
    taken = delete(PasskeyChallenge).where(*same).returning(col(PasskeyChallenge.hash))
    return (await session.exec(taken)).first() is not None
