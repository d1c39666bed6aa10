"""Nobody acts as a therapist unseen: what a token reads names who made it, and the therapist is told."""

from typing import Any

import httpx
import pytest
from sqlmodel import col, select

from models.database import Sessions
from models.tables import OutboxItem
from ops.invite import invite_admin
from rules.accounts.accesses import AccessEvent
from rules.enums import Role
from rules.policy import JourneyPolicy
from tests.api.access_log.log import Headers, lines
from tests.api.conftest import DESK, ROOT
from tests.care.rows import NOW, Rows

TOLD = "profile_access_changed"


@pytest.fixture
async def maria(rows: Rows) -> Headers:
    return await rows.session_of(await rows.staff("maria", Role.ADMIN))


async def told(sessions: Sessions) -> list[str]:
    """To which addresses, in order."""
    theirs = select(OutboxItem.recipient).where(col(OutboxItem.template) == TOLD).order_by(col(OutboxItem.seq))
    async with sessions() as session:
        return list((await session.exec(theirs)).all())


async def token(api: httpx.AsyncClient, by: Headers) -> Headers:
    made = await api.post("/v1/therapists/ana/tokens", headers=by)
    assert made.status_code == 201, made.text
    return {"Authorization": f"Bearer {made.json()['token']}"}


async def test_a_token_is_told_to_the_therapist_and_says_who_made_it(
    api: httpx.AsyncClient, rows: Rows, sessions: Sessions, maria: Headers
) -> None:
    ana = await rows.therapist("ana", email="ana@practice.example")
    sara = await rows.client(ana)
    await rows.staff("ana-silva", Role.THERAPIST, therapist=ana)
    by = await token(api, maria)
    assert await told(sessions) == ["ana-silva@practice.example", "ana@practice.example"]
    for who in (by, await token(api, ROOT)):
        assert (await api.get(f"/v1/clients/{sara.id}/timeline", headers=who)).status_code == 200
    read = [(line.who, line.role, line.token_by) for line in await lines(sessions, AccessEvent.READ)]
    assert read == [("ana", "therapist", "admin:maria"), ("ana", "therapist", "admin:root")]
    listed = (await api.get("/v1/therapists/ana/tokens", headers=maria)).json()["items"]
    assert {each["made_by"] for each in listed} == {"admin:maria", "admin:root"}
    shown = (await api.get("/v1/accesses?event=read", headers=maria)).json()["items"]
    assert {(each["token_by"], each["signed"]) for each in shown} == {("admin:maria", True), ("admin:root", True)}


async def test_a_profile_that_is_given_is_told_to_its_address(
    api: httpx.AsyncClient, rows: Rows, sessions: Sessions, maria: Headers
) -> None:
    address = "ana@practice.example"
    await rows.therapist("ana", email=address)
    as_ana: Any = {"roles": ["therapist"], "therapist": "ana"}
    ivo = {"name": "Ivo", "email": "ivo@practice.example"} | as_ana
    made = (await api.post("/v1/staff", json=ivo, headers=maria)).json()
    assert await told(sessions) == [address]
    for _ in range(2):  # to whom has it already, it is not given
        await api.patch(f"/v1/staff/{made['id']}", json=as_ana, headers=maria)
    await api.delete(f"/v1/invitations/{made['id']}", headers=maria)
    assert await told(sessions) == [address]
    eva = await rows.staff("eva", Role.CARE_TEAM)
    assert (await api.patch(f"/v1/staff/{eva.id}", json=as_ana, headers=maria)).status_code == 200
    assert await told(sessions) == [address] * 2
    await api.delete(f"/v1/staff/{eva.id}", headers=maria)
    said: Any = {"names": (), "policy": JourneyPolicy(), "at": NOW, "therapist": "ana"}
    await invite_admin(sessions, "root@practice.example", **said)
    await invite_admin(sessions, "root@practice.example", **said)
    assert await told(sessions) == [address] * 3


async def test_one_with_the_profiles_own_address_learns_it_by_the_invitation(
    api: httpx.AsyncClient, rows: Rows, sessions: Sessions, maria: Headers
) -> None:
    await rows.therapist("ana", email="ana@practice.example")
    body = {"name": "Ana", "email": "Ana@practice.example", "roles": ["therapist"], "therapist": "ana"}
    assert (await api.post("/v1/staff", json=body, headers=maria)).status_code == 201
    assert await told(sessions) == []


async def test_the_former_address_is_told_of_another_one(
    api: httpx.AsyncClient, rows: Rows, sessions: Sessions, maria: Headers
) -> None:
    await rows.therapist("ana", email="ana@practice.example")
    for change in ({"email": "maria@mail.example"}, {"email": "maria@mail.example"}, {"gender": "female"}):
        assert (await api.patch("/v1/therapists/ana", json=change, headers=DESK)).status_code == 200
    assert await told(sessions) == ["ana@practice.example"]
    await token(api, maria)
    assert await told(sessions) == ["ana@practice.example", "maria@mail.example"]
