"""Messages of chats: their numbers, what is unread, and how much one may write."""

import asyncio
from typing import Any

from api.engine import GONE
from api.problems import EngineUnavailable
from models.paging import cursor_of
from models.tables import Client, Therapist
from tests.api.care.chat_room import ChatRoom
from tests.api.conftest import StandingClock, ToldEngine, fields_of, problem_of
from workflows.messages import MESSAGE_WAITS

SCRIPT = '<script>alert("x")</script>\n\n{{ 7 * 7 }} & \u202egnirts'


# ---------------------------------------------------------------- messages


async def test_messages_are_numbered_and_what_is_new_can_be_asked_for(
    room: ChatRoom, sara: Client, clock: StandingClock
) -> None:
    chat = await room.starts("ana", "direct", sara)
    for n in range(1, 6):
        clock.advance(seconds=1)
        message = await room.writes("sara" if n % 2 else "ana", chat, f"{n}")
        assert (message["seq"], message["text"], message["mine"]) == (n, f"{n}", True)
    path = f"/chats/{chat['id']}/messages"
    first = await room.get("ana", path, limit=2)
    assert [(m["text"], m["mine"], m["author"]["role"]) for m in first["items"]] == [
        ("1", False, "client"),
        ("2", True, "therapist"),
    ]
    second = await room.get("ana", path, limit=2, cursor=first["next_cursor"])
    assert [m["text"] for m in second["items"]] == ["3", "4"]
    third = await room.get("ana", path, limit=2, cursor=second["next_cursor"])
    assert ([m["text"] for m in third["items"]], third["next_cursor"]) == (["5"], None)
    assert await room.texts("sara", chat, after=3) == ["4", "5"]
    assert await room.texts("sara", chat, after=5) == []
    for wrong in (-1, "x", 2**31):
        assert fields_of(await room.ask("sara", "GET", path, after=wrong)) == ["after"]
    for forged in (cursor_of(2**31), cursor_of(-1), cursor_of("1_0"), cursor_of("9" * 400)):
        assert fields_of(await room.ask("sara", "GET", path, cursor=forged)) == ["cursor"]
    early = cursor_of("0001-01-01T00:00:00+23:59", chat["id"])
    assert fields_of(await room.ask("sara", "GET", "/chats", cursor=early)) == ["cursor"]


async def test_many_who_write_at_once_get_numbers_of_their_own(room: ChatRoom, sara: Client) -> None:
    chat = await room.starts("ana", "direct", sara)
    written = await asyncio.gather(*(room.writes(by, chat, f"{n}") for n in range(6) for by in ("ana", "sara")))
    assert sorted(message["seq"] for message in written) == list(range(1, 13))
    assert (await room.get("ana", f"/chats/{chat['id']}"))["last_seq"] == 12


async def test_a_message_is_text_whatever_is_in_it(room: ChatRoom, sara: Client) -> None:
    chat = await room.starts("ana", "direct", sara)
    assert (await room.writes("sara", chat, SCRIPT))["text"] == SCRIPT
    assert (await room.writes("sara", chat, "x" * 10_000))["seq"] == 2
    assert await room.texts("ana", chat) == [SCRIPT, "x" * 10_000]
    for wrong in ("", "  \n ", "x" * 10_001, "a\0b", "a\x1bb", None, 1, ["a"]):
        answer = await room.ask("sara", "POST", f"/chats/{chat['id']}/messages", {"text": wrong})
        assert fields_of(answer) == ["text"], wrong
    assert len(await room.texts("ana", chat)) == 2


