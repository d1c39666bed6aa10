"""Accounts: a client's is made when it is activated, and ends with its record; each can be locked. The caller
commits."""

from datetime import datetime
from uuid import UUID, uuid5

from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.accounts.accounts import account_of_client
from models.tables.accounts.account import Account
from models.writes.accounts.oidc import unlink_oidc
from models.writes.accounts.second_factors import end_factors
from models.writes.accounts.tokens import end_programs, end_sign_ins
from models.writes.locks import lock_client
from models.writes.timeline import tell
from rules.accounts.sides import AccountSide
from rules.timeline import FactKind


async def activate_client(session: AsyncSession, client_id: UUID, *, password_hash: str, at: datetime) -> None:
    """Give the client, whose row is locked, an account with this password."""
    account = await account_of_client(session, client_id) or Account(
        id=uuid5(client_id, "account"),
        side=AccountSide.CLIENT,
        client_id=client_id,
        made_at=at,
        made_by=f"client:{client_id}",
    )
    account.password_hash, account.activated_at, account.deactivated_at = password_hash, at, None
    session.add(account)


async def end_account(session: AsyncSession, account: Account, *, at: datetime) -> None:
    """Nobody signs in by it any more, and every sign-in, link and second factor of it ends now; what a therapist's
    programs have too."""
    account.deactivated_at, account.password_hash = at, None
    session.add(account)
    await end_factors(session, account, by="the account's end", at=at)
    await unlink_oidc(session, account.id)  # who comes back is somebody with another account
    await end_sign_ins(session, account.id, at=at)
    if account.therapist_id is not None:
        await end_programs(session, account.therapist_id, at=at)


async def shut(session: AsyncSession, account: Account, *, by: str, at: datetime) -> bool:
    """Lock an account, of which whoever holds it may not be who they say: every sign-in, link and known device of it
    ends now, what a therapist's programs have too, and nobody signs in by it until it is unlocked. Second factors stay.
    Twice is once; False is answered to the second time."""
    if account.locked_at is not None:
        return False
    account.locked_at, account.locked_by = at, by
    session.add(account)
    await end_sign_ins(session, account.id, at=at)
    if account.therapist_id is not None:
        await end_programs(session, account.therapist_id, at=at)
    await _tell(session, account, FactKind.ACCOUNT_LOCKED, "The client's account was locked.", by=by, at=at)
    return True


async def unlock(session: AsyncSession, account: Account, *, by: str, at: datetime) -> bool:
    """Its owner sets a new password before anybody signs in by one: the former may be known to a thief, who could be
    quicker. Nothing that ended comes back, and second factors stay. False where it was not locked."""
    if account.locked_at is None:
        return False
    account.locked_at = account.locked_by = account.password_hash = None
    session.add(account)
    await _tell(session, account, FactKind.ACCOUNT_UNLOCKED, "The client's account was unlocked.", by=by, at=at)
    return True


async def _tell(session: AsyncSession, account: Account, kind: FactKind, text: str, *, by: str, at: datetime) -> None:
    if account.client_id is not None:
        client = await lock_client(session, account.client_id)
        tell(session, client, kind, at=at, by=by, text=text)
