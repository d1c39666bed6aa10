"""Attack: journeys in bulk."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from activities.types.clients import Opened
from api.problems import EngineUnavailable
from rules.accounts.budgets import NETWORKS_MOST
from rules.policy import JourneyPolicy
from rules.refusals import invalid
from tests.api.booking.test_hold_limits import visitor
from tests.api.conftest import DESK, SITE, StandingClock, ToldEngine, problem_of
from tests.api.engine.test_asking import _facts
from tests.care.rows import Rows
from tests.statements import statements

MOST = JourneyPolicy().journeys_per_visitor
BODY = {"source": "direct_booking", "therapist": "ana"}


@pytest.fixture(autouse=True)
async def opens(rows: Rows, engine: ToldEngine) -> None:
    await rows.therapist("ana")
    engine.answers_to["begin"] = Opened(facts=_facts(therapist="ana"), therapist="ana", match={"therapist": "ana"})


async def begin(api: httpx.AsyncClient, by: dict[str, str], **headers: str) -> httpx.Response:
    return await api.post("/v1/journeys", json=BODY, headers=by | headers)


async def test_five_an_hour_of_a_visitor(api: httpx.AsyncClient, engine: ToldEngine, clock: StandingClock) -> None:
    one = visitor("one")
    for _ in range(MOST):
        assert (await begin(api, one)).status_code == 201
        clock.advance(minutes=5)
    refused = await begin(api, one)
    assert (refused.status_code, problem_of(refused)) == (429, "rate-limited")
    assert refused.headers["retry-after"] == "2100"
    assert len(engine.asked) == MOST  # nothing was begun
    assert (await begin(api, visitor("two"))).status_code == 201
    assert (await begin(api, DESK)).status_code == 201
    clock.advance(seconds=2099)
    assert (await begin(api, one)).status_code == 429
    clock.advance(seconds=1)
    assert (await begin(api, one)).status_code == 201


async def test_side_by_side_they_are_no_more(api: httpx.AsyncClient, engine: ToldEngine) -> None:
    told = [answer.status_code for answer in await asyncio.gather(*(begin(api, visitor("one")) for _ in range(30)))]
    assert (told.count(201), told.count(429)) == (MOST, 30 - MOST)
    assert len(engine.asked) == MOST


async def test_visitors_made_up_by_a_stolen_key_are_bounded_by_their_network(api: httpx.AsyncClient) -> None:
    most = MOST * NETWORKS_MOST
    told = [answer.status_code for answer in await asyncio.gather(*(begin(api, visitor(n)) for n in range(most + 20)))]
    assert (told.count(201), told.count(429)) == (most, 20)
    assert (await begin(api, visitor("else", "192.0.2.0/24"))).status_code == 201


@pytest.mark.parametrize("said", [{}, {"Visitor": ""}, {"Visitor": "x" * 65}, {"Visitor-Network": "nonsense"}])
async def test_who_names_nobody_is_one_network(api: httpx.AsyncClient, said: dict[str, str]) -> None:
    most = MOST * NETWORKS_MOST
    told = [answer.status_code for answer in await asyncio.gather(*(begin(api, SITE, **said) for _ in range(most + 5)))]
    assert (told.count(201), told.count(429)) == (most, 5)
    assert (await begin(api, SITE, Visitor="made up")).status_code == 429  # who leaves the network out is of that one


async def test_without_a_key_nothing_begins(api: httpx.AsyncClient, engine: ToldEngine) -> None:
    told = {
        (await begin(api, {}, Visitor=f"v{n}", **{"X-Forwarded-For": f"203.0.113.{n}"})).status_code for n in range(9)
    }
    assert (told, engine.asked) == ({401}, [])


async def test_what_was_refused_has_cost_nothing(api: httpx.AsyncClient, engine: ToldEngine) -> None:
    good = engine.answers_to["begin"]
    engine.answers_to["begin"] = Opened(refusal=invalid("email", "no"))
    for _ in range(MOST + 1):
        assert (await begin(api, visitor("one"))).status_code == 422
    assert (
        await api.post("/v1/journeys", json={"source": "direct_booking"}, headers=visitor("one"))
    ).status_code == 422
    engine.answers_to["begin"] = good
    for _ in range(MOST):
        assert (await begin(api, visitor("one"))).status_code == 201


async def test_the_same_request_again_is_one(api: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    answers = [await begin(api, visitor("one") | key) for _ in range(MOST + 3)]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["client_id"] for answer in answers}) == 1
    for _ in range(MOST - 1):
        assert (await begin(api, visitor("one"))).status_code == 201


async def test_a_request_that_is_sent_again_after_an_outage_counts_once(
    api: httpx.AsyncClient, engine: ToldEngine
) -> None:
    good, one = engine.answers_to["begin"], visitor("one")
    engine.answers_to["begin"] = EngineUnavailable()
    again = {"Idempotency-Key": str(uuid4())}
    for _ in range(MOST + 3):
        assert (await begin(api, one | again)).status_code == 503
    engine.answers_to["begin"] = good
    assert (await begin(api, one | again)).status_code == 201
    for _ in range(MOST - 1):
        assert (await begin(api, one)).status_code == 201
    assert (await begin(api, one)).status_code == 429
    engine.answers_to["begin"] = EngineUnavailable()
    assert (await begin(api, one | {"Idempotency-Key": str(uuid4())})).status_code == 429  # an outage is no way round


async def test_the_setting_is_followed(api: httpx.AsyncClient, app: FastAPI) -> None:
    services: Any = app.state.services
    policy = replace(services.settings.policy, journeys_per_visitor=1)
    app.state.services = replace(services, settings=replace(services.settings, policy=policy))
    try:
        assert [(await begin(api, visitor("one"))).status_code for _ in range(2)] == [201, 429]
    finally:
        app.state.services = services


async def test_counting_is_one_statement(api: httpx.AsyncClient, rows: Rows) -> None:
    async with rows.sessions() as session:
        database = session.bind
    with statements(database) as of_a_visitor:  # type: ignore[arg-type]
        await begin(api, visitor("one"))
    with statements(database) as of_the_practice:  # type: ignore[arg-type]
        await begin(api, DESK)
    # Whether there is to be a pass, the statement says that reads the match.
    assert len(of_a_visitor) == len(of_the_practice) + 1
