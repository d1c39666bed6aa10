"""A sign-in whose password fits begins nothing, where it stopped fitting while it was looked at."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from api.accounts.signing_in.passwords import Passwords
from models.tables import Account, Client
from models.writes.accounts.accounts import end_account
from models.writes.accounts.locks import lock_account
from models.writes.accounts.passwords import set_password
from tests.api.accounts.test_password_resets import OLD, member
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
