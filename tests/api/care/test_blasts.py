"""Message blasts: whom one reaches, who is left out and why, and that it is sent once."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import select

from api.problems import EngineUnavailable
from models.tables import Blast, Chat, ChatMessage, ClientGroup, Therapist
from rules.care import chats
from rules.enums import ChatKind, ClientStatus
from tests.api.care.chat_room import ChatRoom
from tests.api.conftest import ToldEngine, fields_of, problem_of
from tests.care.defaults import Json
from tests.care.rows import NOW
from workflows.messages import MESSAGE_WAITS


async def sent(room: ChatRoom, by: str, **body: Any) -> Json:
    answer = await room.ask(by, "POST", "/blasts", {"text": "We are closed on Friday.", **body})
    assert answer.status_code == 201, answer.text
    blast: Json = answer.json()
    return blast


async def in_chats(room: ChatRoom) -> dict[UUID | None, tuple[UUID | None, str]]:
    """By client: with which therapist the chat is in which the text was written, and who wrote it."""
    async with room.rows.sessions() as session:
        rows = await session.exec(select(Chat, ChatMessage).where(ChatMessage.chat_id == Chat.id))
        found = rows.all()
    assert all(chat.kind is ChatKind.DIRECT for chat, _ in found)
    assert len({chat.client_id for chat, _ in found}) == len(found)
    return {chat.client_id: (chat.therapist_id, message.author) for chat, message in found}


async def test_s38_s51_each_gets_it_in_the_direct_chat_and_whoever_does_not_is_named_with_why(
    room: ChatRoom, ana: Therapist
) -> None:
    ben = await room.therapist("ben")
    sara, tom = await room.client(ana, "sara"), await room.client(ben, "tom")
    away = await room.client(ana, "away", status=ClientStatus.ARCHIVED)
    shut = await room.client(ben, "shut")
    await room.change(shut, portal_settings={"chat": False})
    lone, gone = await room.client(None, "lone"), await room.client(ana, "gone", closed_at=NOW)
    known = await room.starts("ana", "direct", sara)
    everybody = [sara, tom, away, shut, lone, gone]
    blast = await sent(room, "desk", client_ids=[str(client.id) for client in [*everybody, sara]])
    assert set(blast["sent_to"]) == {str(sara.id), str(tom.id)}
    why = {UUID(line["client_id"]): line["because"] for line in blast["left_out"]}
    assert set(why) == {away.id, shut.id, lone.id, gone.id}
    for client, word in ((away, "archived"), (shut, "switched off"), (lone, "no therapist"), (gone, "closed")):
        assert word in why[client.id]
    assert await in_chats(room) == {sara.id: (ana.id, "care_team:desk"), tom.id: (ben.id, "care_team:desk")}
    assert sorted(room.told()) == sorted([sara.id, tom.id])
    assert await room.chats_of("sara") == [known["id"]]
    [message] = (await room.get("sara", f"/chats/{known['id']}/messages"))["items"]
    assert (message["text"], message["author"]["name"]) == ("We are closed on Friday.", "The care team")
    [chat] = (await room.get("tom", "/chats"))["items"]
    assert (chat["therapist"], chat["unread"]) == ("ben", 1)


async def test_a_therapist_reaches_their_own_clients_and_no_others(room: ChatRoom, ana: Therapist) -> None:
    ben = await room.therapist("ben")
    sara, tom = await room.client(ana, "sara"), await room.client(ben, "tom")
    group = ClientGroup(id=uuid4(), name="Mondays", name_folded="mondays", made_by="care_team:desk", made_at=NOW)
    await room.rows.add(group)
    away = await room.client(ana, "away", status=ClientStatus.ARCHIVED)
    for client in (sara, tom, away):
        await room.change(client, group_id=group.id)
    both = {"text": "Hi", "client_ids": [str(sara.id), str(tom.id), str(uuid4())]}
    assert fields_of(await room.ask("ana", "POST", "/blasts", both)) == ["client_ids[1]", "client_ids[2]"]
    assert await in_chats(room) == {}
    own = await sent(room, "ana", group_id=str(group.id))
    assert own["sent_to"] == [str(sara.id)]
    assert [line["client_id"] for line in own["left_out"]] == [str(away.id)]
    assert await in_chats(room) == {sara.id: (ana.id, "therapist:ana")}
    whole = await sent(room, "desk", all=True)  # every active client
    assert (set(whole["sent_to"]), whole["left_out"]) == ({str(sara.id), str(tom.id)}, [])
    assert (await sent(room, "ana", all=True))["sent_to"] == [str(sara.id)]
    empty = ClientGroup(id=uuid4(), name="Empty", name_folded="empty", made_by="care_team:desk", made_at=NOW)
    await room.rows.add(empty)
    assert await sent(room, "desk", group_id=str(empty.id)) == {"sent_to": [], "left_out": []}


async def test_a_blast_is_sent_once_and_answered_alike_even_if_the_engine_was_away(
    room: ChatRoom, ana: Therapist, engine: ToldEngine
) -> None:
    sara, away = await room.client(ana, "sara"), await room.client(ana, "away", status=ClientStatus.ARCHIVED)
    body = {"text": "Once", "client_ids": [str(sara.id), str(away.id)]}
    engine.answers_to[MESSAGE_WAITS] = EngineUnavailable()
    assert (await room.ask("desk", "POST", "/blasts", body, key="k")).status_code == 503
    engine.answers_to[MESSAGE_WAITS] = None
    await room.change(away, status=ClientStatus.ACTIVE)  # what was decided stays decided
    room.told()
    again = await room.ask("desk", "POST", "/blasts", body, key="k")
    assert (again.status_code, again.json()["sent_to"]) == (201, [str(sara.id)])
    assert [line["client_id"] for line in again.json()["left_out"]] == [str(away.id)]
    assert room.told() == [sara.id]
    assert set(await in_chats(room)) == {sara.id}


async def test_whom_it_is_for_is_said_in_one_way(
    room: ChatRoom, ana: Therapist, monkeypatch: pytest.MonkeyPatch
) -> None:
    sara, tom = await room.client(ana, "sara"), await room.client(ana, "tom")
    ids = [str(sara.id)]
    wrong: list[tuple[Json, list[str]]] = [
        ({}, ["client_ids"]),
        ({"client_ids": ids, "all": True}, ["client_ids", "all"]),
        ({"client_ids": []}, ["client_ids"]),
        ({"client_ids": ids * 1001}, ["client_ids"]),
        ({"client_ids": ["x"]}, ["client_ids[0]"]),
        ({"group_id": str(uuid4())}, ["group_id"]),
        ({"all": False}, ["all"]),
        ({"client_ids": ids, "text": " "}, ["text"]),
        ({"client_ids": ids, "text": "a\0"}, ["text"]),
        ({"client_ids": ids, "text": "x" * 10_001}, ["text"]),
    ]
    for body, fields in wrong:
        assert fields_of(await room.ask("desk", "POST", "/blasts", {"text": "Hi"} | body)) == fields, body
    for by in ("site", "sara"):
        assert problem_of(await room.ask(by, "POST", "/blasts", {"text": "Hi", "all": True})) == "not-allowed"
    monkeypatch.setattr("api.routes.care.blasts.MOST_OF_A_BLAST", 1)
    too_many = await room.ask("desk", "POST", "/blasts", {"text": "Hi", "all": True})
    assert fields_of(too_many) == ["all"]
    assert "more than 1 " in too_many.json()["detail"]
    assert (chats.MOST_OF_A_BLAST, tom.status) == (1000, ClientStatus.ACTIVE)
    async with room.rows.sessions() as session:
        assert (await session.exec(select(Blast))).all() == []
