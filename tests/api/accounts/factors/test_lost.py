"""Whoever has lost app and codes: somebody else takes the factor away, and all hear of it."""

import httpx
import pytest
from fastapi import FastAPI
from sqlmodel import col, select

from models.tables import OutboxItem
from ops.second_factor import NoAccount, take_from
from rules.enums import Role
from tests.api.accounts.factors.apps import BOTH, Owner, a_client, a_colleague, demand, needs_factor
from tests.api.accounts.test_password_resets import link
from tests.api.conftest import DESK, ROOT, SITE, StandingClock, ToldEngine, problem_of
from tests.care.rows import NOW, Rows
from workflows.messages import PRACTICE_MAIL_ID


async def last_mail(rows: Rows) -> tuple[str, str]:
    async with rows.sessions() as session:
        mails = (await session.exec(select(OutboxItem).order_by(col(OutboxItem.seq)))).all()
    return mails[-1].template, mails[-1].order["text"]


async def is_without(owner: Owner) -> None:
    """Signed out everywhere; and in again by the password alone, to set up another one."""
    assert (await owner.api.get("/v1/me", headers=owner.here)).status_code == 401
    entered = await owner.signs_in()
    assert entered.status_code == 201
    owner.here = {"Authorization": f"Bearer {entered.json()['token']}"}
    assert (await owner.listed())["recovery_codes"] == 0
    former = owner.recovery_codes[0]
    await owner.enrols()
    needs_factor(await owner.signs_in(former), factors=BOTH)


async def test_an_admin_takes_a_colleagues_away(maria: Owner, rows: Rows, engine: ToldEngine) -> None:
    await maria.enrols()
    device = (await maria.signs_in(maria.app.next_code())).json()["device"]
    open_link = await link(rows, maria.account)
    taken = await maria.api.delete(f"/v1/staff/{maria.account.id}/second-factors", headers=ROOT)
    assert taken.status_code == 204
    assert engine.asked[-1].workflow_id == PRACTICE_MAIL_ID
    assert await last_mail(rows) == ("second_factor_changed", "taken_away")
    assert problem_of(await maria.api.get(f"/v1/password-resets/{open_link}")) == "link-invalid"
    [kept] = (await rows.snapshot("second_factor"))["second_factor"]
    assert '"ended_by":"admin:root"' in kept
    assert '"secret":null' in kept
    assert (await maria.signs_in(device=device)).json()["device"] != device
    await is_without(maria)


async def test_the_care_team_takes_a_clients_away_and_the_timeline_tells_who(sara: Owner, rows: Rows) -> None:
    await sara.enrols()
    path = f"/v1/clients/{sara.account.client_id}/second-factors"
    assert (await sara.api.delete(path, headers=DESK)).status_code == 204
    assert await last_mail(rows) == ("second_factor_changed", "taken_away")
    timeline = (await sara.api.get(f"/v1/clients/{sara.account.client_id}/timeline", headers=DESK)).json()["items"]
    fact = next(fact for fact in timeline if fact["kind"] == "second_factor_removed")
    assert (fact["actor"], fact["text"]) == ("care_team:desk", "The client's second factors were taken away.")
    verified = f"/v1/clients/{sara.account.client_id}/timeline/verify"
    assert (await sara.api.get(verified, headers=DESK)).json()["valid"] is True
    await is_without(sara)


async def test_where_there_is_none_nothing_happens(sara: Owner, maria: Owner, rows: Rows) -> None:
    await sara.begins()
    before = await rows.snapshot("second_factor", "token", "outbox", "fact")
    for path, headers in (
        (f"/v1/clients/{sara.account.client_id}/second-factors", DESK),
        (f"/v1/staff/{maria.account.id}/second-factors", ROOT),
    ):
        assert (await sara.api.delete(path, headers=headers)).status_code == 204
    assert await rows.snapshot("second_factor", "token", "outbox", "fact") == before


async def test_who_may_not(sara: Owner, maria: Owner, rows: Rows, real: StandingClock) -> None:
    await sara.enrols()
    await maria.enrols()
    root = await a_colleague(sara.api, rows, real, "root-person", Role.ADMIN)
    tom = await a_client(sara.api, rows, real, "tom")
    of_client = f"/v1/clients/{sara.account.client_id}/second-factors"
    of_staff = f"/v1/staff/{maria.account.id}/second-factors"
    for path, headers in (
        (of_client, sara.here),  # her own she removes by a code
        (of_client, tom.here),
        (of_client, SITE),
        (of_client, root.here),
        (of_staff, maria.here),
        (of_staff, DESK),
        (f"/v1/staff/{root.account.id}/second-factors", root.here),
    ):
        assert problem_of(await sara.api.delete(path, headers=headers)) == "not-allowed"
    for path in (of_client, of_staff):
        assert problem_of(await sara.api.delete(path)) == "unauthenticated"
    # An account is named on its own side, and a client who has none is none.
    other_side = (f"/v1/staff/{sara.account.id}/second-factors", f"/v1/clients/{maria.account.id}/second-factors")
    nobody = await rows.client()
    for path in (*other_side, f"/v1/clients/{nobody.id}/second-factors"):
        by = ROOT if "/staff/" in path else DESK
        assert problem_of(await sara.api.delete(path, headers=by)) == "not-found"
    needs_factor(await sara.signs_in(), factors=BOTH)


async def test_where_it_is_demanded_they_set_up_another_one_first(maria: Owner, app: FastAPI) -> None:
    await maria.enrols()
    demand(app)
    assert (await maria.api.delete(f"/v1/staff/{maria.account.id}/second-factors", headers=ROOT)).status_code == 204
    mine = {"Authorization": f"Bearer {(await maria.signs_in()).json()['token']}"}
    needs_factor(await maria.api.get("/v1/tasks", headers=mine), factors=[])


async def test_the_only_admin_has_a_way_back_on_the_command_line(
    api: httpx.AsyncClient, rows: Rows, real: StandingClock
) -> None:
    root = await (await a_colleague(api, rows, real, "root-person", Role.ADMIN)).enrols()
    assert await take_from(rows.sessions, " ROOT-person@practice.example", at=NOW) is True
    assert await last_mail(rows) == ("second_factor_changed", "taken_away")
    assert await take_from(rows.sessions, root.email, at=NOW) is False
    await is_without(root)


async def test_the_command_is_for_people_of_the_practice(sara: Owner, rows: Rows, maria: Owner) -> None:
    await sara.enrols()
    await rows.change(maria.account, deactivated_at=NOW)
    for email in (sara.email, maria.email, "nobody@practice.example", ""):
        with pytest.raises(NoAccount):
            await take_from(rows.sessions, email, at=NOW)
