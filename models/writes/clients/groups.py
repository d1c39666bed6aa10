"""Making and naming client groups, and who is in them. The caller commits."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.clients.client import Client
from models.tables.clients.group import ClientGroup
from models.writes.timeline import tell
from rules.timeline import FactKind


class NameTaken(Exception):
    """Another group is called so, or so alike that people could not tell them apart."""


async def make_group(
    session: AsyncSession, *, id: UUID, name: str, name_folded: str, by: str, at: datetime
) -> ClientGroup:
    """Make a group; the same id again is the same group. Raises NameTaken. The caller commits."""
    row = insert(ClientGroup).values(id=id, name=name, name_folded=name_folded, made_by=by, made_at=at)
    await session.exec(row.on_conflict_do_nothing())
    group = await session.get(ClientGroup, id)
    if group is None:
        raise NameTaken
    return group


async def rename_group(session: AsyncSession, group_id: UUID, *, name: str, name_folded: str) -> ClientGroup | None:
    """Give a group another name; None if there is no such group. Raises NameTaken. The caller commits.

    All groups are locked for the moment: of two that want one name at once, the second finds it taken. One that is made
    at the same moment is not there yet to be locked, and is found as the name is written.
    """
    groups = (await session.exec(select(ClientGroup).order_by(col(ClientGroup.id)).with_for_update())).all()
    if any(group.name_folded == name_folded and group.id != group_id for group in groups):
        raise NameTaken
    for group in groups:
        if group.id == group_id:
            try:
                async with session.begin_nested():
                    group.name, group.name_folded = name, name_folded
                    session.add(group)
            except IntegrityError:
                raise NameTaken from None
            return group
    return None


def move_to_group(session: AsyncSession, client: Client, group: ClientGroup | None, *, by: str, at: datetime) -> bool:
    """Put a client, whose row is locked, into a group, or into none; False if that is so already.

    Archived or not: an archived client leaves the group by hand alone.
    """
    group_id = group.id if group else None
    if client.group_id == group_id:
        return False
    former, client.group_id = client.group_id, group_id
    tell(
        session,
        client,
        FactKind.GROUP_CHANGED,
        at=at,
        by=by,
        text="The client is now in another group." if group else "The client is in no group any more.",
        data={"group": str(group_id) if group_id else None, "former": str(former) if former else None},
    )
    return True
