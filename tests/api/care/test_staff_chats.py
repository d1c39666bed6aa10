"""Chats among staff: one for each therapist with the care team, with no client in it and none who ever sees it."""

import asyncio
from typing import Any

import pytest
from sqlmodel import select

from models.tables import Chat, ChatMember, Client, OutboxItem, Therapist
from rules.enums import ChatKind
from tests.api.care.chat_room import ChatRoom
from tests.api.conftest import StandingClock, fields_of, problem_of
from tests.care.defaults import Json
from tests.care.rows import Rows
from workflows.messages import LOOK_AGAIN


async def begun(room: ChatRoom, by: str = "ana", **more: Any) -> Json:
    return await room.starts(by, "staff", **more)


async def ordered(rows: Rows) -> list[tuple[str, str, int]]:
    """The mails: to whom, of which therapist, and of which message."""
    async with rows.sessions() as session:
        found = (await session.exec(select(OutboxItem).order_by(OutboxItem.made_at))).all()  # type: ignore[arg-type]
    return [(item.reader, item.order["therapist"], item.order["chat_seq"]) for item in found]


async def test_s33_there_is_one_for_each_therapist_whoever_starts_it(
    room: ChatRoom, ana: Therapist, ben: Therapist
) -> None:
    chat = await begun(room)
    assert (chat["kind"], chat["therapist"], chat["client_id"], chat["client"]) == ("staff", ana.slug, None, None)
    assert chat["members"] == []
    assert (await begun(room, expect=200))["id"] == chat["id"]
    assert (await begun(room, "desk", therapist="ana", expect=200))["id"] == chat["id"]
    of_ben = await begun(room, "desk", therapist=ben.slug)
    assert of_ben["id"] != chat["id"]
    assert (await begun(room, "ben", expect=200))["id"] == of_ben["id"]
    assert set(await room.chats_of("desk", kind="staff")) == {chat["id"], of_ben["id"]}
    assert await room.chats_of("ana", kind="staff") == [chat["id"]]


async def test_started_by_many_at_once_it_is_one(room: ChatRoom, ana: Therapist) -> None:
    bodies = {"ana": {"kind": "staff"}, "desk": {"kind": "staff", "therapist": ana.slug}}
    answers = await asyncio.gather(*(room.ask(by, "POST", "/chats", bodies[by]) for by in ("ana", "desk") * 5))
    assert len({answer.json()["id"] for answer in answers}) == 1
    async with room.rows.sessions() as session:
        assert [chat.kind for chat in await session.exec(select(Chat))] == [ChatKind.STAFF]
        assert (await session.exec(select(ChatMember))).all() == []


async def test_nobody_else_sees_it_and_no_client_comes_into_it(
    room: ChatRoom, sara: Client, ben: Therapist, otto: Client
) -> None:
    chat = await begun(room)
    await room.writes("ana", chat, "Sara is never told of this")
    path = f"/chats/{chat['id']}"
    for by in ("sara", "otto", "ben"):
        assert chat["id"] not in await room.chats_of(by)
        assert await room.chats_of(by, kind="staff") == []
        for method, below, body in (
            ("GET", "", None), ("GET", "/messages", None), ("POST", "/messages", {"text": "x"}), ("POST", "/read", None)
        ):  # fmt: skip
            assert problem_of(await room.ask(by, method, path + below, body)) == "not-found", (by, method, below)
    for by in ("ana", "desk"):
        answer = await room.ask(by, "POST", f"{path}/members", {"client_id": str(sara.id)})
        assert problem_of(answer) == "not-allowed"
        assert problem_of(await room.ask(by, "DELETE", f"{path}/members/{sara.id}")) == "not-allowed"
    assert problem_of(await room.ask("sara", "POST", "/chats", {"kind": "staff"})) == "not-allowed"
    assert problem_of(await room.ask("root", "POST", "/chats", {"kind": "staff", "therapist": "ana"})) == "not-allowed"


