"""Tokens: marked as used, and ended. The caller commits."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.accounts.token import Token, TokenKind
from models.writes.booking.calendar_feeds import end_feed


async def mark_used(session: AsyncSession, token: Token, *, at: datetime) -> None:
    await session.exec(update(Token).where(col(Token.hash) == token.hash).values(last_used_at=at))


async def keep_link(session: AsyncSession, link: Token) -> datetime:
    """Until when a mailed link is good: as long as this says or, if it was mailed before, as it was said then."""
    made = insert(Token).values(link.model_dump()).on_conflict_do_nothing().returning(col(Token.expires_at))
    expires_at: datetime | None = (await session.exec(made)).scalar_one_or_none()
    if expires_at is None:
        expires_at = (await session.exec(select(Token.expires_at).where(col(Token.hash) == link.hash))).one()
    return expires_at


async def revoke_token(session: AsyncSession, token_hash: str, *, at: datetime) -> bool:
    """End a sign-in or a therapist's token; False when it is none (a service key)."""
    same = col(Token.hash) == token_hash
    ended = await session.exec(update(Token).where(same).values(revoked_at=at).returning(col(Token.hash)))
    return ended.first() is not None


async def revoke_live_token(session: AsyncSession, token_hash: str, *, at: datetime) -> Token | None:
    """End it; None if it has ended already: of two at once, the second finds it ended."""
    live = (col(Token.hash) == token_hash, col(Token.revoked_at).is_(None))
    return (await session.exec(update(Token).where(*live).values(revoked_at=at).returning(Token))).scalar_one_or_none()


async def revoke_sessions(session: AsyncSession, account_id: UUID, *, at: datetime, but: str | None = None) -> None:
    """Sign out everywhere, and know no device any more; ``but`` where the token with this hash is, whose holder is who
    they say: then the devices stay known. Mailed links stay good."""
    kinds = (TokenKind.SESSION, TokenKind.DEVICE) if but is None else (TokenKind.SESSION,)
    live = (col(Token.account_id) == account_id, col(Token.kind).in_(kinds), col(Token.revoked_at).is_(None))
    ended = update(Token).where(*live) if but is None else update(Token).where(*live, col(Token.hash) != but)
    await session.exec(ended.values(revoked_at=at))


async def end_sign_ins(session: AsyncSession, account_id: UUID, *, at: datetime, but: str | None = None) -> None:
    """End all that an account holds: sign-ins, links, and that devices are known. ``but`` the token with this hash,
    whose holder is who they say: then the devices stay known."""
    live = (col(Token.account_id) == account_id, col(Token.revoked_at).is_(None), col(Token.used_at).is_(None))
    ended = update(Token).where(*live)
    if but is not None:
        ended = ended.where(col(Token.hash) != but, col(Token.kind) != TokenKind.DEVICE)
    await session.exec(ended.values(revoked_at=at))


async def end_programs(session: AsyncSession, therapist_id: UUID, *, at: datetime) -> None:
    """Of a therapist: they act for nobody any more. Their tokens end, and the address that calendar programs read."""
    kind = col(Token.kind) == TokenKind.THERAPIST
    live = (col(Token.therapist_id) == therapist_id, kind, col(Token.revoked_at).is_(None))
    await session.exec(update(Token).where(*live).values(revoked_at=at))
    await end_feed(session, therapist_id)
