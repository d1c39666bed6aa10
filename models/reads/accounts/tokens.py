"""Tokens, found by their hash."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.accounts.account import Account
from models.tables.accounts.token import Token, TokenKind
from models.tables.booking.therapist import Therapist


@dataclass(frozen=True, kw_only=True)
class KnownToken:
    """``therapist``: the slug, of a therapist's token or of an account that is a therapist's."""

    token: Token
    account: Account | None
    therapist: str | None


async def token_by_hash(session: AsyncSession, token_hash: str, kinds: Collection[TokenKind]) -> KnownToken | None:
    whose = func.coalesce(col(Token.therapist_id), col(Account.therapist_id))
    statement = (
        select(Token, Account, Therapist.slug)
        .join(Account, col(Account.id) == col(Token.account_id), isouter=True)
        .join(Therapist, col(Therapist.id) == whose, isouter=True)
        .where(col(Token.hash) == token_hash, col(Token.kind).in_(kinds))
    )
    found = (await session.exec(statement)).first()
    return KnownToken(token=found[0], account=found[1], therapist=found[2]) if found else None
