"""Chats over the API: who starts, sees, reads and writes what, and whose journeys hear of it."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import select

from models.tables import Chat, ChatMember, ChatMessage, Client, Notification, Therapist
from models.writes.locks import lock_client
from rules.enums import ClientStatus, LeftBecause
from tests.api.care.chat_room import ChatRoom
from tests.api.conftest import StandingClock, fields_of, problem_of, said_of

SCRIPT = '<script>alert("x")</script>\n\n{{ 7 * 7 }} & \u202egnirts'


# ---------------------------------------------------------------- to start one


async def test_s29_there_is_one_direct_chat_for_a_client_and_a_therapist(room: ChatRoom, sara: Client) -> None:
    by_ana = await room.starts("ana", "direct", sara)
    assert (by_ana["kind"], by_ana["client_id"], by_ana["therapist"]) == ("direct", str(sara.id), "ana")
    assert [member["name"] for member in by_ana["members"]] == ["Sara Lind"]
    for by in ("ana", "sara", "site"):
        again = await room.starts(by, "direct", sara, expect=200)
        assert again["id"] == by_ana["id"]
        assert ("members" in again) == (by == "ana")
    # Staff may bring it about, and then know that it is there, and nothing else of it.
    blind = await room.starts("desk", "direct", sara, expect=200)
    told = ("id", "kind", "title", "client_id", "test", "therapist", "made_at")
    assert blind == {name: by_ana[name] for name in told}
    for path in ("", "/messages"):
        assert problem_of(await room.ask("desk", "GET", f"/chats/{by_ana['id']}{path}")) == "opening-required"


async def test_s31_there_is_one_chat_of_a_client_with_the_care_team(room: ChatRoom, sara: Client) -> None:
    chat = await room.starts("sara", "care_team", sara)
    assert (await room.starts("desk", "care_team", sara, expect=200))["id"] == chat["id"]
    assert (await room.starts("site", "care_team", sara, expect=200))["id"] == chat["id"]
    assert problem_of(await room.ask("ana", "GET", f"/chats/{chat['id']}")) == "not-found"


async def test_a_chat_that_is_started_by_many_at_once_is_one(room: ChatRoom, sara: Client) -> None:
    many = [room.ask(by, "POST", "/chats", {"kind": "direct", "members": [str(sara.id)]}) for by in ("ana", "sara") * 6]
    answers = await asyncio.gather(*many)
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sorted({answer.status_code for answer in answers}) == [200, 201]
    async with room.rows.sessions() as session:
        assert len((await session.exec(select(ChatMember))).all()) == 1


@pytest.mark.parametrize(
    ("by", "kind", "status", "name"),
    [
        ("sara", "group", 403, "not-allowed"),
        ("site", "community", 403, "not-allowed"),
        ("ana", "care_team", 403, "not-allowed"),
        ("ben", "direct", 404, "not-found"),
        ("otto", "direct", 404, "not-found"),
        ("otto", "care_team", 404, "not-found"),
    ],
)
async def test_who_may_not_start_a_chat(
    room: ChatRoom, sara: Client, otto: Client, *, by: str, kind: str, status: int, name: str
) -> None:
    body = {"kind": kind, "members": [str(sara.id)], "title": "Fridays"}
    if kind in ("direct", "care_team"):
        del body["title"]
    answer = await room.ask(by, "POST", "/chats", body)
    assert (answer.status_code, problem_of(answer)) == (status, name)


async def test_what_a_chat_is_started_with_is_checked_by_field(room: ChatRoom, sara: Client, otto: Client) -> None:
    s, o, nobody = str(sara.id), str(otto.id), str(uuid4())
    wrong: list[tuple[str, Any, list[str]]] = [
        ("desk", {"kind": "direct", "members": []}, ["members"]),
        ("desk", {"kind": "care_team", "members": [s, o]}, ["members"]),
        ("desk", {"kind": "direct", "members": [s], "title": "Us"}, ["title"]),
        ("desk", {"kind": "group", "members": [s]}, ["title"]),
        ("desk", {"kind": "group", "members": [s], "title": " "}, ["title"]),
        ("desk", {"kind": "group", "members": [s], "title": "a\nb"}, ["title"]),
        ("desk", {"kind": "group", "members": [nobody, s, "x"], "title": "T"}, ["members[2]"]),
        ("desk", {"kind": "group", "members": [nobody, s], "title": "T"}, ["members[0]"]),
        ("ana", {"kind": "group", "members": [s, o, nobody], "title": "T"}, ["members[1]", "members[2]"]),
        ("desk", {"kind": "group", "members": [s], "title": "T", "therapist": "nobody"}, ["therapist"]),
        ("ana", {"kind": "group", "members": [s], "title": "T", "therapist": "ben"}, ["therapist"]),
        ("desk", {"kind": "direct", "members": [s], "therapist": "ana"}, ["therapist"]),
        ("desk", {"kind": "group", "members": [s] * 1001, "title": "T"}, ["members"]),
        ("desk", {"kind": "party", "members": [s], "title": "T"}, ["kind"]),
    ]
    for by, body, fields in wrong:
        assert fields_of(await room.ask(by, "POST", "/chats", body)) == fields, body
    async with room.rows.sessions() as session:
        assert (await session.exec(select(Chat))).all() == []


async def test_a_client_without_a_therapist_has_nobody_to_chat_with_but_the_care_team(room: ChatRoom) -> None:
    lone = await room.client(None, "lone")
    for by in ("lone", "site", "desk"):
        answer = await room.ask(by, "POST", "/chats", {"kind": "direct", "members": [str(lone.id)]})
        assert (answer.status_code, problem_of(answer)) == (409, "no-therapist-assigned")
    await room.starts("lone", "care_team", lone)


# ---------------------------------------------------------------- who sees which


async def test_every_chat_is_there_for_those_in_it_and_missing_for_all_others(
    room: ChatRoom, sara: Client, otto: Client
) -> None:
    eva = await room.client(await room.therapist("cleo"), "eva")
    direct = await room.starts("ana", "direct", sara)
    care_team = await room.starts("desk", "care_team", sara)
    group = await room.starts("ana", "group", sara, title="Fridays")
    mixed = await room.starts("desk", "group", sara, otto, title="Mondays", therapist="ben")
    community = await room.starts("desk", "community", otto, title="Everybody")
    seen = {
        "sara": [direct, care_team, group, mixed],
        "otto": [mixed, community],
        "eva": [],
        "ana": [direct, group, community],
        "ben": [mixed, community],
        "cleo": [community],
        "desk": [care_team, group, mixed, community],
    }
    every = [direct, care_team, group, mixed, community]
    missing = said_of(await room.ask("desk", "GET", f"/chats/{uuid4()}"))
    for by, theirs in seen.items():
        assert set(await room.chats_of(by)) == {chat["id"] for chat in theirs}, by
        for chat in every:
            member = otto if by == "otto" else sara
            calls: list[tuple[str, str, Any]] = [
                ("GET", "", None),
                ("GET", "/messages", None),
                ("POST", "/messages", {"text": "Hello"}),
                ("POST", "/read", None),
                ("POST", "/members", {"client_id": str(member.id)}),
                ("DELETE", f"/members/{eva.id}", None),
            ]
            for method, path, body in calls[: 4 if chat in theirs else 6]:
                answer = await room.ask(by, method, f"/chats/{chat['id']}{path}", body)
                if chat in theirs:
                    assert answer.status_code in (200, 201), (by, method, path, answer.text)
                elif (by, chat, method) == ("desk", direct, "GET"):
                    assert problem_of(answer) == "opening-required", path
                else:
                    assert (answer.status_code, said_of(answer)) == (404, missing), (by, method, path)
    # The booking site asks for whomever it has a token of, and alone for nobody; an admin is in no chat.
    for path in ("/chats", f"/chats/{direct['id']}/messages", f"/chats/{community['id']}"):
        for by in ("site", "root"):
            assert problem_of(await room.ask(by, "GET", path)) == "not-allowed"
    for client, name in ((sara, "sara"), (otto, "otto"), (eva, "eva")):
        assert set(await room.chats_of("site", for_whom=client)) == {chat["id"] for chat in seen[name]}
    assert (await room.ask("desk", "GET", "/chats", client_id=str(uuid4()))).status_code == 404
    assert (await room.ask("otto", "GET", "/chats", client_id=str(sara.id))).status_code == 404
    assert (await room.ask("ben", "GET", "/chats", client_id=str(sara.id))).status_code == 404
    assert await room.chats_of("desk", client_id=str(sara.id), kind="care_team") == [care_team["id"]]
    for path in ("/v1/chats", f"/v1/chats/{direct['id']}/messages"):
        assert (await room.api.get(path)).status_code == 401


async def test_after_a_rematch_the_chat_is_history_for_the_client_and_gone_for_the_former_therapist(
    room: ChatRoom, sara: Client, ben: Therapist
) -> None:
    old = await room.starts("ana", "direct", sara)
    await room.writes("ana", old, "See you soon")
    await room.change(sara, therapist_id=ben.id)
    assert (await room.ask("ana", "GET", f"/chats/{old['id']}/messages")).status_code == 404
    assert await room.texts("sara", old) == ["See you soon"]
    refused = await room.ask("sara", "POST", f"/chats/{old['id']}/messages", {"text": "Are you there?"})
    assert (refused.status_code, problem_of(refused)) == (403, "not-allowed")
    new = await room.starts("sara", "direct", sara)
    assert new["therapist"] == "ben"
    assert set(await room.chats_of("sara")) == {old["id"], new["id"]}
    assert await room.chats_of("ben") == [new["id"]]


# ---------------------------------------------------------------- members


async def test_members_come_and_go(room: ChatRoom, sara: Client, otto: Client) -> None:
    group = await room.starts("desk", "group", sara, title="Mondays", therapist="ana")
    await room.writes("sara", group, "Welcome")
    path = f"/chats/{group['id']}/members"
    added = await room.ask("desk", "POST", path, {"client_id": str(otto.id)})
    assert (added.status_code, added.json()["name"]) == (201, "Otto Lind")
    # What was written before can be read, and is not unread.
    assert await room.texts("otto", group) == ["Welcome"]
    assert (await room.get("otto", f"/chats/{group['id']}"))["unread"] == 0
    await room.writes("sara", group, "Again")
    assert (await room.ask("desk", "POST", path, {"client_id": str(otto.id)})).json() == added.json()
    assert (await room.get("otto", f"/chats/{group['id']}"))["unread"] == 1

    # Nobody takes out, or lets in, whom they do not see; and a client only leaves.
    assert fields_of(await room.ask("ana", "POST", path, {"client_id": str(otto.id)})) == ["client_id"]
    assert (await room.ask("ana", "DELETE", f"{path}/{otto.id}")).status_code == 404
    assert (await room.ask("sara", "DELETE", f"{path}/{otto.id}")).status_code == 404
    refused = await room.ask("sara", "POST", path, {"client_id": str(sara.id)})
    assert (refused.status_code, problem_of(refused)) == (403, "not-allowed")

    assert (await room.ask("otto", "DELETE", f"{path}/{otto.id}")).status_code == 204
    assert (await room.ask("otto", "GET", f"/chats/{group['id']}")).status_code == 404
    assert (await room.ask("desk", "DELETE", f"{path}/{otto.id}")).status_code == 404
    assert (await room.ask("ana", "DELETE", f"{path}/{sara.id}")).status_code == 204
    async with room.rows.sessions() as session:
        left = {member.client_id: member.left_because for member in await session.exec(select(ChatMember))}
    assert left == {otto.id: LeftBecause.LEFT, sara.id: LeftBecause.REMOVED}
    await room.writes("desk", group, "Anybody?")
    assert (await room.ask("desk", "POST", path, {"client_id": str(otto.id)})).status_code == 201
    assert (await room.get("otto", f"/chats/{group['id']}"))["unread"] == 0


async def test_a_chat_of_one_client_is_neither_joined_nor_left(room: ChatRoom, sara: Client) -> None:
    chat = await room.starts("desk", "care_team", sara)
    path = f"/chats/{chat['id']}/members"
    for by, method, where, body in (
        ("desk", "POST", path, {"client_id": str(sara.id)}),
        ("desk", "DELETE", f"{path}/{sara.id}", None),
        ("sara", "DELETE", f"{path}/{sara.id}", None),
    ):
        answer = await room.ask(by, method, where, body)
        assert (answer.status_code, problem_of(answer)) == (403, "not-allowed")


# ---------------------------------------------------------------- archived clients


async def test_s46_s51_the_practice_brings_no_archived_client_into_a_chat(
    room: ChatRoom, sara: Client, otto: Client
) -> None:
    group = await room.starts("desk", "group", otto, title="Mondays")
    community = await room.starts("desk", "community", otto, title="Everybody")
    await room.change(sara, status=ClientStatus.ARCHIVED)
    for by, method, path, body in (
        ("ana", "POST", "/chats", {"kind": "direct", "members": [str(sara.id)]}),
        ("desk", "POST", "/chats", {"kind": "direct", "members": [str(sara.id)]}),
        ("desk", "POST", "/chats", {"kind": "care_team", "members": [str(sara.id)]}),
        ("ana", "POST", "/chats", {"kind": "group", "members": [str(sara.id)], "title": "T"}),
        ("desk", "POST", "/chats", {"kind": "community", "members": [str(otto.id), str(sara.id)], "title": "T"}),
        ("desk", "POST", f"/chats/{group['id']}/members", {"client_id": str(sara.id)}),
        ("ana", "POST", f"/chats/{community['id']}/members", {"client_id": str(sara.id)}),
    ):
        answer = await room.ask(by, method, path, body)
        assert (answer.status_code, problem_of(answer), answer.json()["client_ids"]) == (
            409,
            "client-archived",
            [str(sara.id)],
        )
    # From the client's own side nothing tells.
    direct = await room.starts("sara", "direct", sara)
    assert (await room.starts("ana", "direct", sara, expect=200))["id"] == direct["id"]


async def test_s45_s50_archived_clients_write_in_the_chats_they_are_in(
    room: ChatRoom, sara: Client, otto: Client
) -> None:
    kept = [
        await room.starts("ana", "direct", sara),
        await room.starts("desk", "care_team", sara),
        await room.starts("desk", "community", sara, otto, title="Everybody"),
    ]
    before = [await room.get("sara", f"/chats/{chat['id']}") for chat in kept]
    await room.change(sara, status=ClientStatus.ARCHIVED)
    assert [await room.get("sara", f"/chats/{chat['id']}") for chat in kept] == before
    for chat, by in zip(kept, ("ana", "desk", "otto"), strict=True):
        await room.writes(by, chat, "Hello Sara")
        await room.writes("sara", chat, "Hello")
        assert await room.texts("sara", chat) == ["Hello Sara", "Hello"]
    # What a person wrote to her alone is told; of the community's messages an archived client gets no mail.
    assert room.told() == [sara.id, sara.id, otto.id]


# ---------------------------------------------------------------- portal settings


@pytest.mark.parametrize("off", ["chat", "community"])
async def test_s55_what_is_switched_off_is_closed_to_the_client_side_alone(
    room: ChatRoom, sara: Client, otto: Client, off: str
) -> None:
    own = await room.starts("desk", "care_team", sara)
    group = await room.starts("desk", "group", sara, otto, title="Mondays")
    community = await room.starts("desk", "community", sara, otto, title="Everybody")
    await room.change(sara, portal_settings=sara.portal_settings | {off: False})
    closed = {"chat": [own, group], "community": [community]}[off]
    opened = [chat for chat in (own, group, community) if chat not in closed]
    s = str(sara.id)
    for by, more in (("sara", {}), ("site", {"for_whom": sara})):
        params: dict[str, Any] = more
        assert set(await room.chats_of(by, **params)) == {chat["id"] for chat in opened}
        for chat in closed:
            for method, path, body in (
                ("GET", "", None),
                ("GET", "/messages", None),
                ("POST", "/messages", {"text": "Hello"}),
                ("POST", "/read", None),
                ("DELETE", f"/members/{s}", None),
            ):
                answer = await room.ask(by, method, f"/chats/{chat['id']}{path}", body, **params)
                assert (answer.status_code, problem_of(answer)) == (403, "not-allowed")
            answer = await room.ask(by, "GET", "/chats", kind=chat["kind"], **params)
            assert (answer.status_code, problem_of(answer)) == (403, "not-allowed")
        if off == "chat":
            answer = await room.ask(by, "POST", "/chats", {"kind": "direct", "members": [s]})
            assert (answer.status_code, problem_of(answer)) == (403, "not-allowed")
    room.told()
    for chat in (own, group, community):
        await room.writes("desk", chat)
    assert room.told().count(sara.id) == len(opened)
    await room.change(sara, portal_settings={"chat": False, "community": False})
    assert problem_of(await room.ask("sara", "GET", "/chats")) == "not-allowed"


# ---------------------------------------------------------------- who hears of it


async def test_the_journeys_of_all_others_are_told_and_the_therapists_feed(
    room: ChatRoom, sara: Client, otto: Client, ana: Therapist, clock: StandingClock
) -> None:
    group = await room.starts("desk", "group", sara, otto, title="Mondays", therapist="ana")
    direct = await room.starts("ana", "direct", sara)
    room.told()
    await room.writes("sara", group)
    assert room.told() == [otto.id]
    await room.writes("desk", group)
    assert sorted(room.told()) == sorted([sara.id, otto.id])
    await room.writes("otto", group)  # who is another therapist's client
    room.told()
    await room.writes("ana", direct)
    assert room.told() == [sara.id]
    await room.writes("sara", direct, SCRIPT)
    assert room.told() == []
    async with room.rows.sessions() as session:
        feed = (await session.exec(select(Notification))).all()
    assert {(entry.therapist_id, entry.client_id, entry.kind) for entry in feed} == {(ana.id, sara.id, "message")}
    assert sorted(entry.data["chat_id"] for entry in feed) == sorted([group["id"], direct["id"]])
    assert all("script" not in entry.text for entry in feed)

    # Each chat has one entry until it is read, and the latest message brings it up.
    clock.advance(seconds=1)
    await room.writes("sara", group)
    newest, other = (await room.get("ana", "/notifications"))["items"]
    assert (newest["data"], other["data"]["chat_id"]) == ({"chat_id": group["id"], "seq": 4}, direct["id"])
    assert newest["at"] == clock.time.isoformat().replace("+00:00", "Z")
    assert (await room.ask("ana", "POST", f"/notifications/{newest['id']}/read")).status_code == 200
    await room.writes("sara", group)
    unread = (await room.get("ana", "/notifications", unread=True))["items"]
    assert {(entry["data"]["chat_id"], entry["data"]["seq"]) for entry in unread} == {
        (group["id"], 5),
        (direct["id"], 2),
    }


@pytest.mark.parametrize("change", [{"unsubscribed": True}, {"email": None}, {"closed_at": "now"}])
async def test_a_journey_that_would_send_no_mail_is_not_told(
    room: ChatRoom, sara: Client, change: dict[str, Any]
) -> None:
    chat = await room.starts("desk", "care_team", sara)
    if "closed_at" in change:
        change = {"closed_at": sara.created_at + timedelta(days=7)}
    await room.change(sara, **change)
    await room.writes("desk", chat)
    assert room.told() == []
    async with room.rows.sessions() as session:
        assert len((await session.exec(select(ChatMessage))).all()) == 1


async def test_an_archive_that_comes_at_the_same_moment_is_waited_for(
    room: ChatRoom, sara: Client, otto: Client
) -> None:
    group = await room.starts("desk", "group", otto, title="Mondays")
    async with room.rows.sessions() as session:
        (await lock_client(session, sara.id)).status = ClientStatus.ARCHIVED
        await session.flush()
        joining = asyncio.create_task(
            room.ask("desk", "POST", f"/chats/{group['id']}/members", {"client_id": str(sara.id)})
        )
        starting = asyncio.create_task(
            room.ask("desk", "POST", "/chats", {"kind": "care_team", "members": [str(sara.id)]})
        )
        blast = asyncio.create_task(room.ask("ana", "POST", "/blasts", {"text": "News", "all": True}))
        done, _ = await asyncio.wait([joining, starting, blast], timeout=0.5)
        assert not done
        await session.commit()
    assert problem_of(await joining) == problem_of(await starting) == "client-archived"
    assert [line["client_id"] for line in (await blast).json()["left_out"]] == [str(sara.id)]
    assert await room.chats_of("sara") == []


async def test_no_chat_is_begun_for_a_record_that_is_joined_or_closed_meanwhile(
    room: ChatRoom, sara: Client, otto: Client
) -> None:
    group = await room.starts("desk", "group", otto, title="Mondays")
    s = str(sara.id)
    calls: list[tuple[str, str, Any]] = [
        ("desk", f"/chats/{group['id']}/members", {"client_id": s}),
        ("desk", "/chats", {"kind": "group", "members": [str(otto.id), s], "title": "Fridays"}),
        ("ana", "/chats", {"kind": "direct", "members": [s]}),
        ("sara", "/chats", {"kind": "care_team", "members": [s]}),
    ]
    async with room.rows.sessions() as session:
        row = await lock_client(session, sara.id)
        row.joined_into, row.closed_at = otto.id, sara.created_at
        await session.flush()
        asked = [asyncio.create_task(room.ask(by, "POST", path, body)) for by, path, body in calls]
        assert not (await asyncio.wait(asked, timeout=0.5))[0]
        await session.commit()
    answers = await asyncio.gather(*asked)
    assert [fields_of(answer) for answer in answers[:2]] == [["client_id"], ["members[1]"]]
    assert [problem_of(answer) for answer in answers[2:]] == ["not-found", "not-found"]
    async with room.rows.sessions() as session:
        assert {member.client_id for member in await session.exec(select(ChatMember))} == {otto.id}
