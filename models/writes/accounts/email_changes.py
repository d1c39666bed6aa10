"""Changes of an account's address: begun, and applied once. The caller commits."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.accounts.account import Account
from models.tables.accounts.email_change import EmailChange
from models.tables.accounts.token import Token, TokenKind
from models.writes.accounts.tokens import end_sign_ins
from models.writes.outbox import order_practice_mail
from rules.accounts.caller import fold_email
from rules.mail.kinds import Mail
from rules.mail.orders import account_mail_order


async def begin_change(session: AsyncSession, account: Account, *, id: UUID, email: str, at: datetime) -> None:
    """Mail a link to the new address. One that was begun before, and its link, ends with it. The account is locked."""
    await _replace_open(session, account, at=at)
    session.add(EmailChange(id=id, account_id=account.id, email=email, email_folded=fold_email(email), asked_at=at))
    await _order(session, Mail.EMAIL_CONFIRM, account, id, at=at)


async def apply_change(
    session: AsyncSession, account: Account, change: EmailChange, *, former: str | None, at: datetime
) -> None:
    """The address is the new one now: the links to the former one end, and it is told."""
    change.applied_at, change.former = at, former
    session.add(change)
    await _end_links(session, account, used_at=at)
    resets = (
        col(Token.account_id) == account.id,
        col(Token.kind) == TokenKind.RESET,
        col(Token.used_at).is_(None),
    )
    await session.exec(update(Token).where(*resets).values(revoked_at=at))
    await _order(session, Mail.EMAIL_CHANGED, account, change.id, at=at)


async def move_address(
    session: AsyncSession, account: Account, *, id: UUID, email: str, former: str | None, at: datetime
) -> None:
    """Somebody else changed the address by which a client signs in. So that nobody takes an account over in silence,
    the former one is told, and whatever was open with it ends: sign-ins, devices, links, changes under way."""
    await _replace_open(session, account, at=at)
    change = EmailChange(id=id, account_id=account.id, email=email, email_folded=fold_email(email), asked_at=at)
    await apply_change(session, account, change, former=former, at=at)
    await end_sign_ins(session, account.id, at=at)


async def _replace_open(session: AsyncSession, account: Account, *, at: datetime) -> None:
    earlier = update(EmailChange).where(
        col(EmailChange.account_id) == account.id,
        col(EmailChange.applied_at).is_(None),
        col(EmailChange.replaced_at).is_(None),
    )
    await session.exec(earlier.values(replaced_at=at))
    await _end_links(session, account, revoked_at=at)


async def _end_links(session: AsyncSession, account: Account, **values: datetime) -> None:
    links = (
        col(Token.account_id) == account.id,
        col(Token.kind) == TokenKind.EMAIL,
        col(Token.used_at).is_(None),
        col(Token.revoked_at).is_(None),
    )
    await session.exec(update(Token).where(*links).values(**values))


async def _order(session: AsyncSession, mail: Mail, account: Account, change_id: UUID, *, at: datetime) -> None:
    whose = str(account.client_id) if account.client_id else None
    order = account_mail_order(mail, key=f"{mail}:{change_id}", account_id=str(account.id), client_id=whose)
    await order_practice_mail(session, replace(order, text=str(change_id)), at=at)
