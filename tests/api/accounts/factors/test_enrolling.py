"""Setting up a second factor, and changing it: by the password, and by a code as soon as there is one."""

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlmodel import col, select

from models.tables import OutboxItem
from tests.api.accounts.factors.apps import BOTH, PASSWORD, Owner, a_client, needs_factor
from tests.api.conftest import DESK, ROOT, SITE, StandingClock, ToldEngine, fields_of, problem_of
from tests.care.rows import NOW, Rows
from workflows.messages import PRACTICE_MAIL_ID


async def mailed(rows: Rows) -> list[str]:
    async with rows.sessions() as session:
        found = await session.exec(select(OutboxItem).order_by(col(OutboxItem.seq)))
        return [f"{row.template} {row.order['text']}" for row in found]


async def facts_of(owner: Owner) -> list[str]:
    answer = await owner.api.get(f"/v1/clients/{owner.account.client_id}/timeline", headers=DESK)
    return [fact["kind"] for fact in answer.json()["items"]]


# ---------------------------------------------------------------- the first one


async def test_from_nothing_to_one_in_force(sara: Owner, rows: Rows, engine: ToldEngine) -> None:
    assert await sara.listed() == {"items": [], "recovery_codes": 0, "required": False, "next_cursor": None}
    begun = await sara.begins()
    assert begun.status_code == 201
    assert begun.json().keys() == {"id", "secret", "uri"}
    uri = urlsplit(begun.json()["uri"])
    assert uri.path == "/Riverside%20Practice:sara%40mail.example"
    assert parse_qs(uri.query)["secret"] == [sara.app.secret]
    assert (await sara.listed())["items"] == []
    elsewhere = await rows.session_of(sara.account)

    confirmed = await sara.confirms()
    assert confirmed.status_code == 200
    codes = confirmed.json()["recovery_codes"]
    assert len(set(codes)) == 10
    assert all(len(code) == 29 for code in codes)
    assert await sara.listed() == {
        "items": [
            {
                "id": sara.app.id,
                "kind": "totp",
                "name": None,
                "since": f"{NOW:%Y-%m-%dT%H:%M:%SZ}",
                "last_used_at": None,
                "backed_up": None,
            }
        ],
        "recovery_codes": 10,
        "required": False,
        "next_cursor": None,
    }
    assert (await sara.api.get("/v1/me", headers=elsewhere)).status_code == 401
    assert await mailed(rows) == ["second_factor_changed added"]
    assert engine.asked[-1].workflow_id == PRACTICE_MAIL_ID
    assert await facts_of(sara) == ["second_factor_added"]


async def test_what_is_known_of_devices_stays_and_a_code_is_asked_there_too(sara: Owner) -> None:
    device = (await sara.signs_in()).json()["device"]
    await sara.enrols()
    needs_factor(await sara.signs_in(device=device), factors=BOTH)
    entered = await sara.signs_in(sara.app.next_code(), device=device)
    assert entered.json()["device"] == device


async def test_a_code_that_does_not_fit_leaves_it_waiting(sara: Owner) -> None:
    await sara.begins()
    assert fields_of(await sara.confirms(sara.app.wrong_code())) == ["code"]
    assert (await sara.signs_in()).status_code == 201
    assert (await sara.confirms()).status_code == 200


async def test_the_last_one_begun_is_the_one_that_waits(sara: Owner, rows: Rows) -> None:
    await sara.begins()
    first, first_code = sara.app.id, sara.app.code()
    await sara.begins()
    gone = await sara.ask(f"/{first}/confirmations", code=first_code)
    assert problem_of(gone) == "not-found"
    assert fields_of(await sara.confirms(first_code)) == ["code"]
    assert (await sara.confirms()).status_code == 200
    assert problem_of(await sara.confirms(sara.app.next_code())) == "not-found"  # it is in force already
    kept = (await rows.snapshot("second_factor"))["second_factor"]
    assert sorted('"secret":null' in row for row in kept) == [False, True]


