"""``Request-Id``: every answer has one, of ours; programs may bring their own."""

from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI
from structlog.testing import capture_logs

from engine.clock import ClockUnavailable
from tests.api.callers import Callers
from tests.api.conftest import DESK, SITE, problem_of

ID = "Request-Id"


async def test_every_answer_has_one_of_its_own(api: httpx.AsyncClient) -> None:
    answers = [
        await api.get("/healthz"),
        await api.get("/v1/therapists"),
        await api.get("/v1/clients"),
        await api.get("/nowhere"),
        await api.post("/v1/sessions", content=b"{"),
        await api.delete("/v1/therapists"),
        await api.options("/v1/therapists"),
        await api.head("/v1/therapists"),
        await api.get("/healthz", headers={"X": "x" * 40_000}),
        await api.get("/v1/therapists", headers={"Host": "elsewhere.example"}),
    ]
    ids = [answer.headers[ID] for answer in answers]
    assert len(set(ids)) == len(ids)
    assert all(len(id) == 32 and id.isalnum() for id in ids)
    for answer in answers:
        if answer.headers.get("content-type") == "application/problem+json":
            assert answer.json()["request_id"] == answer.headers[ID]
    assert problem_of(answers[2]) == "unauthenticated"


async def test_a_program_may_bring_its_own(api: httpx.AsyncClient) -> None:
    given = "site-2026.03-0001"
    assert (await api.get("/v1/clients", headers=SITE | {ID: given})).headers[ID] == given
    refused = await api.get("/v1/tasks", headers=SITE | {ID: given})
    assert (problem_of(refused), refused.headers[ID]) == ("not-allowed", given)


@pytest.mark.parametrize(
    "given", ["short", "x" * 65, "a b c d e f", "-leading-dash", "brok\u00e9n-one-here", "a;b=c;d=e;f=g", ""]
)
async def test_what_is_not_well_formed_is_ours(api: httpx.AsyncClient, given: str) -> None:
    headers: Any = [("Authorization", SITE["Authorization"]), (ID, given.encode("latin-1"))]
    assert len((await api.get("/v1/clients", headers=headers)).headers[ID]) == 32


async def test_nobody_else_may(api: httpx.AsyncClient, people: Callers) -> None:
    for by in (people.by("sara"), people.by("ana"), {}, {"Authorization": "Bearer no-key"}):
        assert len((await api.get("/v1/clients", headers=by | {ID: "chosen-by-somebody"})).headers[ID]) == 32


async def test_it_stands_in_lines_of_the_log(api: httpx.AsyncClient, app: FastAPI) -> None:
    async def away() -> None:
        raise ClockUnavailable

    app.state.services.clock.now = away
    with capture_logs([structlog.contextvars.merge_contextvars]) as written:
        answer = await api.get("/v1/clients", headers=DESK | {ID: "desk-request-77"})
    assert answer.status_code == 503
    assert [line["request_id"] for line in written] == ["desk-request-77"]
