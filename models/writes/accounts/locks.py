"""Row locks of accounts: all admins before any other one, and a client's behind its client, as whoever changes a
client comes to the account: therapist, client, account (``models.writes.locks``)."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.accounts.account import Account
from models.writes.locks import lock_client
from rules.accounts.sides import AccountSide
from rules.enums import Role


async def lock_account(session: AsyncSession, account: Account) -> Account:
    """The account, freshly read and locked; whose client it is, which never changes, is locked before."""
    if account.client_id is not None:
        await lock_client(session, account.client_id)
    statement = select(Account).where(col(Account.id) == account.id).with_for_update(key_share=True)
    return (await session.exec(statement.execution_options(populate_existing=True))).one()


async def lock_staff(session: AsyncSession, account_id: UUID) -> Account | None:
    """The account, locked, of somebody of the practice that has not ended."""
    statement = select(Account).where(
        col(Account.id) == account_id,
        col(Account.side) == AccountSide.STAFF,
        col(Account.deactivated_at).is_(None),
    )
    return (await session.exec(statement.with_for_update())).first()


async def lock_names(session: AsyncSession) -> None:
    """One at a time of those who give a name, to a person or a program, by which timelines tell who it was."""
    await session.exec(select(func.pg_advisory_xact_lock(func.hashtextextended("names of actors", 0))))


async def lock_admins(session: AsyncSession) -> Sequence[Account]:
    """All who can sign in as an admin, locked in the order of their ids, before any other account: whoever takes one
    away knows that another one stays."""
    statement = select(Account).where(
        col(Account.roles).contains([Role.ADMIN.value]),
        col(Account.activated_at).is_not(None),
        col(Account.deactivated_at).is_(None),
        col(Account.locked_at).is_(None),
    )
    return (await session.exec(statement.order_by(col(Account.id)).with_for_update())).all()
