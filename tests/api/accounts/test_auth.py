"""Who may call what, and with which token."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlmodel import select

from activities.types.clients import Done
from api.accounts.tokens import hash_of
from models.tables import Token
from models.tables.accounts.token import TokenKind
from rules.enums import Role
from rules.refusals import Problem, Refusal
from tests.api.conftest import DESK, ROOT, SITE, StandingClock, ToldEngine, problem_of
from tests.care.rows import NOW, Rows

PASSWORD = "correct horse battery"


async def _member(rows: Rows, email: str = "sara@mail.example") -> Any:
    therapist = await rows.therapist()
    client = await rows.client(therapist, email=email, email_folded=email, account_active=True)
    await rows.account(client, password=PASSWORD)
    return client


async def _sign_in(api: httpx.AsyncClient, email: str = "sara@mail.example", password: str = PASSWORD) -> Any:
    return await api.post("/v1/sessions", json={"email": email, "password": password})


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer cj_wrong", "Bearer ", "Basic abc", "site-key", "Bearer é"])
async def test_a_token_that_is_not_valid_is_refused_even_where_none_is_needed(
    api: httpx.AsyncClient, header: str
) -> None:
    answer = await api.get("/v1/therapists", headers=[(b"authorization", header.encode())])
    assert answer.status_code == 401
    assert problem_of(answer) == "unauthenticated"
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/v1/clients", None, 401),
        ("GET", "/v1/therapists", None, 200),
        ("GET", "/v1/tasks", SITE, 403),
        ("GET", "/v1/tasks", DESK, 200),
        ("POST", "/v1/therapists", SITE, 403),
        ("POST", "/v1/therapists/ana/tokens", DESK, 403),
        ("GET", "/v1/clients", SITE, 403),
        ("GET", "/v1/clients/00000000-0000-4000-8000-000000000000/timeline", SITE, 403),
        ("GET", "/v1/clients/00000000-0000-4000-8000-000000000000/timeline", DESK, 404),
        ("GET", "/v1/clients/no-uuid", DESK, 404),
    ],
)
async def test_roles(
    api: httpx.AsyncClient, method: str, path: str, headers: dict[str, str] | None, status: int
) -> None:
    answer = await api.request(method, path, headers=headers, json={} if method == "POST" else None)
    assert answer.status_code == status


async def test_a_client_signs_in_sees_only_their_own_and_signs_out(api: httpx.AsyncClient, rows: Rows) -> None:
    sara = await _member(rows)
    other = await rows.client()
    answer = await _sign_in(api, " SARA@mail.example ")
    assert answer.status_code == 201
    told = answer.json()
    assert told["role"] == "client"
    assert told["client_id"] == str(sara.id)
    assert told["expires_at"] == (NOW + timedelta(days=30)).isoformat().replace("+00:00", "Z")
    me = {"Authorization": f"Bearer {told['token']}"}
    assert (await api.get(f"/v1/clients/{sara.id}", headers=me)).status_code == 200
    assert problem_of(await api.get(f"/v1/clients/{other.id}", headers=me)) == "not-found"
    listed = (await api.get("/v1/clients", headers=me)).json()
    assert [client["id"] for client in listed["items"]] == [str(sara.id)]
    assert (await api.delete("/v1/sessions/current", headers=me)).status_code == 204
    assert (await api.get(f"/v1/clients/{sara.id}", headers=me)).status_code == 401


async def test_a_service_key_cannot_be_signed_out(api: httpx.AsyncClient) -> None:
    assert problem_of(await api.delete("/v1/sessions/current", headers=DESK)) == "not-allowed"


async def test_a_sign_in_ends_when_idle_and_at_its_end(
    api: httpx.AsyncClient, rows: Rows, clock: StandingClock
) -> None:
    sara = await _member(rows)
    me = {"Authorization": f"Bearer {(await _sign_in(api)).json()['token']}"}
    for _ in range(59):  # used twice a day it stays alive
        clock.advance(hours=11, minutes=59)
        assert (await api.get(f"/v1/clients/{sara.id}", headers=me)).status_code == 200
    clock.time = NOW + timedelta(days=30)
    assert (await api.get(f"/v1/clients/{sara.id}", headers=me)).status_code == 401
    idle = {"Authorization": f"Bearer {(await _sign_in(api)).json()['token']}"}
    clock.advance(hours=12)
    assert (await api.get(f"/v1/clients/{sara.id}", headers=idle)).status_code == 401


@pytest.mark.parametrize(
    ("email", "status"), [(rb"a\u0000b@mail.example", 401), (rb"\ud800@mail.example", 422), (b"x", 401)]
)
async def test_odd_addresses_just_do_not_fit(api: httpx.AsyncClient, email: bytes, status: int) -> None:
    body = b'{"email": "%s", "password": "x"}' % email
    answer = await api.post("/v1/sessions", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status


async def test_a_therapists_token(
    api: httpx.AsyncClient, rows: Rows, clock: StandingClock, therapist_token: Any
) -> None:
    ana, ben = await rows.therapist("ana"), await rows.therapist("ben")
    hers, his = await rows.client(ana), await rows.client(ben)
    me = await therapist_token("ana")
    assert (await api.get(f"/v1/clients/{hers.id}", headers=me)).status_code == 200
    assert (await api.get(f"/v1/clients/{his.id}", headers=me)).status_code == 404
    assert problem_of(await api.patch("/v1/therapists/ben", json={"name": "X"}, headers=me)) == "not-allowed"
    clock.advance(days=29)
    assert (await api.get(f"/v1/clients/{hers.id}", headers=me)).status_code == 200
    clock.advance(days=1)
    assert (await api.get(f"/v1/clients/{hers.id}", headers=me)).status_code == 401
    assert problem_of(await api.post("/v1/therapists/nobody/tokens", headers=ROOT)) == "not-found"


async def test_activation_sends_hashes_alone_to_the_engine(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine, clock: StandingClock
) -> None:
    sara = await rows.client()
    await rows.add(
        Token(
            hash=hash_of("the-link"),
            kind=TokenKind.ACTIVATION,
            client_id=sara.id,
            made_at=NOW,
            expires_at=NOW + timedelta(days=7),
        )
    )

    async def activated(_: Any) -> Done:
        await rows.account(sara)
        return Done()

    engine.answers_to["activate"] = activated
    body = {"token": "the-link", "password": PASSWORD}
    answer = await api.post("/v1/activations", json=body)
    assert answer.status_code == 200
    told = answer.json()
    assert told["client_id"] == str(sara.id)
    me = {"Authorization": f"Bearer {told['token']}"}
    assert (await api.get(f"/v1/clients/{sara.id}", headers=me)).status_code == 200
    assert PASSWORD not in repr(engine.asked)
    assert "the-link" not in repr(engine.asked)
    assert engine.asked[0].order.token_hash == hash_of("the-link")
    engine.answers_to["activate"] = Done(
        refusal=Refusal(name=Problem.ACTIVATION_LINK_INVALID, detail="This activation link is no longer valid.")
    )
    assert problem_of(await api.post("/v1/activations", json=body)) == "activation-link-invalid"
    short = await api.post("/v1/activations", json={"token": "the-link", "password": "short"})
    assert short.status_code == 422
    assert "short" not in short.json()["errors"][0]["message"].replace("shorter", "")
    clock.advance(days=7)
    late = await api.post("/v1/activations", json=body)
    assert late.status_code == 410
    assert len(engine.asked) == 2
    unknown = await api.post("/v1/activations", json={"token": "other", "password": PASSWORD})
    assert problem_of(unknown) == "activation-link-invalid"


async def test_clients_and_staff_sign_in_by_the_same_rules_each_on_their_side(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    await _member(rows, "both@mail.example")
    maria = await rows.staff("maria", Role.CARE_TEAM, Role.ADMIN, email="both@mail.example", password="another battery")
    as_client = await _sign_in(api, "both@mail.example")
    assert as_client.json()["roles"] == ["client"]
    assert (await _sign_in(api, "both@mail.example", "another battery")).status_code == 401
    body = {"email": "Both@Mail.example", "password": "another battery", "side": "staff"}
    as_staff = (await api.post("/v1/sessions", json=body)).json()
    assert (as_staff["role"], as_staff["roles"]) == ("care_team", ["care_team", "admin"])
    assert "client_id" not in as_staff
    her = {"Authorization": f"Bearer {as_staff['token']}"}
    assert (await api.get("/v1/tasks", headers=her)).status_code == 200
    await rows.change(maria, deactivated_at=NOW)
    assert (await api.get("/v1/tasks", headers=her)).status_code == 401
    assert (await api.post("/v1/sessions", json=body)).status_code == 401


async def test_nobody_signs_in_to_an_account_that_was_not_activated(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.staff("ivo", Role.CARE_TEAM, password="another battery", activated_at=None)
    body = {"email": "ivo@practice.example", "password": "another battery", "side": "staff"}
    assert (await api.post("/v1/sessions", json=body)).status_code == 401


@pytest.mark.parametrize(
    ("headers", "network"),
    [
        ({}, "127.0.0.0/24"),
        ({"Visitor": "v1", "Visitor-Network": "203.0.113.77"}, "127.0.0.0/24"),  # says somebody without a key
        (SITE | {"Visitor": "v1", "Visitor-Network": "203.0.113.77/24"}, "203.0.113.0/24"),
        (SITE | {"Visitor": "v1", "Visitor-Network": "2001:db8:1:2::3"}, "2001:db8:1::/48"),
        (SITE | {"Visitor": "v1", "Visitor-Network": "<script>"}, None),
    ],
)
async def test_a_sign_in_knows_its_place_and_believes_only_programs_about_it(
    api: httpx.AsyncClient, rows: Rows, headers: dict[str, str], network: str | None
) -> None:
    await _member(rows)
    body = {"email": "sara@mail.example", "password": PASSWORD}
    agent = {"User-Agent": "Firefox\x7f on Linux" + "x" * 300}
    assert (await api.post("/v1/sessions", json=body, headers=headers | agent)).status_code == 201
    async with rows.sessions() as session:
        token = (await session.exec(select(Token).where(Token.kind == TokenKind.SESSION))).one()
    assert token.network == network
    assert token.agent is not None
    assert token.agent.startswith("Firefox on Linuxxx")
    assert len(token.agent) == 200
