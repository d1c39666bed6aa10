"""What somebody of the practice might try: stay after the end, become another, be the last one left."""

import asyncio
from typing import Any

import httpx
import pytest

from models.tables import Account
from models.writes.accounts.locks import lock_admins
from rules.enums import Role
from tests.api.accounts.waiting import somebody_waits
from tests.api.conftest import DESK, ROOT, fields_of, problem_of
from tests.care.rows import Rows


@pytest.mark.parametrize("how", ["account ended", "role taken", "another profile"])
async def test_a_therapist_who_goes_leaves_nothing_of_their_programs_behind(
    api: httpx.AsyncClient, rows: Rows, therapist_token: Any, how: str
) -> None:
    ana = await rows.therapist("ana")
    await rows.therapist("ben")
    account = await rows.staff("ana", Role.THERAPIST, therapist=ana)
    program, bens = await therapist_token("ana"), await therapist_token("ben")
    feeds = [(await api.post(f"/v1/therapists/{slug}/feed", headers=DESK)).json()["url"] for slug in ("ana", "ben")]
    assert (await api.get("/v1/clients", headers=program)).status_code == 200
    assert [(await api.get(feed)).status_code for feed in feeds] == [200, 200]
    path = f"/v1/staff/{account.id}"
    if how == "account ended":
        done = await api.delete(path, headers=ROOT)
    elif how == "role taken":
        done = await api.patch(path, json={"roles": ["care_team"]}, headers=ROOT)
    else:
        done = await api.patch(path, json={"roles": ["therapist"], "therapist": "ben"}, headers=ROOT)
    assert done.status_code in (200, 204), done.text
    assert [(await api.get("/v1/clients", headers=who)).status_code for who in (program, bens)] == [401, 200]
    assert [(await api.get(feed)).status_code for feed in feeds] == [404, 200]


async def test_a_therapist_who_stays_keeps_what_their_programs_have(
    api: httpx.AsyncClient, rows: Rows, therapist_token: Any
) -> None:
    account = await rows.staff("ana", Role.THERAPIST, therapist=await rows.therapist("ana"))
    program = await therapist_token("ana")
    feed = (await api.post("/v1/therapists/ana/feed", headers=program)).json()["url"]
    both = {"roles": ["therapist", "care_team"], "therapist": "ana"}
    assert (await api.patch(f"/v1/staff/{account.id}", json=both, headers=ROOT)).status_code == 200
    assert (await api.get("/v1/clients", headers=program)).status_code == 200
    assert (await api.get(feed)).status_code == 200


async def test_nobody_changes_their_own_roles_or_profile(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist("ana")
    maria = await rows.staff("maria", Role.ADMIN)
    hers, path = await rows.session_of(maria), f"/v1/staff/{maria.id}"
    as_ana = {"roles": ["admin", "therapist"], "therapist": "ana"}
    for own in (as_ana, {"roles": ["admin", "care_team"]}, {"roles": ["care_team"]}):
        assert problem_of(await api.patch(path, json=own, headers=hers)) == "not-allowed"
    assert problem_of(await api.delete(path, headers=hers)) == "not-allowed"
    assert (await api.patch(path, json={"name": "Maria L."}, headers=hers)).status_code == 200
    assert (await api.patch(path, json=as_ana, headers=ROOT)).status_code == 200


async def test_a_profile_is_one_persons(api: httpx.AsyncClient, rows: Rows) -> None:
    ana = await rows.staff("ana", Role.THERAPIST, therapist=await rows.therapist("ana"))
    maria, ivo = await rows.staff("maria", Role.ADMIN), await rows.staff("ivo", Role.CARE_TEAM)
    hers = await rows.session_of(maria)
    as_ana = {"roles": ["therapist"], "therapist": "ana"}
    second = as_ana | {"name": "Maria", "email": "second@practice.example"}
    assert fields_of(await api.patch(f"/v1/staff/{ivo.id}", json=as_ana, headers=hers)) == ["therapist"]
    assert fields_of(await api.post("/v1/staff", json=second, headers=hers)) == ["therapist"]
    assert (await api.patch(f"/v1/staff/{ana.id}", json=as_ana, headers=hers)).status_code == 200
    assert (await api.delete(f"/v1/staff/{ana.id}", headers=hers)).status_code == 204
    assert (await api.post("/v1/staff", json=second, headers=hers)).status_code == 201  # after the end it is free


async def test_a_profile_given_to_two_at_once_is_one_persons(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist("ana")
    given: list[Any] = [
        {"name": f"New {n}", "email": f"{n}@p.example", "roles": ["therapist"], "therapist": "ana"} for n in range(2)
    ]
    people = [await rows.staff(f"ivo{number}", Role.CARE_TEAM) for number in range(2)]
    as_ana = {"roles": ["therapist"], "therapist": "ana"}
    answers = await asyncio.gather(
        *(api.post("/v1/staff", json=body, headers=ROOT) for body in given),
        *(api.patch(f"/v1/staff/{one.id}", json=as_ana, headers=ROOT) for one in people),
    )
    refused = [answer for answer in answers if answer.status_code not in (200, 201)]
    assert [fields_of(answer) for answer in refused] == [["therapist"]] * 3


@pytest.mark.parametrize("how", ["end", "take the role"])
async def test_two_admins_who_end_each_other_at_once_leave_one(api: httpx.AsyncClient, rows: Rows, how: str) -> None:
    maria, ivo = await rows.staff("maria", Role.ADMIN), await rows.staff("ivo", Role.ADMIN)
    hers, his = await rows.session_of(maria), await rows.session_of(ivo)

    async def ends(whom: Account, by: dict[str, str]) -> httpx.Response:
        if how == "end":
            return await api.delete(f"/v1/staff/{whom.id}", headers=by)
        return await api.patch(f"/v1/staff/{whom.id}", json={"roles": ["care_team"]}, headers=by)

    async with rows.sessions() as session:  # both have been let in before either is done
        await lock_admins(session)
        both = [asyncio.create_task(ends(ivo, hers)), asyncio.create_task(ends(maria, his))]
        await somebody_waits(rows, number=2)
        await session.rollback()
    answers = sorted([await one for one in both], key=lambda answer: answer.status_code)
    assert [answer.is_success for answer in answers] == [True, False]
    assert problem_of(answers[1]) == "not-allowed"
    async with rows.sessions() as session:
        assert len(await lock_admins(session)) == 1


async def test_the_last_admin_stays_whoever_asks(api: httpx.AsyncClient, rows: Rows) -> None:
    maria = await rows.staff("maria", Role.ADMIN)
    await rows.staff("ivo", Role.ADMIN, activated_at=None)  # was invited, and is not there yet
    path = f"/v1/staff/{maria.id}"
    assert problem_of(await api.delete(path, headers=ROOT)) == "not-allowed"
    assert problem_of(await api.patch(path, json={"roles": ["care_team"]}, headers=ROOT)) == "not-allowed"
    await rows.staff("eva", Role.ADMIN)
    assert (await api.delete(path, headers=ROOT)).status_code == 204
