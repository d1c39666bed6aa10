"""Changes of an account's address that are under way."""

from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.accounts.account import Account
from models.tables.accounts.email_change import EmailChange

_OPEN = (col(EmailChange.applied_at).is_(None), col(EmailChange.replaced_at).is_(None))


async def open_change(session: AsyncSession, account_id: UUID, change_id: UUID | None) -> EmailChange | None:
    """This change, while it is open and the account's."""
    same = (col(EmailChange.id) == change_id, col(EmailChange.account_id) == account_id)
    return (await session.exec(select(EmailChange).where(*same, *_OPEN))).first()


async def confirmed_change(session: AsyncSession, client_id: UUID, email_folded: str) -> EmailChange | None:
    """The change of a client's account to this address that was confirmed there, and is to be applied."""
    statement = (
        select(EmailChange)
        .join(Account, col(Account.id) == col(EmailChange.account_id))
        .where(
            col(Account.client_id) == client_id,
            col(EmailChange.email_folded) == email_folded,
            col(EmailChange.confirmed_at).is_not(None),
            *_OPEN,
        )
    )
    return (await session.exec(statement)).first()
