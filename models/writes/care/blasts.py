"""Blasts: one text to many clients, each in the direct chat with their therapist. Written once, whole or not at all."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.care.chats import read_by
from models.sealing import sealed_values
from models.tables.care.chat import Blast, BlastLine, Chat, ChatMember
from models.tables.clients.client import Client
from models.writes.care.chats import mark_all_read, next_message, of_one_client
from models.writes.events.messages import publish_message
from models.writes.locks import lock_clients
from rules.accounts.caller import Caller
from rules.care.chats import left_out_because, read_after_writing
from rules.enums import ChatKind
from rules.events.kinds import MessageTo


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
    by_id = {client.id: client for client in reached}
    chats = await _direct_chats(session, reached, by=by, at=at)
    marks = await read_by(session, [chat.id for chat, _ in chats], by.actor)
    for chat, client_id in chats:
        seq = read_after_writing(read=marks.get(chat.id, 0), shown=0, newest=chat.last_seq)
        if seq > marks.get(chat.id, 0):
            read[chat.id] = seq
        id = uuid5(blast_id, str(client_id))
        message = next_message(chat, id=id, text=text, by=by, author=None, at=at, blast_id=blast_id)
        session.add_all([chat, message])
        publish_message(session, chat, message, client=by_id[client_id], to=MessageTo.CLIENT, at=at)
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
        .values([sealed_values(session, chat) for chat in fresh])
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
