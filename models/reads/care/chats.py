"""What is read of chats. Who may see one is part of each query: a chat that the caller may not see is not found.

A client sees the chats they are in. A therapist sees direct chats with clients who are matched with them now, the group
chats they take part in, every community chat, and their own chat with the care team. Staff see the care team's chats,
groups and communities; direct chats are between client and therapist alone, and are read by the care team through an
opening, never written in.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.paging import Page
from models.reads.visibility import may_see_client, opened, therapist_of
from models.tables.booking.therapist import Therapist
from models.tables.care.chat import Chat, ChatMember, ChatMessage, ChatRead
from models.tables.clients.client import Client
from rules.accounts.caller import Caller, therapist_caller
from rules.accounts.openings import OpeningKind
from rules.care.chats import MESSAGES_COUNTED_FOR, MOST_MESSAGES, TOLD_WHILE_ARCHIVED, reader_of, setting_of
from rules.enums import ChatKind, ClientStatus, Role

A_MEMBER = "A member"
CARE_TEAM = "The care team"


@dataclass(frozen=True, kw_only=True)
class Side:
    """Who asks, and for the client side also for which client: the booking site acts for any."""

    caller: Caller
    client: Client | None = None

    @property
    def reader(self) -> str:
        return reader_of(self.caller, str(self.client.id) if self.client else None)


@dataclass(frozen=True, kw_only=True)
class ChatRow:
    """A chat with the therapist who takes part (a slug), the one client whose chat it is, and how far the asker has
    read."""

    chat: Chat
    therapist: str | None
    read_seq: int
    client: Client | None = None

    @property
    def unread(self) -> int:
        return max(self.chat.last_seq - self.read_seq, 0)


@dataclass(frozen=True, kw_only=True)
class Author:
    """Who wrote, as others read it: ``role`` is the client's for all who act for a client."""

    role: Role
    name: str
    ref: str | None = None
    client_id: UUID | None = None
    therapist: str | None = None


@dataclass(frozen=True, kw_only=True)
class WaitingMessage:
    """A chat in which something waits to be read by a client: its kind, and the number of the newest message."""

    kind: ChatKind
    seq: int


# ---------------------------------------------------------------- who may see what


def _is_member(client_id: UUID) -> ColumnElement[bool]:
    return exists().where(
        col(ChatMember.chat_id) == col(Chat.id),
        col(ChatMember.client_id) == client_id,
        col(ChatMember.left_at).is_(None),
    )


def may_see_chat(side: Side, *, reading_at: datetime | None = None) -> ColumnElement[bool]:
    """The condition on ``Chat`` for whoever asks. ``reading_at``: now, of whoever only reads; then openings count."""
    caller, kind = side.caller, col(Chat.kind)
    if caller.is_care_team:
        seen = kind != ChatKind.DIRECT
        if reading_at is not None:
            seen = or_(seen, opened(caller, OpeningKind.DIRECT_CHAT, col(Chat.client_id), now=reading_at))
        return and_(seen, col(Chat.merged_into).is_(None))
    if caller.role is Role.THERAPIST:
        own = col(Chat.therapist_id) == therapist_of(caller)
        theirs = exists().where(col(Client.id) == col(Chat.client_id), may_see_client(caller))
        return or_(
            and_(kind == ChatKind.DIRECT, own, theirs),
            and_(kind.in_((ChatKind.GROUP, ChatKind.STAFF)), own),
            kind == ChatKind.COMMUNITY,
        )
    return _is_member(side.client.id) if side.client is not None else false()


# ---------------------------------------------------------------- chats


def _rows(side: Side, reading_at: datetime | None) -> Any:
    read = and_(col(ChatRead.chat_id) == col(Chat.id), col(ChatRead.reader) == side.reader)
    whose = aliased(Client)  # the conditions on who may see a chat ask for clients too
    return (
        select(Chat, Therapist.slug, ChatRead.seq, whose)
        .join(whose, col(whose.id) == col(Chat.client_id), isouter=True)
        .join(Therapist, col(Therapist.id) == col(Chat.therapist_id), isouter=True)
        .join(ChatRead, read, isouter=True)
        .where(may_see_chat(side, reading_at=reading_at))
    )


def _row(found: tuple[Chat, str | None, int | None, Client | None]) -> ChatRow:
    chat, therapist, read, client = found
    return ChatRow(chat=chat, therapist=therapist, read_seq=read or 0, client=client)


async def visible_chat(
    session: AsyncSession, side: Side, chat_id: UUID, *, reading_at: datetime | None = None
) -> ChatRow | None:
    found = (await session.exec(_rows(side, reading_at).where(col(Chat.id) == chat_id))).first()
    return _row(found) if found else None


