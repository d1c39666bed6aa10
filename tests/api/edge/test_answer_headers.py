"""What every answer carries: of routes, of refusals, of faults."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.api.callers import Callers
from tests.api.conftest import DESK, ToldEngine, problem_of
from tests.api.edge.calls import calls_of

ALWAYS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "strict-transport-security": "max-age=31536000",
}


def _lacks(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in ALWAYS.items() if answer.headers.get(name) != value}


async def test_every_call_answers_with_them(full: httpx.AsyncClient, full_app: FastAPI) -> None:
    for call in calls_of(full_app):
        answer = await full.request(call.method, call.address, params={"unknown": "1"}, headers=DESK)
        assert _lacks(answer) == {}, call
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; "), call


@pytest.mark.parametrize(
    ("path", "more", "status"),
    [
        ("/nothing", {}, 404),
        ("/v1/clients", {"headers": {"Host": "evil.example"}}, 421),
        ("/v1/clients", {"headers": {"Content-Encoding": "gzip"}}, 415),
        ("/v1/clients", {"headers": {"X": "y" * 40_000}}, 431),
        ("/v1/clients?a=%00", {}, 422),
        ("/v1/therapists", {}, 500),  # nothing is behind this application
    ],
)
async def test_so_do_refusals_and_faults(full: httpx.AsyncClient, path: str, more: Any, status: int) -> None:
    answer = await full.get(path, **more)
    assert answer.status_code == status, answer.text
    assert _lacks(answer) == {}


async def test_a_fault_says_nothing_of_itself(full: httpx.AsyncClient) -> None:
    answer = await full.get("/v1/therapists")
    assert problem_of(answer) == "internal-error"
    assert "None" not in answer.text


async def test_what_belongs_to_a_person_is_kept_by_no_cache(
    api: httpx.AsyncClient, people: Callers, engine: ToldEngine
) -> None:
    """Not even what its route lets others keep: a feed, read with a token."""
    made = await api.post("/v1/therapists/ana/feed", headers=DESK)
    feed = httpx.URL(made.json()["url"]).path
    assert (await api.get(feed)).headers["cache-control"].startswith("private, max-age=")
    assert (await api.get(feed, headers=DESK)).headers["cache-control"] == "no-store"
    for path in (f"/v1/clients/{people.sara.id}", "/v1/therapists", "/v1/appointments"):
        answer = await api.get(path, headers=people.headers["sara"])
        assert (
            answer.headers["cache-control"] == "private, no-cache"
        )  # kept by whoever asked, and asked about each time
        assert answer.headers["vary"] == "Authorization, On-Behalf-Of, Acting-As, Accept"


async def test_https_is_told_only_where_it_is(api: httpx.AsyncClient) -> None:
    assert "strict-transport-security" not in (await api.get("/healthz")).headers
