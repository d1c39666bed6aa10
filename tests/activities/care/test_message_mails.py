"""Mails that a message waits: the first at once, the next of the same chat an hour later, whatever happens between."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlmodel import col, select

from activities.care.chats import ChatActivities
from activities.types.archive import ArchiveOrder, UnarchiveOrder
from activities.types.care import ChatLook
from models.tables.care.chat import Chat, ChatMember, ChatMessage, ChatRead
from models.tables.mail.outbox import OutboxItem, OutboxStatus
from rules.enums import ChatKind
from tests.activities.mail.sending import deliver, nothing_else, waiting
from tests.care.practice import Practice

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


class Letters:
    """The care team's chat with Sara: what the desk writes, and what her journey does about it."""

    def __init__(self, practice: Practice, client: str) -> None:
        self.practice, self.client, self.chat = practice, client, uuid4()
        self.steps = ChatActivities(practice.archive.deps)
        self.start = practice.clock.instant

    async def begin(self) -> None:
        at, id = self.start, UUID(self.client)
        async with self.practice.sessions() as session:
            session.add(
                Chat(id=self.chat, kind=ChatKind.CARE_TEAM, client_id=id, made_by="desk", made_at=at, last_seq=0)
            )
            await session.flush()
            session.add(ChatMember(chat_id=self.chat, client_id=id, joined_at=at, added_by="desk"))
            await session.commit()
        await nothing_else(self.practice, self.client)

    def passes(self, after: timedelta) -> None:
        self.practice.clock.instant = self.start + after

    async def writes(self) -> None:
        async with self.practice.sessions() as session:
            chat = await session.get_one(Chat, self.chat)
            chat.last_seq += 1
            at = self.practice.clock.instant
            session.add(
                ChatMessage(
                    id=uuid4(), chat_id=chat.id, seq=chat.last_seq, author="care_team:desk", text="Hello", written_at=at
                )
            )
            await session.commit()
        await self.look()

    async def look(self) -> None:
        await self.steps.look_at_chat(ChatLook(client_id=self.client, chat_id=str(self.chat)))
        await deliver(self.practice, self.client)

    async def reads(self) -> None:
        async with self.practice.sessions() as session:
            chat = await session.get_one(Chat, self.chat)
            reader = f"client:{self.client}"
            await session.merge(
                ChatRead(chat_id=chat.id, reader=reader, seq=chat.last_seq, read_at=self.practice.clock.instant)
            )
            await session.commit()

    @property
    def mailed(self) -> int:
        return sum(mail.template == "new_message" for mail in self.practice.post.sent)

    async def due(self) -> list[timedelta | None]:
        """When the next mail is, after the start."""
        return [
            at - self.start if at is not None else None
            for what, at in await waiting(self.practice, self.client)
            if what == "new_message"
        ]


@pytest.fixture
async def letters(practice: Practice) -> Letters:
    letters = Letters(practice, await practice.client())
    await letters.begin()
    return letters


async def test_a_burst_is_told_of_once_and_the_next_mail_comes_an_hour_later(letters: Letters) -> None:
    await letters.writes()
    assert letters.mailed == 1
    letters.passes(5 * MINUTE)
    await letters.look()  # the same message, told of again, is no news
    assert (letters.mailed, await letters.due()) == (1, [])
    for minute in range(6, 15):
        letters.passes(minute * MINUTE)
        await letters.writes()
    assert (letters.mailed, await letters.due()) == (1, [HOUR])
    letters.passes(HOUR)
    await deliver(letters.practice, letters.client)
    assert letters.mailed == 2
    letters.passes(3 * HOUR)
    await letters.look()  # all of them were in that mail
    assert (letters.mailed, await letters.due()) == (2, [])
    await letters.writes()
    assert letters.mailed == 3


async def test_what_was_read_before_its_mail_went_is_not_mailed_and_the_hour_still_counts(letters: Letters) -> None:
    await letters.writes()
    letters.passes(5 * MINUTE)
    await letters.writes()
    await letters.reads()
    letters.passes(HOUR)
    await deliver(letters.practice, letters.client)
    assert (letters.mailed, await letters.due()) == (1, [])
    letters.passes(HOUR + MINUTE)
    await letters.writes()
    assert letters.mailed == 2


async def test_what_was_put_off_waits_while_archived_and_goes_afterwards_if_it_is_still_unread(
    letters: Letters,
) -> None:
    practice = letters.practice
    await letters.writes()
    letters.passes(5 * MINUTE)
    await letters.writes()
    await practice.archive.archive_client(ArchiveOrder(client_id=letters.client, request_id="off", by="desk"))
    letters.passes(5 * HOUR)
    await deliver(practice, letters.client)
    assert (letters.mailed, await letters.due()) == (1, [None])
    await practice.archive.unarchive_client(UnarchiveOrder(client_id=letters.client, request_id="on", by="desk"))
    await deliver(practice, letters.client)
    assert (letters.mailed, await letters.due()) == (2, [])


async def test_one_that_went_out_and_is_not_told_of_yet_is_not_made_to_tell_of_what_came_after(
    practice: Practice, letters: Letters
) -> None:
    """Its delivery is about to end, or was killed: the next message has a mail of its own, an hour later."""
    await letters.writes()
    async with practice.sessions() as session:
        (mail,) = (await session.exec(select(OutboxItem).where(col(OutboxItem.template) == "new_message"))).all()
        mail.status = OutboxStatus.SENDING
        await session.commit()
    letters.passes(10 * MINUTE)
    await letters.writes()
    assert (letters.mailed, await letters.due()) == (1, [HOUR])
