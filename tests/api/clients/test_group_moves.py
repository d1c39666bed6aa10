"""Many clients moved to a group by one call: each with its result, twice as once."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlmodel import col, select

from models.database import Sessions
from models.tables import Client
from models.tables.clients.fact import Fact
from models.tables.clients.group import ClientGroup
from rules.enums import ClientStatus
from tests.api.conftest import DESK, SITE, fields_of, problem_of
from tests.care.rows import NOW, Rows


async def _move(api: httpx.AsyncClient, group: ClientGroup | None, *, by: Any = DESK, **whom: Any) -> httpx.Response:
    body = {"group": str(group.id) if group else None, **whom}
    return await api.post("/v1/group-moves", json=body, headers=by)


async def _group(rows: Rows, name: str) -> ClientGroup:
    group = ClientGroup(id=uuid4(), name=name, name_folded=name.casefold(), made_by="x", made_at=NOW)
    await rows.add(group)
    return group


def _counts(answer: httpx.Response) -> tuple[int, int, int]:
    told = answer.json()
    assert answer.status_code == 200, told
    assert len(told["results"]) == told["moved"] + told["already"] + told["left_out"]
    return told["moved"], told["already"], told["left_out"]


async def test_all_that_match_are_moved_each_with_a_fact_and_the_same_again_moves_nobody(
    api: httpx.AsyncClient, rows: Rows, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.routes.clients.group_moves.AT_ONCE", 2)
    monday, friday = await _group(rows, "Monday"), await _group(rows, "Friday")
    people = [await rows.client(first_name="Sara", last_name=f"L{number}") for number in range(5)]
    archived = await rows.client(first_name="Sara", status=ClientStatus.ARCHIVED)
    other = await rows.client(first_name="Otto", group_id=friday.id)
    every = {"filter": {"q": "Sara"}}
    assert fields_of(await _move(api, monday, **every, expected=5)) == ["expected"]
    first = await _move(api, monday, **every, expected=6)
    assert _counts(first) == (6, 0, 0)
    assert {line["result"] for line in first.json()["results"]} == {"moved"}
    again = await _move(api, monday, **every)
    assert _counts(again) == (0, 6, 0)
    assert _counts(await _move(api, friday, filter={"q": "Sara", "status": "archived"})) == (1, 0, 0)
    assert _counts(await _move(api, None, client_ids=[str(other.id), str(people[0].id)])) == (2, 0, 0)
    async with sessions() as session:
        where = {client.id: client.group_id for client in await session.exec(select(Client))}
        told = (await session.exec(select(Fact).where(col(Fact.kind) == "group_changed"))).all()
    assert where[archived.id] == friday.id
    assert where[other.id] is where[people[0].id] is None
    assert {where[person.id] for person in people[1:]} == {monday.id}
    assert len(told) == 9
    verified = await api.get(f"/v1/clients/{archived.id}/timeline/verify", headers=DESK)
    assert (verified.json()["valid"], verified.json()["facts"]) == (True, 2)


async def test_who_cannot_be_moved_is_named_and_stops_nobody(
    api: httpx.AsyncClient, rows: Rows, therapist_token: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, ben = await rows.therapist("ana"), await rows.therapist("ben")
    monday = await _group(rows, "Monday")
    own, foreign, gone = await rows.client(ana), await rows.client(ben), await rows.client(closed_at=NOW)
    told = await _move(api, monday, client_ids=[str(gone.id), str(own.id)])
    assert _counts(told) == (1, 0, 1)
    assert [line["result"] for line in told.json()["results"]] == ["left_out", "moved"]
    assert "closed" in told.json()["results"][0]["because"]
    as_ana = await therapist_token("ana")
    unknown = str(uuid4())
    refused = await _move(api, monday, by=as_ana, client_ids=[str(own.id), str(foreign.id), unknown])
    assert fields_of(refused) == ["client_ids[1]", "client_ids[2]"]
    assert _counts(await _move(api, None, by=as_ana, filter={})) == (1, 0, 0)
    assert fields_of(await _move(api, monday)) == ["client_ids"]
    assert fields_of(await _move(api, monday, filter={}, client_ids=[unknown])) == ["client_ids"]
    assert fields_of(await _move(api, monday, filter={"q": "nobody"})) == ["filter"]
    assert fields_of(await api.post("/v1/group-moves", json={"filter": {}}, headers=DESK)) == ["group"]
    nowhere = await api.post("/v1/group-moves", json={"group": unknown, "filter": {}}, headers=DESK)
    assert fields_of(nowhere) == ["group"]
    assert problem_of(await _move(api, monday, by=SITE, filter={})) == "not-allowed"
    monkeypatch.setattr("api.routes.clients.group_moves.MOST_MOVED", 1)
    assert fields_of(await _move(api, monday, filter={})) == ["filter"]
