"""Accounts, found by what people type when they sign in."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.accounts.account import Account
from models.tables.accounts.token import Token
from models.tables.clients.client import Client
from rules.accounts.sides import AccountSide


async def account_with_address(session: AsyncSession, email_folded: str, side: AccountSide) -> Account | None:
    """The account that was activated, not ended and not locked, and has this address on this side; at most one has."""
    shut = or_(col(Account.deactivated_at).is_not(None), col(Account.locked_at).is_not(None))
    statement = select(Account).where(col(Account.side) == side, col(Account.activated_at).is_not(None), ~shut)
    if side is AccountSide.STAFF:
        return (await session.exec(statement.where(col(Account.email_folded) == email_folded))).first()
    theirs = (col(Client.email_folded) == email_folded, col(Client.account_active).is_(True))
    return (await session.exec(statement.join(Client, col(Client.id) == col(Account.client_id)).where(*theirs))).first()


async def opening_address(session: AsyncSession, account: Account) -> str | None:
    """By which its owner signs in, folded; None where nobody can sign in by it (any more)."""
    if account.activated_at is None or account.is_shut:
        return None
    if account.client_id is None:
        return account.email_folded
    theirs = select(Client.email_folded).where(col(Client.id) == account.client_id, col(Client.account_active))
    return (await session.exec(theirs)).first()


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Whose address it is that a new password is asked for: an account, or a client who has none yet."""

    account: Account | None = None
    client_id: UUID | None = None


async def whose_address(session: AsyncSession, email_folded: str, side: AccountSide) -> Asked:
    """In one statement, whoever has the address and whether anybody has."""
    if side is AccountSide.STAFF:
        staff = select(Account).where(col(Account.email_folded) == email_folded, col(Account.deactivated_at).is_(None))
        return Asked(account=(await session.exec(staff)).first())
    statement = (
        select(Client.id, Account)
        .join(Account, and_(col(Account.client_id) == col(Client.id), col(Client.account_active)), isouter=True)
        .where(
            col(Client.email_folded) == email_folded,
            col(Client.closed_at).is_(None),
            or_(col(Client.account_active).is_(True), col(Client.first_booked_at).is_not(None)),
        )
        .order_by(col(Client.account_active).desc(), col(Client.created_at).desc())
        .limit(1)
    )
    found = (await session.exec(statement)).first()
    return Asked(client_id=found[0], account=found[1]) if found else Asked()


async def account_of_client(session: AsyncSession, client_id: UUID) -> Account | None:
    return (await session.exec(select(Account).where(col(Account.client_id) == client_id))).first()


async def address_of(session: AsyncSession, account: Account) -> str:
    """By which its owner signs in, folded; empty where a client's record has none."""
    if account.client_id is None:
        return account.email_folded or ""
    address = select(Client.email_folded).where(col(Client.id) == account.client_id)
    return (await session.exec(address)).first() or ""


async def address_of_link(session: AsyncSession, link: Token) -> str:
    """To which a link was mailed that makes an account active: of a client, or of somebody of the practice."""
    if link.account_id is not None:
        return await address_of(session, await session.get_one(Account, link.account_id))
    address = select(Client.email_folded).where(col(Client.id) == link.client_id)
    return (await session.exec(address)).first() or ""
