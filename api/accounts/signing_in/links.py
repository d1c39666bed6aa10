"""Links that were mailed: whoever has one acts as the person it was mailed to (a capability)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from api.accounts.tokens import hash_of, storable
from api.problems import Refused, refuse
from models.database import Sessions
from models.reads.accounts.tokens import KnownToken, token_by_hash
from models.tables.accounts.token import Token, TokenKind
from rules.refusals import Problem


@dataclass(frozen=True, kw_only=True)
class MailedLink:
    """A link that was mailed to a client, by its token's hash: whoever has it acts as the client."""

    client_id: UUID
    token_hash: str


async def live_link(sessions: Sessions, token: str, kind: TokenKind, *, now: datetime, otherwise: str) -> MailedLink:
    """The client's link with this token. Raises Refused, with the sentence ``otherwise``, if there is none or it is
    spent."""
    token_hash = hash_of(storable(token))
    async with sessions() as session:
        known = await token_by_hash(session, token_hash, (kind,))
    row = known.token if known else None
    if row is None or row.client_id is None or is_spent(row, now=now):
        raise refuse(Problem.ACTIVATION_LINK_INVALID, otherwise)
    return MailedLink(client_id=row.client_id, token_hash=token_hash)


async def live_account_link(session: AsyncSession, token: str, kind: TokenKind, *, now: datetime) -> KnownToken:
    """The link of an account that has not ended and is not locked. Raises Refused if there is none or it is spent."""
    known = await token_by_hash(session, hash_of(storable(token)), (kind,))
    account = known.account if known else None
    if known is None or account is None or account.is_shut or is_spent(known.token, now=now):
        raise link_invalid()
    return known


def link_invalid() -> Refused:
    return refuse(Problem.LINK_INVALID, "This link is not valid, or not any more. Ask for a new one.")


def is_spent(link: Token, *, now: datetime) -> bool:
    return link.used_at is not None or link.revoked_at is not None or link.expires_at <= now
