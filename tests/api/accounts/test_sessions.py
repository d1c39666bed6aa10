"""Where somebody is signed in, and signing out there; and the tokens of therapists' programs."""

from typing import Any

import httpx

from rules.enums import Role
from tests.api.accounts.test_password_resets import OLD, member
from tests.api.conftest import DESK, ROOT, SITE, StandingClock, problem_of
from tests.care.rows import Rows


async def signs_in(api: httpx.AsyncClient, email: str, **headers: str) -> dict[str, str]:
    answer = await api.post("/v1/sessions", json={"email": email, "password": OLD}, headers=SITE | headers)
    return {"Authorization": f"Bearer {answer.json()['token']}"}


async def test_a_list_of_sign_ins_with_place_and_time(api: httpx.AsyncClient, rows: Rows, clock: StandingClock) -> None:
    await member(rows, "sara@mail.example")
    await member(rows, "tom@mail.example")
    await signs_in(api, "tom@mail.example")
    phone = {"Visitor": "p", "Visitor-Network": "203.0.113.9", "User-Agent": "A phone"}
    there = await signs_in(api, "sara@mail.example", **phone)
    clock.advance(hours=1)
    here = await signs_in(api, "sara@mail.example", **{"User-Agent": "A laptop"})
    listed = (await api.get("/v1/sessions", headers=here)).json()["items"]
    assert [(one["agent"], one["network"], one["current"]) for one in listed] == [
        ("A laptop", "127.0.0.0/24", True),
        ("A phone", "203.0.113.0/24", False),
    ]
    assert listed[0]["made_at"] > listed[1]["made_at"]
    for secret in (here, there):
        assert secret["Authorization"].removeprefix("Bearer ") not in str(listed)

    assert (await api.delete(f"/v1/sessions/{listed[1]['id']}", headers=here)).status_code == 204
    assert (await api.get("/v1/clients", headers=there)).status_code == 401
    assert (await api.get("/v1/clients", headers=here)).status_code == 200
    assert problem_of(await api.delete(f"/v1/sessions/{listed[1]['id']}", headers=here)) == "not-found"
    clock.advance(hours=12)
    late = await signs_in(api, "sara@mail.example")
    assert len((await api.get("/v1/sessions", headers=late)).json()["items"]) == 1  # the idle one has ended


async def test_signing_out_everywhere_forgets_devices_and_leaves_others_alone(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    await member(rows, "sara@mail.example")
    tom = await rows.session_of((await member(rows, "tom@mail.example"))[1])
    answer = (await api.post("/v1/sessions", json={"email": "sara@mail.example", "password": OLD})).json()
    here, there = {"Authorization": f"Bearer {answer['token']}"}, await signs_in(api, "sara@mail.example")
    assert (await api.delete("/v1/sessions", headers=here)).status_code == 204
    assert [(await api.get("/v1/clients", headers=who)).status_code for who in (here, there, tom)] == [401, 401, 200]
    again = {"email": "sara@mail.example", "password": OLD, "device": answer["device"]}
    anew = (await api.post("/v1/sessions", json=again)).json()
    assert anew["device"] != answer["device"]
    assert (await api.delete("/v1/sessions/current", headers={"Authorization": f"Bearer {anew['token']}"})).is_success
    again = again | {"device": anew["device"]}  # here alone: it stays known
    assert (await api.post("/v1/sessions", json=again)).json()["device"] == anew["device"]


async def test_who_asks_is_told_who_they_are(api: httpx.AsyncClient, rows: Rows, therapist_token: Any) -> None:
    ana = await rows.therapist("ana")
    sara, account = await member(rows, "sara@mail.example")
    maria = await rows.staff("maria", Role.CARE_TEAM, Role.THERAPIST, therapist=ana)

    async def told(headers: dict[str, str]) -> Any:
        return (await api.get("/v1/me", headers=headers)).json()

    assert await told(await rows.session_of(account)) == {
        "name": sara.full_name,
        "role": "client",
        "roles": ["client"],
        "email": "sara@mail.example",
        "client_id": str(sara.id),
    }
    assert await told(await rows.session_of(maria)) == {
        "name": "Maria",
        "role": "care_team",
        "roles": ["care_team", "therapist"],
        "email": "maria@practice.example",
        "handle": "maria",
        "therapist": "ana",
    }
    assert await told(DESK) == {"name": "desk", "role": "care_team", "roles": ["care_team"]}
    assert await told(await therapist_token("ana")) == {
        "name": "ana",
        "role": "therapist",
        "roles": ["therapist"],
        "therapist": "ana",
    }
    assert problem_of(await api.get("/v1/me")) == "unauthenticated"


async def test_a_therapists_tokens_are_listed_and_revoked_one_by_one(
    api: httpx.AsyncClient, rows: Rows, therapist_token: Any, clock: StandingClock
) -> None:
    await rows.therapist("ana")
    await rows.therapist("ben")
    old, bens = await therapist_token("ana"), await therapist_token("ben")
    clock.advance(days=1)
    new = await therapist_token("ana")
    assert (await api.get("/v1/clients", headers=old)).status_code == 200
    listed = (await api.get("/v1/therapists/ana/tokens", headers=ROOT)).json()["items"]
    assert [one["last_used_at"] is not None for one in listed] == [False, True]
    path = f"/v1/therapists/{{}}/tokens/{listed[1]['id']}"
    assert problem_of(await api.delete(path.format("ben"), headers=ROOT)) == "not-found"
    assert (await api.delete(path.format("ana"), headers=ROOT)).status_code == 204
    assert [(await api.get("/v1/clients", headers=who)).status_code for who in (old, new, bens)] == [401, 200, 200]
    assert len((await api.get("/v1/therapists/ana/tokens", headers=ROOT)).json()["items"]) == 1
    assert problem_of(await api.get("/v1/therapists/nobody/tokens", headers=ROOT)) == "not-found"
