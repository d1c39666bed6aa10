"""What is written in chats, each in the caller's transaction, and safe to run twice.

Locks are taken in one order: clients (by id), then chats (by id). Whoever adds a client to a chat locks that client, so
that an archive, which leaves group chats, and a join, which takes chats along, come before or after and not in between.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.care.chats import CARE_TEAM, Side, may_see_chat, read_by
from models.sealing import sealed_values
from models.tables.care.chat import Chat, ChatMember, ChatMessage, ChatRead
from models.tables.clients.client import Client
from models.writes.events.messages import publish_message, publish_to_members
from models.writes.feed import notify_of_message
from rules.accounts.caller import Caller
from rules.care.chats import read_after_writing
from rules.care.feed import message_from
from rules.enums import ChatKind, LeftBecause, Role
from rules.events.kinds import MessageTo


async def make_chat(session: AsyncSession, chat: Chat, members: Sequence[UUID]) -> bool:
    """Write a chat with its members. False if it is there already, or one that there can be only one of."""
    made = insert(Chat).values(sealed_values(session, chat)).on_conflict_do_nothing().returning(col(Chat.id))
    if (await session.exec(made)).first() is None:
        return False
    await put_members(session, chat, members, by=chat.made_by, at=chat.made_at)
    return True


async def put_members(session: AsyncSession, chat: Chat, members: Sequence[UUID], *, by: str, at: datetime) -> None:
    """Let clients in, also those who had left. What was written before is not news to them."""
    if not members:
        return
    joined = insert(ChatMember).values(
        [{"chat_id": chat.id, "client_id": id, "joined_at": at, "added_by": by} for id in sorted(members)]
    )
    again = {"joined_at": joined.excluded.joined_at, "added_by": joined.excluded.added_by}
    came = await session.exec(
        joined.on_conflict_do_update(
            index_elements=[col(ChatMember.chat_id), col(ChatMember.client_id)],
            set_={**again, "left_at": None, "left_because": None},
            where=col(ChatMember.left_at).is_not(None),
        ).returning(col(ChatMember.client_id))
    )
    for id in sorted(came.scalars().all()) if chat.last_seq else ():
        await mark_read(session, chat.id, f"{Role.CLIENT.value}:{id}", seq=chat.last_seq, at=at)


async def leave_chat(
    session: AsyncSession, chat_id: UUID, client_id: UUID, *, because: LeftBecause, at: datetime
) -> bool:
    """False if the client is not in it."""
    left = (
        update(ChatMember)
        .where(
            col(ChatMember.chat_id) == chat_id,
            col(ChatMember.client_id) == client_id,
            col(ChatMember.left_at).is_(None),
        )
        .values(left_at=at, left_because=because)
        .returning(col(ChatMember.client_id))
    )
    return (await session.exec(left)).first() is not None


async def mark_read(session: AsyncSession, chat_id: UUID, reader: str, *, seq: int, at: datetime) -> int:
    """Remember that somebody has read up to a message; answers how far they have read, which never goes back."""
    return (await mark_all_read(session, {chat_id: seq}, reader, at=at))[chat_id]


async def mark_all_read(
    session: AsyncSession, marks: Mapping[UUID, int], reader: str, *, at: datetime
) -> dict[UUID, int]:
    """The same for many chats at once, by chat; there must be one at least."""
    rows = insert(ChatRead).values(
        [{"chat_id": id, "reader": reader, "seq": seq, "read_at": at} for id, seq in sorted(marks.items())]
    )
    kept = rows.on_conflict_do_update(
        index_elements=[col(ChatRead.chat_id), col(ChatRead.reader)],
        set_={"seq": func.greatest(col(ChatRead.seq), rows.excluded.seq), "read_at": rows.excluded.read_at},
    ).returning(col(ChatRead.chat_id), col(ChatRead.seq))
    return dict((await session.exec(kept)).all())


def next_message(
    chat: Chat, *, id: UUID, text: str, by: Caller, author: Client | None, at: datetime, blast_id: UUID | None = None
) -> ChatMessage:
    """The next message of a chat that is locked, both still to be written.

    ``author`` is the client who writes, or on whose behalf it is written; None for the practice.
    """
    chat.last_seq, chat.last_message_at = chat.last_seq + 1, at
    return ChatMessage(
        id=id,
        chat_id=chat.id,
        seq=chat.last_seq,
        author=by.actor,
        author_client_id=author.id if author else None,
        blast_id=blast_id,
        text=text,
        written_at=at,
    )


async def write_message(
    session: AsyncSession,
    chat: Chat,
    *,
    id: UUID,
    text: str,
    by: Caller,
    reader: str,
    author: Client | None,
    shown: int,
    at: datetime,
) -> ChatMessage:
    """Add a message to a chat that is locked. Writing alone is not reading (``read_after_writing``). The therapist's
    feed tells of what a client of theirs wrote, or the care team to them."""
    newest = chat.last_seq
    read = (await read_by(session, [chat.id], reader)).get(chat.id, 0)
    message = next_message(chat, id=id, text=text, by=by, author=author, at=at)
    session.add_all([chat, message])
    await session.flush()
    seq = read_after_writing(read=read, shown=shown, newest=newest)
    if seq > read:
        await mark_read(session, chat.id, reader, seq=seq, at=at)
    if author is not None or chat.kind is ChatKind.STAFF:
        publish_message(session, chat, message, client=author, to=MessageTo.PRACTICE, at=at)
    if chat.kind is not ChatKind.STAFF:
        await publish_to_members(session, chat, message, at=at)
    therapist_id = chat.therapist_id
    among_staff = chat.kind is ChatKind.STAFF and by.role is not Role.THERAPIST
    of_client = author is not None and therapist_id == author.therapist_id
    if therapist_id is not None and (of_client or among_staff):
        await notify_of_message(
            session,
            therapist_id=therapist_id,
            client_id=author.id if author is not None else None,
            chat_id=chat.id,
            seq=message.seq,
            text=message_from(author.full_name if author is not None else CARE_TEAM),
            at=at,
            id=uuid5(message.id, "feed"),
            actor=by.actor,
        )
    return message


def of_one_client(
    kind: ChatKind, client_id: UUID, therapist_id: UUID | None, *, id: UUID, by: Caller, at: datetime
) -> Chat:
    """A direct chat, or one with the care team, that is still to be written."""
    return Chat(
        id=id,
        kind=kind,
        client_id=client_id,
        therapist_id=therapist_id if kind is ChatKind.DIRECT else None,
        made_by=by.actor,
        made_at=at,
    )


def of_staff(therapist_id: UUID, *, id: UUID, by: Caller, at: datetime) -> Chat:
    """A therapist's chat with the care team that is still to be written."""
    return Chat(id=id, kind=ChatKind.STAFF, therapist_id=therapist_id, made_by=by.actor, made_at=at)


async def lock_chat(session: AsyncSession, side: Side, chat_id: UUID) -> Chat | None:
    """The chat, if it is seen now, for whoever changes it: its messages are numbered one after the other."""
    statement = select(Chat).where(col(Chat.id) == chat_id, may_see_chat(side)).with_for_update(key_share=True, of=Chat)
    return (await session.exec(statement.execution_options(populate_existing=True))).first()