async def test_it_waits_for_an_hour(sara: Owner, clock: StandingClock) -> None:
    await sara.begins()
    clock.advance(minutes=60)
    assert problem_of(await sara.confirms()) == "not-found"


async def test_of_two_who_confirm_at_once_one_is_given_the_codes(sara: Owner) -> None:
    await sara.begins()
    answers = await asyncio.gather(*(sara.confirms() for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404]
    [codes] = [answer.json()["recovery_codes"] for answer in answers if answer.status_code == 200]
    assert (await sara.signs_in(codes[0])).status_code == 201


async def test_the_same_request_again_is_the_same_secret(sara: Owner) -> None:
    headers = sara.here | {"Idempotency-Key": "once"}
    body = {"kind": "totp", "current": PASSWORD}
    answers = [await sara.api.post("/v1/second-factors", json=body, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()


# ---------------------------------------------------------------- who may not


async def test_who_stole_a_token_sets_nothing_up_without_the_password(sara: Owner, rows: Rows) -> None:
    for body in ({"current": "a guess"}, {"current": "a guess", "code": "123456"}):
        assert fields_of(await sara.begins(**body)) == ["current"]
    assert fields_of(await sara.ask("", kind="totp")) == ["current"]
    assert fields_of(await sara.begins(kind="hotp")) == ["kind"]
    assert (await rows.snapshot("second_factor"))["second_factor"] == []
    guesses = [(await sara.begins(current=f"guess {number}")).status_code for number in range(9)]
    assert guesses == [422] * 8 + [429]  # as for any other change that takes the password
    assert (await sara.begins()).status_code == 429


async def test_who_has_a_token_and_the_password_needs_a_code_for_another_one(sara: Owner) -> None:
    await sara.enrols()
    assert fields_of(await sara.begins()) == ["code"]
    assert fields_of(await sara.begins(code=sara.app.wrong_code())) == ["code"]
    for path in ("/recovery-codes", f"/{sara.app.id}/remove"):
        assert fields_of(await sara.ask(path, current=PASSWORD)) == ["code"]
        assert fields_of(await sara.ask(path, current=PASSWORD, code=sara.app.wrong_code())) == ["code"]
        assert fields_of(await sara.ask(path, current="a guess", code=sara.app.next_code())) == ["current"]
    needs_factor(await sara.signs_in(), factors=BOTH)


async def test_nobody_touches_anothers(sara: Owner, rows: Rows, real: StandingClock) -> None:
    tom = await a_client(sara.api, rows, real, "tom")
    await sara.begins()
    assert problem_of(await tom.ask(f"/{sara.app.id}/confirmations", code=sara.app.code())) == "not-found"
    assert (await sara.confirms()).status_code == 200
    await tom.enrols()
    stolen = await tom.ask(f"/{sara.app.id}/remove", current=PASSWORD, code=tom.app.next_code())
    assert problem_of(stolen) == "not-found"
    assert (await tom.listed())["items"][0]["id"] == tom.app.id


@pytest.mark.parametrize("headers", [{}, SITE, DESK, ROOT])
async def test_programs_have_none(api: httpx.AsyncClient, headers: dict[str, str]) -> None:
    name = "not-allowed" if headers else "unauthenticated"
    assert problem_of(await api.get("/v1/second-factors", headers=headers)) == name
    body = {"kind": "totp", "current": PASSWORD}
    assert problem_of(await api.post("/v1/second-factors", json=body, headers=headers)) == name


async def test_a_password_that_was_set_meanwhile_stops_who_had_the_former_one(
    sara: Owner, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    from api.accounts.signing_in.passwords import Passwords
    from models.writes.accounts.locks import lock_account
    from models.writes.accounts.passwords import set_password

    looked = Passwords.fits

    async def fits(self: Passwords, *args: Any, **how: Any) -> bool:
        fitted = await looked(self, *args, **how)
        async with rows.sessions() as session:
            account = await lock_account(session, sara.account)
            await set_password(session, account, "another hash", at=NOW)
            await session.commit()
        return fitted

    monkeypatch.setattr(Passwords, "fits", fits)
    assert fields_of(await sara.begins()) == ["current"]
    assert (await rows.snapshot("second_factor"))["second_factor"] == []


# ---------------------------------------------------------------- more, other codes, and none


async def test_a_new_phone_beside_the_old_one_and_then_without_it(sara: Owner, rows: Rows) -> None:
    await sara.enrols()
    old_id, old_code = sara.app.id, sara.app.next_code()
    old_codes = sara.recovery_codes
    assert (await sara.begins(code=old_code)).status_code == 201
    sara.recovery_codes = (await sara.confirms()).json()["recovery_codes"]
    assert len((await sara.listed())["items"]) == 2
    assert (await sara.signs_in(sara.app.next_code())).status_code == 201
    needs_factor(await sara.signs_in(old_codes[0]), factors=BOTH)
    gone = await sara.ask(f"/{old_id}/remove", current=PASSWORD, code=sara.app.next_code())
    assert gone.status_code == 204
    assert [item["id"] for item in (await sara.listed())["items"]] == [sara.app.id]
    assert (await sara.listed())["recovery_codes"] == 10
    assert await mailed(rows) == [f"second_factor_changed {change}" for change in ("added", "added", "removed")]
    assert await facts_of(sara) == ["second_factor_added"] * 2 + ["second_factor_removed"]


async def test_five_are_enough(sara: Owner) -> None:
    await sara.enrols()
    for _ in range(4):
        assert (await sara.begins(code=sara.app.next_code())).status_code == 201
        assert (await sara.confirms()).status_code == 200
    assert fields_of(await sara.begins(code=sara.app.next_code())) == ["kind"]


async def test_new_recovery_codes_end_the_former_ones(sara: Owner, rows: Rows) -> None:
    await sara.enrols()
    answer = await sara.ask("/recovery-codes", current=PASSWORD, code=sara.recovery_codes[0])
    assert answer.status_code == 200
    fresh = answer.json()["recovery_codes"]
    assert len(set(fresh) | set(sara.recovery_codes)) == 20
    needs_factor(await sara.signs_in(sara.recovery_codes[1]), factors=BOTH)
    assert (await sara.signs_in(fresh[0])).status_code == 201
    assert (await sara.listed())["recovery_codes"] == 9
    assert await mailed(rows) == [
        f"second_factor_changed {it}" for it in ("added", "code_used", "codes_made", "code_used")
    ]
    told = ["second_factor_added", "recovery_code_used", "recovery_codes_made", "recovery_code_used"]
    assert await facts_of(sara) == told


async def test_without_a_factor_there_are_no_recovery_codes(sara: Owner) -> None:
    answer = await sara.ask("/recovery-codes", current=PASSWORD, code="123456")
    assert problem_of(answer) == "not-allowed"


async def test_with_the_last_one_the_recovery_codes_go(sara: Owner, rows: Rows) -> None:
    await sara.enrols()
    codes = sara.recovery_codes
    gone = await sara.ask(f"/{sara.app.id}/remove", current=PASSWORD, code=codes[0])
    assert gone.status_code == 204, gone.text
    assert await sara.listed() == {"items": [], "recovery_codes": 0, "required": False, "next_cursor": None}
    assert (await sara.signs_in()).status_code == 201
    await sara.enrols()
    needs_factor(await sara.signs_in(codes[1]), factors=BOTH)
    again = await sara.ask(f"/{sara.app.id}/remove", current=PASSWORD, code=sara.app.next_code())
    assert again.status_code == 204
    assert problem_of(await sara.ask(f"/{sara.app.id}/remove", current=PASSWORD, code="1")) == "not-found"
    rows_kept = (await rows.snapshot("second_factor"))["second_factor"]
    assert all(f'"ended_by":"client:{sara.account.client_id}"' in row for row in rows_kept)
