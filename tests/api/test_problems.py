"""Bad input: a problem document that says which field and why, and never a 500."""

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlmodel import select

from api.problems import STATUS
from models.database import Sessions
from models.tables import Client, Therapist
from ops.invite import invite_admin
from rules.money.fees import CHARGEABLE, MINIMUM_CHARGE
from rules.policy import JourneyPolicy
from rules.refusals import OWN_MEMBERS, Problem, Refusal
from tests.api.conftest import DESK, ROOT, SITE, fields_of, problem_of
from tests.care.rows import NOW, Rows

ANYONE = "021806ce-a96a-4043-85de-c93b603b13a7"  # nobody
BOOKING = {"type": "session", "starts_at": "2026-03-09T15:00:00Z", "mode": "video"}
MATCHING = {"source": "matching_form", "answers": {"state": "NY", "modality": "individual"}}


def test_every_problem_has_a_status() -> None:
    assert set(STATUS) == set(Problem)


@pytest.mark.parametrize("member", sorted(OWN_MEMBERS))
def test_no_refusal_shadows_a_member_of_the_problem_itself(member: str) -> None:
    """RFC 9457: what a refusal adds has names of its own, wherever it is made."""
    with pytest.raises(ValueError, match=member):
        Refusal(name=Problem.EMAIL_IN_USE, detail="Email in use.", data={member: "archived", "client_id": ANYONE})


def test_every_call_is_described_with_what_any_request_may_be_refused_for(app: FastAPI) -> None:
    for path, calls in app.openapi()["paths"].items():
        for method, call in calls.items():
            always = {"413", "415", "421", "431"} | ({"404"} if "{" in path else set())
            assert always <= call["responses"].keys(), f"{method} {path}"


@pytest.mark.parametrize("path", ["/v1/activations/", "/v1/password-resets/"])
async def test_a_link_that_is_too_long_is_no_page_and_described_so(api: httpx.AsyncClient, path: str) -> None:
    assert problem_of(await api.get(path + "x" * 201)) == "not-found"


async def test_too_many_passwords_at_once_by_a_mailed_link(
    api: httpx.AsyncClient, app: FastAPI, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await invite_admin(rows.sessions, "root@practice.example", names=(), policy=JourneyPolicy(), at=NOW)
    monkeypatch.setattr(app.state.services.passwords, "_most_of_one", 0)
    body = {"token": token, "password": "correct horse battery"}
    assert problem_of(await api.post("/v1/activations", json=body)) == "rate-limited"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["source"]),
        ([], ["body"]),
        ("text", ["body"]),
        ({"source": "elsewhere"}, ["source"]),
        ({"source": "matching_form"}, ["answers"]),
        ({"source": "matching_form", "answers": {}}, ["answers.state", "answers.modality"]),
        ({"source": "direct_booking"}, ["therapist"]),
        ({"source": "direct_booking", "therapist": "nobody"}, ["therapist"]),
        ({"source": "direct_booking", "therapist": "ana\0"}, ["therapist"]),
        ({"source": "direct_booking", "therapist": "ana", "answers": MATCHING["answers"]}, ["answers"]),
        ({**MATCHING, "note": "x"}, ["note"]),
        ({**MATCHING, "colour": "red"}, ["colour"]),
        ({**MATCHING, "test": "yes"}, ["test"]),
        ({**MATCHING, "client": {"email": "nobody"}}, ["client.email"]),
        ({**MATCHING, "client": {"email": "a\r\nBcc: b@c.example"}}, ["client.email"]),
        ({**MATCHING, "client": {"first_name": "A\0"}}, ["client.first_name"]),
        ({**MATCHING, "client": {"first_name": "\ud800"}}, ["client.first_name"]),
        ({**MATCHING, "client": {"first_name": "x" * 101}}, ["client.first_name"]),
        ({**MATCHING, "client": {"phone": "call me"}}, ["client.phone"]),
        ({**MATCHING, "client": {"time_zone": "Mars/Base"}}, ["client.time_zone"]),
        ({**MATCHING, "client": {"time_zone": "../../etc/passwd"}}, ["client.time_zone"]),
        (
            {
                "source": "matching_form",
                "answers": {
                    "state": "NY",
                    "modality": "swimming",
                    "preferred_times": [{"weekday": "mon", "part": "noon"}],
                },
            },
            ["answers.modality", "answers.preferred_times[0].part"],
        ),
    ],
)
async def test_a_journey_that_cannot_begin(
    api: httpx.AsyncClient, rows: Rows, sessions: Sessions, body: Any, fields: list[str]
) -> None:
    await rows.therapist()
    answer = await api.post(
        "/v1/journeys", content=json.dumps(body), headers={**SITE, "Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    assert fields_of(answer) == fields
    async with sessions() as session:
        assert (await session.exec(select(Client))).all() == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "party"}, "type"),
        ({"mode": "fax"}, "mode"),
        ({"starts_at": "2026-03-09T15:00:00"}, "starts_at"),
        ({"starts_at": "2026-03-09"}, "starts_at"),
        ({"starts_at": 1773068400}, "starts_at"),
        ({"starts_at": "9999-12-31T23:59:59-12:00"}, "starts_at"),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, "starts_at"),
        ({"weeks": 0}, "weeks"),
        ({"weeks": 53}, "weeks"),
        ({"weeks": "4"}, "weeks"),
        ({"weeks": True}, "weeks"),
        ({"weeks": 10**400}, "weeks"),
        ({"hold_id": "mine"}, "hold_id"),
        ({"scope": "following"}, "scope"),
        ({"details": {"email": "x@localhost"}}, "details.email"),
    ],
)
async def test_a_booking_that_makes_no_sense(
    api: httpx.AsyncClient, rows: Rows, change: dict[str, Any], field: str
) -> None:
    client = await rows.client()
    answer = await api.post(f"/v1/clients/{client.id}/appointments", json={**BOOKING, **change}, headers=SITE)
    assert fields_of(answer) == [field]