async def list_chats(
    session: AsyncSession,
    side: Side,
    *,
    kinds: Collection[ChatKind],
    with_client: UUID | None,
    page: Page,
    now: datetime,
) -> Sequence[ChatRow]:
    """Chats of these kinds, the one that was written in last first; one more than the page holds, if there are more.

    ``with_client``: only those in which this client is.
    """
    at = last_activity()
    statement = _rows(side, now).where(col(Chat.kind).in_(kinds)).order_by(at.desc(), col(Chat.id).desc())
    if with_client is not None:
        statement = statement.where(_is_member(with_client))
    if page.after is not None:
        statement = statement.where(tuple_(at, col(Chat.id)) < tuple_(*page.after))
    return [_row(found) for found in await session.exec(statement.limit(page.limit + 1))]


def last_activity() -> ColumnElement[datetime]:
    return func.coalesce(col(Chat.last_message_at), col(Chat.made_at))


async def chat_of_client(
    session: AsyncSession, kind: ChatKind, client_id: UUID, therapist_id: UUID | None
) -> Chat | None:
    """The one direct chat of a client and a therapist, or the client's one chat with the care team."""
    statement = select(Chat).where(col(Chat.kind) == kind, col(Chat.client_id) == client_id)
    if kind is ChatKind.DIRECT:
        statement = statement.where(col(Chat.therapist_id) == therapist_id)
    return (await session.exec(statement)).first()


async def staff_chat(session: AsyncSession, therapist_id: UUID) -> Chat | None:
    """The one chat of a therapist with the care team."""
    statement = select(Chat).where(col(Chat.kind) == ChatKind.STAFF, col(Chat.therapist_id) == therapist_id)
    return (await session.exec(statement)).first()


async def staff_message_waits(session: AsyncSession, chat: Chat, *, therapist: str, for_therapist: bool) -> bool:
    """Whether the other side wrote what the therapist (a slug), or nobody of the care team, has read yet."""
    own = therapist_caller(therapist).actor
    reads = col(ChatRead.reader) == own if for_therapist else col(ChatRead.reader) != own
    read = select(func.coalesce(func.max(ChatRead.seq), 0)).where(col(ChatRead.chat_id) == chat.id, reads)
    others = col(ChatMessage.author) != own if for_therapist else col(ChatMessage.author) == own
    waits = select(ChatMessage.id).where(
        col(ChatMessage.chat_id) == chat.id, others, col(ChatMessage.seq) > read.scalar_subquery()
    )
    return (await session.exec(waits.limit(1))).first() is not None


async def members_of(session: AsyncSession, side: Side, chat_id: UUID) -> list[tuple[ChatMember, Client]]:
    """Who is in a chat now, in the order of joining; those whom the asker may see."""
    statement = (
        select(ChatMember, Client)
        .join(Client, col(Client.id) == col(ChatMember.client_id))
        .where(col(ChatMember.chat_id) == chat_id, col(ChatMember.left_at).is_(None), may_see_client(side.caller))
        .order_by(col(ChatMember.joined_at), col(ChatMember.client_id))
    )
    return list((await session.exec(statement)).all())


# ---------------------------------------------------------------- messages


async def messages_of(session: AsyncSession, chat_id: UUID, *, after_seq: int, limit: int) -> Sequence[ChatMessage]:
    """Messages after a number, oldest first; one more than the limit, if there are more. The chat must be seen."""
    statement = (
        select(ChatMessage)
        .where(col(ChatMessage.chat_id) == chat_id, col(ChatMessage.seq) > after_seq)
        .order_by(col(ChatMessage.seq))
        .limit(limit + 1)
    )
    return (await session.exec(statement)).all()


async def authors_of(session: AsyncSession, side: Side, messages: Collection[ChatMessage]) -> dict[UUID, Author]:
    """Who wrote each of these, by message. Of clients whom the asker does not see, the first name and no more."""
    clients: dict[UUID, tuple[Client, bool]] = {}
    ids = {message.author_client_id for message in messages if message.author_client_id}
    if ids:
        wrote = select(Client, may_see_client(side.caller)).where(col(Client.id).in_(ids))
        clients = {client.id: (client, seen) for client, seen in await session.exec(wrote)}
    slugs = {slug for slug in map(_therapist_in, messages) if slug}
    names: dict[str, str] = {}
    if slugs:
        names = dict(
            (await session.exec(select(Therapist.slug, Therapist.name).where(col(Therapist.slug).in_(slugs)))).all()
        )
    return {message.id: _author(side, message, clients, names) for message in messages}


def _therapist_in(message: ChatMessage) -> str | None:
    role, _, slug = message.author.partition(":")
    return slug if role == Role.THERAPIST.value else None


