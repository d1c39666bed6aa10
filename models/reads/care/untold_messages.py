"""Messages of which no mail was ever ordered, though their client has not read them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Integer, String, and_, cast, exists, func, literal
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.care.chat import ChatMember, ChatMessage, ChatRead
from models.tables.clients.client import Client
from models.tables.mail.outbox import OutboxItem
from rules.enums import Role
from rules.mail.kinds import Mail


async def untold_messages(
    session: AsyncSession, *, since: datetime, before: datetime, limit: int
) -> list[tuple[UUID, UUID]]:
    """Clients who get mails, each with a chat in which somebody else wrote between these instants, what they have not
    read, and what no mail in the outbox tells of. One that is about to go out counts as telling."""
    reader = func.concat(f"{Role.CLIENT.value}:", cast(col(ChatMember.client_id), String))
    read = and_(col(ChatRead.chat_id) == col(ChatMessage.chat_id), col(ChatRead.reader) == reader)
    ordered = exists().where(
        col(OutboxItem.client_id) == col(ChatMember.client_id),
        col(OutboxItem.template) == Mail.NEW_MESSAGE.value,
        col(OutboxItem.order)["chat_id"].astext == cast(col(ChatMessage.chat_id), String),
        cast(col(OutboxItem.order)["chat_seq"].astext, Integer) >= col(ChatMessage.seq),
    )
    statement = (
        select(ChatMember.client_id, ChatMember.chat_id)
        .join(ChatMessage, col(ChatMessage.chat_id) == col(ChatMember.chat_id))
        .join(Client, col(Client.id) == col(ChatMember.client_id))
        .join(ChatRead, read, isouter=True)
        .where(
            col(ChatMessage.written_at).between(since, before),
            col(ChatMessage.author_client_id).is_distinct_from(col(ChatMember.client_id)),
            col(ChatMessage.seq) > func.coalesce(col(ChatRead.seq), literal(0)),
            col(ChatMember.left_at).is_(None),
            col(Client.closed_at).is_(None),
            col(Client.email).is_not(None),
            col(Client.unsubscribed).is_(False),
            ~ordered,
        )
        .distinct()
        .order_by(col(ChatMember.client_id), col(ChatMember.chat_id))
        .limit(limit)
    )
    return list((await session.exec(statement)).all())
