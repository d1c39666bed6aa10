"""``STAFF_SECOND_FACTOR=required``: without one, people of the practice can set one up, and nothing else."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI

from api.accounts.tokens import hash_of
from models.tables.accounts.token import Token, TokenKind
from rules.enums import Role
from tests.api.accounts.factors.apps import BOTH, PASSWORD, Owner, a_colleague, demand, needs_factor
from tests.api.conftest import DESK, ROOT, SITE, StandingClock, problem_of
from tests.care.rows import NOW, Rows

OPEN = {
    "GET /v1/me",
    "DELETE /v1/sessions/current",
    "GET /v1/second-factors",
    "POST /v1/second-factors",
    "POST /v1/second-factors/challenges",
    "POST /v1/second-factors/recovery-codes",
    "POST /v1/second-factors/{enrolment_id}/confirmations",
    "POST /v1/second-factors/{factor_id}/remove",
}
# Whoever asks is not looked at there.
FOR_ANYBODY = re.compile(
    r"/(healthz|readyz|metrics|unsubscribe/.*)$|/v1/webhooks/(stripe|sendgrid)$|/v1/calendar-pushes$|/feed/\{secret\}.ics$"
)


async def test_a_sign_in_opens_nothing_but_setting_one_up(maria: Owner, app: FastAPI) -> None:
    demand(app)
    entered = await maria.signs_in()
    assert entered.status_code == 201
    maria.here = {"Authorization": f"Bearer {entered.json()['token']}"}
    needs_factor(await maria.api.get("/v1/tasks", headers=maria.here), factors=[])
    assert (await maria.api.get("/v1/me", headers=maria.here)).json()["handle"] == "maria"
    assert (await maria.listed())["required"] is True
    await maria.enrols()
    assert (await maria.api.get("/v1/tasks", headers=maria.here)).status_code == 200  # the same sign-in is whole
    needs_factor(await maria.signs_in(), factors=BOTH)


async def test_every_other_call_is_closed_to_a_sign_in_from_before(maria: Owner, app: FastAPI) -> None:
    assert (await maria.api.get("/v1/tasks", headers=maria.here)).status_code == 200
    demand(app)
    asked = 0
    for path, methods in app.openapi()["paths"].items():
        for method in methods:
            call = f"{method.upper()} {path}"
            if call in OPEN or FOR_ANYBODY.search(path):
                continue
            where = re.sub(r"\{\w*id\}", str(uuid4()), path)
            where = re.sub(r"\{\w+\}", "ana", where)
            more = ({}, {"Idempotency-Key": f"key-{asked}"}, {"Acting-As": "care_team"})[asked % 3]
            answer = await maria.api.request(method, where, json={}, headers=maria.here | more)
            assert answer.status_code == 401, (call, answer.text)
            needs_factor(answer, factors=[])
            asked += 1
    assert asked > 90
    for call in ("POST /codec/decode", "GET /v1/clients", "DELETE /v1/sessions", "GET /v1/sessions"):
        method, where = call.split()
        needs_factor(await maria.api.request(method, where, headers=maria.here), factors=[])
    assert (await maria.api.head("/v1/me", headers=maria.here)).status_code == 200
    assert (await maria.api.delete("/v1/sessions/current", headers=maria.here)).status_code == 204
    assert problem_of(await maria.api.get("/v1/me", headers=maria.here)) == "unauthenticated"


async def test_what_is_open_is_in_the_description(app: FastAPI) -> None:
    described = {f"{m.upper()} {path}" for path, methods in app.openapi()["paths"].items() for m in methods}
    assert described >= OPEN


async def test_who_looks_like_setting_one_up_is_not_let_in(maria: Owner, app: FastAPI) -> None:
    demand(app)
    for path in (
        f"/v1/staff/{maria.account.id}/second-factors",
        f"/v1/clients/{uuid4()}/second-factors",
    ):
        needs_factor(await maria.api.delete(path, headers=maria.here), factors=[])
    for path in ("/v1/second-factors-and-more", "/v1/me/", "/v1/second-factors/../tasks", "//v1/tasks"):
        answer = await maria.api.get(path, headers=maria.here)
        assert answer.status_code in (401, 404), path


async def test_whoever_accepts_an_invitation_sets_one_up_first(
    maria: Owner, rows: Rows, app: FastAPI, real: StandingClock
) -> None:
    demand(app)
    ivo = await rows.staff("ivo", Role.ADMIN, activated_at=None, invited_at=NOW)
    link: Any = {"kind": TokenKind.INVITATION, "made_at": NOW, "expires_at": NOW + timedelta(days=7)}
    await rows.add(Token(hash=hash_of("the-link"), account_id=ivo.id, **link))
    accepted = await maria.api.post("/v1/activations", json={"token": "the-link", "password": PASSWORD})
    assert accepted.status_code == 200
    mine = {"Authorization": f"Bearer {accepted.json()['token']}"}
    needs_factor(await maria.api.get("/v1/staff", headers=mine), factors=[])


async def test_the_last_one_stays(maria: Owner, app: FastAPI) -> None:
    await maria.enrols()
    demand(app)
    body: Any = {"current": PASSWORD, "code": maria.app.next_code()}
    refused = await maria.ask(f"/{maria.app.id}/remove", **body)
    assert problem_of(refused) == "not-allowed"
    first = maria.app.id
    assert (await maria.begins(code=maria.app.code())).status_code == 201
    assert (await maria.confirms()).status_code == 200
    gone = await maria.ask(f"/{first}/remove", current=PASSWORD, code=maria.app.next_code())
    assert gone.status_code == 204


async def test_clients_and_programs_are_asked_for_none(
    sara: Owner, maria: Owner, app: FastAPI, rows: Rows, therapist_token: Any
) -> None:
    demand(app)
    await rows.therapist("ana")
    program = await therapist_token("ana")  # made by an admin's key
    for headers in (sara.here, SITE | {"On-Behalf-Of": sara.here["Authorization"]}, DESK, program):
        assert (await sara.api.get("/v1/clients", headers=headers)).status_code == 200
    assert (await sara.api.get("/v1/staff", headers=ROOT)).status_code == 200
    assert (await sara.listed())["required"] is False


@pytest.mark.parametrize(("role", "what"), [(Role.ADMIN, "staff"), (Role.CARE_TEAM, "clients")])
async def test_a_setting_that_is_taken_back_opens_everything_again(
    *, maria: Owner, app: FastAPI, rows: Rows, real: StandingClock, role: Role, what: str
) -> None:
    ivo = await a_colleague(maria.api, rows, real, "ivo", role)
    demand(app)
    needs_factor(await ivo.api.get(f"/v1/{what}", headers=ivo.here), factors=[])
    demand(app, demanded=False)
    assert (await ivo.api.get(f"/v1/{what}", headers=ivo.here)).status_code == 200
