"""Accounts, found by what people type when they sign in."""

from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.accounts.account import Account
from models.tables.clients.client import Client
from rules.accounts.sides import AccountSide


async def account_with_address(session: AsyncSession, email_folded: str, side: AccountSide) -> Account | None:
    """The account that was activated and not ended, and has this address on this side; at most one has."""
    live = (col(Account.side) == side, col(Account.activated_at).is_not(None), col(Account.deactivated_at).is_(None))
    statement = select(Account).where(*live)
    if side is AccountSide.STAFF:
        return (await session.exec(statement.where(col(Account.email_folded) == email_folded))).first()
    theirs = (col(Client.email_folded) == email_folded, col(Client.account_active).is_(True))
    return (await session.exec(statement.join(Client, col(Client.id) == col(Account.client_id)).where(*theirs))).first()


async def account_of_client(session: AsyncSession, client_id: UUID) -> Account | None:
    return (await session.exec(select(Account).where(col(Account.client_id) == client_id))).first()
