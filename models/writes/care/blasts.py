"""Blasts: one text to many clients, each in the direct chat with their therapist. Written once, whole or not at all."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.visibility import may_see_client
from models.tables.care.chat import Blast, BlastLine, Chat, ChatMember, ChatMessage
from models.tables.clients.client import Client
from models.tables.clients.group import ClientGroup
from models.writes.care.chats import lock_clients, mark_all_read, next_message, of_one_client, read_by
from rules.accounts.caller import Caller
from rules.care.chats import left_out_because, read_after_writing
from rules.enums import ChatKind, ClientStatus


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


async def send_blast(
    session: AsyncSession, blast_id: UUID, *, text: str, clients: Sequence[Client], by: Caller, at: datetime
) -> None:
    """Write the text into the direct chats of these clients, and why some are left out. They are locked for it."""
    clients = await lock_clients(session, [client.id for client in clients])
    session.add(Blast(id=blast_id, text=text, sent_by=by.actor, sent_at=at))
    await session.flush()
    reached: list[Client] = []
    for client in clients:
        because = left_out_because(
            status=client.status,
            closed=client.closed_at is not None,
            settings=client.portal_settings,
            has_therapist=client.therapist_id is not None,
        )
        if because is None:
            reached.append(client)
        else:
            session.add(BlastLine(blast_id=blast_id, client_id=client.id, left_out_because=because))
    read: dict[UUID, int] = {}
    lines: list[BlastLine] = []
    chats = await _direct_chats(session, reached, by=by, at=at)
    marks = await read_by(session, [chat.id for chat, _ in chats], by.actor)
    for chat, client_id in chats:
        seq = read_after_writing(read=marks.get(chat.id, 0), shown=0, newest=chat.last_seq)
        if seq > marks.get(chat.id, 0):
            read[chat.id] = seq
        id = uuid5(blast_id, str(client_id))
        message = next_message(chat, id=id, text=text, by=by, author=None, at=at, blast_id=blast_id)
        session.add_all([chat, message])
        lines.append(BlastLine(blast_id=blast_id, client_id=client_id, message_id=id))
    await session.flush()
    session.add_all(lines)
    if read:
        await mark_all_read(session, read, by.actor, at=at)


async def _direct_chats(
    session: AsyncSession, clients: Sequence[Client], *, by: Caller, at: datetime
) -> Sequence[tuple[Chat, UUID]]:
    """The chat of each client with their therapist, made where there is none; locked in the order of their ids."""
    if not clients:
        return []
    wanted = {(client.id, client.therapist_id) for client in clients}
    fresh = [
        of_one_client(ChatKind.DIRECT, id, therapist, id=uuid5(id, f"direct/{therapist}"), by=by, at=at)
        for id, therapist in sorted(wanted)
    ]
    made = (
        insert(Chat)
        .values([chat.model_dump() for chat in fresh])
        .on_conflict_do_nothing()
        .returning(col(Chat.id), col(Chat.client_id))
    )
    members = [
        {"chat_id": id, "client_id": client_id, "joined_at": at, "added_by": by.actor}
        for id, client_id in await session.exec(made)
    ]
    if members:
        await session.exec(insert(ChatMember).values(members))
    statement = (
        select(Chat)
        .where(col(Chat.kind) == ChatKind.DIRECT, col(Chat.client_id).in_([client.id for client in clients]))
        .order_by(col(Chat.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return [
        (chat, chat.client_id)
        for chat in await session.exec(statement)
        if chat.client_id and (chat.client_id, chat.therapist_id) in wanted
    ]
