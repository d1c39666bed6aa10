"""Client groups: their names, who is in them, and who may say so."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from activities.types.clients import DetailsOrder, Done
from models.database import Sessions
from models.tables import Client
from models.writes.clients.groups import make_group
from rules.enums import ClientStatus, Stage
from tests.api.conftest import DESK, SITE, ToldEngine, fields_of, problem_of
from tests.care.rows import NOW, Rows


async def made(api: httpx.AsyncClient, name: str, **more: Any) -> httpx.Response:
    return await api.post("/v1/groups", json={"name": name}, headers=DESK | more)


async def test_a_group_has_one_name_however_it_is_spelled(api: httpx.AsyncClient) -> None:
    answer = await made(api, "  Monday   Circle ", **{"Idempotency-Key": "one"})
    again = await made(api, "  Monday   Circle ", **{"Idempotency-Key": "one"})
    assert (answer.status_code, again.json()) == (201, answer.json())
    group = answer.json()
    assert (group["name"], group["active"], group["archived"]) == ("Monday Circle", 0, 0)
    for name in ("Monday Circle", "monday circle", "MONDAY\u2003CIRCLE", "Ｍonday Circle", "Monday\u202e Circle"):
        assert fields_of(await made(api, name)) == ["name"], name
    for wrong in ("", "  ", "\u202e", "a\nb", "x" * 201, "\ufdfa" * 20):
        assert fields_of(await made(api, wrong)) == ["name"], wrong

    other = (await made(api, "Straße")).json()
    assert fields_of(await made(api, "STRASSE")) == ["name"]
    path = f"/v1/groups/{other['id']}"
    assert fields_of(await api.patch(path, json={"name": "Monday circle"}, headers=DESK)) == ["name"]
    for _ in range(2):
        renamed = await api.patch(path, json={"name": "STRASSE"}, headers=DESK)
        assert (renamed.status_code, renamed.json()) == (200, other | {"name": "STRASSE"})
    assert (await api.get(path, headers=DESK)).json()["name"] == "STRASSE"
    missing = f"/v1/groups/{uuid4()}"
    assert problem_of(await api.get(missing, headers=DESK)) == "not-found"
    assert problem_of(await api.patch(missing, json={"name": "New"}, headers=DESK)) == "not-found"
    assert (await api.delete(path, headers=DESK)).status_code == 405  # nothing is ever deleted

    page = (await api.get("/v1/groups?limit=1", headers=DESK)).json()
    rest = (await api.get("/v1/groups", params={"cursor": page["next_cursor"]}, headers=DESK)).json()
    assert {line["id"] for line in page["items"] + rest["items"]} == {group["id"], other["id"]}
    assert rest["next_cursor"] is None
    for method, where in (("GET", "/v1/groups"), ("GET", path), ("POST", "/v1/groups"), ("PATCH", path)):
        body = None if method == "GET" else {"name": "Theirs"}
        assert problem_of(await api.request(method, where, json=body, headers=SITE)) == "not-allowed"


async def test_a_group_that_is_renamed_while_another_is_made_finds_the_name_taken(
    api: httpx.AsyncClient, sessions: Sessions
) -> None:
    path = f"/v1/groups/{(await made(api, 'Monday')).json()['id']}"
    async with sessions() as session:
        await make_group(session, id=uuid4(), name="Friday", name_folded="friday", by="x", at=NOW)
        renaming = asyncio.create_task(api.patch(path, json={"name": "FRIDAY"}, headers=DESK))
        assert not (await asyncio.wait([renaming], timeout=0.3))[0]
        await session.commit()
    assert fields_of(await renaming) == ["name"]
    assert (await api.get(path, headers=DESK)).json()["name"] == "Monday"


async def test_a_group_counts_its_members(api: httpx.AsyncClient, rows: Rows, sessions: Sessions) -> None:
    group = (await made(api, "Circle")).json()
    people = [
        await rows.client(),
        await rows.client(),
        await rows.client(status=ClientStatus.ARCHIVED, stage=Stage.ARCHIVED),
        await rows.client(),
    ]
    async with sessions() as session:
        for person in people[:3]:
            (await session.get_one(Client, person.id)).group_id = group["id"]
        await session.commit()
    seen = (await api.get(f"/v1/groups/{group['id']}", headers=DESK)).json()
    assert (seen["active"], seen["archived"]) == (2, 1)
    [listed] = (await api.get("/v1/groups", headers=DESK)).json()["items"]
    assert listed == seen
    found = (await api.get(f"/v1/clients?group={group['id']}", headers=DESK)).json()["items"]
    assert {client["id"] for client in found} == {str(person.id) for person in people[:3]}


@pytest.mark.parametrize(
    ("body", "site", "desk"),
    [
        ({"first_name": "Sara"}, True, True),
        ({"unsubscribed": True}, True, True),
        ({"group": None}, False, True),
        ({"group": "0190c0de-0000-7000-8000-000000000000"}, False, True),
        ({"portal_settings": {"chat": False}}, False, True),
    ],
)
async def test_who_may_change_what_of_a_client(
    *, api: httpx.AsyncClient, rows: Rows, engine: ToldEngine, body: dict[str, Any], site: bool, desk: bool
) -> None:
    sara = await rows.client()
    engine.answers_to["change_details"] = Done()
    for who, allowed in ((SITE, site), (DESK, desk)):
        engine.asked.clear()
        answer = await api.patch(f"/v1/clients/{sara.id}", json=body, headers=who)
        if not allowed:
            assert problem_of(answer) == "not-allowed"
            assert engine.asked == []
            continue
        assert answer.status_code == 200
        [asked] = engine.asked
        assert isinstance(asked.order, DetailsOrder)
        said = asked.order.group
        assert (said is not None) is ("group" in body)
        assert said is None or said.group_id == body["group"]
    wrong = await api.patch(f"/v1/clients/{sara.id}", json={"group": "Circle"}, headers=DESK)
    assert fields_of(wrong) == ["group"]
