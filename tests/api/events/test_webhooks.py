"""Webhooks by the API: made, shown without their secrets, refused by name, rotated, and deliveries by page."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlmodel import select

from api.problems import EngineUnavailable
from models.sealing import opened_aside
from models.tables import Task, WebhookRecord
from models.writes.clients.tasks import open_own_task
from models.writes.events.publish import publish
from models.writes.events.webhooks import lock_endpoint, take_over
from rules.enums import TaskKind
from rules.events.kinds import EventKind
from tests.api.conftest import ROOT, StandingClock, ToldEngine, other_settings
from tests.care.rows import NOW, Rows

HOOK = {"url": "https://booking.example/hooks", "for": "site"}


@pytest.fixture
def rows(sessions: Any) -> Rows:
    return Rows(sessions)


async def made(api: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await api.post("/v1/webhooks", json=HOOK | more, headers=ROOT)
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def of(rows: Rows, id: str) -> WebhookRecord:
    async with rows.sessions() as session:
        return await session.get_one(WebhookRecord, UUID(id))


async def secrets_of(rows: Rows, id: str) -> tuple[str, str | None]:
    async with rows.sessions() as session:
        row = await session.get_one(WebhookRecord, UUID(id))
        return opened_aside(row, "secret"), opened_aside(row, "former_secret")


async def happen(rows: Rows, id: str, number: int) -> None:
    """So many events, with a delivery of each."""
    async with rows.sessions() as session:
        for _ in range(number):
            publish(session, EventKind.CARD_SAVED, at=NOW)
        await session.commit()
    async with rows.sessions() as session:
        row = await lock_endpoint(session, UUID(id))
        assert row is not None
        await take_over(session, row, limit=500, at=NOW)
        await session.commit()


async def test_its_secret_is_shown_once(api: httpx.AsyncClient, engine: ToldEngine) -> None:
    hook = await made(api, kinds=["appointment.moved", "appointment.booked"])
    assert hook["secret"].startswith("whsec_")
    assert len(hook["secret"]) == len("whsec_") + 44
    assert (hook["for"], hook["kinds"]) == ("site", ["appointment.booked", "appointment.moved"])
    assert (hook["on"], hook["waiting"], hook["made_by"]) == (True, 0, "admin:root")
    assert [asked.workflow_id for asked in engine.asked] == [f"webhook:{hook['id']}"]
    listed = (await api.get("/v1/webhooks", headers=ROOT)).json()["items"]
    one = (await api.get(f"/v1/webhooks/{hook['id']}", headers=ROOT)).json()
    assert listed == [one]
    assert "secret" not in one


async def test_where_the_engine_is_away_it_is_made_all_the_same(
    api: httpx.AsyncClient, engine: ToldEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(self: ToldEngine, endpoint_id: UUID) -> None:
        raise EngineUnavailable

    monkeypatch.setattr(ToldEngine, "wake_webhook", away)
    assert (await made(api))["secret"]


async def test_the_same_request_again_is_the_same_webhook(api: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    first = await api.post("/v1/webhooks", json=HOOK, headers=ROOT | key)
    again = await api.post("/v1/webhooks", json=HOOK, headers=ROOT | key)
    assert first.json() == again.json()
    assert len((await api.get("/v1/webhooks", headers=ROOT)).json()["items"]) == 1


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        ({"url": "http://booking.example/"}, "url", "it must begin with https://"),
        ({"url": "https://me:secret@booking.example/"}, "url", "it must have no user name or password in it"),
        ({"url": "https://127.0.0.1/"}, "url", "it leads to a private address"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, "url", "it leads to a private address"),
        ({"url": "ftp://booking.example/"}, "url", "it is no web address"),
        ({"kinds": ["client.archived", "task.opened"]}, "kinds", "alone: client.archived, task.opened"),
        ({"kinds": ["nothing.happened"]}, "kinds", ""),
        ({"for": "client"}, "for", ""),
        ({"more": 1}, "more", ""),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_made(
    api: httpx.AsyncClient, body: dict[str, Any], field: str, says: str
) -> None:
    answer = await api.post("/v1/webhooks", json=HOOK | body, headers=ROOT)
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["field"].startswith(field)
    assert says in error["message"]
    assert (await api.get("/v1/webhooks", headers=ROOT)).json()["items"] == []


async def test_on_a_private_network_an_address_may_be_plain(app: FastAPI, api: httpx.AsyncClient) -> None:
    with other_settings(app, private_addresses=True):
        assert (await made(api, url="http://10.0.0.7/hooks"))["url"] == "http://10.0.0.7/hooks"


async def test_there_are_ten_at_most(api: httpx.AsyncClient) -> None:
    for _ in range(10):
        await made(api)
    answer = await api.post("/v1/webhooks", json=HOOK, headers=ROOT)
    assert answer.status_code == 422
    assert "10 webhooks already" in answer.json()["detail"]


async def test_a_change_leaves_alone_what_it_does_not_name(api: httpx.AsyncClient, rows: Rows) -> None:
    hook = await made(api, kinds=["card.saved"])
    path = f"/v1/webhooks/{hook['id']}"
    changed = (await api.patch(path, json={"on": False}, headers=ROOT)).json()
    assert (changed["on"], changed["off_because"], changed["kinds"]) == (False, "by_hand", ["card.saved"])
    changed = (await api.patch(path, json={"url": "https://other.example/", "kinds": []}, headers=ROOT)).json()
    assert (changed["url"], changed["kinds"], changed["on"]) == ("https://other.example/", [], False)
    assert (await api.patch(path, json={"on": True}, headers=ROOT)).json()["on"]
    refused = await api.patch(path, json={"kinds": ["task.opened"]}, headers=ROOT)
    assert refused.status_code == 422
    assert (await of(rows, hook["id"])).kinds == []


async def test_after_a_rotation_both_sign_and_the_same_rotation_again_is_one(
    api: httpx.AsyncClient, rows: Rows, clock: StandingClock
) -> None:
    hook = await made(api)
    path = f"/v1/webhooks/{hook['id']}"
    rotated = (await api.post(f"{path}/rotate", headers=ROOT)).json()
    assert await secrets_of(rows, hook["id"]) == (rotated["secret"], hook["secret"])
    assert rotated["former_until"] is not None
    clock.advance(hours=25)
    assert (await api.get(path, headers=ROOT)).json()["former_until"] is None
    key = {"Idempotency-Key": str(uuid4())}
    once = (await api.post(f"{path}/rotate", headers=ROOT | key)).json()
    again = (await api.post(f"{path}/rotate", headers=ROOT | key)).json()
    assert once == again
    assert await secrets_of(rows, hook["id"]) == (once["secret"], rotated["secret"])


async def test_deliveries_are_listed_the_newest_first_by_page(api: httpx.AsyncClient, rows: Rows) -> None:
    hook = await made(api)
    await happen(rows, hook["id"], 5)
    path = f"/v1/webhooks/{hook['id']}/deliveries"
    found, cursor = [], None
    while True:
        more: dict[str, str] = {"cursor": cursor} if cursor else {}
        page = (await api.get(path, params={"limit": 2, **more}, headers=ROOT)).json()
        found += [(each["event_id"], each["kind"], each["status"]) for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len({id for id, _, _ in found}) == 5
    assert {(kind, status) for _, kind, status in found} == {("card.saved", "waiting")}
    assert (await api.get(path, params={"status": "delivered"}, headers=ROOT)).json()["items"] == []
    assert (await api.get(f"/v1/webhooks/{hook['id']}", headers=ROOT)).json()["waiting"] == 5


async def test_a_test_is_ordered_and_shown(api: httpx.AsyncClient) -> None:
    hook = await made(api)
    ordered = await api.post(f"/v1/webhooks/{hook['id']}/test", headers=ROOT)
    assert ordered.status_code == 202
    assert (ordered.json()["kind"], ordered.json()["event_id"]) == ("webhook.test", None)
    listed = (await api.get(f"/v1/webhooks/{hook['id']}/deliveries", headers=ROOT)).json()["items"]
    assert listed == [ordered.json()]


async def test_a_replay_goes_back_to_an_event_or_to_a_time(api: httpx.AsyncClient, rows: Rows) -> None:
    hook = await made(api)
    await happen(rows, hook["id"], 3)
    newest = (await of(rows, hook["id"])).cursor
    path = f"/v1/webhooks/{hook['id']}/replay"
    assert (await api.post(path, json={"since": newest - 1}, headers=ROOT)).json() == {"after": newest - 1}
    assert (await of(rows, hook["id"])).cursor == newest - 1
    assert (await api.post(path, json={"since": NOW.isoformat()}, headers=ROOT)).json() == {"after": newest - 3}
    later = await api.post(path, json={"since": "2030-01-01T00:00:00Z"}, headers=ROOT)
    assert later.json() == {"after": newest}
    for wrong in (newest + 1, -1, "yesterday", None, 1.5):
        assert (await api.post(path, json={"since": wrong}, headers=ROOT)).status_code == 422, wrong


async def test_one_that_is_removed_is_gone(api: httpx.AsyncClient, rows: Rows) -> None:
    hook = await made(api)
    path = f"/v1/webhooks/{hook['id']}"
    assert (await api.delete(path, headers=ROOT)).status_code == 204
    assert (await api.get("/v1/webhooks", headers=ROOT)).json()["items"] == []
    for call in (
        api.get(path, headers=ROOT),
        api.patch(path, json={"on": True}, headers=ROOT),
        api.post(f"{path}/test", headers=ROOT),
        api.get(f"{path}/deliveries", headers=ROOT),
        api.delete(path, headers=ROOT),
    ):
        assert (await call).status_code == 404


async def test_with_one_that_is_removed_its_task_is_done(api: httpx.AsyncClient, rows: Rows) -> None:
    hook = await made(api)
    async with rows.sessions() as session:
        data = {"webhook_id": hook["id"]}
        await open_own_task(session, key="off", kind=TaskKind.WEBHOOK_OFF, text="It is off.", at=NOW, data=data)
        await session.commit()
    assert (await api.delete(f"/v1/webhooks/{hook['id']}", headers=ROOT)).status_code == 204
    async with rows.sessions() as session:
        [task] = (await session.exec(select(Task))).all()
    assert (task.resolved_by, task.note) == ("admin:root", "It was removed.")


async def test_a_replay_from_a_time_does_not_wait_for_what_is_under_way(api: httpx.AsyncClient, rows: Rows) -> None:
    hook = await made(api)
    await happen(rows, hook["id"], 1)
    before = (await of(rows, hook["id"])).cursor
    path = f"/v1/webhooks/{hook['id']}/replay"
    async with rows.sessions() as late:
        publish(late, EventKind.CARD_SAVED, at=NOW)
        await late.flush()
        async with rows.sessions() as session:
            publish(session, EventKind.CARD_SAVED, at=NOW)
            await session.commit()
        answer = await api.post(path, json={"since": "2030-01-01T00:00:00Z"}, headers=ROOT)
        assert (answer.status_code, answer.json()) == (202, {"after": before})
