"""``Allow``, ``HEAD`` and ``OPTIONS`` tell the truth, on every path."""

from collections import defaultdict

import httpx
import pytest
from fastapi import FastAPI

from tests.api.conftest import DESK, UI, problem_of
from tests.api.edge.calls import calls_of
from tests.care.rows import Rows

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}


def _named(answer: httpx.Response) -> set[str]:
    return set(answer.headers["allow"].split(", "))


def _paths(app: FastAPI) -> dict[str, set[str]]:
    methods: dict[str, set[str]] = defaultdict(set)
    for call in calls_of(app):
        methods[call.address] |= {call.method, "OPTIONS"} | ({"HEAD"} if call.method == "GET" else set())
    return methods


async def test_every_path_says_what_it_answers_to(full: httpx.AsyncClient, full_app: FastAPI) -> None:
    for path, methods in _paths(full_app).items():
        asked = await full.options(path)
        assert (asked.status_code, asked.content) == (204, b""), path
        # A path with a parameter may be another's too: /v1/payments/totals
        assert methods <= _named(asked), path
        for method in METHODS - _named(asked):
            refused = await full.request(method, path)
            assert refused.status_code == 405, (method, path)
            assert _named(refused) == _named(asked), (method, path)


async def test_what_is_allowed_is_answered(full: httpx.AsyncClient, full_app: FastAPI) -> None:
    for path in _paths(full_app):
        for method in _named(await full.options(path)) - {"OPTIONS"}:
            # An unknown parameter is refused by whatever route there is, and before it does anything.
            answer = await full.request(method, path, params={"unknown": "1"})
            assert answer.status_code == 422, (method, path)


async def test_two_routes_of_one_path_are_named_together(api: httpx.AsyncClient) -> None:
    answer = await api.patch("/v1/therapists/ana/availability", headers=DESK)
    assert answer.headers["allow"] == "GET, HEAD, PUT, OPTIONS"
    assert problem_of(answer) == "not-allowed"


async def test_a_head_is_a_get_without_its_body(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist("ana")
    for path in ("/healthz", "/v1/therapists", "/v1/therapists/ana", "/v1/clients", "/v1/nothing"):
        read = await api.get(path, headers=DESK)
        asked = await api.head(path, headers=DESK)
        assert asked.status_code == read.status_code, path
        assert asked.content == b""
        assert ("ETag" in asked.headers) == ("ETag" in read.headers), path
        for answer in (asked, read):
            assert answer.headers.pop("Request-Id")  # another for each
            answer.headers.pop("ETag", None)  # what was seen by then is in it
        assert asked.headers == read.headers, path


async def test_a_head_is_counted_as_one(api: httpx.AsyncClient) -> None:
    await api.head("/v1/therapists")
    assert 'method="HEAD",route="/v1/therapists",status="200"' in (await api.get("/metrics")).text


async def test_a_path_that_is_not_there_has_no_options(api: httpx.AsyncClient) -> None:
    for path in ("/v1/nothing", "/v1/clients/", "/docs/"):
        assert problem_of(await api.options(path)) == "not-found"
        answer = await api.get(path)
        assert (answer.status_code, "location" in answer.headers) == (404, False)


@pytest.mark.parametrize("said", ["", "?preserveStorageRefs=true"])  # as the UI asks
async def test_the_ui_is_still_told_what_it_may_send(api: httpx.AsyncClient, said: str) -> None:
    asked = await api.options(f"/codec/decode{said}", headers={"Origin": UI})
    assert asked.headers["access-control-allow-origin"] == UI
    assert asked.headers["allow"] == "POST, OPTIONS"
