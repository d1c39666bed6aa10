"""People of the practice: lists of them, and of those who were invited."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.paging import Page, one_page
from models.tables.accounts.account import Account
from models.tables.accounts.program_key import ProgramKey
from models.tables.accounts.token import Token, TokenKind
from models.tables.booking.therapist import Therapist
from rules.accounts.sides import AccountSide
from rules.accounts.staff import StaffStanding


@dataclass(frozen=True, kw_only=True)
class StaffRow:
    """``therapist``: the slug of the profile that the account acts for."""

    account: Account
    therapist: str | None


async def list_staff(session: AsyncSession, *, page: Page, invited: bool) -> Sequence[Account]:
    """One more than the page holds; the newest first. ``invited``: those who have not accepted, else all others."""
    active = col(Account.activated_at).is_not(None)
    statement = select(Account).where(col(Account.side) == AccountSide.STAFF)
    statement = statement.where(~active, col(Account.deactivated_at).is_(None)) if invited else statement.where(active)
    statement = statement.order_by(col(Account.made_at).desc(), col(Account.id).desc())
    return await one_page(session, statement, page, Account.made_at, Account.id, descending=True)


async def with_therapists(session: AsyncSession, accounts: Sequence[Account]) -> list[StaffRow]:
    ids = {account.therapist_id for account in accounts if account.therapist_id}
    found = select(Therapist.id, Therapist.slug).where(col(Therapist.id).in_(ids))
    slugs = dict((await session.exec(found)).all()) if ids else {}
    return [
        StaffRow(account=account, therapist=slugs.get(account.therapist_id) if account.therapist_id else None)
        for account in accounts
    ]


async def invitations_good_until(session: AsyncSession, accounts: Sequence[Account]) -> dict[UUID, datetime]:
    """Until when the links of invitations are good that were mailed and not ended, the last of each account: whoever
    was invited may ask for another one themselves."""
    links = (
        col(Token.account_id).in_([account.id for account in accounts]),
        col(Token.kind) == TokenKind.INVITATION,
        col(Token.revoked_at).is_(None),
    )
    last = func.max(col(Token.expires_at))
    found = await session.exec(select(Token.account_id, last).where(*links).group_by(col(Token.account_id)))
    return {account_id: until for account_id, until in found.all() if account_id is not None}


async def standing_of(session: AsyncSession, account: Account) -> StaffStanding:
    [row] = await with_therapists(session, [account])
    return StaffStanding(name=account.name, roles=tuple(account.roles), profile=row.therapist)


async def account_of_therapist(session: AsyncSession, therapist_id: UUID) -> Account | None:
    """The account, not ended, that acts for this profile."""
    theirs = (col(Account.therapist_id) == therapist_id, col(Account.deactivated_at).is_(None))
    return (await session.exec(select(Account).where(*theirs))).first()


async def names_like(session: AsyncSession, start: str, *, of_settings: Iterable[str]) -> set[str]:
    """All handles and names of programs that begin so, also of accounts and keys that have ended, and the names of the
    settings' programs, in small letters: the names by which timelines tell who it was."""
    handles = select(Account.handle).where(col(Account.handle).startswith(start, autoescape=True))
    programs = select(ProgramKey.name).where(col(ProgramKey.name).startswith(start, autoescape=True))
    found = {*(await session.exec(handles)).all(), *(await session.exec(programs)).all()}
    return {name for name in found if name is not None} | {name.casefold() for name in of_settings}