async def test_what_was_left_empty_is_said_to_be(api: httpx.AsyncClient, rows: Rows) -> None:
    """In words for whoever did not fill in a field, not in those of a pattern."""
    client = await rows.client()
    refused = await api.put(f"/v1/clients/{client.id}/match", json={"therapist": "", "reason": ""}, headers=DESK)
    assert {line["field"]: line["message"] for line in refused.json()["errors"]} == dict.fromkeys(
        ("therapist", "reason"), "must not be empty"
    )


@pytest.mark.parametrize("raw", [b"{", b"", b"\xff\xfe", b"[" * 100_000, b'{"a": 1' + b"0" * 5000 + b"}", b"null"])
async def test_what_is_no_json(api: httpx.AsyncClient, raw: bytes) -> None:
    answer = await api.post("/v1/journeys", content=raw, headers={**SITE, "Content-Type": "application/json"})
    assert answer.status_code == 422
    assert fields_of(answer)


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_that_is_too_large(api: httpx.AsyncClient, declared: bool) -> None:
    async def stream() -> Any:
        for _ in range(20):
            yield b"x" * 100_000

    content: Any = b"x" * 2_000_000 if declared else stream()
    answer = await api.post("/v1/journeys", content=content, headers={**SITE, "Content-Type": "application/json"})
    assert answer.status_code == 413
    assert problem_of(answer) == "validation-failed"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/nothing", 404),
        ("/v1/clients/%00", 404),
        ("/v1/clients/12", 404),
        (f"/v1/clients/{ANYONE}", 404),
        (f"/v1/clients/{ANYONE}/payments", 404),
        (f"/v1/clients/{ANYONE}/balance", 404),
        (f"/v1/clients/{ANYONE}/forms", 404),
        (f"/v1/clients/{ANYONE}/archive", 404),
        (f"/v1/appointments/{ANYONE}", 404),
        ("/v1/therapists/nobody", 404),
        ("/v1/therapists/nobody/slots?type=session", 404),
        ("/v1/therapists/nobody/availability", 404),
        ("/v1/clients?q=%00", 422),
        ("/v1/clients?limit=0", 422),
        ("/v1/clients?limit=201", 422),
        ("/v1/clients?limit=x", 422),
        ("/v1/clients?cursor=x", 422),
        ("/v1/clients?cursor=WyJhIiwiYiJd", 422),
        ("/v1/clients?cursor=W1tdXQ", 422),
        ("/v1/clients?cursor=%F0%9F%92%A9", 422),
        ("/v1/clients?stage=nowhere", 422),
        ("/v1/clients?group=none", 422),
        ("/v1/appointments?from=yesterday", 422),
        ("/v1/appointments?from=2026-01-01T00:00:00", 422),
        ("/v1/appointments?from=9999-12-31&to=9999-12-31", 422),
        ("/v1/appointments?from=2026-01-01&to=2026-05-01", 422),
        ("/v1/appointments?from=2026-01-02&to=2025-01-01", 422),
        ("/v1/appointments?time_zone=Mars", 422),
        ("/v1/tasks?kind=none", 422),
        (f"/v1/clients/{ANYONE}/timeline?cursor=WyJ4Il0", 422),
    ],
)
async def test_addresses_and_queries(api: httpx.AsyncClient, path: str, status: int) -> None:
    answer = await api.get(path, headers=DESK)
    assert answer.status_code == status, answer.text
    problem_of(answer)


