"""The same request again: the same answer, and nothing done twice."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlmodel import select

from activities.types.clients import NewJourney, Opened
from api.problems import EngineUnavailable
from engine.codec import PayloadKeys
from models.database import Sessions
from models.tables import IdempotencyKey, OccupiedTime
from models.writes.idempotency import ABANDONED_AFTER
from rules.journey.stage import JourneyFacts
from rules.refusals import Problem, Refusal
from tests.api.conftest import CIPHER, DESK, SITE, StandingClock, ToldEngine, fields_of, problem_of
from tests.care.rows import NOW, Rows
from workflows.messages import MESSAGE_WAITS

HOLD = {"type": "session", "starts_at": "2026-03-03T15:00:00Z"}


def _opened(new: NewJourney) -> Opened:
    facts = JourneyFacts(version=1, ref="REF", archived=False, created_at=NOW, therapist="ana")
    return Opened(facts=facts, therapist="ana", match={"therapist": "ana"})


async def _hold(api: httpx.AsyncClient, key: str, body: Any = None, headers: Any = SITE) -> httpx.Response:
    return await api.post("/v1/therapists/ana/holds", json=body or HOLD, headers={**headers, "Idempotency-Key": key})


async def test_again_is_the_same_answer_and_one_row(api: httpx.AsyncClient, rows: Rows, sessions: Sessions) -> None:
    await rows.therapist()
    first, second = await _hold(api, "k"), await _hold(api, "k")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second.headers["idempotent-replayed"] == "true"
    async with sessions() as session:
        assert len((await session.exec(select(OccupiedTime))).all()) == 1
        kept = (await session.exec(select(IdempotencyKey))).one()
    assert first.json()["hold_id"].encode() not in (kept.answer or b"")  # kept encrypted


async def test_the_same_body_may_be_written_differently_but_not_say_something_else(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    await rows.therapist()
    first = await _hold(api, "k")
    assert (await _hold(api, "k", dict(reversed(HOLD.items())))).json() == first.json()
    other = await _hold(api, "k", {**HOLD, "starts_at": "2026-03-04T15:00:00Z"})
    assert problem_of(other) == "idempotency-key-reused"
    assert other.status_code == 422


async def test_another_query_is_another_request(api: httpx.AsyncClient, rows: Rows, engine: ToldEngine) -> None:
    engine.answers_to[MESSAGE_WAITS] = None
    sara = await rows.client(await rows.therapist())
    body = {"kind": "care_team", "members": [str(sara.id)]}
    path = f"/v1/chats/{(await api.post('/v1/chats', json=body, headers=DESK)).json()['id']}/messages"

    async def write(key: str, **query: str) -> httpx.Response:
        return await api.post(path, json={"text": "Hello"}, params=query, headers={**DESK, "Idempotency-Key": key})

    first = await write("k")
    assert (await write("k")).json() == first.json()
    assert problem_of(await write("k", client_id=str(sara.id))) == "idempotency-key-reused"
    assert (await api.get(path, headers=DESK)).json()["items"] == [first.json()]


async def test_keys_belong_to_a_caller_and_a_route(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist("ana")
    await rows.therapist("ben")
    first = await _hold(api, "k")
    assert problem_of(await _hold(api, "k", headers=DESK)) == "slot-taken"
    other = await api.post("/v1/therapists/ben/holds", json=HOLD, headers={**SITE, "Idempotency-Key": "k"})
    assert other.status_code == 201
    assert other.json()["hold_id"] != first.json()["hold_id"]


async def test_kept_for_a_day_of_the_products_time(
    api: httpx.AsyncClient, engine: ToldEngine, clock: StandingClock, rows: Rows
) -> None:
    await rows.therapist()
    engine.answers_to["begin"] = _opened
    body = {"source": "direct_booking", "therapist": "ana"}
    headers = {**SITE, "Idempotency-Key": "k"}
    first = await api.post("/v1/journeys", json=body, headers=headers)
    assert first.status_code == 201
    clock.advance(hours=23, minutes=59)
    assert (await api.post("/v1/journeys", json=body, headers=headers)).json() == first.json()
    clock.advance(minutes=1)
    later = await api.post("/v1/journeys", json=body, headers=headers)
    assert later.json()["client_id"] != first.json()["client_id"]
    assert len(engine.asked) == 2


async def test_a_refusal_is_not_kept_and_frees_the_key(api: httpx.AsyncClient, engine: ToldEngine, rows: Rows) -> None:
    await rows.therapist()
    body = {"source": "direct_booking", "therapist": "ana"}
    headers = {**DESK, "Idempotency-Key": "k"}
    engine.answers_to["begin"] = Opened(refusal=Refusal(name=Problem.EMAIL_IN_USE, detail="Email in use."))
    assert problem_of(await api.post("/v1/journeys", json=body, headers=headers)) == "email-in-use"
    engine.answers_to["begin"] = _opened
    assert (await api.post("/v1/journeys", json={**body, "test": True}, headers=headers)).status_code == 201
    assert engine.asked[0].request_id != engine.asked[1].request_id  # the engine must not answer the old refusal


async def test_a_refusal_because_a_service_is_away_frees_the_key_too(
    api: httpx.AsyncClient, engine: ToldEngine, rows: Rows
) -> None:
    await rows.therapist()
    body = {"source": "direct_booking", "therapist": "ana"}
    headers = {**SITE, "Idempotency-Key": "k"}
    away = Refusal(name=Problem.ENGINE_UNAVAILABLE, detail="The card service cannot be reached.")
    # As the engine does it: the answer to one id stays the same.
    kept: dict[str, Opened] = {}
    engine.answers_to["begin"] = lambda new: kept.setdefault(new.request_id, Opened(refusal=away))
    assert (await api.post("/v1/journeys", json=body, headers=headers)).status_code == 503
    engine.answers_to["begin"] = lambda new: kept.get(new.request_id) or _opened(new)
    assert (await api.post("/v1/journeys", json=body, headers=headers)).status_code == 201


async def test_what_nobody_knows_the_end_of_goes_on_under_the_same_ids(
    api: httpx.AsyncClient, engine: ToldEngine, rows: Rows
) -> None:
    await rows.therapist()
    body = {"source": "direct_booking", "therapist": "ana"}
    headers = {**SITE, "Idempotency-Key": "k"}
    engine.answers_to["begin"] = EngineUnavailable()
    lost = await api.post("/v1/journeys", json=body, headers=headers)
    assert problem_of(lost) == "engine-unavailable"
    assert lost.headers["retry-after"] == "2"
    assert "Idempotency-Key" in lost.json()["detail"]
    engine.answers_to["begin"] = RuntimeError("a bug")
    assert (await api.post("/v1/journeys", json=body, headers=headers)).status_code == 500
    engine.answers_to["begin"] = _opened
    assert (await api.post("/v1/journeys", json=body, headers=headers)).status_code == 201
    assert len({asked.request_id for asked in engine.asked}) == 1
    assert len({asked.order.client_id for asked in engine.asked}) == 1


async def test_a_twin_waits_for_the_first(api: httpx.AsyncClient, engine: ToldEngine, rows: Rows) -> None:
    await rows.therapist()

    async def slowly(new: NewJourney) -> Opened:
        await asyncio.sleep(0.3)
        return _opened(new)

    engine.answers_to["begin"] = slowly
    body = {"source": "direct_booking", "therapist": "ana"}
    headers = {**SITE, "Idempotency-Key": "k"}
    answers = await asyncio.gather(*(api.post("/v1/journeys", json=body, headers=headers) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["client_id"] for answer in answers}) == 1
    assert len(engine.asked) == 1


async def test_one_that_was_abandoned_is_taken_over(
    api: httpx.AsyncClient, engine: ToldEngine, rows: Rows, sessions: Sessions
) -> None:
    await rows.therapist()
    body = {"source": "direct_booking", "therapist": "ana"}
    headers = {**SITE, "Idempotency-Key": "k"}
    engine.answers_to["begin"] = _opened
    first = await api.post("/v1/journeys", json=body, headers=headers)
    async with sessions() as session:  # as a process leaves it that was killed before it answered
        row = (await session.exec(select(IdempotencyKey))).one()
        row.status, row.answer, row.alive_at = None, None, datetime.now(UTC) - timedelta(seconds=7)
        session.add(row)
        await session.commit()
    again = await api.post("/v1/journeys", json=body, headers=headers)
    assert again.json()["client_id"] == first.json()["client_id"]


@pytest.mark.timeout(60)
async def test_what_goes_on_for_long_is_not_taken_over(api: httpx.AsyncClient, engine: ToldEngine, rows: Rows) -> None:
    await rows.therapist()

    async def slowly(new: NewJourney) -> Opened:
        await asyncio.sleep(ABANDONED_AFTER.total_seconds() + 2)
        return _opened(new)

    engine.answers_to["begin"] = slowly
    body = {"source": "direct_booking", "therapist": "ana"}
    headers = {**SITE, "Idempotency-Key": "k"}
    answers = await asyncio.gather(*(api.post("/v1/journeys", json=body, headers=headers) for _ in range(2)))
    assert {answer.status_code for answer in answers} == {201}
    assert len(engine.asked) == 1


async def test_a_key_must_be_plain(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist()
    for key in ("", " ", "a b", "x" * 256):
        assert fields_of(await _hold(api, key)) == ["Idempotency-Key"]
    assert (await _hold(api, "x" * 255)).status_code == 201


async def test_without_a_key_every_request_is_its_own(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist()
    assert (await api.post("/v1/therapists/ana/holds", json=HOLD, headers=SITE)).status_code == 201
    again = await api.post("/v1/therapists/ana/holds", json=HOLD, headers=SITE)
    assert problem_of(again) == "slot-taken"


async def test_what_is_kept_of_a_body_cannot_be_guessed_without_the_payload_keys(
    api: httpx.AsyncClient, rows: Rows, sessions: Sessions
) -> None:
    await rows.therapist()
    await api.post(
        "/v1/therapists/ana/holds",
        content=b'{"starts_at":"2026-03-03T15:00:00Z","type":"session"}',
        headers={**SITE, "Idempotency-Key": "k", "Content-Type": "application/json"},
    )
    async with sessions() as session:
        kept = (await session.exec(select(IdempotencyKey))).one()
    assert kept.body_hash != sha256(b'{"starts_at":"2026-03-03T15:00:00Z","type":"session"}').hexdigest()
    assert len(kept.body_hash) == 64


async def test_rotated_payload_keys_still_know_an_answer_and_its_request(
    api: httpx.AsyncClient, rows: Rows, app: FastAPI
) -> None:
    await rows.therapist()
    first = await _hold(api, "k")
    rotated = PayloadKeys((("two", b"2" * 32), *CIPHER.keys))
    app.state.services = replace(app.state.services, cipher=rotated)
    try:
        assert (await _hold(api, "k")).json() == first.json()
        other = await _hold(api, "k", {**HOLD, "starts_at": "2026-03-04T15:00:00Z"})
        assert problem_of(other) == "idempotency-key-reused"
    finally:
        app.state.services = replace(app.state.services, cipher=CIPHER)


async def test_old_keys_are_taken_away_a_few_with_each_new_one(
    api: httpx.AsyncClient, rows: Rows, sessions: Sessions, clock: StandingClock
) -> None:
    await rows.therapist()
    for number in range(30):
        await rows.add(
            IdempotencyKey(
                caller="anyone",
                route="POST /v1/journeys",
                key=f"old-{number}",
                body_hash="x",
                request_id=uuid4(),
                claimed_at=NOW - timedelta(minutes=number),
                alive_at=NOW,
                status=201,
            )
        )

    async def left() -> set[str]:
        async with sessions() as session:
            return set((await session.exec(select(IdempotencyKey.key))).all())

    clock.advance(hours=23, minutes=59)
    await _hold(api, "young")
    assert len(await left()) == 30 - 20 + 1  # the twenty oldest of the 29 that are a day old have gone
    assert {"old-0", "young"} <= await left()
    clock.advance(minutes=1)
    await _hold(api, "younger", {**HOLD, "starts_at": "2026-03-05T15:00:00Z"})
    assert await left() == {"young", "younger"}
