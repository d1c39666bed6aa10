"""Sign-ins side by side: one begins nothing, where its password stopped fitting while it was looked at."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.accounts.signing_in.passwords import Passwords, Waiter
from api.accounts.signing_in.sign_ins import Admitted, restore
from models.tables import Account, Client
from models.writes.accounts.accounts import end_account
from models.writes.accounts.budgets import give_back, take_turn, use
from models.writes.accounts.locks import lock_account
from models.writes.accounts.passwords import set_password
from rules.accounts.budgets import Budget
from tests.api.accounts.test_password_resets import OLD, member
from tests.api.accounts.waiting import somebody_waits
from tests.api.conftest import problem_of
from tests.care.rows import NOW, Rows

SARA = {"email": "sara@mail.example", "password": OLD}
Meanwhile = Callable[[Any, Account], Awaitable[None]]


async def _set_anew(session: Any, account: Account) -> None:
    await set_password(session, account, "another hash", at=NOW)


async def _ended(session: Any, account: Account) -> None:
    await end_account(session, account, at=NOW)


async def _moved(session: Any, account: Account) -> None:
    client = await session.get_one(Client, account.client_id)
    client.email = client.email_folded = "new@mail.example"


@pytest.mark.parametrize("meanwhile", [_set_anew, _ended, _moved])
async def test_what_ends_every_sign_in_ends_the_one_that_is_under_way(
    api: httpx.AsyncClient, rows: Rows, monkeypatch: pytest.MonkeyPatch, meanwhile: Meanwhile
) -> None:
    account = (await member(rows, SARA["email"]))[1]
    looked = Passwords.fits

    async def fits(self: Passwords, *args: Any, **how: Any) -> bool:
        fitted = await looked(self, *args, **how)
        async with rows.sessions() as session:
            await meanwhile(session, await lock_account(session, account))
            await session.commit()
        return fitted

    monkeypatch.setattr(Passwords, "fits", fits)
    assert problem_of(await api.post("/v1/sessions", json=SARA)) == "unauthenticated"
    assert "session" not in str(await rows.snapshot("token"))


async def test_what_is_given_back_waits_in_the_order_in_which_it_was_used(rows: Rows) -> None:
    """Whoever uses the same budgets beside it waits, or is waited for, and neither for the other."""
    used = [Budget(key=key, most=9, within=timedelta(minutes=15)) for key in ("a", "b")]
    async with rows.sessions() as session:
        for one in reversed(used):  # so that they lie in the table the other way round
            await use(session, one, at=NOW)
        await session.commit()
    async with rows.sessions() as session:
        await use(session, used[0], at=NOW)
        giving = asyncio.create_task(_gives_back(rows, used))
        await somebody_waits(rows)
        assert await use(session, used[1], at=NOW) is None
        await session.commit()
    await giving


async def _gives_back(rows: Rows, used: list[Budget]) -> None:
    async with rows.sessions() as session:
        await give_back(session, *used, at=NOW)
        await session.commit()


async def test_a_turn_that_is_given_back_waits_for_nobody_who_waits_for_it(rows: Rows) -> None:
    """Of two tries of one visitor at one address, one ends while the other takes its turn."""
    own = Budget(key="a visitor's", most=9, within=timedelta(minutes=15))
    async with rows.sessions() as session:
        await use(session, own, at=NOW)
        await session.commit()
    ended = Admitted(used=(own,), place=Waiter(who="a visitor"), turn="a turn")
    async with rows.sessions() as session:
        await take_turn(session, "a turn", wait=timedelta(minutes=15), at=NOW)
        ending = asyncio.create_task(restore(rows.sessions, ended, now=NOW))
        await somebody_waits(rows)
        await give_back(session, own, at=NOW)
        await session.commit()
    await ending
