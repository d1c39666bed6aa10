"""Accounts that are locked while whoever holds them is at work: what was under way comes to nothing."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from api.accounts.factors import codes
from api.accounts.signing_in.passwords import Passwords
from api.routes.accounts.factors import enrolments
from models.writes.accounts.accounts import shut
from models.writes.accounts.locks import lock_account
from tests.api.accounts.factors.apps import PASSWORD, Owner
from tests.api.conftest import problem_of
from tests.care.rows import NOW, Rows


async def _locks(rows: Rows, owner: Owner) -> None:
    async with rows.sessions() as session:
        await shut(session, await lock_account(session, owner.account), by="care_team:desk", at=NOW)
        await session.commit()


async def _new_password(owner: Owner) -> httpx.Response:
    new = {"current": PASSWORD, "password": "another long password 7"}
    return await owner.api.post("/v1/passwords", json=new, headers=owner.here)


async def _new_address(owner: Owner) -> httpx.Response:
    new = {"current": PASSWORD, "email": "thief@mail.example"}
    return await owner.api.post("/v1/email-changes", json=new, headers=owner.here)


async def _new_factor(owner: Owner) -> httpx.Response:
    return await owner.begins()


@pytest.mark.parametrize("asks", [_new_password, _new_address, _new_factor])
async def test_nothing_changes_behind_a_lock_that_came_while_the_password_was_looked_at(
    sara: Owner, rows: Rows, monkeypatch: pytest.MonkeyPatch, asks: Callable[[Owner], Awaitable[httpx.Response]]
) -> None:
    looked = Passwords.fits

    async def fits(self: Passwords, *args: Any, **how: Any) -> bool:
        fitted = await looked(self, *args, **how)
        await _locks(rows, sara)
        return fitted

    monkeypatch.setattr(Passwords, "fits", fits)
    before = await rows.snapshot("second_factor", "email_change")
    hashed = sara.account.password_hash
    assert problem_of(await asks(sara)) == "unauthenticated"
    assert await rows.snapshot("second_factor", "email_change") == before
    async with rows.sessions() as session:
        account = await lock_account(session, sara.account)
        assert (account.is_shut, account.password_hash) == (True, hashed)


async def test_no_second_factor_comes_in_force_behind_a_lock(
    sara: Owner, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await sara.begins()).status_code == 201
    counted = codes.admit_code

    async def admit_code(*args: Any, **how: Any) -> Any:
        tried = await counted(*args, **how)
        await _locks(rows, sara)
        return tried

    monkeypatch.setattr(enrolments, "admit_code", admit_code)
    before = await rows.snapshot("second_factor", "recovery_code")
    assert problem_of(await sara.confirms()) == "unauthenticated"
    assert await rows.snapshot("second_factor", "recovery_code") == before
