"""No call takes a query parameter that it does not declare, and each takes all that it does."""

import httpx
import pytest
from fastapi import FastAPI

from api.edge.queries import parameters_of
from tests.api.conftest import DESK, fields_of
from tests.api.edge.calls import calls_of


async def test_no_call_takes_an_unknown_parameter(full: httpx.AsyncClient, full_app: FastAPI) -> None:
    calls = [call for call in calls_of(full_app) if call.method != "OPTIONS"]
    assert len(calls) > 100
    for call in calls:
        answer = await full.request(call.method, call.address, params={"debug": "1"})
        assert answer.status_code == 422, call
        assert call.method == "HEAD" or fields_of(answer) == ["debug"], call


def test_what_is_declared_is_what_is_described(full_app: FastAPI) -> None:
    described = full_app.openapi()["paths"]
    for call in calls_of(full_app):
        if call.path in described and call.method not in ("HEAD", "OPTIONS"):
            told = described[call.path][call.method.lower()].get("parameters", [])
            names = [each["name"] for each in told if each.get("in") == "query"]
            assert sorted(parameters_of(call.route)) == sorted(names), call
    assert any(parameters_of(call.route) for call in calls_of(full_app))


@pytest.mark.parametrize(
    "query",
    ["LIMIT=3", "limit=3&limits=3", "limit[]=3", "limit=3&=1", "limit=3;cursor=", "%00=1"],
)
async def test_near_misses_are_refused_too(api: httpx.AsyncClient, query: str) -> None:
    answer = await api.get(f"/v1/clients?{query}", headers=DESK)
    assert answer.status_code == 422


async def test_a_parameter_is_said_once_unless_it_is_a_list(api: httpx.AsyncClient) -> None:
    for query in ("limit=3&limit=3", "q=a&q=b", "limit=1&q=a&limit=2"):
        assert fields_of(await api.get(f"/v1/clients?{query}", headers=DESK)) == [query.partition("=")[0]]
    several = await api.get("/v1/payments?status=owed&status=failed", headers=DESK)
    assert several.status_code == 200, several.text


async def test_a_name_is_repeated_only_where_it_is_harmless(api: httpx.AsyncClient) -> None:
    known = await api.get("/v1/clients?limt=3&zone=x", headers=DESK)
    assert fields_of(known) == ["limt", "zone"]
    for name in ("sara@mail.example", "cj_9xQ2vV1x", "<script>", "a" * 60, "п"):
        answer = await api.get("/v1/clients", params={name: "secret"}, headers=DESK)
        assert fields_of(answer) == ["query"]
        assert name not in answer.text
        assert "secret" not in answer.text


def test_the_walk_sees_the_calls_of_every_part(full_app: FastAPI) -> None:
    paths = {call.path for call in calls_of(full_app)}
    assert {"/dev/clock/advance", "/docs", "/metrics", "/codec/decode", "/v1/webhooks/stripe"} <= paths
