"""Programs' keys, found by their hash or listed; and whether an admin can sign in, with whom such keys end."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_
from sqlalchemy import select as select_columns
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.paging import Page, one_page
from models.reads.changes import to_tell
from models.tables.accounts.account import Account
from models.tables.accounts.program_key import ProgramKey
from rules.enums import Role


async def live_key(session: AsyncSession, key_hash: str, *, now: datetime) -> ProgramKey | None:
    """The key, if it is good, or was replaced a moment ago and is good still. Whatever the request asks of changes is
    asked by the same statement."""
    looking = to_tell()
    beside = looking.columns() if looking is not None else ()
    former = and_(col(ProgramKey.former_hash) == key_hash, col(ProgramKey.former_until) > now)
    statement: Any = select_columns(ProgramKey, *beside).where(or_(col(ProgramKey.hash) == key_hash, former))
    found = (await session.exec(statement)).first()
    if found is None:
        return None
    if looking is not None:
        looking.told(found[1:])
    key: ProgramKey = found[0]
    return key if is_live(key, now=now) else None


def is_live(key: ProgramKey, *, now: datetime) -> bool:
    return key.revoked_at is None and (key.expires_at is None or now < key.expires_at)


async def list_keys(session: AsyncSession, *, page: Page) -> Sequence[ProgramKey]:
    """One more than the page holds; the newest first, those included that have ended."""
    statement = select(ProgramKey).order_by(col(ProgramKey.made_at).desc(), col(ProgramKey.id).desc())
    return await one_page(session, statement, page, ProgramKey.made_at, ProgramKey.id, descending=True)


async def names_taken(session: AsyncSession, names: Sequence[str]) -> list[str]:
    """Those of the names that somebody of the practice, or a program with a key in the database, has or had."""
    handles = select(Account.handle).where(col(Account.handle).in_(names))
    programs = select(ProgramKey.name).where(col(ProgramKey.name).in_(names))
    found = {*(await session.exec(handles)).all(), *(await session.exec(programs)).all()}
    return sorted(name for name in found if name is not None)


async def keys_of_role(session: AsyncSession, role: Role, *, now: datetime) -> list[ProgramKey]:
    """Those that are good."""
    found = await session.exec(select(ProgramKey).where(col(ProgramKey.role) == role).order_by(col(ProgramKey.name)))
    return [key for key in found.all() if is_live(key, now=now)]


async def an_admin_has_an_account(session: AsyncSession) -> bool:
    """Whether a person can sign in as an admin, so that no program need be one."""
    statement = select(Account.id).where(
        col(Account.roles).contains([Role.ADMIN.value]),
        col(Account.activated_at).is_not(None),
        col(Account.deactivated_at).is_(None),
    )
    return (await session.exec(statement.limit(1))).first() is not None
