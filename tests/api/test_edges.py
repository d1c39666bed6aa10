"""The API's edges: Stripe's webhook, the payload codec, health and numbers."""

import base64
import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlmodel import select

from api.app import create_app
from api.problems import EngineUnavailable
from models.database import Sessions
from models.tables import InboundEvent
from rules.enums import Role
from rules.money.webhook_signature import signature
from tests.api.conftest import CIPHER, DESK, ROOT, SETTINGS, SITE, UI, StandingClock, ToldEngine, fields_of, problem_of
from tests.care.defaults import WEBHOOK_SECRET
from tests.care.rows import NOW, Rows

# ---------------------------------------------------------------- webhooks


async def _webhook(api: httpx.AsyncClient, event: Any, *, secret: str = WEBHOOK_SECRET, age: int = 0) -> httpx.Response:
    payload = json.dumps(event).encode()
    stamp = int(NOW.timestamp()) - age
    signed = signature(payload=payload, secret=secret, timestamp=stamp)
    headers = {"Stripe-Signature": f"t={stamp},v1={signed}"}
    return await api.post("/v1/webhooks/stripe", content=payload, headers=headers)


def _event(customer: str | None = "cus_1", id: str = "evt_1") -> dict[str, Any]:
    intent = {"id": "pi_1", "object": "payment_intent", "customer": customer, "client_secret": "hidden"}
    return {"id": id, "type": "payment_intent.succeeded", "created": 1, "data": {"object": intent}}


async def test_an_event_is_stored_once_and_handed_on_until_it_is_handled(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine, sessions: Sessions
) -> None:
    sara = await rows.client(stripe_customer="cus_1")
    engine.answers_to["inbound_event"] = EngineUnavailable()
    assert (await _webhook(api, _event())).status_code == 503  # Stripe sends it again
    engine.answers_to["inbound_event"] = None
    assert (await _webhook(api, _event())).status_code == 200
    assert [asked.workflow_id for asked in engine.asked] == [f"client-journey:{sara.id}"] * 2
    assert engine.asked[1].order == "evt_1"
    async with sessions() as session:
        stored = (await session.exec(select(InboundEvent))).one()
        assert stored.payload["data"]["object"]["id"] == "pi_1"
        assert "hidden" not in json.dumps(stored.payload)
        stored.handled_at = NOW
        session.add(stored)
        await session.commit()
    assert (await _webhook(api, _event())).status_code == 200
    assert len(engine.asked) == 2


async def test_events_of_nobody_are_kept_and_done(
    api: httpx.AsyncClient, engine: ToldEngine, sessions: Sessions
) -> None:
    assert (await _webhook(api, _event(customer=None))).status_code == 200
    assert (await _webhook(api, _event(customer="cus_other", id="evt_2"))).status_code == 200
    assert engine.asked == []
    async with sessions() as session:
        stored = (await session.exec(select(InboundEvent))).all()
    assert {row.outcome for row in stored} == {"no client of ours"}


async def test_webhooks_that_cannot_be_believed(api: httpx.AsyncClient, sessions: Sessions) -> None:
    answers = [
        await _webhook(api, _event(), secret="other"),
        await _webhook(api, _event(), age=301),
        await _webhook(api, _event(), age=-301),
        await _webhook(api, {"no": "event"}),
        await api.post("/v1/webhooks/stripe", content=b"{}"),
    ]
    for answer in answers:
        assert answer.status_code == 400
        assert problem_of(answer) == "validation-failed"
    assert (await _webhook(api, _event(id="e" * 300))).status_code == 422
    async with sessions() as session:
        assert (await session.exec(select(InboundEvent))).all() == []


# ---------------------------------------------------------------- codec, health


def _payloads(text: bytes) -> dict[str, Any]:
    encoding = base64.b64encode(b"json/plain").decode()
    return {"payloads": [{"metadata": {"encoding": encoding}, "data": base64.b64encode(text).decode()}]}


async def test_payloads_are_read_by_a_person_of_the_care_team(api: httpx.AsyncClient, rows: Rows) -> None:
    plain = _payloads(b'"Sara"')
    maria = await rows.session_of(await rows.staff("maria", Role.CARE_TEAM))
    sealed = await api.post("/codec/encode", json=plain, headers=maria)
    assert sealed.status_code == 200
    assert "Sara" not in base64.b64decode(sealed.json()["payloads"][0]["data"]).decode(errors="replace")
    assert (await api.post("/codec/decode", json=sealed.json(), headers=maria)).json() == plain
    for key in (SITE, DESK, ROOT):
        assert (await api.post("/codec/decode", json=sealed.json(), headers=key)).status_code == 403
    assert (await api.post("/codec/decode", json=sealed.json())).status_code == 401
    assert (await api.post("/codec/decode", json=sealed.json(), headers={"Origin": UI})).status_code == 401
    assert fields_of(await api.post("/codec/decode", content=b"{", headers=maria)) == ["body"]
    broken = sealed.json()
    broken["payloads"][0]["data"] = base64.b64encode(b"x" * 40).decode()
    assert fields_of(await api.post("/codec/decode", json=broken, headers=maria)) == ["payloads"]


async def test_the_ui_may_ask_from_its_own_address(
    sessions: Sessions, engine: ToldEngine, clock: StandingClock
) -> None:
    settings = replace(SETTINGS, trust_ui=True)
    app: FastAPI = create_app(sessions=sessions, engine=engine, clock=clock, settings=settings, cipher=CIPHER)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://api") as local:
        asked = await local.options("/codec/decode", headers={"Origin": UI})
        assert asked.headers["access-control-allow-origin"] == UI
        assert "authorization" in asked.headers["access-control-allow-headers"].lower()
        other = await local.options("/codec/decode", headers={"Origin": "http://evil.example"})
        assert "access-control-allow-origin" not in other.headers
        told = await local.post("/codec/decode", json=_payloads(b"1"), headers={"Origin": UI})
        assert told.status_code == 200
        evil = await local.post("/codec/decode", json=_payloads(b"1"), headers={"Origin": "http://evil.example"})
        assert evil.status_code == 401
        # Who sends a token is who the token says.
        made_up = {"Origin": UI, "Authorization": "Bearer cj_made-up"}
        assert (await local.post("/codec/decode", json=_payloads(b"1"), headers=made_up)).status_code == 401


def test_in_production_no_address_opens_payloads() -> None:
    with pytest.raises(ValueError, match="by the address of the UI alone"):
        replace(SETTINGS, trust_ui=True, https_only=True)


async def test_health_and_numbers(api: httpx.AsyncClient) -> None:
    assert (await api.get("/healthz")).json() == {"status": "ok"}
    assert (await api.get("/readyz")).json() == {"status": "ok", "database": "ok", "engine": "ok", "schema": "ok"}
    await api.get(f"/v1/clients/{uuid4()}", headers=DESK)
    numbers = (await api.get("/metrics")).text
    assert 'route="/v1/clients/{client_id}",status="404"' in numbers
    assert (await api.get("/dev/clock")).status_code == 404
