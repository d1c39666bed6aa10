"""Whom a blast is meant for, and what became of one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.visibility import may_see_client
from models.tables.care.chat import Blast, BlastLine, ChatMessage
from models.tables.clients.client import Client
from models.tables.clients.group import ClientGroup
from rules.accounts.caller import Caller
from rules.enums import ClientStatus


@dataclass(frozen=True, kw_only=True)
class BlastResult:
    """``left_out`` says why, by client. ``messages``: the clients who were reached, with the chat."""

    messages: Mapping[UUID, UUID]
    left_out: Mapping[UUID, str]


async def group_exists(session: AsyncSession, group_id: UUID) -> bool:
    return await session.get(ClientGroup, group_id) is not None


async def clients_meant(
    session: AsyncSession,
    caller: Caller,
    *,
    ids: Collection[UUID] | None = None,
    group_id: UUID | None = None,
    most: int,
) -> Sequence[Client]:
    """The clients whom a blast is meant for, as far as the caller sees them, by id: those named, those of a group, or
    every active one. One more than ``most``, if there are more."""
    statement = select(Client).where(may_see_client(caller)).order_by(col(Client.id)).limit(most + 1)
    if ids is not None:
        statement = statement.where(col(Client.id).in_(ids))
    elif group_id is not None:
        statement = statement.where(col(Client.group_id) == group_id, col(Client.closed_at).is_(None))
    else:
        statement = statement.where(col(Client.status) == ClientStatus.ACTIVE, col(Client.closed_at).is_(None))
    return (await session.exec(statement)).all()


async def result_of(session: AsyncSession, blast_id: UUID) -> BlastResult | None:
    """What became of a blast, or None if it was never sent."""
    if await session.get(Blast, blast_id) is None:
        return None
    statement = (
        select(BlastLine, ChatMessage.chat_id)
        .join(ChatMessage, col(ChatMessage.id) == col(BlastLine.message_id), isouter=True)
        .where(col(BlastLine.blast_id) == blast_id)
        .order_by(col(BlastLine.client_id))
    )
    lines = (await session.exec(statement)).all()
    return BlastResult(
        messages={line.client_id: chat for line, chat in lines if line.left_out_because is None},
        left_out={line.client_id: line.left_out_because for line, _ in lines if line.left_out_because is not None},
    )