async def test_a_message_that_is_sent_again_is_written_once_even_if_the_engine_was_away(
    room: ChatRoom, sara: Client, engine: ToldEngine
) -> None:
    chat = await room.starts("ana", "direct", sara)
    path, body = f"/chats/{chat['id']}/messages", {"text": "Once"}
    engine.answers_to[MESSAGE_WAITS] = EngineUnavailable()
    lost = await room.ask("ana", "POST", path, body, key="k")
    assert (lost.status_code, problem_of(lost)) == (503, "engine-unavailable")
    assert await room.texts("sara", chat) == ["Once"]
    engine.answers_to[MESSAGE_WAITS] = GONE  # the journey has ended: nobody to tell
    room.told()
    again = await room.ask("ana", "POST", path, body, key="k")
    assert (again.status_code, again.json()["seq"], room.told()) == (201, 1, [sara.id])
    assert (await room.ask("ana", "POST", path, body, key="k")).json() == again.json()
    assert room.told() == []
    assert problem_of(await room.ask("ana", "POST", path, {"text": "Twice"}, key="k")) == "idempotency-key-reused"
    assert await room.texts("sara", chat) == ["Once"]


async def test_names_are_whole_of_clients_whom_one_sees_and_first_names_of_all_others(
    room: ChatRoom, sara: Client, otto: Client
) -> None:
    group = await room.starts("desk", "group", sara, otto, title="Mondays", therapist="ben")
    for by, text in (("sara", "1"), ("otto", "2"), ("ben", "3"), ("desk", "4")):
        await room.writes(by, group, text)
    site = await room.ask("site", "POST", f"/chats/{group['id']}/messages", {"text": "5"}, for_whom=sara)
    assert site.json()["author"]["name"] == "Sara Lind"

    async def names(by: str) -> list[tuple[str, str | None, bool]]:
        items = (await room.get(by, f"/chats/{group['id']}/messages"))["items"]
        return [(m["author"]["name"], m["author"]["client_id"], m["mine"]) for m in items]

    s, o = str(sara.id), str(otto.id)
    rest = [("Ben Silva", None, False), ("The care team", None, False)]
    assert await names("otto") == [("Sara", None, False), ("Otto Lind", o, True), *rest, ("Sara", None, False)]
    assert await names("sara") == [("Sara Lind", s, True), ("Otto", None, False), *rest, ("Sara Lind", s, True)]
    # A therapist those of clients who are not theirs, too.
    assert (await names("ben"))[:2] == [("Sara", None, False), ("Otto Lind", o, False)]
    assert (await names("desk"))[:2] == [("Sara Lind", s, False), ("Otto Lind", o, False)]
    await room.change(otto, first_name=None)
    assert ("A member", None, False) in await names("sara")
    # Who is in it is for the practice; a therapist sees their own clients.
    assert "members" not in await room.get("sara", f"/chats/{group['id']}")
    assert [m["client_id"] for m in (await room.get("ben", f"/chats/{group['id']}"))["members"]] == [o]
    assert {m["client_id"] for m in (await room.get("desk", f"/chats/{group['id']}"))["members"]} == {s, o}


# ---------------------------------------------------------------- what is unread


async def test_unread_messages_are_counted_until_they_are_read_which_never_goes_back(
    room: ChatRoom, sara: Client, clock: StandingClock
) -> None:
    quiet = await room.starts("desk", "care_team", sara)
    clock.advance(seconds=1)
    chat = await room.starts("ana", "direct", sara)
    for n in range(4):
        clock.advance(seconds=1)
        await room.writes("ana", chat, f"{n}")
    [newest, other] = (await room.get("sara", "/chats"))["items"]
    assert (newest["id"], newest["unread"], newest["last_seq"]) == (chat["id"], 4, 4)
    assert newest["last_message_at"] == clock.time.isoformat().replace("+00:00", "Z")
    assert (other["id"], other["unread"], other["last_message_at"]) == (quiet["id"], 0, None)
    assert (await room.get("ana", f"/chats/{chat['id']}"))["unread"] == 0  # whoever writes has read

    async def reads(body: Any, **params: Any) -> tuple[int, int]:
        by = "site" if params else "sara"
        answer = await room.ask(by, "POST", f"/chats/{chat['id']}/read", body, **params)
        return answer.json()["read_seq"], answer.json()["unread"]

    assert await reads({"seq": 2}) == (2, 2)
    assert await reads({"seq": 1}) == (2, 2)
    assert await reads({"seq": 0}) == (2, 2)
    assert await reads({"seq": 99}, for_whom=sara) == (4, 0)  # for all who act for Sara
    await room.writes("ana", chat)
    assert await reads(None) == (5, 0)
    for wrong in (-1, 1.5, "1", 2**31):
        assert fields_of(await room.ask("sara", "POST", f"/chats/{chat['id']}/read", {"seq": wrong})) == ["seq"]


