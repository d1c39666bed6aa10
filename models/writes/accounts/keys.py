"""Programs' keys: made, rotated, revoked, and marked as used. The caller commits."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.accounts.keys import is_live
from models.reads.accounts.staff import names_like
from models.tables.accounts.program_key import ProgramKey
from models.writes.accounts.locks import lock_names
from rules.accounts.programs import KeyScope, scopes_in_order
from rules.enums import Role


class ActorNameTaken(Exception):
    """Somebody, or some program, has this name or had it once."""


async def make_key(
    session: AsyncSession,
    *,
    id: UUID,
    name: str,
    role: Role,
    scopes: Collection[KeyScope],
    expires_at: datetime | None,
    key_hash: str,
    by: str,
    of_settings: Collection[str],
    at: datetime,
) -> ProgramKey:
    """``of_settings``: the names of the settings' programs. Raises ActorNameTaken."""
    await lock_names(session)
    if name in await names_like(session, name, of_settings=of_settings):
        raise ActorNameTaken
    key = ProgramKey(
        id=id,
        name=name,
        role=role,
        scopes=[scope.value for scope in scopes_in_order(scopes)],
        hash=key_hash,
        made_at=at,
        made_by=by,
        expires_at=expires_at,
    )
    session.add(key)
    await session.flush()
    return key


async def lock_key(session: AsyncSession, which: UUID | str) -> ProgramKey | None:
    """The key with this id or name that was not revoked, freshly read and locked."""
    same = col(ProgramKey.id) == which if isinstance(which, UUID) else col(ProgramKey.name) == which
    statement = select(ProgramKey).where(same, col(ProgramKey.revoked_at).is_(None)).with_for_update()
    return (await session.exec(statement.execution_options(populate_existing=True))).first()


async def rotate_key(
    session: AsyncSession, key: ProgramKey, key_hash: str, *, rotation_id: UUID, overlap: timedelta, at: datetime
) -> None:
    """The former one is good for the ``overlap``, if it still was; the one before it ends. The same rotation again
    replaces what nobody was told."""
    if key.rotation_id != rotation_id:
        stays = is_live(key, now=at) and overlap > timedelta()
        key.former_hash, key.former_until = (key.hash, at + overlap) if stays else (None, None)
    key.hash, key.rotation_id, key.rotated_at = key_hash, rotation_id, at
    session.add(key)
    await session.flush()


async def revoke_key(session: AsyncSession, key: ProgramKey, *, at: datetime) -> None:
    """It ends now, and the former one with it."""
    key.revoked_at, key.former_hash, key.former_until = at, None, None
    session.add(key)
    await session.flush()


async def mark_key_used(session: AsyncSession, key_id: UUID, *, every: timedelta, at: datetime) -> None:
    """Of many requests at once, one notes it."""
    last = col(ProgramKey.last_used_at)
    stale = (col(ProgramKey.id) == key_id, or_(last.is_(None), last <= at - every))
    await session.exec(update(ProgramKey).where(*stale).values(last_used_at=at))
