"""Who guesses codes is slowed down, over a day; and whose codes are guessed is not locked out."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlmodel import select

from api.routes.accounts.factors import enrolments
from models.tables import OutboxItem
from rules.accounts.second_factors import MOST_CODES
from tests.api.accounts.factors.apps import BOTH, PASSWORD, Owner, a_client, needs_factor
from tests.api.accounts.test_password_resets import link
from tests.api.conftest import ROOT, SITE, StandingClock, ToldEngine, fields_of, problem_of
from tests.care.rows import NOW, Rows
from workflows.messages import PRACTICE_MAIL_ID

NEW = "a new and better one"


def visitor(name: object) -> dict[str, Any]:
    return {"headers": SITE | {"Visitor": str(name)}}


async def guesses(owner: Owner, number: int, who: str = "thief", **more: Any) -> list[int]:
    """Each from another place, as a crowd would."""
    wrong = owner.app.wrong_code()
    return [(await owner.signs_in(wrong, **visitor(f"{who} {n}"), **more)).status_code for n in range(number)]


async def failed(api: httpx.AsyncClient, owner: Owner) -> int:
    """How many sign-ins the access log says to have failed at the owner's address."""
    found = await api.get("/v1/accesses", params={"who": owner.email, "event": "failed_sign_in"}, headers=ROOT)
    return sum(line["count"] for line in found.json()["items"])


@pytest.mark.parametrize("side", ["client", "staff"])
async def test_each_that_fails_is_written_down_when_codes_are_used_up_too(
    sara: Owner, maria: Owner, rows: Rows, clock: StandingClock, side: str
) -> None:
    owner = await (sara if side == "client" else maria).enrols()
    body = {"password": NEW}
    for number in range(32):
        body["token"] = await link(rows, owner.account, f"link {number}")
        answer = await owner.api.post("/v1/passwords", json=body | {"code": owner.app.wrong_code()})
        assert answer.status_code == (401 if number < 30 else 429)
    assert await failed(owner.api, owner) == 32
    needs_factor(await owner.api.post("/v1/passwords", json=body), factors=BOTH)  # nothing was tried
    assert await failed(owner.api, owner) == 32
    await used_up(owner, clock)
    before = await failed(owner.api, owner)
    assert await guesses(owner, 2, who="after") == [429] * 2
    assert await failed(owner.api, owner) == before + 2


async def test_a_wrong_code_is_a_sign_in_that_failed(sara: Owner, clock: StandingClock) -> None:
    await sara.enrols()
    assert await guesses(sara, 11) == [401] * 10 + [429]
    busy = await sara.signs_in(sara.app.next_code(), **visitor("owner"))
    assert problem_of(busy) == "rate-limited"
    clock.advance(minutes=15)
    assert (await sara.signs_in(sara.app.next_code(), **visitor("owner"))).status_code == 201


async def test_one_visitor_has_ten_whatever_the_account(sara: Owner, rows: Rows, real: StandingClock) -> None:
    answers = []
    for number in range(11):
        owner = await (await a_client(sara.api, rows, real, f"client{number}")).enrols()
        answers.append((await owner.signs_in(owner.app.wrong_code(), **visitor("one"))).status_code)
    assert answers == [401] * 10 + [429]


async def test_thirty_a_day_however_many_guess_and_however_long_they_wait(sara: Owner, clock: StandingClock) -> None:
    """So that a million codes last for years: for each of the thirty, three of them fit."""
    await sara.enrols()
    told: list[int] = []
    for quarter in range(8):
        told += await guesses(sara, 10, who=f"quarter {quarter}")
        clock.advance(minutes=15)
    assert told == [401] * 30 + [429] * 50
    limited = await sara.signs_in(sara.app.next_code(), **visitor("owner"))
    assert problem_of(limited) == "rate-limited"
    assert 0 < int(limited.headers["retry-after"]) <= 24 * 3600
    clock.advance(hours=24)
    assert (await sara.signs_in(sara.app.next_code(), **visitor("owner"))).status_code == 201


async def test_whose_password_is_known_to_a_guesser_is_told_so_once_a_day(
    sara: Owner, rows: Rows, clock: StandingClock, engine: ToldEngine
) -> None:
    await sara.enrols()
    for day in range(2):
        engine.asked.clear()
        await used_up(sara, clock)
        assert await guesses(sara, 3, who=f"after {day}") == [429] * 3
        assert await warnings(rows) == day + 1
        assert [asked.workflow_id for asked in engine.asked] == [PRACTICE_MAIL_ID]
        clock.advance(hours=24)


async def warnings(rows: Rows) -> int:
    async with rows.sessions() as session:
        return [row.order["text"] for row in await session.exec(select(OutboxItem))].count("guessed")