@pytest.mark.parametrize(
    ("by", "more", "fields"),
    [
        ("desk", {}, ["therapist"]),
        ("desk", {"therapist": "nobody"}, ["therapist"]),
        ("ana", {"therapist": "ana"}, ["therapist"]),
        ("ana", {"title": "Us"}, ["title"]),
        ("ana", {"members": ["00000000-0000-4000-8000-000000000000"]}, ["members"]),
    ],
)
async def test_what_it_is_started_with_is_checked(
    room: ChatRoom, ana: Therapist, by: str, more: Json, fields: list[str]
) -> None:
    answer = await room.ask(by, "POST", "/chats", {"kind": "staff"} | more)
    assert (problem_of(answer), fields_of(answer)) == ("validation-failed", fields)
    async with room.rows.sessions() as session:
        assert (await session.exec(select(Chat))).all() == []


async def test_messages_unread_and_the_feed(room: ChatRoom, ana: Therapist) -> None:
    chat = await begun(room)
    said = await room.writes("ana", chat, "Could we swap rooms?")
    assert (said["author"]["role"], said["author"]["therapist"], said["mine"]) == ("therapist", ana.slug, True)
    assert (await room.get("desk", f"/chats/{chat['id']}"))["unread"] == 1
    assert (await room.get("ana", "/notifications"))["items"] == []
    answer = await room.writes("desk", chat, "Of course.")
    assert (answer["author"]["role"], answer["author"]["name"]) == ("care_team", "The care team")
    await room.writes("desk", chat, "From Monday on.")
    [news] = (await room.get("ana", "/notifications"))["items"]
    assert (news["text"], news["client_id"], news["data"]) == (
        "The care team has written to you.", None, {"chat_id": chat["id"], "seq": 3}
    )  # fmt: skip
    await room.ask("ana", "POST", f"/chats/{chat['id']}/messages", {"text": "Thanks.", "read_seq": 3})
    assert [one["text"] for one in (await room.get("ana", "/notifications"))["items"]] == [news["text"]]
    assert (await room.get("ana", f"/chats/{chat['id']}"))["unread"] == 0
    read = await room.ask("ana", "POST", f"/notifications/{news['id']}/read")
    assert read.status_code == 200


async def test_the_other_side_is_mailed_once_an_hour_at_most(
    room: ChatRoom, ana: Therapist, clock: StandingClock
) -> None:
    chat = await begun(room)
    for _ in range(3):
        await room.writes("ana", chat)
    assert await ordered(room.rows) == [("care_team", ana.slug, 1)]
    assert [asked.name for asked in room.engine.asked] == [LOOK_AGAIN] * 3
    clock.advance(minutes=1)
    await room.writes("desk", chat)
    assert await ordered(room.rows) == [("care_team", ana.slug, 1), ("therapist", ana.slug, 4)]


async def test_chats_and_what_clients_write_name_them_to_the_practice(room: ChatRoom, sara: Client) -> None:
    whose = {"ref": sara.ref, "name": "Sara Lind"}
    direct, team = await room.starts("ana", "direct", sara), await room.starts("sara", "care_team", sara)
    assert direct["client"] == whose
    assert "client" not in team
    written = await room.writes("sara", direct)
    assert "ref" not in written["author"]
    await room.writes("sara", team)
    for by, chat in (("ana", direct), ("desk", team)):
        [listed] = [one for one in (await room.get(by, "/chats"))["items"] if one["id"] == chat["id"]]
        assert listed["client"] == whose == (await room.get(by, f"/chats/{chat['id']}"))["client"]
        [message] = (await room.get(by, f"/chats/{chat['id']}/messages"))["items"]
        assert (message["author"]["ref"], message["author"]["name"]) == (sara.ref, "Sara Lind")
    for chat in (direct, team):
        assert "client" not in await room.get("sara", f"/chats/{chat['id']}")
        assert sara.ref not in str(await room.get("sara", f"/chats/{chat['id']}/messages"))
