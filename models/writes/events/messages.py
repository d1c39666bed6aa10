"""Events of messages: on whose side one waits. What it says is nobody's but theirs who read it."""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from models.columns import Document
from models.tables.care.chat import Chat, ChatMessage
from models.tables.clients.client import Client
from models.writes.events.publish import publish
from rules.events.kinds import EventKind, MessageTo

_TO_MEMBERS = text("""
    INSERT INTO event (kind, at, client_id, ref, data, for_site)
    SELECT :kind, :at, client.id, client.ref, :data, true
    FROM chat_member JOIN client ON client.id = chat_member.client_id
    WHERE chat_member.chat_id = :chat_id AND chat_member.left_at IS NULL AND client.id IS DISTINCT FROM :author
    ORDER BY client.id
""").bindparams(bindparam("data", type_=Document))


def publish_message(
    session: AsyncSession, chat: Chat, message: ChatMessage, *, client: Client | None, to: MessageTo, at: datetime
) -> None:
    """One event, of a message to or from one client, or among staff (no ``client``)."""
    for_site = to is MessageTo.CLIENT
    data = _data(chat, message, to)
    publish(session, EventKind.MESSAGE_WAITS, at=at, client=client, data=data, for_site=for_site)


async def publish_to_members(session: AsyncSession, chat: Chat, message: ChatMessage, *, at: datetime) -> None:
    """One for each client who is in the chat and has not written it: one statement, however many there are."""
    told = {
        "kind": EventKind.MESSAGE_WAITS.value,
        "at": at,
        "data": _data(chat, message, MessageTo.CLIENT),
        "chat_id": chat.id,
        "author": message.author_client_id,
    }
    connection = await session.connection()
    await session.flush()
    await connection.execute(_TO_MEMBERS, told)


def _data(chat: Chat, message: ChatMessage, to: MessageTo) -> dict[str, Any]:
    return {"chat_id": str(chat.id), "chat": chat.kind.value, "seq": message.seq, "to": to.value}
