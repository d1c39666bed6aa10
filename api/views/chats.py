"""What the API answers about chats and messages."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.care import chats
from models.reads.care.chats import Author, ChatRow, Side
from models.tables.care.chat import Chat, ChatMessage
from rules.enums import ChatKind, Role


class MemberView(BaseModel):
    client_id: UUID
    name: str
    joined_at: datetime


class ChatView(BaseModel):
    """``client_id`` is that of a direct or care team chat. ``last_seq`` is the number of the newest message,
    ``read_seq`` how far the asker has read. ``members`` are shown to the practice; a therapist sees their own clients.

    Staff who start a direct chat, which they do not read, are told no more than that it is there.
    """

    id: UUID
    kind: ChatKind
    title: str | None
    client_id: UUID | None
    therapist: str | None
    made_at: datetime
    last_seq: int = 0
    last_message_at: datetime | None = None
    read_seq: int = 0
    unread: int = 0
    members: list[MemberView] = Field(default_factory=list)


class AuthorView(BaseModel):
    """``role`` is ``client``, ``therapist`` or ``care_team``. Of clients whom the asker does not see otherwise,
    ``name`` is the first name alone."""

    role: Role
    name: str
    client_id: UUID | None
    therapist: str | None


class MessageView(BaseModel):
    """``seq`` counts the messages of a chat from 1. ``mine``: the asker, or the asker's side, wrote it."""

    id: UUID
    seq: int
    author: AuthorView
    mine: bool
    text: str
    written_at: datetime


class ReadView(BaseModel):
    read_seq: int
    unread: int


def what_it_is(chat: Chat, therapist: str | None) -> dict[str, Any]:
    return {
        "id": chat.id,
        "kind": chat.kind,
        "title": chat.title,
        "client_id": chat.client_id,
        "therapist": therapist,
        "made_at": chat.made_at,
    }


def chat_view(row: ChatRow, **more: Any) -> ChatView:
    return ChatView(
        **what_it_is(row.chat, row.therapist),
        last_seq=row.chat.last_seq,
        last_message_at=row.chat.last_message_at,
        read_seq=row.read_seq,
        unread=row.unread,
        **more,
    )


async def whole_chat_view(session: AsyncSession, side: Side, row: ChatRow) -> ChatView:
    if not side.caller.is_practice:
        return chat_view(row)
    members = [
        MemberView(client_id=member.client_id, name=name, joined_at=member.joined_at)
        for member, name in await chats.members_of(session, side, row.chat.id)
    ]
    return chat_view(row, members=members)


def message_view(side: Side, message: ChatMessage, author: Author) -> MessageView:
    own = side.client.id == message.author_client_id if side.client else message.author == side.caller.actor
    return MessageView(
        id=message.id,
        seq=message.seq,
        author=AuthorView(role=author.role, name=author.name, client_id=author.client_id, therapist=author.therapist),
        mine=own,
        text=message.text,
        written_at=message.written_at,
    )
