"""What changes without a fact is an event, too."""

from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import col, select

from models.database import Sessions
from models.reads.events.events import settled_up_to
from models.tables import Chat, ChatMember, ChatMessage, Client, Event
from models.writes.clients.tasks import open_own_task
from models.writes.events.messages import publish_message, publish_to_members
from models.writes.events.publish import LOST_AT_MOST, publish, publish_therapist
from models.writes.keeping.epoch import begin_epoch
from rules.enums import ChatKind, LeftBecause, TaskKind
from rules.events.kinds import EventKind, MessageTo, TherapistPart
from tests.care.rows import NOW, Rows


@pytest.fixture
def rows(sessions: Sessions) -> Rows:
    return Rows(sessions)


async def events(sessions: Sessions) -> list[Event]:
    async with sessions() as session:
        return list(await session.exec(select(Event).order_by(col(Event.id))))


def member(chat: Chat, client: Client, **left: Any) -> ChatMember:
    return ChatMember(chat_id=chat.id, client_id=client.id, joined_at=NOW, added_by="care_team:desk", **left)


async def test_a_message_waits_for_each_who_is_in_the_chat_and_has_not_written_it(
    sessions: Sessions, rows: Rows
) -> None:
    author, other, gone = [await rows.client() for _ in range(3)]
    chat = Chat(id=uuid4(), kind=ChatKind.GROUP, title="A group", made_by="care_team:desk", made_at=NOW)
    await rows.add(chat)
    await rows.add(
        member(chat, author), member(chat, other), member(chat, gone, left_at=NOW, left_because=LeftBecause.ARCHIVED)
    )
    message = ChatMessage(
        id=uuid4(), chat_id=chat.id, seq=3, author="x", author_client_id=author.id, text="a secret", written_at=NOW
    )
    async with sessions() as session:
        publish_message(session, chat, message, client=author, to=MessageTo.PRACTICE, at=NOW)
        await publish_to_members(session, chat, message, at=NOW)
        await session.commit()
    practice, site = await events(sessions)
    assert (practice.client_id, practice.for_site, practice.data["to"]) == (author.id, False, "practice")
    assert (site.client_id, site.ref, site.for_site) == (other.id, other.ref, True)
    assert site.data == {"chat_id": str(chat.id), "chat": "group", "seq": 3, "to": "client"}
    assert (site.kind, site.at) == (EventKind.MESSAGE_WAITS, NOW)


async def test_a_task_of_the_practices_own_and_a_therapist_are_the_practices_alone(sessions: Sessions) -> None:
    async with sessions() as session:
        for _ in range(2):  # opened once
            await open_own_task(session, key="k", kind=TaskKind.TEXT_WAITS, text="A text waits.", at=NOW)
        publish_therapist(session, "ana", TherapistPart.HOURS, at=NOW)
        publish(session, EventKind.CALENDAR_FAILED, at=NOW, data={"therapist": "ana"}, for_site=True)
        await session.commit()
    told = await events(sessions)
    assert [event.kind.value for event in told] == ["task.opened", "therapist.changed", "calendar.failed"]
    assert [(event.client_id, event.for_site) for event in told] == [(None, False)] * 3
    assert told[0].data.keys() == {"task_id", "task"}
    assert told[1].data == {"therapist": "ana", "what": "hours"}


async def test_a_database_that_was_put_back_gives_no_id_again(sessions: Sessions) -> None:
    async with sessions() as session:
        before = await settled_up_to(session)
        await begin_epoch(session, epoch=uuid4(), at=NOW, marked=True)
        publish(session, EventKind.CARD_SAVED, at=NOW)
        await session.commit()
    [event] = await events(sessions)
    assert event.id is not None
    assert event.id > before + LOST_AT_MOST