async def test_who_writes_has_read_no_more_than_they_were_shown(room: ChatRoom, sara: Client) -> None:
    chat = await room.starts("ana", "direct", sara)
    path = f"/chats/{chat['id']}"

    async def writes(**more: Any) -> tuple[int, int]:
        answer = await room.ask("sara", "POST", f"{path}/messages", {"text": "Hello", **more})
        assert answer.status_code == 201, answer.text
        now = await room.get("sara", path)
        return now["read_seq"], now["unread"]

    for _ in range(3):
        await room.writes("ana", chat)
    assert await writes() == (0, 4)
    assert await writes(read_seq=2) == (2, 3)
    assert await writes(read_seq=1) == (2, 4)
    assert await writes(read_seq=6) == (7, 0)
    assert await writes() == (8, 0)
    await room.writes("ana", chat)
    # A blast is written without a look into the chats, and the client's messages are still news to the therapist.
    await room.ask("ana", "POST", "/blasts", {"text": "News", "all": True})
    assert (await room.get("ana", path))["read_seq"] == 3
    for wrong in (-1, 2**31, "1", 1.5):
        answer = await room.ask("sara", "POST", f"{path}/messages", {"text": "x", "read_seq": wrong})
        assert fields_of(answer) == ["read_seq"]


async def test_a_client_writes_so_many_messages_in_a_minute_and_no_more(
    room: ChatRoom, sara: Client, otto: Client, clock: StandingClock
) -> None:
    group = await room.starts("desk", "group", sara, otto, title="Mondays", therapist="ana")
    path = f"/chats/{group['id']}/messages"
    await room.writes("sara", group)
    clock.advance(seconds=20)
    for n in range(29):
        key = {"key": "last"} if n == 28 else {}
        assert (await room.ask("site", "POST", path, {"text": "Hello"}, for_whom=sara, **key)).status_code == 201
    for by in ("sara", "site"):
        answer = await room.ask(by, "POST", path, {"text": "Hello"})
        assert (answer.status_code, problem_of(answer), answer.headers["retry-after"]) == (429, "rate-limited", "40")
    again = await room.ask("site", "POST", path, {"text": "Hello"}, key="last")
    assert (again.status_code, again.json()["seq"]) == (201, 30)
    for by in ("otto", "ana", "desk"):  # each for themselves; the practice as it needs to
        await room.writes(by, group)
    await room.starts("sara", "care_team", sara)
    clock.advance(seconds=40)
    await room.writes("sara", group)
    assert (await room.ask("sara", "POST", path, {"text": "Hello"})).status_code == 429


async def test_the_list_has_pages_the_newest_first(room: ChatRoom, ana: Therapist, clock: StandingClock) -> None:
    clients = [await room.client(ana, name) for name in ("a", "b", "c", "d", "e")]
    made = []
    for client in clients:
        clock.advance(seconds=1)
        made.append(await room.starts("ana", "direct", client))
    clock.advance(seconds=1)
    await room.writes("ana", made[1])
    order = [made[n]["id"] for n in (1, 4, 3, 2, 0)]
    got: list[str] = []
    cursor = None
    while cursor is not None or not got:
        page = await room.get("ana", "/chats", limit=2, **({"cursor": cursor} if cursor else {}))
        got += [chat["id"] for chat in page["items"]]
        cursor = page["next_cursor"]
    assert got == order
