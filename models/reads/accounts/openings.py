"""Openings as they are read: one, a client's, and whether something is open now."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, exists
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.paging import Page, one_page
from models.reads.visibility import has_left, may_oversee_client, opened
from models.tables.accounts.account import Account
from models.tables.accounts.opening import Opening
from models.tables.clients.client import Client
from models.tables.clients.match import Match
from rules.accounts.caller import Caller
from rules.accounts.openings import OpeningKind, needs_opening
from rules.accounts.sides import AccountSide
from rules.enums import Role


async def is_open(session: AsyncSession, caller: Caller, what: OpeningKind, client_id: UUID, *, now: datetime) -> bool:
    """Whether this of a client, whom the caller sees, is open to them; without a query where their role shows it."""
    if not needs_opening(caller, what):
        return True
    return (await session.exec(select(opened(caller, what, client_id, now=now)))).one()


async def openings_of(session: AsyncSession, client_id: UUID, page: Page) -> Sequence[Opening]:
    """A client's, in force and past, newest first; one more than the page holds, if there are more."""
    statement = (
        select(Opening)
        .where(col(Opening.client_id) == client_id)
        .order_by(col(Opening.opened_at).desc(), col(Opening.id).desc())
    )
    return await one_page(session, statement, page, Opening.opened_at, Opening.id, descending=True)


async def client_of_opening(session: AsyncSession, caller: Caller, opening_id: UUID) -> UUID | None:
    """Of whom it is, if the caller is told of the client's openings."""
    statement = (
        select(Opening.client_id)
        .join(Client, col(Client.id) == col(Opening.client_id))
        .where(col(Opening.id) == opening_id, may_oversee_client(caller))
    )
    return (await session.exec(statement)).first()


async def a_therapist_has_left(session: AsyncSession, client_id: UUID) -> bool:
    """Whether one who was matched with the client, or is, has left the practice."""
    matched = exists().where(col(Match.client_id) == client_id, has_left(col(Match.therapist_id)))
    return (await session.exec(select(matched))).one()


async def is_here(session: AsyncSession, therapist_id: UUID) -> bool:
    """Whether this therapist has not left."""
    return (await session.exec(select(~has_left(therapist_id)))).one()


async def practice_has_persons(session: AsyncSession) -> bool:
    """Whether anybody of the practice can sign in; until then there are keys alone. Who is locked counts: to lock the
    only colleague must not make programs second persons."""
    return (await session.exec(select(exists().where(*_can_sign_in())))).one()


async def admins(session: AsyncSession) -> Sequence[Account]:
    """Those who can sign in."""
    an_admin = col(Account.roles).contains([Role.ADMIN.value])
    return (await session.exec(select(Account).where(*_can_sign_in(), an_admin).order_by(col(Account.id)))).all()


def _can_sign_in() -> tuple[ColumnElement[bool], ...]:
    return (
        col(Account.side) == AccountSide.STAFF,
        col(Account.activated_at).is_not(None),
        col(Account.deactivated_at).is_(None),
    )
