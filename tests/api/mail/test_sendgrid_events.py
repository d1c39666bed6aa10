"""SendGrid's event webhook: what is believed, stored once, and handed on to which journey."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI
from sqlmodel import select

from api.app import create_app
from api.engine import GONE
from api.problems import EngineUnavailable
from api.settings import ApiSettings
from models.database import Sessions
from models.tables import Client, InboundEvent, OutboxItem, Task
from models.tables.mail.outbox import OutboxKind, OutboxStatus
from rules.enums import TaskKind
from rules.mail.events import MOST_EVENTS
from sandbox.sendgrid.events import sign
from tests.api.conftest import StandingClock, ToldEngine, fields_of
from tests.care.defaults import LETTERHEAD
from tests.care.rows import NOW, Rows

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"


async def _mail(rows: Rows, client: Client | None, key: str = "welcome:1:first", message_id: str | None = "m1") -> None:
    await rows.add(
        OutboxItem(
            key=key,
            template="welcome",
            client_id=client.id if client is not None else None,
            recipient="sara@mail.example",
            status=OutboxStatus.SENT,
            kind=OutboxKind.MAIL,
            order={},
            made_at=NOW,
            sent_at=NOW,
            message_id=message_id,
        )
    )


def _event(type: str = "bounce", id: str = "e1", **more: Any) -> dict[str, Any]:
    usual = {"sg_event_id": id, "event": type, "timestamp": int(NOW.timestamp()), "email": "sara@mail.example"}
    return {**usual, "key": "welcome:1:first", "reason": "550 sara@mail.example?", **more}


async def _post(api: httpx.AsyncClient, events: Any, *, age: int = 0, **headers: str) -> httpx.Response:
    body = events if isinstance(events, bytes) else json.dumps(events).encode()
    signed = sign(body, timestamp=int(NOW.timestamp()) - age) | headers
    return await api.post("/v1/webhooks/sendgrid", content=body, headers=signed)


async def _stored(sessions: Sessions) -> dict[str, InboundEvent]:
    async with sessions() as session:
        return {row.id: row for row in await session.exec(select(InboundEvent))}


async def test_news_are_stored_once_and_handed_on_until_they_are_handled(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine, sessions: Sessions
) -> None:
    sara = await rows.client()
    await _mail(rows, sara)
    engine.answers_to["inbound_event"] = EngineUnavailable()
    assert (await _post(api, [_event()])).status_code == 503  # SendGrid sends it again
    engine.answers_to["inbound_event"] = None
    answer = await _post(api, [_event(), _event(), _event("delivered", "e2"), _event("dropped", "e3", key=None)])
    assert (answer.status_code, answer.json()) == (200, {"received": True})
    assert [(asked.workflow_id, asked.order) for asked in engine.asked] == [
        (f"client-journey:{sara.id}", "sendgrid:e1")
    ] * 2
    stored = await _stored(sessions)
    assert set(stored) == {"sendgrid:e1", "sendgrid:e2", "sendgrid:e3"}
    assert stored["sendgrid:e1"].handled_at is None  # by the journey
    assert (stored["sendgrid:e1"].vendor, stored["sendgrid:e1"].type) == ("sendgrid", "bounce")
    assert stored["sendgrid:e2"].outcome == "nothing to act on"
    assert stored["sendgrid:e3"].outcome == "not about a mail of ours"
    assert not any("sara" in json.dumps(row.payload) for row in stored.values())
    async with sessions() as session:
        row = await session.get_one(InboundEvent, "sendgrid:e1")
        row.handled_at, row.outcome = NOW, "recorded"
        session.add(row)
        await session.commit()
    assert (await _post(api, [_event()])).status_code == 200
    assert len(engine.asked) == 2


async def test_a_mail_is_found_by_its_key_or_by_the_service_s_own_id(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine, sessions: Sessions
) -> None:
    engine.answers_to["inbound_event"] = None
    sara, own, gone = await rows.client(), await rows.client(), await rows.client()
    joined = await rows.client(joined_into=own.id)
    await _mail(rows, sara)
    await _mail(rows, joined, key="welcome:2:first", message_id="m2")
    await _mail(rows, gone, key="welcome:3:first", message_id=None)
    await _post(api, [_event(key="a foreign key", sg_message_id="m1.recvd-1.0")])
    await _post(api, [_event(id="e2", key=None, sg_message_id="m2")])
    assert [asked.workflow_id.rpartition(":")[2] for asked in engine.asked] == [str(sara.id), str(own.id)]
    engine.answers_to["inbound_event"] = GONE
    await _post(api, [_event(id="e3", key="welcome:3:first"), _event(id="e4", key=str(uuid4()), sg_message_id="m9.x")])
    stored = await _stored(sessions)
    assert stored["sendgrid:e3"].outcome == "the journey has ended"
    assert stored["sendgrid:e4"].outcome == "not about a mail of ours"


async def test_a_mail_of_the_practices_own_that_does_not_arrive_is_one_task(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine, sessions: Sessions
) -> None:
    await _mail(rows, None, key="daily_anchor:1:1")
    for id in ("e1", "e2"):
        assert (await _post(api, [_event(id=id, key="daily_anchor:1:1")])).status_code == 200
    assert engine.asked == []
    assert {row.outcome for row in (await _stored(sessions)).values()} == {"not about a client"}
    async with sessions() as session:
        [task] = (await session.exec(select(Task))).all()
    assert (task.kind, task.client_id, "daily_anchor:1:1" in task.text) == (TaskKind.MAIL_UNDELIVERABLE, None, True)
    assert "sara" not in task.text


async def test_nothing_moves_for_what_cannot_be_believed(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine, sessions: Sessions, clock: StandingClock
) -> None:
    await _mail(rows, await rows.client())
    engine.answers_to["inbound_event"] = None
    good = sign(json.dumps([_event()]).encode(), timestamp=int(NOW.timestamp()))
    for events, age, headers in (
        ([_event()], 301, {}),
        ([_event()], -301, {}),
        ([_event()], 0, {TIMESTAMP: str(int(NOW.timestamp()) - 1)}),
        ([_event()], 0, {TIMESTAMP: ""}),
        ([_event()], 0, {SIGNATURE: ""}),
        ([_event()], 0, {SIGNATURE: "nonsense"}),
        ([_event(id="another")], 0, {SIGNATURE: good[SIGNATURE]}),
        (_event(), 0, {}),
        (b"", 0, {}),
        (b"not json", 0, {}),
        ([{}] * (MOST_EVENTS + 1), 0, {}),
    ):
        answer = await _post(api, events, age=age, **headers)
        assert answer.status_code == 400
        assert fields_of(answer) == [SIGNATURE]
    assert (await api.post("/v1/webhooks/sendgrid", json=[_event()])).status_code == 400
    clock.time += timedelta(hours=1)  # what was genuine once is not any more
    assert (await _post(api, [_event()])).status_code == 400
    clock.time = NOW
    assert (await _stored(sessions), engine.asked) == ({}, [])
    # One broken entry holds up none of the others, and an empty list is none.
    entries: list[Any] = [7, {"event": "bounce"}, _event("open")]
    for some in ([], entries):
        assert (await _post(api, some)).status_code == 200
    assert set(await _stored(sessions)) == {"sendgrid:e1"}


async def test_without_a_key_nothing_is_believed(app: FastAPI, sessions: Sessions) -> None:
    services = app.state.services
    settings = ApiSettings(
        letterhead=LETTERHEAD,
        public_url="https://care.example",
        staff_url="https://care.example/staff",
        email_from="a@b.c",
        care_team_email="care-team@practice.example",
        service_keys=(),
        allowed_hosts=("api",),
        stripe_webhook_secret="",
    )
    bare = create_app(
        sessions=sessions, engine=services.engine, clock=services.clock, settings=settings, cipher=services.cipher
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=bare), base_url="http://api") as api:
        assert (await _post(api, [_event()])).status_code == 400


async def test_a_full_list_is_taken_in_one_go(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine, sessions: Sessions
) -> None:
    sara = await rows.client()
    await _mail(rows, sara)
    engine.answers_to["inbound_event"] = None
    events = [_event("bounce" if n < 30 else "delivered", f"e{n}", email="", reason="") for n in range(MOST_EVENTS)]
    assert (await _post(api, events)).status_code == 200
    assert len(engine.asked) == 30
    assert len(await _stored(sessions)) == MOST_EVENTS
