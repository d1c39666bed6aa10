"""Sign-ins by OpenID Connect: begun, claimed once, ended once; and the links to subjects. The caller commits."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.accounts.oidc import linked_account, unlinked_account
from models.tables.accounts.account import Account
from models.tables.accounts.oidc import OidcLink, OidcSignIn
from models.writes.accounts.staff import end_invitation_links
from rules.accounts.limits import OIDC_SIGN_IN_TTL


async def begin_oidc(session: AsyncSession, hash_: str, return_url: str, *, real: datetime) -> OidcSignIn:
    """``real``: the world's time, here and below. Those that are long over go with it: the keeper's clock may be
    another one."""
    over = col(OidcSignIn.expires_at) < real - OIDC_SIGN_IN_TTL
    await session.exec(delete(OidcSignIn).where(over))
    row = OidcSignIn(hash=hash_, return_url=return_url, begun_at=real, expires_at=real + OIDC_SIGN_IN_TTL)
    session.add(row)
    return row


async def claim_oidc(session: AsyncSession, hash_: str, *, real: datetime) -> OidcSignIn | None:
    """The right to take a code to the provider, which somebody gets once; None for all others."""
    open_ = (
        col(OidcSignIn.hash) == hash_,
        col(OidcSignIn.claimed_at).is_(None),
        col(OidcSignIn.expires_at) > real,
    )
    return (
        await session.exec(update(OidcSignIn).where(*open_).values(claimed_at=real).returning(OidcSignIn))
    ).scalar_one_or_none()


async def name_oidc(session: AsyncSession, hash_: str, account_id: UUID, *, subject: str, address: str | None) -> None:
    """Whom the provider named: for the call that shows a code beside it."""
    row = update(OidcSignIn).where(col(OidcSignIn.hash) == hash_)
    await session.exec(row.values(account_id=account_id, subject=subject, address=address))


async def end_oidc(session: AsyncSession, hash_: str, *, real: datetime) -> bool:
    """Whether it was still open: somebody signs in by it, once."""
    open_ = (
        col(OidcSignIn.hash) == hash_,
        col(OidcSignIn.account_id).is_not(None),
        col(OidcSignIn.ended_at).is_(None),
        col(OidcSignIn.expires_at) > real,
    )
    ended = update(OidcSignIn).where(*open_).values(ended_at=real).returning(col(OidcSignIn.hash))
    return (await session.exec(ended)).first() is not None


async def link_oidc(
    session: AsyncSession, account: Account, *, issuer: str, subject: str, address: str | None, at: datetime
) -> bool | None:
    """The account, which is locked, is this subject's from now on, and so is an invitation that waits. Whether that is
    new; None where it is another's, or no reason is left why it should be this one's."""
    known = await linked_account(session, issuer, subject)
    if known is not None:
        return False if known == account.id and account.activated_at is not None else None
    if address is None or await unlinked_account(session, issuer, address, now=at) != account.id:
        return None
    session.add(OidcLink(issuer=issuer, subject=subject, account_id=account.id, linked_at=at))
    if account.activated_at is None:
        account.activated_at = at
        session.add(account)
        await end_invitation_links(session, account, at=at)
    await session.flush()
    return True


async def unlink_oidc(session: AsyncSession, account_id: UUID) -> bool:
    """Whether there was any."""
    gone = delete(OidcLink).where(col(OidcLink.account_id) == account_id).returning(col(OidcLink.subject))
    return (await session.exec(gone)).first() is not None