async def test_guesses_side_by_side_are_bounded_too(sara: Owner) -> None:
    await sara.enrols()
    device = (await sara.signs_in(sara.app.next_code())).json()["device"]
    wrong = sara.app.wrong_code()
    answers = await asyncio.gather(*(sara.signs_in(wrong, device=device) for _ in range(20)))
    told = [answer.status_code for answer in answers]
    assert (told.count(401), told.count(429)) == (10, 10)


async def used_up(owner: Owner, clock: StandingClock) -> None:
    """A thief of the password has guessed all day."""
    for quarter in range(4):
        await guesses(owner, 10, who=f"quarter {quarter}")
        clock.advance(minutes=15)
    assert (await owner.signs_in(owner.app.next_code(), **visitor("owner"))).status_code == 429


async def test_a_known_device_is_let_in_while_others_guess(sara: Owner, clock: StandingClock) -> None:
    await sara.enrols()
    device = (await sara.signs_in(sara.app.next_code())).json()["device"]
    await used_up(sara, clock)
    assert (await sara.signs_in(sara.app.next_code(), device=device)).status_code == 201


async def test_who_stole_a_device_and_the_password_has_thirty_too(sara: Owner, clock: StandingClock) -> None:
    await sara.enrols()
    device = (await sara.signs_in(sara.app.next_code())).json()["device"]
    told: list[int] = []
    for _ in range(5):
        told += await guesses(sara, 10, device=device)
        clock.advance(minutes=15)
    assert told == [401] * 30 + [429] * 20
    assert (await sara.signs_in(sara.app.next_code(), **visitor("owner"))).status_code == 201


async def test_whose_password_is_known_to_a_guesser_sets_a_new_one_and_is_let_in(
    sara: Owner, rows: Rows, clock: StandingClock
) -> None:
    await sara.enrols()
    await used_up(sara, clock)
    clock.time = NOW + timedelta(minutes=59)  # a link of the day's first hour is still good
    token = await link(rows, sara.account)
    body = {"token": token, "password": NEW, "code": sara.app.next_code()}
    assert (await sara.api.post("/v1/passwords", json=body)).status_code == 200


async def test_a_code_that_fits_is_not_counted(sara: Owner) -> None:
    await sara.enrols()
    for _ in range(35):
        assert (await sara.signs_in(sara.app.next_code())).status_code == 201


async def test_a_password_alone_is_not_counted_either(sara: Owner) -> None:
    await sara.enrols()
    for _ in range(12):
        needs_factor(await sara.signs_in(**visitor("owner")), factors=BOTH)
    assert (await sara.signs_in(sara.app.next_code(), **visitor("owner"))).status_code == 201


async def test_what_was_refused_unseen_costs_nothing(sara: Owner, clock: StandingClock) -> None:
    """Of a code that is not looked at, the sign-in is not counted as failed."""
    await sara.enrols()
    await used_up(sara, clock)
    told = [(await sara.signs_in(sara.app.next_code(), **visitor("owner"))).status_code for _ in range(12)]
    assert told == [429] * 12
    needs_factor(await sara.signs_in(**visitor("owner")), factors=BOTH)  # it is the code that has to wait


@pytest.mark.parametrize("path", ["", "/recovery-codes", "/{id}/remove"])
async def test_who_found_a_browser_open_and_knows_the_password_cannot_guess_on(
    sara: Owner, path: str, clock: StandingClock
) -> None:
    await sara.enrols()
    wrong: dict[str, Any] = {"current": PASSWORD, "code": sara.app.wrong_code()} | ({} if path else {"kind": "totp"})
    told = [(await sara.ask(path.format(id=sara.app.id), **wrong)).status_code for _ in range(32)]
    assert told == [422] * 30 + [429] * 2
    assert (await sara.signs_in(sara.app.next_code())).status_code == 201  # which is another budget


async def test_who_stole_a_token_cannot_guess_what_waits_to_be_confirmed(sara: Owner) -> None:
    await sara.begins()
    told = [(await sara.confirms(sara.app.wrong_code())).status_code for _ in range(32)]
    assert told == [422] * 30 + [429] * 2


async def test_what_is_counted_names_nobody(sara: Owner, rows: Rows) -> None:
    await sara.enrols()
    await guesses(sara, 2)
    kept = str(await rows.snapshot("budget_use"))
    assert "codes_of_account" in kept
    assert str(sara.account.id) not in kept


async def test_an_account_without_a_factor_counts_no_codes(api: httpx.AsyncClient, sara: Owner) -> None:
    for _ in range(35):
        assert (await sara.signs_in("000000")).status_code == 201


async def test_a_code_that_fits_is_not_counted_as_wrong_where_something_else_is_refused(
    sara: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sara.enrols()
    monkeypatch.setattr(enrolments, "MOST_FACTORS", 1)
    for _ in range(MOST_CODES + 1):
        assert fields_of(await sara.begins(code=sara.app.next_code())) == ["kind"]
