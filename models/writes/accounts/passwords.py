"""New passwords of accounts that have one. The caller commits."""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.accounts.account import Account
from models.writes.accounts.tokens import end_sign_ins
from models.writes.locks import lock_client
from models.writes.timeline import tell
from rules.timeline import FactKind


async def set_password(
    session: AsyncSession, account: Account, password_hash: str, *, at: datetime, but: str | None = None
) -> None:
    """Set it, end every sign-in and link ``but`` the one with this hash, and tell a client's timeline. The account is
    locked."""
    client = await lock_client(session, account.client_id) if account.client_id is not None else None
    account.password_hash = password_hash
    session.add(account)
    await end_sign_ins(session, account.id, at=at, but=but)
    if client is not None:
        tell(
            session,
            client,
            FactKind.ACCOUNT_PASSWORD_CHANGED,
            at=at,
            by=f"client:{client.id}",
            text="The client set a new password.",
        )
