"""Sign-ins (sessions): begun once a person has shown who they are."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from api.accounts.tokens import hash_of, new_token
from api.accounts.visitors import Visitor
from models.tables.accounts.account import Account
from models.tables.accounts.token import Token, TokenKind
from rules.enums import Role
from rules.policy import JourneyPolicy


@dataclass(frozen=True, kw_only=True)
class NewSession:
    """What whoever signs in is answered. ``role`` is the first of ``roles``."""

    token: str
    role: Role
    roles: tuple[Role, ...]
    expires_at: datetime
    client_id: UUID | None


async def begin_session(
    session: AsyncSession, account: Account, visitor: Visitor, *, policy: JourneyPolicy, now: datetime
) -> NewSession:
    """The caller commits."""
    token = new_token()
    row = Token(
        hash=hash_of(token),
        kind=TokenKind.SESSION,
        account_id=account.id,
        made_at=now,
        expires_at=now + policy.token_ttl,
        network=visitor.network,
        agent=visitor.agent,
    )
    session.add(row)
    roles = (Role.CLIENT,) if account.client_id is not None else tuple(Role(role) for role in account.roles)
    return NewSession(token=token, role=roles[0], roles=roles, expires_at=row.expires_at, client_id=account.client_id)
