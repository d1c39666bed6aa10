"""Signing in with a second factor: a code once, a recovery code once, and nothing told before the password is right."""

import asyncio
from dataclasses import replace
from json import dumps
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select

from api.accounts.signing_in.passwords import Passwords
from models.database import session_factory
from models.sealed import RowKeys
from models.tables import OutboxItem, SecondFactor
from tests.api.accounts.factors.apps import BOTH, PASSWORD, Owner, a_client, needs_factor
from tests.api.conftest import DESK, ROOT, StandingClock, ToldEngine, problem_of
from tests.care.defaults import CHAIN_KEYS, HASHER, ROW_KEYS
from tests.care.rows import Rows
from tests.statements import statements
from workflows.messages import PRACTICE_MAIL_ID


async def test_a_code_beside_the_password_signs_in(sara: Owner, rows: Rows) -> None:
    await sara.enrols()
    before = await rows.snapshot("token")
    asked = await sara.signs_in()
    needs_factor(asked, factors=BOTH)
    assert asked.headers["www-authenticate"] == "Bearer"
    assert await rows.snapshot("token") == before  # nothing is half signed in
    entered = await sara.signs_in(sara.app.next_code())
    assert entered.status_code == 201, entered.text
    assert entered.json().keys() == {"token", "role", "roles", "expires_at", "device", "client_id"}


async def test_people_of_the_practice_sign_in_alike(maria: Owner) -> None:
    await maria.enrols()
    needs_factor(await maria.signs_in(), factors=BOTH)
    entered = await maria.signs_in(maria.app.next_code())
    mine = {"Authorization": f"Bearer {entered.json()['token']}"}
    assert (await maria.api.get("/v1/tasks", headers=mine)).status_code == 200


async def test_who_has_none_signs_in_as_ever_whatever_code_is_sent_along(sara: Owner) -> None:
    assert (await sara.signs_in()).status_code == 201
    assert (await sara.signs_in("123456")).status_code == 201


async def test_one_that_is_not_confirmed_is_not_asked_for(sara: Owner) -> None:
    assert (await sara.begins()).status_code == 201
    assert (await sara.signs_in()).status_code == 201


# ---------------------------------------------------------------- once


async def test_a_code_works_once(sara: Owner) -> None:
    await sara.enrols()
    code = sara.app.next_code()
    assert (await sara.signs_in(code)).status_code == 201
    replayed = await sara.signs_in(code)
    needs_factor(replayed, factors=BOTH)
    assert replayed.json()["detail"] == "This code does not fit, or was used before."


async def test_the_code_that_confirmed_it_is_used_by_that(sara: Owner) -> None:
    await sara.enrols()
    needs_factor(await sara.signs_in(sara.app.code()), factors=BOTH)


async def test_no_code_from_before_the_last_one_works(sara: Owner) -> None:
    await sara.enrols()
    late, now = sara.app.code(steps=1), sara.app.code(steps=2)
    sara.app.real.advance(seconds=60)
    assert (await sara.signs_in(now)).status_code == 201
    needs_factor(await sara.signs_in(late), factors=BOTH)  # it was not used, and its step is one that is taken


