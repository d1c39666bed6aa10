"""Who guesses passwords is slowed down; whose password is guessed is not locked out."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from api.accounts.signing_in.passwords import Passwords
from api.accounts.visitors import visitor_of
from models.tables import Account
from rules.enums import Role
from tests.api.accounts.test_password_resets import OLD, link, member
from tests.api.conftest import CIPHER, DESK, SITE, StandingClock, problem_of
from tests.care.defaults import HASHER
from tests.care.rows import Rows

EMAIL, WRONG = "sara@mail.example", "wrong"


async def try_in(
    api: httpx.AsyncClient, visitor: str = "", email: str = EMAIL, password: str = WRONG, **more: Any
) -> httpx.Response:
    """Over the booking site, which names the visitor; with none, straight from one address."""
    headers = SITE | {"Visitor": visitor} if visitor else {}
    return await api.post("/v1/sessions", json={"email": email, "password": password, **more}, headers=headers)


async def statuses(api: httpx.AsyncClient, number: int, **how: Any) -> list[int]:
    return [(await try_in(api, **how)).status_code for _ in range(number)]


async def busy(api: httpx.AsyncClient, email: str = EMAIL, crowd: str = "bot") -> None:
    """Others have used up what may fail at this address."""
    for number in range(12):
        await try_in(api, f"{crowd} {number}", email)


@pytest.fixture
async def sara(rows: Rows) -> Account:
    return (await member(rows, EMAIL))[1]


@pytest.mark.parametrize("email", [EMAIL, "nobody@mail.example"])
async def test_ten_at_an_address_whoever_tries_and_whether_anybody_has_it(
    api: httpx.AsyncClient, sara: Account, email: str
) -> None:
    answers = [await try_in(api, f"visitor {number}", email) for number in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert problem_of(answers[-1]) == "rate-limited"
    assert answers[-1].headers["retry-after"] == "900"
    assert (await try_in(api, "another", "other@mail.example")).status_code == 401


async def test_the_owner_is_let_in_from_a_known_device_while_others_guess(
    api: httpx.AsyncClient, sara: Account
) -> None:
    known = (await try_in(api, "owner", password=OLD)).json()["device"]
    await busy(api)
    assert (await try_in(api, "owner", password=OLD)).status_code == 429
    for _ in range(12):  # what fits is not counted
        again = await try_in(api, "owner", password=OLD, device=known)
        assert again.status_code == 201
        assert again.json()["device"] == known


async def test_who_stole_a_device_guesses_no_faster_and_an_unknown_one_gives_nothing(
    api: httpx.AsyncClient, sara: Account, rows: Rows
) -> None:
    known = (await try_in(api, "owner", password=OLD)).json()["device"]
    await member(rows, "tom@mail.example")
    toms = (await try_in(api, "tom", "tom@mail.example", OLD)).json()["device"]
    assert await statuses(api, 11, visitor="thief", device=known) == [401] * 10 + [429]
    assert (await try_in(api, "owner", password=OLD)).status_code == 201  # others' budgets were left alone
    await busy(api)
    for other in (toms, "made-up", "x" * 200, "\0"):
        assert (await try_in(api, "owner", password=OLD, device=other)).status_code == 429


async def test_a_device_is_known_for_ninety_days_from_its_last_use(
    api: httpx.AsyncClient, sara: Account, clock: StandingClock
) -> None:
    known = (await try_in(api, "owner", password=OLD)).json()["device"]
    clock.advance(days=89)
    assert (await try_in(api, "owner", password=OLD, device=known)).json()["device"] == known
    clock.advance(days=89)
    await busy(api)
    assert (await try_in(api, "owner", password=OLD, device=known)).status_code == 201
    clock.advance(days=90)
    await busy(api, crowd="later")
    assert (await try_in(api, "owner", password=OLD, device=known)).status_code == 429


async def test_whoever_is_unknown_waits_a_quarter_of_an_hour_however_many_keep_on_trying(
    api: httpx.AsyncClient, sara: Account, clock: StandingClock
) -> None:
    await busy(api)
    first = await try_in(api, "owner", password=OLD)
    assert first.status_code == 429
    assert int(first.headers["retry-after"]) <= 900
    for minute in range(15):
        clock.advance(minutes=1)
        await busy(api, crowd=f"bot of minute {minute}")  # who takes every place that becomes free
        if minute == 6:
            assert (await try_in(api, "owner", password=OLD)).status_code == 429  # asking again costs nothing
    assert (await try_in(api, "owner", password=OLD)).status_code == 201


async def test_who_has_waited_has_one_try_and_then_waits_again(
    api: httpx.AsyncClient, sara: Account, clock: StandingClock
) -> None:
    await busy(api)
    assert (await try_in(api, "guesser")).status_code == 429
    clock.advance(minutes=14, seconds=59)
    await busy(api, crowd="others")
    assert (await try_in(api, "guesser")).status_code == 429
    clock.advance(seconds=1)
    await busy(api, crowd="still others")
    assert await statuses(api, 3, visitor="guesser") == [401, 429, 429]
    clock.advance(minutes=31)  # a turn that nobody took is gone
    await busy(api, crowd="and others")
    assert (await try_in(api, "guesser")).status_code == 429


async def test_a_turn_that_met_a_full_line_is_still_theirs(
    api: httpx.AsyncClient, app: FastAPI, sara: Account, clock: StandingClock
) -> None:
    await busy(api)
    assert (await try_in(api, "owner", password=OLD)).status_code == 429
    clock.advance(minutes=15)
    await busy(api, crowd="others")
    services = app.state.services
    app.state.services = replace(services, passwords=Passwords(hasher=HASHER, most_in_line=0))
    assert (await try_in(api, "owner", password=OLD)).status_code == 503
    app.state.services = services
    assert (await try_in(api, "owner", password=OLD)).status_code == 201


def test_the_addresses_of_one_network_of_ipv6_are_one_visitor() -> None:
    def mark(address: str) -> str:
        return visitor_of(Request({"type": "http", "headers": [], "client": (address, 1)}), None, CIPHER).mark

    assert mark("2001:db8:1:2::1") == mark("2001:db8:1:2:ffff::9") != mark("2001:db8:1:3::1")
    assert mark("192.0.2.1") != mark("192.0.2.2")
    assert mark("::ffff:192.0.2.1") == mark("192.0.2.1")  # by a socket for both


async def test_one_visitor_cannot_spray_many_addresses(
    api: httpx.AsyncClient, rows: Rows, clock: StandingClock
) -> None:
    for number in range(12):
        await member(rows, f"client{number}@mail.example")
    answers = [(await try_in(api, "sprayer", f"client{number}@mail.example")).status_code for number in range(12)]
    assert answers == [401] * 10 + [429] * 2
    assert (await try_in(api, "owner", "client1@mail.example", OLD)).status_code == 201
    own = await try_in(api, "sprayer", "client11@mail.example", OLD)  # an account of one's own buys no more tries
    assert own.status_code == 429
    clock.advance(minutes=15)
    assert (await try_in(api, "sprayer", "client1@mail.example")).status_code == 401


async def test_signing_in_to_ones_own_account_gives_back_one_try_alone(api: httpx.AsyncClient, rows: Rows) -> None:
    await member(rows, "own@mail.example")
    for number in range(9):
        assert (await try_in(api, "sprayer", f"{number}@mail.example")).status_code == 401
    assert (await try_in(api, "sprayer", "own@mail.example", OLD)).status_code == 201
    assert await statuses(api, 2, visitor="sprayer") == [401, 429]


async def test_visitors_that_somebody_makes_up_without_a_key_are_one(api: httpx.AsyncClient) -> None:
    answers = [
        await api.post(
            "/v1/sessions",
            json={"email": f"{number}@mail.example", "password": "wrong"},
            headers={"Visitor": f"visitor {number}", "X-Forwarded-For": f"203.0.113.{number}"},
        )
        for number in range(11)
    ]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]


async def test_a_visitor_of_one_program_is_not_that_of_another(api: httpx.AsyncClient) -> None:
    assert await statuses(api, 11, visitor="v1", email="nobody@mail.example") == [401] * 10 + [429]
    body = {"email": "somebody@mail.example", "password": "wrong"}
    assert (await api.post("/v1/sessions", json=body, headers=DESK | {"Visitor": "v1"})).status_code == 401


async def test_guesses_side_by_side_are_bounded_too(api: httpx.AsyncClient, sara: Account) -> None:
    guesses = await asyncio.gather(*(try_in(api, f"visitor {n}", password=f"guess {n}") for n in range(30)))
    told = [answer.status_code for answer in guesses]
    assert (told.count(401), told.count(429)) == (10, 20)


async def test_all_servers_count_together(api: httpx.AsyncClient, sara: Account, app: Any) -> None:
    answers = []
    for number in range(11):
        app.state.services = replace(app.state.services, passwords=Passwords(hasher=HASHER))  # another process
        answers.append((await try_in(api, f"visitor {number}")).status_code)
    assert answers == [401] * 10 + [429]


async def test_what_is_counted_names_nobody(api: httpx.AsyncClient, rows: Rows, sara: Account) -> None:
    await busy(api)
    kept = str(await rows.snapshot("budget_use"))
    assert "sara" not in kept
    assert "bot" not in kept


async def test_the_two_sides_are_counted_apart(api: httpx.AsyncClient, rows: Rows, sara: Account) -> None:
    await rows.staff("sara", Role.CARE_TEAM, email=EMAIL, password=OLD)
    await busy(api)
    assert (await try_in(api, "at the desk", password=OLD, side="staff")).status_code == 201


async def test_a_link_ends_the_wait(api: httpx.AsyncClient, rows: Rows, sara: Account) -> None:
    await busy(api)
    assert (await api.post("/v1/password-resets", json={"email": EMAIL})).status_code == 202
    body = {"token": await link(rows, sara), "password": "a new and better one"}
    assert (await api.post("/v1/passwords", json=body)).status_code == 200


async def test_a_reset_forgets_every_device_and_a_change_by_the_owner_keeps_them(
    api: httpx.AsyncClient, rows: Rows, sara: Account
) -> None:
    known = (await try_in(api, "owner", password=OLD)).json()
    here = {"Authorization": f"Bearer {known['token']}"}
    body = {"current": OLD, "password": "a new and better one"}
    assert (await api.post("/v1/passwords", json=body, headers=here)).status_code == 204
    await busy(api)
    entered = await try_in(api, "owner", password="a new and better one", device=known["device"])
    assert entered.status_code == 201
    reset = {"token": await link(rows, sara), "password": "the third of them"}
    fresh = (await api.post("/v1/passwords", json=reset)).json()["device"]
    for device, status in ((known["device"], 429), (fresh, 201)):
        answer = await try_in(api, "owner", password="the third of them", device=device)
        assert answer.status_code == status
