"""Tokens, found by their hash."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.accounts.token import Token, TokenKind
from models.tables.booking.therapist import Therapist


@dataclass(frozen=True, kw_only=True)
class KnownToken:
    token: Token
    therapist: str | None


async def token_by_hash(session: AsyncSession, token_hash: str, kinds: Collection[TokenKind]) -> KnownToken | None:
    statement = (
        select(Token, Therapist.slug)
        .join(Therapist, col(Therapist.id) == col(Token.therapist_id), isouter=True)
        .where(col(Token.hash) == token_hash, col(Token.kind).in_(kinds))
    )
    found = (await session.exec(statement)).first()
    return KnownToken(token=found[0], therapist=found[1]) if found else None