async def test_a_method_that_is_not_there(api: httpx.AsyncClient) -> None:
    answer = await api.delete("/v1/clients", headers=DESK)
    assert answer.status_code == 405
    assert problem_of(answer) == "not-allowed"
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_what_breaks_is_told_without_its_inside(app: FastAPI, api: httpx.AsyncClient) -> None:
    @app.get("/broken", include_in_schema=False)  # the application is every test's
    async def broken() -> None:
        raise RuntimeError("the secret of the house")

    answer = await api.get("/broken")
    assert answer.status_code == 500
    assert problem_of(answer) == "internal-error"
    assert "secret" not in answer.text


THERAPIST = {
    "slug": "zoe-lin",
    "name": "Zoe Lin",
    "email": "zoe@practice.example",
    "time_zone": "Europe/Berlin",
    "licensed_in": ["NY"],
    "session_fee": {"amount": 9000, "currency": "EUR"},
}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"slug": "Zoe Lin"}, "slug"),
        ({"time_zone": "Nowhere"}, "time_zone"),
        ({"session_fee": {"amount": 90.0, "currency": "EUR"}}, "session_fee.amount"),
        ({"session_fee": {"amount": -1, "currency": "EUR"}}, "session_fee.amount"),
        ({"session_fee": {"amount": 1, "currency": "euro"}}, "session_fee.currency"),
        ({"session_fee": {"amount": 1, "currency": "ZZZ"}}, "session_fee.currency"),
        ({"session_fee": {"amount": 1, "currency": "KWD"}}, "session_fee.currency"),
        ({"licensed_in": "NY"}, "licensed_in"),
        ({"licensed_in": None}, "licensed_in"),
        ({"caseload_limit": -1}, "caseload_limit"),
        ({"intro_calls": "perhaps"}, "intro_calls"),
        ({"zoom_link": "javascript:alert(1)"}, "zoom_link"),
    ],
)
async def test_a_therapist_that_cannot_be(
    api: httpx.AsyncClient, sessions: Sessions, change: dict[str, Any], field: str
) -> None:
    answer = await api.post("/v1/therapists", json={**THERAPIST, **change}, headers=ROOT)
    assert fields_of(answer) == [field]
    async with sessions() as session:
        assert (await session.exec(select(Therapist))).all() == []


def test_whatever_has_a_least_charge_can_be_charged() -> None:
    assert MINIMUM_CHARGE.keys() <= CHARGEABLE


async def test_a_slug_is_taken_once(api: httpx.AsyncClient) -> None:
    assert (await api.post("/v1/therapists", json=THERAPIST, headers=ROOT)).status_code == 201
    assert fields_of(await api.post("/v1/therapists", json=THERAPIST, headers=ROOT)) == ["slug"]


async def test_the_description_names_problems(api: httpx.AsyncClient) -> None:
    described = (await api.get("/openapi.json")).json()
    book = described["paths"]["/v1/clients/{client_id}/appointments"]["post"]
    assert "slot-taken" in book["responses"]["409"]["description"]
    assert "SlotTakenProblem" in described["components"]["schemas"]
    for path, methods in described["paths"].items():
        for method, route in methods.items():
            assert route["summary"], (method, path)
    assert "/dev/clock" not in described["paths"]