async def test_of_many_who_send_one_code_at_once_one_is_let_in(sara: Owner) -> None:
    await sara.enrols()
    code = sara.app.next_code()
    answers = await asyncio.gather(*(sara.signs_in(code) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [401] * 5


async def test_a_recovery_code_works_once_and_its_owner_is_told(
    sara: Owner, rows: Rows, engine: ToldEngine, real: StandingClock
) -> None:
    await sara.enrols()
    first, second = sara.recovery_codes[:2]
    engine.asked.clear()
    assert (await sara.signs_in(f" {first.lower().replace('-', ' ')}")).status_code == 201
    assert [asked.workflow_id for asked in engine.asked] == [PRACTICE_MAIL_ID]
    needs_factor(await sara.signs_in(first), factors=BOTH)
    assert (await sara.signs_in(second)).status_code == 201
    assert (await sara.listed())["recovery_codes"] == 8
    async with rows.sessions() as session:
        mails = [row.order["text"] for row in await session.exec(select(OutboxItem).order_by(col(OutboxItem.seq)))]
    assert mails == ["added", "code_used", "code_used"]
    facts = (await sara.api.get(f"/v1/clients/{sara.account.client_id}/timeline", headers=DESK)).json()["items"]
    assert sorted(fact["kind"] for fact in facts) == ["recovery_code_used"] * 2 + ["second_factor_added"]
    assert {fact["actor"] for fact in facts} == {f"client:{sara.account.client_id}"}


async def test_of_many_who_send_one_recovery_code_at_once_one_is_let_in(sara: Owner) -> None:
    await sara.enrols()
    answers = await asyncio.gather(*(sara.signs_in(sara.recovery_codes[0]) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [401] * 5
    assert (await sara.listed())["recovery_codes"] == 9


async def test_without_recovery_codes_left_they_are_not_offered(sara: Owner) -> None:
    await sara.enrols()
    for code in sara.recovery_codes:
        assert (await sara.signs_in(code)).status_code == 201
    needs_factor(await sara.signs_in(), factors=["totp"])


async def test_the_code_of_another_account_is_none(sara: Owner, rows: Rows, real: StandingClock) -> None:
    await sara.enrols()
    tom = await (await a_client(sara.api, rows, real, "tom")).enrols()
    for code in (tom.app.next_code(), tom.recovery_codes[0]):
        needs_factor(await sara.signs_in(code), factors=BOTH)
    assert (await tom.signs_in(tom.app.code())).status_code == 201  # and was not used up by that
    assert (await tom.signs_in(tom.recovery_codes[0])).status_code == 201


@pytest.mark.parametrize("code", ["0", " ", "x" * 200, "\0", "\u0663" * 6, "\ufdfa" * 9])
async def test_whatever_is_typed_is_answered(sara: Owner, code: str) -> None:
    await sara.enrols()
    body = {"email": sara.email, "password": PASSWORD, "code": code}
    as_json = {"Content-Type": "application/json"}
    needs_factor(await sara.api.post("/v1/sessions", content=dumps(body), headers=as_json), factors=BOTH)


# ---------------------------------------------------------------- the world's clock


async def test_codes_follow_the_worlds_clock_wherever_the_products_stands(
    sara: Owner, clock: StandingClock, real: StandingClock
) -> None:
    await sara.enrols()
    clock.advance(days=400)
    assert (await sara.signs_in(sara.app.next_code())).status_code == 201
    stale = sara.app.next_code()
    real.advance(seconds=90)
    needs_factor(await sara.signs_in(stale), factors=BOTH)


# ---------------------------------------------------------------- nothing is told


async def test_a_wrong_password_is_answered_alike_with_a_factor_and_without(
    sara: Owner, rows: Rows, real: StandingClock, database: AsyncEngine, app: FastAPI
) -> None:
    """Not by a stopwatch: the statements are the same, one by one, and as many passwords are looked at."""
    looked = 0

    class Counting(Passwords):
        async def fits(self, *args: Any, **how: Any) -> bool:
            nonlocal looked
            looked += 1
            return await super().fits(*args, **how)

    app.state.services = replace(app.state.services, passwords=Counting(hasher=HASHER))
    await sara.enrols()
    tom = await a_client(sara.api, rows, real, "tom")
    seen = []
    for owner in (sara, tom):
        for code in (None, sara.app.code(), sara.recovery_codes[0]):
            looked = 0
            with statements(database) as asked:
                answer = await owner.signs_in(code, password="wrong")
            said = {name: value for name, value in answer.json().items() if name != "request_id"}
            seen.append((answer.status_code, str(said), tuple(asked), looked))
    assert len(set(seen)) == 1
    assert seen[0][0] == 401
    assert problem_of(await sara.signs_in(password="wrong")) == "unauthenticated"
    assert (await sara.signs_in(sara.recovery_codes[0])).status_code == 201  # which a wrong password did not use up


async def test_one_that_is_put_in_force_while_a_password_is_looked_at_is_asked_for(
    sara: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No sign-in begins behind the one that ends all others."""
    await sara.begins()
    looked = Passwords.fits

    async def fits(self: Passwords, *args: Any, **how: Any) -> bool:
        fitted = await looked(self, *args, **how)
        assert (await sara.confirms()).status_code == 200
        return fitted

    monkeypatch.setattr(Passwords, "fits", fits)
    needs_factor(await sara.signs_in(), factors=BOTH)
    signed_in = (await sara.api.get("/v1/sessions", headers=sara.here)).json()["items"]
    assert [each["current"] for each in signed_in] == [True]


async def test_no_secret_and_no_code_is_kept_or_logged(
    sara: Owner, rows: Rows, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    await sara.enrols()
    code = sara.app.next_code()
    assert (await sara.signs_in(code)).status_code == 201
    assert (await sara.signs_in(sara.recovery_codes[0])).status_code == 201
    needs_factor(await sara.signs_in(sara.app.wrong_code()), factors=BOTH)
    written = capfd.readouterr()
    tables = ("second_factor", "recovery_code", "outbox", "fact", "token", "budget_use", "idempotency_key", "account")
    kept = str(await rows.snapshot(*tables))
    for secret in (sara.app.secret, sara.app.secret.encode().hex(), *sara.recovery_codes):
        for place in (kept, caplog.text, written.out, written.err):
            assert secret not in place
            assert secret.replace("-", "") not in place
    for place in (caplog.text, written.out, written.err):
        assert code not in place


async def test_a_secret_in_anothers_row_opens_nothing(sara: Owner, rows: Rows, real: StandingClock) -> None:
    """Who can write to the tables cannot give somebody an app of their own."""
    await sara.enrols()
    thief = await (await a_client(sara.api, rows, real, "thief")).enrols()
    async with rows.sessions() as session:
        mine = (await session.exec(select(SecondFactor).where(SecondFactor.account_id == sara.account.id))).one()
        theirs = (await session.exec(select(SecondFactor).where(SecondFactor.account_id == thief.account.id))).one()
        mine.secret = theirs.secret
        session.add(mine)
        await session.commit()
    needs_factor(await sara.signs_in(thief.app.next_code()), factors=BOTH)


async def test_after_a_change_of_keys_old_secrets_open_and_a_lost_key_leaves_recovery_codes(
    sara: Owner, app: FastAPI, database: AsyncEngine
) -> None:
    await sara.enrols()
    services, fresh = app.state.services, ("two", b"2" * 32)

    def with_keys(*keys: tuple[str, bytes]) -> None:
        sessions = session_factory(database, chain=CHAIN_KEYS, rows=RowKeys(keys))
        app.state.services = replace(services, sessions=sessions)

    with_keys(fresh, *ROW_KEYS.keys)
    assert (await sara.signs_in(sara.app.next_code())).status_code == 201
    with_keys(fresh)
    needs_factor(await sara.signs_in(sara.app.next_code()), factors=BOTH)
    assert (await sara.signs_in(sara.recovery_codes[0])).status_code == 201


async def test_a_new_address_or_password_keeps_the_factor(sara: Owner, rows: Rows) -> None:
    await sara.enrols()
    body = {"current": PASSWORD, "password": "a new and better one"}
    assert (await sara.api.post("/v1/passwords", json=body, headers=sara.here)).status_code == 204
    needs_factor(await sara.signs_in(password="a new and better one"), factors=BOTH)


def test_the_problem_is_in_the_description(app: FastAPI) -> None:
    told: Any = app.openapi()["paths"]["/v1/sessions"]["post"]["responses"]["401"]
    assert "second-factor-required" in told["description"]


async def test_who_ends_an_account_ends_its_factors(maria: Owner, rows: Rows) -> None:
    await maria.enrols()
    assert (await maria.api.delete(f"/v1/staff/{maria.account.id}", headers=ROOT)).status_code == 204
    [kept] = (await rows.snapshot("second_factor"))["second_factor"]
    assert '"secret":null' in kept
