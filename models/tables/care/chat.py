"""Chats: direct, with the care team, of a live group, of the community, among staff; members, messages and marks."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.columns import Instant, word
from models.sealed import SealedText
from rules.enums import ChatKind, LeftBecause


class Chat(SQLModel, table=True):
    """``client_id`` is the one client of a direct or care team chat, ``therapist_id`` the therapist who takes part.

    ``merged_into`` is the chat behind whose messages those of this one were moved, when two records of the client were
    joined. It is empty then, and nobody's.
    """

    __tablename__ = "chat"
    __table_args__ = (
        Index("one_direct_chat", "client_id", "therapist_id", unique=True, postgresql_where=text("kind = 'direct'")),
        Index("one_care_team_chat", "client_id", unique=True, postgresql_where=text("kind = 'care_team'")),
        CheckConstraint("(kind IN ('direct', 'care_team')) = (client_id IS NOT NULL)", name="chat_of_one_client"),
        Index("one_staff_chat", "therapist_id", unique=True, postgresql_where=text("kind = 'staff'")),
        CheckConstraint(
            "kind NOT IN ('direct', 'staff') OR therapist_id IS NOT NULL", name="chat_of_one_therapist_names_them"
        ),
    )

    id: UUID = Field(primary_key=True)
    kind: ChatKind = Field(sa_type=word(ChatKind, name="chat_kind"))
    title: str | None = Field(default=None, sa_type=SealedText)
    client_id: UUID | None = Field(default=None, foreign_key="client.id", index=True)
    therapist_id: UUID | None = Field(default=None, foreign_key="therapist.id", index=True)
    made_by: str
    made_at: datetime = Field(sa_type=Instant)
    last_seq: int = 0  # number of the newest message
    last_message_at: datetime | None = Field(default=None, sa_type=Instant)
    merged_into: UUID | None = Field(default=None, foreign_key="chat.id")


class ChatMember(SQLModel, table=True):
    """A client in a chat. Who left keeps a row, and sees nothing of the chat any more."""

    __tablename__ = "chat_member"
    __table_args__ = (
        CheckConstraint("(left_at IS NULL) = (left_because IS NULL)", name="chat_member_leaves_for_a_reason"),
        Index("chats_of_client", "client_id", postgresql_where=text("left_at IS NULL")),
    )

    chat_id: UUID = Field(primary_key=True, foreign_key="chat.id")
    client_id: UUID = Field(primary_key=True, foreign_key="client.id")
    joined_at: datetime = Field(sa_type=Instant)
    added_by: str
    left_at: datetime | None = Field(default=None, sa_type=Instant)
    left_because: LeftBecause | None = Field(default=None, sa_type=word(LeftBecause, name="chat_member_left"))


class ChatMessage(SQLModel, table=True):
    """``author`` is an actor; ``seq`` counts the messages of one chat from 1."""

    __tablename__ = "chat_message"
    __table_args__ = (
        UniqueConstraint("chat_id", "seq", name="messages_are_numbered"),
        Index("messages_by_time", "written_at"),
    )

    id: UUID = Field(primary_key=True)
    chat_id: UUID = Field(foreign_key="chat.id")
    seq: int
    author: str
    author_client_id: UUID | None = Field(default=None, foreign_key="client.id")
    blast_id: UUID | None = Field(default=None, foreign_key="blast.id", index=True)
    text: str = Field(sa_type=SealedText)
    written_at: datetime = Field(sa_type=Instant)


class ChatRead(SQLModel, table=True):
    """How far somebody has read: ``reader`` is an actor, a client's for all who act for that client."""

    __tablename__ = "chat_read"

    chat_id: UUID = Field(primary_key=True, foreign_key="chat.id")
    reader: str = Field(primary_key=True, max_length=200)
    seq: int
    read_at: datetime = Field(sa_type=Instant)


class Blast(SQLModel, table=True):
    """One text to many clients."""

    __tablename__ = "blast"

    id: UUID = Field(primary_key=True)
    text: str = Field(sa_type=SealedText)
    sent_by: str
    sent_at: datetime = Field(sa_type=Instant)


class BlastLine(SQLModel, table=True):
    """What became of a blast for one client: its message, or why it was left out."""

    __tablename__ = "blast_line"
    __table_args__ = (
        CheckConstraint("(message_id IS NULL) <> (left_out_because IS NULL)", name="blast_line_says_one_thing"),
    )

    blast_id: UUID = Field(primary_key=True, foreign_key="blast.id")
    client_id: UUID = Field(primary_key=True, foreign_key="client.id")
    message_id: UUID | None = Field(default=None, foreign_key="chat_message.id")
    left_out_because: str | None = None
