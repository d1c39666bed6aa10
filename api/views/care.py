"""Chats, messages, documents, notes, goals and a therapist's feed, as they are answered."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.marking import OfClient, WhoseView
from api.views.base import DescribedAs, Plain, PracticeOnly, View
from models.reads.care import chats
from models.reads.care.chats import Author, ChatRow, Side
from models.reads.care.notes import NoteRow
from models.tables.care.chat import Chat, ChatMessage
from models.tables.care.document import Document, DocumentShare
from models.tables.care.goal import Goal
from models.tables.clients.client import Client
from rules.accounts.caller import Caller
from rules.enums import ChatKind, GoalStatus, Role
from rules.journey.goals import write_weekly


class MemberView(View, OfClient):
    client_id: UUID
    ref: str
    name: str
    joined_at: datetime


class ChatView(View, OfClient):
    """``client_id`` is that of a direct or care team chat, and ``client`` names them to the practice. ``last_seq`` is
    the number of the newest message, ``read_seq`` how far the asker has read. ``members`` are shown to the practice; a
    therapist sees their own clients.

    Staff who start a direct chat, which they do not read, are told no more than that it is there.
    """

    id: UUID
    kind: ChatKind
    title: str | None
    client_id: UUID | None
    client: PracticeOnly[WhoseView | None] = None
    therapist: str | None
    made_at: datetime
    last_seq: int = 0
    last_message_at: datetime | None = None
    read_seq: int = 0
    unread: int = 0
    members: list[MemberView] = Field(default_factory=list)


class AuthorView(View, OfClient):
    """``role`` is ``client``, ``therapist`` or ``care_team``. Of clients whom the asker does not see otherwise,
    ``name`` is the first name alone; ``ref`` is told to the practice of those whom it sees."""

    role: Role
    name: str
    ref: PracticeOnly[str | None] = None
    client_id: UUID | None
    therapist: str | None


class MessageView(View):
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


def unseen_chat_view(chat: Chat, therapist: str | None) -> ChatView:
    """A chat that is there, and that whoever asks does not read."""
    return ChatView(
        id=chat.id,
        kind=chat.kind,
        title=chat.title,
        client_id=chat.client_id,
        therapist=therapist,
        made_at=chat.made_at,
    )


def chat_view(row: ChatRow, *, caller: Caller, **more: Any) -> ChatView:
    whose = WhoseView(ref=row.client.ref, name=row.client.full_name) if row.client else None
    return ChatView.of(row.chat, row, caller=caller, client=whose, **more)


async def whole_chat_view(session: AsyncSession, side: Side, row: ChatRow) -> ChatView:
    if not side.caller.is_practice:
        return chat_view(row, caller=side.caller)
    found = await chats.members_of(session, side, row.chat.id)
    members = [MemberView.of(member, client, name=client.full_name) for member, client in found]
    return chat_view(row, caller=side.caller, members=members)


def message_view(side: Side, message: ChatMessage, author: Author) -> MessageView:
    own = side.client.id == message.author_client_id if side.client else message.author == side.caller.actor
    return MessageView.of(message, author=AuthorView.of(author, caller=side.caller), mine=own)


# ---------------------------------------------------------------- documents and notes


class DocumentView(View):
    """``size`` in bytes, ``sha256`` in hex. ``shared_at`` is there in a client's list."""

    WHOSE: ClassVar[str] = "shared_with"

    id: UUID
    title: str
    filename: str
    content_type: str
    size: int
    sha256: str
    uploaded_at: datetime
    shared_at: datetime | None = None
    uploaded_by: PracticeOnly[str] = ""
    shared_with: PracticeOnly[list[UUID]] = Field(default=[])


def document_view(
    document: Document, *, caller: Caller, shared_with: Sequence[Client], share: DocumentShare | None = None
) -> DocumentView:
    seen = [document, share] if share else [document]
    return DocumentView.of(*seen, caller=caller, shared_with=[client.id for client in shared_with])


class ShareView(View, OfClient):
    id: UUID
    document_id: UUID
    client_id: UUID
    shared_at: datetime
    shared_by: str


class NoteView(View, OfClient):
    """``therapist``: who wrote it, by slug."""

    id: UUID
    appointment_id: UUID
    client_id: UUID
    therapist: str
    text: str
    written_at: datetime
    changed_at: datetime | None
    shared_at: datetime | None
    shared: PracticeOnly[bool] = True


def note_view(row: NoteRow, *, caller: Caller) -> NoteView:
    return NoteView.of(row.note, row, caller=caller)


# ---------------------------------------------------------------- goals, and the therapist's feed


class RemindView(View):
    weekday: str
    at: str


class GoalView(View, OfClient):
    id: UUID
    client_id: UUID
    text: str
    remind: RemindView | None
    status: GoalStatus
    made_at: datetime
    completed_at: datetime | None


def goal_view(goal: Goal) -> GoalView:
    remind: RemindView | None = None
    if goal.remind_weekday is not None and goal.remind_minute is not None:
        remind = RemindView.of(write_weekly(goal.remind_weekday, goal.remind_minute))
    return GoalView.of(goal, remind=remind)


class FeedData(BaseModel):
    """What a line of the therapist's feed is about, by its kind. A member that is not listed is a plain value."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Plain]

    appointment_ids: list[str] | None = None
    payment_id: str | None = None
    chat_id: str | None = None
    form: str | None = None
    starts_at: datetime | None = None
    moved_from: datetime | None = Field(default=None, alias="from")
    moved_to: datetime | None = Field(default=None, alias="to")


class NotificationView(View, OfClient):
    """``data`` has ids for programs: of appointments, a payment, a form or a chat, by ``kind``. ``client_id`` is null
    where the care team has written."""

    id: UUID
    kind: str
    text: str
    client_id: UUID | None
    data: Annotated[dict[str, Any], DescribedAs(FeedData)]
    at: datetime
    read_at: datetime | None