def _author(
    side: Side, message: ChatMessage, clients: dict[UUID, tuple[Client, bool]], names: dict[str, str]
) -> Author:
    if message.author_client_id is not None:
        client, seen = clients[message.author_client_id]
        # The booking site sees every client, but asks on behalf of one.
        if seen if side.client is None else side.client.id == client.id:
            return Author(role=Role.CLIENT, name=client.full_name, ref=client.ref, client_id=client.id)
        return Author(role=Role.CLIENT, name=client.first_name or A_MEMBER)
    slug = _therapist_in(message)
    if slug is not None:
        return Author(role=Role.THERAPIST, name=names.get(slug, slug), therapist=slug)
    return Author(role=Role.CARE_TEAM, name=CARE_TEAM)


# ---------------------------------------------------------------- mails


def _wants_mail(kind: ChatKind) -> ColumnElement[bool]:
    part_is_on = col(Client.portal_settings)[setting_of(kind)].astext
    wanted = and_(
        col(Client.email).is_not(None),
        col(Client.unsubscribed).is_(False),
        col(Client.closed_at).is_(None),
        func.coalesce(part_is_on, "true") == "true",
    )
    return wanted if kind in TOLD_WHILE_ARCHIVED else and_(wanted, col(Client.status) == ClientStatus.ACTIVE)


async def to_be_told(session: AsyncSession, chat: Chat, *, but: UUID | None) -> Sequence[UUID]:
    """The clients in a chat who get mails about its messages; without the one who has just written."""
    statement = (
        select(ChatMember.client_id)
        .join(Client, col(Client.id) == col(ChatMember.client_id))
        .where(col(ChatMember.chat_id) == chat.id, col(ChatMember.left_at).is_(None), _wants_mail(chat.kind))
        .order_by(col(ChatMember.client_id))
    )
    if but is not None:
        statement = statement.where(col(ChatMember.client_id) != but)
    return (await session.exec(statement)).all()


async def to_be_mailed(session: AsyncSession, clients: Collection[UUID]) -> Sequence[UUID]:
    """Those of these clients who get mails about their direct chats."""
    statement = select(Client.id).where(col(Client.id).in_(clients), _wants_mail(ChatKind.DIRECT))
    return (await session.exec(statement.order_by(col(Client.id)))).all()


async def waiting_for(session: AsyncSession, client: Client, chat_id: UUID) -> WaitingMessage | None:
    """What others wrote in a chat and this client has not read; None if there is nothing, the client has left, or it is
    closed to them by their portal settings."""
    read = and_(col(ChatRead.chat_id) == col(Chat.id), col(ChatRead.reader) == f"{Role.CLIENT.value}:{client.id}")
    newest_of_others = (
        select(func.max(ChatMessage.seq))
        .where(
            col(ChatMessage.chat_id) == col(Chat.id),
            col(ChatMessage.seq) > func.coalesce(col(ChatRead.seq), 0),
            col(ChatMessage.author_client_id).is_distinct_from(client.id),
        )
        .scalar_subquery()
    )
    statement = (
        select(Chat.kind, newest_of_others)
        .join(ChatRead, read, isouter=True)
        .where(col(Chat.id) == chat_id, _is_member(client.id))
    )
    found = cast("tuple[ChatKind, int | None] | None", (await session.exec(statement)).first())
    if found is None:
        return None
    kind, newest = found
    if newest is None or not client.portal_settings.get(setting_of(kind), True):
        return None
    return WaitingMessage(kind=kind, seq=newest)


_LOOKED_AT = 1_000  # messages


async def read_by(session: AsyncSession, chats: Collection[UUID], reader: str) -> dict[UUID, int]:
    """How far somebody has read, by chat; a chat in which they read nothing is missing."""
    own = (col(ChatRead.chat_id).in_(chats), col(ChatRead.reader) == reader)
    return dict((await session.exec(select(ChatRead.chat_id, ChatRead.seq).where(*own))).all())


async def wait_before_writing(session: AsyncSession, chat: Chat, author: Client, *, at: datetime) -> timedelta | None:
    """How long a client must wait who has written as much as a minute allows; None if they need not.

    The chat is locked. Only its latest messages are looked at: among many more, nobody's few are a flood.
    """
    statement = (
        select(ChatMessage.written_at)
        .where(
            col(ChatMessage.chat_id) == chat.id,
            col(ChatMessage.seq) > chat.last_seq - _LOOKED_AT,
            col(ChatMessage.author_client_id) == author.id,
        )
        .order_by(col(ChatMessage.seq).desc())
        .offset(MOST_MESSAGES - 1)
        .limit(1)
    )
    first = (await session.exec(statement)).first()
    wait = first + MESSAGES_COUNTED_FOR - at if first is not None else timedelta()
    return wait if wait > timedelta() else None
