"""Attack: a request that says it was meant for somebody else's host, so that links are made from it."""

import httpx
import pytest

from tests.api.conftest import problem_of


@pytest.mark.parametrize("host", ["api", "API:8000", "care.example", "care.example:443", "any.below.example"])
async def test_own_hosts_are_served(full: httpx.AsyncClient, host: str) -> None:
    assert (await full.get("/openapi.json", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "api.evil.example",
        "care.example.evil.example",
        "below.example",
        "127.0.0.1",
        "",
        "api@evil.example",
        "care.example, evil.example",
        "[::1",
    ],
)
@pytest.mark.parametrize("path", ["/v1/therapists", "/openapi.json", "/v1/webhooks/stripe", "/nothing"])
async def test_others_are_not(full: httpx.AsyncClient, host: str, path: str) -> None:
    answer = await full.get(path, headers={"Host": host})
    assert answer.status_code == 421
    assert problem_of(answer) == "not-found"
    assert "evil" not in answer.text
    assert answer.headers["connection"] == "close"


async def test_what_another_header_says_counts_for_nothing(full: httpx.AsyncClient) -> None:
    answer = await full.get("/openapi.json", headers={"Host": "evil.example", "X-Forwarded-Host": "api"})
    assert answer.status_code == 421


async def test_who_watches_asks_by_address(full: httpx.AsyncClient) -> None:
    assert (await full.get("/healthz", headers={"Host": "10.0.0.7:8000"})).status_code == 200
