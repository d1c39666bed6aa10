"""Whom of the practice a provider of sign-ins names."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Exists, exists
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.accounts.account import Account
from models.tables.accounts.oidc import OidcLink
from models.tables.accounts.token import Token, TokenKind
from models.tables.booking.therapist import Therapist
from rules.accounts.sides import AccountSide


async def linked_account(session: AsyncSession, issuer: str, subject: str) -> UUID | None:
    """Whose account it is, whatever has become of that."""
    link = (col(OidcLink.issuer) == issuer, col(OidcLink.subject) == subject)
    return (await session.exec(select(OidcLink.account_id).where(*link))).first()


async def unlinked_account(session: AsyncSession, issuer: str, address: str, *, now: datetime) -> UUID | None:
    """The account of staff, not ended, with this folded address, which no subject of the issuer has. Of one that was
    invited and has not accepted: while the invitation is good."""
    theirs = (
        col(Account.side) == AccountSide.STAFF,
        col(Account.email_folded) == address,
        col(Account.deactivated_at).is_(None),
    )
    linked = exists().where(col(OidcLink.account_id) == col(Account.id), col(OidcLink.issuer) == issuer)
    good = col(Account.activated_at).is_not(None) | _invitation(now)
    return (await session.exec(select(Account.id).where(*theirs, ~linked, good))).first()


def _invitation(now: datetime) -> Exists:
    return exists().where(
        col(Token.account_id) == col(Account.id),
        col(Token.kind) == TokenKind.INVITATION,
        col(Token.used_at).is_(None),
        col(Token.revoked_at).is_(None),
        col(Token.expires_at) > now,
    )


async def staff_of_subject(session: AsyncSession, issuer: str, subject: str) -> tuple[Account, str | None] | None:
    """The account of staff that is linked, and has been accepted, not ended and not locked; with its profile's slug."""
    statement = (
        select(Account, Therapist.slug)
        .join(OidcLink, col(OidcLink.account_id) == col(Account.id))
        .join(Therapist, col(Therapist.id) == col(Account.therapist_id), isouter=True)
        .where(
            col(OidcLink.issuer) == issuer,
            col(OidcLink.subject) == subject,
            col(Account.side) == AccountSide.STAFF,
            col(Account.activated_at).is_not(None),
            col(Account.deactivated_at).is_(None),
            col(Account.locked_at).is_(None),
        )
    )
    return (await session.exec(statement)).first()
