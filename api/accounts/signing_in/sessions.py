"""Sign-ins (sessions): begun once a person has shown who they are; and the devices that are known since."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from api.accounts.tokens import hash_of, new_token, storable
from api.accounts.visitors import Visitor
from api.request_ids import present_request_id
from models.reads.accounts.tokens import token_by_hash
from models.tables.accounts.account import Account
from models.tables.accounts.token import Token, TokenKind
from models.writes.accounts.accesses import write_accesses
from rules.accounts.accesses import Access, AccessEvent
from rules.accounts.limits import DEVICE_TTL
from rules.enums import Role
from rules.policy import JourneyPolicy


@dataclass(frozen=True, kw_only=True)
class KnownDevice:
    """A device from which the same person has signed in before, by the token that it was given then."""

    token: str
    row: Token


@dataclass(frozen=True, kw_only=True)
class NewSession:
    """What whoever signs in is answered. ``role`` is the first of ``roles``, ``device`` what to show the next time."""

    token: str
    role: Role
    roles: tuple[Role, ...]
    expires_at: datetime
    client_id: UUID | None
    device: str


async def begin_session(
    session: AsyncSession,
    account: Account,
    visitor: Visitor,
    *,
    policy: JourneyPolicy,
    now: datetime,
    device: KnownDevice | None = None,
    factor_at_provider: bool = False,
) -> NewSession:
    """``device``: from which they signed in; it stays known. ``factor_at_provider``: they have shown a second factor to
    a provider that is trusted in this. The caller commits."""
    token = new_token()
    row = Token(
        hash=hash_of(token),
        kind=TokenKind.SESSION,
        account_id=account.id,
        made_at=now,
        expires_at=now + policy.token_ttl,
        network=visitor.network,
        agent=visitor.agent,
        factor_at_provider=factor_at_provider,
    )
    session.add(row)
    roles = (Role.CLIENT,) if account.client_id is not None else tuple(Role(role) for role in account.roles)
    await write_accesses(session, [_signed_in(account, roles[0], visitor, at=now)])
    return NewSession(
        token=token,
        role=roles[0],
        roles=roles,
        expires_at=row.expires_at,
        client_id=account.client_id,
        device=await _keep_known(session, account, device, now=now),
    )


def _signed_in(account: Account, role: Role, visitor: Visitor, *, at: datetime) -> Access:
    return Access(
        at=at,
        event=AccessEvent.SIGN_IN,
        who=account.handle or str(account.client_id),
        role=role.value,
        account_id=str(account.id),
        visitor=visitor.mark,
        network=visitor.network,
        request_id=present_request_id(),
    )


async def known_device(
    session: AsyncSession, token: str, account: Account | None, *, now: datetime
) -> KnownDevice | None:
    """The device that shows this token, if it is this account's and was not forgotten."""
    known = await token_by_hash(session, hash_of(storable(token)), (TokenKind.DEVICE,))
    if known is None or account is None or known.token.account_id != account.id:
        return None
    lives = known.token.revoked_at is None and known.token.expires_at > now
    return KnownDevice(token=token, row=known.token) if lives else None


async def _keep_known(session: AsyncSession, account: Account, device: KnownDevice | None, *, now: datetime) -> str:
    if device is not None:
        renewed = update(Token).where(col(Token.hash) == device.row.hash)
        await session.exec(renewed.values(expires_at=now + DEVICE_TTL, last_used_at=now))
        return device.token
    token = new_token()
    kind, expires_at = TokenKind.DEVICE, now + DEVICE_TTL
    session.add(Token(hash=hash_of(token), kind=kind, account_id=account.id, made_at=now, expires_at=expires_at))
    return token
