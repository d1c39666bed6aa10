"""Client groups, and how many clients each has. The practice sees them all."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.paging import Page, one_page
from models.tables.clients.client import Client
from models.tables.clients.group import ClientGroup
from rules.enums import ClientStatus


@dataclass(frozen=True, kw_only=True)
class GroupRow:
    """A group with how many active and archived clients are in it."""

    group: ClientGroup
    active: int = 0
    archived: int = 0


async def list_groups(session: AsyncSession, *, page: Page) -> Sequence[ClientGroup]:
    """Groups, oldest first; one more than the page holds, if there are more."""
    statement = select(ClientGroup).order_by(col(ClientGroup.made_at), col(ClientGroup.id))
    return await one_page(session, statement, page, ClientGroup.made_at, ClientGroup.id)


async def with_members(session: AsyncSession, groups: Collection[ClientGroup]) -> list[GroupRow]:
    """Each group with its numbers of clients, in one query."""
    statement = (
        select(Client.group_id, Client.status, func.count())
        .where(col(Client.group_id).in_([group.id for group in groups]), col(Client.closed_at).is_(None))
        .group_by(col(Client.group_id), col(Client.status))
    )
    numbers = {(group_id, status): number for group_id, status, number in await session.exec(statement)}
    return [
        GroupRow(
            group=group,
            active=numbers.get((group.id, ClientStatus.ACTIVE), 0),
            archived=numbers.get((group.id, ClientStatus.ARCHIVED), 0),
        )
        for group in groups
    ]
