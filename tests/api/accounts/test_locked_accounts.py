"""Accounts that somebody else locks: whoever holds a stolen password, phone or mailbox gets nowhere by it."""

import httpx
import pytest
from sqlmodel import col, select

from models.tables import OutboxItem
from rules.enums import Role
from tests.api.accounts.factors.apps import Owner, a_client, a_colleague
from tests.api.accounts.test_password_resets import link
from tests.api.callers import Headers
from tests.api.conftest import DESK, ROOT, StandingClock, problem_of
from tests.care.rows import Rows


@pytest.fixture
async def sara(api: httpx.AsyncClient, rows: Rows, clock: StandingClock) -> Owner:
    return await a_client(api, rows, clock)


@pytest.fixture
async def maria(api: httpx.AsyncClient, rows: Rows, clock: StandingClock) -> Owner:
    return await a_colleague(api, rows, clock)


def lock_of(owner: Owner) -> tuple[str, Headers]:
    """The call that locks, and who may."""
    if owner.account.client_id is None:
        return f"/v1/staff/{owner.account.id}/lock", ROOT
    return f"/v1/clients/{owner.account.client_id}/lock", DESK


async def opens_nothing(owner: Owner, device: str, mailed: str) -> None:
    assert (await owner.api.get("/v1/me", headers=owner.here)).status_code == 401
    for entered in (await owner.signs_in(), await owner.signs_in(device=device)):
        assert (entered.status_code, entered.json()["detail"]) == (401, "This address and password do not fit.")
    assert problem_of(await owner.api.get(f"/v1/password-resets/{mailed}")) == "link-invalid"
    new = {"token": mailed, "password": "another long password 7"}
    assert problem_of(await owner.api.post("/v1/passwords", json=new)) == "link-invalid"


@pytest.mark.parametrize("side", ["client", "staff"])
async def test_a_locked_account_opens_nothing_until_it_is_unlocked(
    sara: Owner, maria: Owner, rows: Rows, side: str
) -> None:
    owner = sara if side == "client" else maria
    device = (await owner.signs_in()).json()["device"]
    path, by = lock_of(owner)
    mailed = await link(rows, owner.account)
    for _ in range(2):  # twice is once
        assert (await owner.api.post(path, headers=by)).status_code == 204
    await opens_nothing(owner, device, mailed)
    later = await link(rows, owner.account, "a-later-link")  # which somebody with the mailbox asks for
    await opens_nothing(owner, device, later)
    for _ in range(2):
        assert (await owner.api.delete(path, headers=by)).status_code == 204
    assert (await owner.api.get("/v1/me", headers=owner.here)).status_code == 401  # what ended stays ended
    assert (await owner.signs_in()).status_code == 401  # whoever knows the password is not let in before its owner
    async with rows.sessions() as session:
        mails = (await session.exec(select(OutboxItem.template).order_by(col(OutboxItem.seq)))).all()
    assert list(mails) == ["password_reset"]
    new = {"token": await link(rows, owner.account, "mailed"), "password": "another long password 7"}
    assert (await owner.api.post("/v1/passwords", json=new)).status_code == 200


async def test_the_timeline_tells_who_locked_a_clients_account(sara: Owner) -> None:
    path, _ = lock_of(sara)
    await sara.api.post(path, headers=DESK)
    await sara.api.delete(path, headers=DESK)
    timeline = (await sara.api.get(f"/v1/clients/{sara.account.client_id}/timeline", headers=DESK)).json()["items"]
    told = [(fact["kind"], fact["actor"]) for fact in timeline if "locked" in fact["kind"]]
    assert sorted(told) == [("account_locked", "care_team:desk"), ("account_unlocked", "care_team:desk")]


async def test_a_therapists_programs_end_with_the_lock(api: httpx.AsyncClient, rows: Rows) -> None:
    therapist = await rows.therapist("ana")
    account = await rows.staff("ana", Role.THERAPIST, therapist=therapist)
    token = (await api.post("/v1/therapists/ana/tokens", headers=ROOT)).json()["token"]
    assert (await api.get("/v1/notifications", headers={"Authorization": f"Bearer {token}"})).status_code == 200
    assert (await api.post(f"/v1/staff/{account.id}/lock", headers=ROOT)).status_code == 204
    assert (await api.get("/v1/notifications", headers={"Authorization": f"Bearer {token}"})).status_code == 401
    [listed] = (await api.get("/v1/staff", headers=ROOT)).json()["items"]
    assert (listed["locked_at"] is not None, listed["ended_at"]) == (True, None)


async def test_nobody_locks_the_last_admin(api: httpx.AsyncClient, rows: Rows, clock: StandingClock) -> None:
    """Nor their own account; the care team locks nobody of the practice."""
    olga = await a_colleague(api, rows, clock, "olga", Role.ADMIN)
    other = await a_colleague(api, rows, clock, "otto", Role.ADMIN)
    assert problem_of(await api.post(f"/v1/staff/{other.account.id}/lock", headers=DESK)) == "not-allowed"
    assert problem_of(await api.post(f"/v1/staff/{olga.account.id}/lock", headers=olga.here)) == "not-allowed"
    assert (await api.post(f"/v1/staff/{other.account.id}/lock", headers=olga.here)).status_code == 204
    assert problem_of(await api.post(f"/v1/staff/{olga.account.id}/lock", headers=ROOT)) == "not-allowed"


async def test_a_client_without_an_account_has_none_to_lock(api: httpx.AsyncClient, rows: Rows) -> None:
    client = await rows.client()
    assert problem_of(await api.post(f"/v1/clients/{client.id}/lock", headers=DESK)) == "not-found"
