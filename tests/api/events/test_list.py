"""Who is told which events, and how they ask for more."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api.views.events import told as views
from models.database import Sessions
from models.tables import Client
from models.writes.events.publish import publish
from models.writes.events.removing import remove_events
from rules.events.kinds import FIELDS, EventKind
from tests.api.conftest import DESK, ROOT, SITE, problem_of
from tests.care.rows import DAY, NOW, Rows

Json = dict[str, Any]


async def publishes(sessions: Sessions, *kinds: EventKind, client: Client | None = None) -> None:
    async with sessions() as session:
        for kind in kinds:
            publish(session, kind, at=NOW, client=client)
        await session.commit()


async def reads(api: httpx.AsyncClient, by: Json, **params: Any) -> Json:
    answer = await api.get("/v1/events", headers=by, params=params)
    assert answer.status_code == 200, answer.text
    read: Json = answer.json()
    return read


async def test_the_site_is_told_what_its_clients_may_know(
    api: httpx.AsyncClient, rows: Rows, sessions: Sessions
) -> None:
    sara, tom = await rows.client(), await rows.client(test=True)
    await publishes(sessions, EventKind.CARD_SAVED, EventKind.CLIENT_ARCHIVED, client=sara)
    await publishes(sessions, EventKind.ACCOUNT_ACTIVATED, client=tom)
    everything, told = await reads(api, DESK), await reads(api, SITE)
    assert [event["kind"] for event in everything["items"]] == ["card.saved", "client.archived", "account.activated"]
    assert [event["kind"] for event in told["items"]] == ["card.saved", "account.activated"]
    assert told["after"] == everything["after"]
    first, last = told["items"]
    assert first == {
        "id": first["id"],
        "kind": "card.saved",
        "at": "2026-03-02T12:00:00Z",
        "client_id": str(sara.id),
        "ref": sara.ref,
        "data": {},
        "test": False,
    }
    assert last["test"]
    assert (await reads(api, SITE, kinds="client.archived"))["items"] == []
    own = await reads(api, DESK, client=str(sara.id), kinds=["client.archived", "account.activated"])
    assert [event["kind"] for event in own["items"]] == ["client.archived"]


async def test_who_asks_again_goes_on_where_they_were(api: httpx.AsyncClient, sessions: Sessions) -> None:
    await publishes(sessions, *[EventKind.CARD_SAVED] * 5)
    seen, after, more = [], None, True
    while more:
        read = await reads(api, SITE, limit=2, **({} if after is None else {"after": after}))
        seen += [event["id"] for event in read["items"]]
        after, more = read["after"], read["more"]
    assert len(seen) == len(set(seen)) == 5
    assert (await reads(api, SITE, after=after))["items"] == []
    await publishes(sessions, EventKind.CARD_SAVED)
    assert len((await reads(api, SITE, after=after))["items"]) == 1


async def test_what_is_not_kept_any_more_is_said_to_be_gone(api: httpx.AsyncClient, sessions: Sessions) -> None:
    await publishes(sessions, *[EventKind.CARD_SAVED] * 3)
    first = (await reads(api, SITE))["items"][0]["id"]
    async with sessions() as session:
        await remove_events(session, before=NOW + DAY, most=2)
        await session.commit()
    gone = await api.get("/v1/events", headers=SITE, params={"after": first})
    assert (gone.status_code, problem_of(gone)) == (410, "events-gone")
    assert gone.json()["after"] == first + 1
    assert len((await reads(api, SITE, after=gone.json()["after"]))["items"]) == 1
    assert len((await reads(api, SITE))["items"]) == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("kinds=card.stolen", "kinds"),
        ("after=-1", "after"),
        ("after=x", "after"),
        ("limit=0", "limit"),
        ("client=x", "client"),
    ],
)
async def test_a_wrong_question_is_refused_by_the_name_of_what_is_wrong(
    api: httpx.AsyncClient, query: str, field: str
) -> None:
    answer = await api.get(f"/v1/events?{query}", headers=SITE)
    assert (answer.status_code, problem_of(answer)) == (422, "validation-failed")
    assert field in answer.json()["errors"][0]["field"]


async def test_a_key_needs_the_scope(api: httpx.AsyncClient) -> None:
    for scopes, expected in ((["read_events"], 200), (["start_journeys"], 403), ([], 200)):
        body = {"name": f"site-{uuid4().hex[:6]}", "role": "booking_site", "scopes": scopes}
        made = await api.post("/v1/keys", json=body, headers=ROOT)
        assert made.status_code == 201, made.text
        by = {"Authorization": f"Bearer {made.json()['key']}"}
        assert (await api.get("/v1/events", headers=by)).status_code == expected


def test_every_kind_has_a_model_with_the_fields_that_may_be_told() -> None:
    models = {kind: getattr(views, _name(kind)) for kind in EventKind}
    for kind, model in models.items():
        assert model.model_fields["data"].annotation.model_fields.keys() == FIELDS[kind], kind
        assert json.dumps(kind.value) in json.dumps(model.model_json_schema())


def _name(kind: EventKind) -> str:
    return "".join(part.capitalize() for part in kind.name.split("_")) + "Event"
