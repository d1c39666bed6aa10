"""A forgotten password: the mailed link does not stand in for the second factor, nor take it away."""

from typing import Any

import httpx
import pytest

from tests.api.accounts.factors.apps import BOTH, PASSWORD, Owner, needs_factor
from tests.api.accounts.test_password_resets import link
from tests.api.conftest import StandingClock, fields_of, problem_of
from tests.care.rows import Rows

NEW = "a new and better one"


async def sets(owner: Owner, token: str, **more: Any) -> httpx.Response:
    return await owner.api.post("/v1/passwords", json={"token": token, "password": NEW} | more)


async def test_without_a_code_nothing_is_set_and_the_link_stays_good(sara: Owner, rows: Rows) -> None:
    await sara.enrols()
    token = await link(rows, sara.account)
    before = await rows.snapshot("account", "token", "outbox", "fact")
    needs_factor(await sets(sara, token), factors=BOTH)
    needs_factor(await sets(sara, token, code=sara.app.wrong_code()), factors=BOTH)
    assert await rows.snapshot("account", "token", "outbox", "fact") == before
    assert (await sara.signs_in(sara.app.next_code())).status_code == 201  # by the password as it was

    done = await sets(sara, token, code=sara.app.next_code())
    assert done.status_code == 200, done.text
    mine = {"Authorization": f"Bearer {done.json()['token']}"}
    assert (await sara.api.get("/v1/second-factors", headers=mine)).json()["recovery_codes"] == 10
    assert problem_of(await sets(sara, token, code=sara.app.next_code())) == "link-invalid"
    needs_factor(await sara.signs_in(password=NEW), factors=BOTH)
    assert (await sara.signs_in(sara.app.next_code(), password=NEW)).status_code == 201
    assert (await sara.signs_in(sara.app.next_code(), password=PASSWORD)).status_code == 401


async def test_a_recovery_code_will_do_once(sara: Owner, rows: Rows) -> None:
    await sara.enrols()
    code = sara.recovery_codes[0]
    assert (await sets(sara, await link(rows, sara.account), code=code)).status_code == 200
    needs_factor(await sets(sara, await link(rows, sara.account, "another"), code=code), factors=BOTH)


async def test_a_password_that_may_be_nobodys_costs_neither_link_nor_code(maria: Owner, rows: Rows) -> None:
    await maria.enrols()
    token, code = await link(rows, maria.account), maria.app.next_code()
    assert fields_of(await sets(maria, token, code=code, password="short")) == ["password"]
    assert (await sets(maria, token, code=code)).status_code == 200


async def test_who_has_none_needs_none(sara: Owner, rows: Rows) -> None:
    await sara.begins()
    assert (await sets(sara, await link(rows, sara.account))).status_code == 200


async def test_who_reads_the_mails_cannot_guess_on(sara: Owner, rows: Rows, clock: StandingClock) -> None:
    await sara.enrols()
    wrong = sara.app.wrong_code()
    links = [await link(rows, sara.account, f"link {number}") for number in range(3)]  # which are counted together
    told = [(await sets(sara, links[number % 3], code=wrong)).status_code for number in range(32)]
    assert told == [401] * 30 + [429] * 2
    assert (await sara.signs_in(sara.app.next_code())).status_code == 201


async def test_one_that_was_set_up_while_the_password_was_hashed_is_asked_for(
    sara: Owner, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    from api.accounts.signing_in.passwords import Passwords

    hashed = Passwords.hash
    token = await link(rows, sara.account)

    async def hash(self: Passwords, *args: Any, **how: Any) -> str:
        monkeypatch.undo()
        await sara.enrols()
        return await hashed(self, *args, **how)

    monkeypatch.setattr(Passwords, "hash", hash)
    needs_factor(await sets(sara, token), factors=BOTH)
    assert (await sara.signs_in(sara.app.next_code())).status_code == 201
