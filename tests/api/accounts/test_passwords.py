"""New passwords, and the line in which they wait to be looked at."""

import asyncio
import threading
from typing import Any

import httpx
import pytest

from api.accounts.signing_in.common_passwords import common_passwords
from api.accounts.signing_in.passwords import Passwords, Waiter
from api.problems import Refused
from rules.accounts.sides import AccountSide
from rules.refusals import Problem
from tests.care.defaults import HASHER

GOOD = "correct horse battery"


def test_the_list_has_what_everybody_tries_first() -> None:
    common = common_passwords()
    assert {"password", "12345678", "qwertyuiop", "baseball"} <= common
    assert len(common) > 20_000
    assert all(password == password.casefold() for password in common)


async def test_a_password_that_fits_in_another_spelling_fits() -> None:
    passwords = Passwords(hasher=HASHER)
    stored = await passwords.hash("cafe\u0301 au lait", side=AccountSide.CLIENT, place=Waiter(who="one"))
    assert await passwords.fits("caf\xe9 au lait", stored, place=Waiter(who="one"))
    assert not await passwords.fits("cafe au lait", stored, place=Waiter(who="one"))
    assert not await passwords.fits("caf\xe9 au lait", None, place=Waiter(who="one"))


@pytest.mark.parametrize(
    ("password", "side", "words"),
    [
        ("football", AccountSide.CLIENT, "tried first"),
        ("short", AccountSide.CLIENT, "at least 8"),
        ("eleven char", AccountSide.STAFF, "at least 12"),
        ("x" * 129, AccountSide.STAFF, "at most 128"),
    ],
)
async def test_what_is_wrong_with_a_new_one_is_named(password: str, side: AccountSide, words: str) -> None:
    with pytest.raises(Refused) as refused:
        _ = await Passwords(hasher=HASHER).hash(password, side=side, place=Waiter(who="one"))
    assert refused.value.status == 422
    [error] = refused.value.refusal.data["errors"]
    assert error["field"] == "password"
    assert words in error["message"]


class _SlowHasher:
    """Verifies when told to."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = 0

    def verify(self, stored: str, password: str) -> bool:
        self.begun += 1
        assert self.go.wait(10)
        return True


async def _crowd(passwords: Passwords, *whos: str, known: bool = False) -> list[asyncio.Task[bool]]:
    tasks = [asyncio.create_task(passwords.fits("x", "stored", place=Waiter(who=who, known=known))) for who in whos]
    await asyncio.sleep(0)
    return tasks


async def test_the_line_is_bounded_for_all_and_for_each() -> None:
    hasher: Any = _SlowHasher()
    passwords = Passwords(hasher=hasher, at_once=2, most_in_line=4, most_of_one=2)
    waiting = await _crowd(passwords, "a", "a", "b", "b")
    for who, problem, status in (("a", Problem.RATE_LIMITED, 429), ("c", Problem.ENGINE_UNAVAILABLE, 503)):
        with pytest.raises(Refused) as refused:
            await passwords.fits("x", "stored", place=Waiter(who=who))
        assert (refused.value.refusal.name, refused.value.status) == (problem, status)
        assert refused.value.refusal.data["retry_after"] > 0
    hasher.go.set()
    assert await asyncio.gather(*waiting) == [True] * 4
    assert await passwords.fits("x", "stored", place=Waiter(who="a"))


async def test_whoever_is_known_waits_behind_nobody_who_is_not() -> None:
    hasher: Any = _SlowHasher()
    passwords = Passwords(hasher=hasher, at_once=2, most_in_line=3, most_of_one=9)
    strangers = await _crowd(passwords, "a", "b", "c")
    owner = await _crowd(passwords, "a device", known=True)
    async with asyncio.timeout(5):
        while hasher.begun < 2:  # the first stranger's, and the owner's
            await asyncio.sleep(0.01)
    hasher.go.set()
    assert await asyncio.gather(*strangers, *owner) == [True] * 4


async def test_a_full_line_is_answered_with_when_to_come_back(api: httpx.AsyncClient, app: Any) -> None:
    app.state.services.passwords._lanes[False].inside = 10_000
    try:
        answer = await api.post("/v1/sessions", json={"email": "a@mail.example", "password": GOOD})
    finally:
        app.state.services.passwords._lanes[False].inside = 0
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
