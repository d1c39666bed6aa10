"""A provider that is away, slow, or not what it should be: it is said so, and nobody else has to wait."""

import asyncio
from time import monotonic
from typing import Any

import pytest
from fastapi.responses import JSONResponse, RedirectResponse, Response

from api.accounts.oidc import fetching
from rules.accounts.accesses import AccessEvent
from rules.enums import Role
from tests.api.access_log.log import lines
from tests.api.accounts.oidc.conftest import SignIns
from tests.api.conftest import problem_of
from tests.care.rows import Rows

DISCOVERY = "/.well-known/openid-configuration"
BY_PASSWORD = {"email": "maria@practice.example", "password": "correct horse battery", "side": "staff"}


@pytest.fixture(autouse=True)
async def maria(rows: Rows) -> None:
    await rows.staff("maria", Role.CARE_TEAM, password="correct horse battery")


def is_away(answer: Any) -> None:
    assert answer.status_code == 503, answer.text
    assert problem_of(answer) == "engine-unavailable"
    assert "sign in by password" in answer.json()["detail"]


def large() -> Response:
    return JSONResponse({"issuer": "x" * (fetching.LONGEST + 1)})


ANSWERS = {
    "a fault": lambda: Response(status_code=500),
    "busy": lambda: Response(status_code=429),
    "not there": lambda: JSONResponse({}, 404),
    "a redirect": lambda: RedirectResponse("https://evil.example/"),
    "no JSON": lambda: Response("<html>"),
    "no object": lambda: JSONResponse([]),
    "too deep": lambda: Response("[" * 100_000),
    "too large": large,
}


@pytest.mark.parametrize("path", [DISCOVERY, "/token", "/keys"])
@pytest.mark.parametrize("what", ANSWERS)
async def test_what_a_provider_must_not_answer(sign_ins: SignIns, path: str, what: str) -> None:
    sign_ins.provider.answers[path] = ANSWERS[what]()
    if path == DISCOVERY:
        is_away(await sign_ins.api.post("/v1/sessions/oidc"))
    else:
        is_away(await sign_ins.signs_in())
    assert (await sign_ins.api.post("/v1/sessions", json=BY_PASSWORD)).status_code == 201
    assert await lines(sign_ins.app.state.services.sessions, AccessEvent.FAILED_SIGN_IN) == []
    sign_ins.provider.answers.clear()
    sign_ins.real.advance(seconds=10)
    assert (await sign_ins.signs_in()).status_code == 201


@pytest.mark.parametrize(
    "published",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "http://provider.example/token"},
        {"token_endpoint": "file:///etc/passwd"},
        {"token_endpoint": "https://name:secret@provider.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": "http://10.0.0.1/keys"},
        {"jwks_uri": 1},
        {"jwks_uri": "https://[x/"},
    ],
)
async def test_what_a_provider_must_not_publish(sign_ins: SignIns, published: Any) -> None:
    """Another issuer's endpoints, and addresses that are not of https: plain ones are for this machine alone."""
    sign_ins.provider.discovery = published
    is_away(await sign_ins.api.post("/v1/sessions/oidc"))


async def test_an_issuer_of_another_machine_is_asked_by_https_alone() -> None:
    assert not fetching.may_be_asked("http://127.0.0.1/keys", plain=False)
    assert fetching.may_be_asked("http://localhost:8000/keys", plain=True)
    assert not fetching.may_be_asked("http://provider.example/keys", plain=True)
    assert fetching.may_be_asked("https://provider.example/keys", plain=False)


async def test_a_provider_that_is_slow_holds_nobody_else_up(sign_ins: SignIns, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call ends in time; whoever comes meanwhile, and just afterwards, is answered at once."""
    monkeypatch.setattr(fetching, "WITHIN", 3)
    sign_ins.provider.delay = 8
    begun = monotonic()
    waiting = [asyncio.create_task(sign_ins.api.post("/v1/sessions/oidc")) for _ in range(5)]
    await asyncio.sleep(0.1)
    assert (await sign_ins.api.post("/v1/sessions", json=BY_PASSWORD)).status_code == 201
    assert not any(task.done() for task in waiting)
    for answer in await asyncio.gather(*waiting):
        is_away(answer)
    assert monotonic() - begun < 20
    assert sign_ins.provider.asked[DISCOVERY] == 1


async def test_a_provider_that_answers_drop_by_drop_is_left(sign_ins: SignIns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "WITHIN", 0.5)
    sign_ins.provider.drops = DISCOVERY
    begun = monotonic()
    is_away(await sign_ins.api.post("/v1/sessions/oidc"))
    assert monotonic() - begun < 2


async def test_nobody_at_the_address(sign_ins: SignIns) -> None:
    sign_ins.provider.url = "http://127.0.0.1:9"
    sign_ins.trusts()
    is_away(await sign_ins.api.post("/v1/sessions/oidc"))


async def test_what_is_published_is_kept_for_an_hour(sign_ins: SignIns) -> None:
    for _ in range(3):
        await sign_ins.begins()
    assert sign_ins.provider.asked[DISCOVERY] == 1
    sign_ins.real.advance(hours=1)
    await sign_ins.begins()
    assert sign_ins.provider.asked[DISCOVERY] == 2


async def test_a_wrong_secret_is_the_practices_fault_and_nobodys_failed_sign_in(
    sign_ins: SignIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.care.signing_in.oidc_provider.CLIENT_SECRET", "another")
    is_away(await sign_ins.signs_in())
    assert await lines(sign_ins.app.state.services.sessions, AccessEvent.FAILED_SIGN_IN) == []


async def test_a_provider_that_takes_the_secret_in_the_form_alone(sign_ins: SignIns) -> None:
    sign_ins.provider.discovery = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert (await sign_ins.signs_in()).status_code == 201


async def test_a_provider_that_gives_no_access_token(sign_ins: SignIns) -> None:
    sign_ins.provider.access_token = None
    assert (await sign_ins.signs_in()).status_code == 201
