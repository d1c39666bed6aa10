"""People of the practice: invited, invited again, and given other roles. The caller commits."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.accounts.staff import names_like
from models.tables.accounts.account import Account
from models.tables.accounts.token import Token, TokenKind
from models.writes.accounts.locks import lock_names
from models.writes.accounts.tokens import end_programs
from rules.accounts.caller import fold_email
from rules.accounts.sides import AccountSide
from rules.accounts.staff import handle_of, in_order
from rules.enums import Role


async def invite(
    session: AsyncSession,
    *,
    id: UUID,
    email: str,
    name: str,
    roles: Collection[Role],
    therapist_id: UUID | None,
    by: str,
    of_settings: Collection[str],
    at: datetime,
) -> Account:
    """An account that waits to be accepted. Raises IntegrityError if the address is another's.

    ``of_settings``: the names of the settings' programs.
    """
    await lock_names(session)
    base = handle_of(name, taken=())
    account = Account(
        id=id,
        side=AccountSide.STAFF,
        email=email,
        email_folded=fold_email(email),
        handle=handle_of(name, taken=await names_like(session, base, of_settings=of_settings)),
        name=name,
        roles=[role.value for role in in_order(roles)],
        therapist_id=therapist_id,
        made_at=at,
        made_by=by,
        invited_at=at,
    )
    session.add(account)
    await session.flush()
    return account


async def change_roles(
    session: AsyncSession, account: Account, roles: Collection[Role], *, therapist_id: UUID | None, at: datetime
) -> None:
    """They count at once. With a profile that goes, so does what its programs have."""
    former, account.therapist_id = account.therapist_id, therapist_id
    account.roles = [role.value for role in in_order(roles)]
    session.add(account)
    await session.flush()
    if former is not None and former != therapist_id:
        await end_programs(session, former, at=at)


async def end_invitation_links(session: AsyncSession, account: Account, *, at: datetime) -> None:
    """Those that were mailed before end with the next one."""
    links = (
        col(Token.account_id) == account.id,
        col(Token.kind) == TokenKind.INVITATION,
        col(Token.used_at).is_(None),
    )
    await session.exec(update(Token).where(*links).values(revoked_at=at))
