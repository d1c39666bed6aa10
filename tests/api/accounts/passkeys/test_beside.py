"""A passkey beside a password or a mailed link; and where there are none to be had."""

from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select

from models.database import session_factory
from models.sealed import RowKeys
from models.tables import OutboxItem
from tests.api.accounts.factors.apps import PASSWORD, needs_factor
from tests.api.accounts.passkeys.keys import CODES_TOO, ORIGIN, Holder, did_not_fit
from tests.api.accounts.test_password_resets import link
from tests.api.conftest import ToldEngine, fields_of, problem_of
from tests.care.defaults import CHAIN_KEYS, ROW_KEYS
from tests.care.rows import Rows
from tests.care.signing_in.authenticator import Authenticator, Lie, encoded

NEW = "a new and better one"


# ---------------------------------------------------------------- beside a password


async def test_the_refusal_says_with_what_to_ask_for_one(sara: Holder, rows: Rows) -> None:
    await sara.enrols()
    before = await rows.snapshot("token")
    asked = await sara.who.signs_in()
    needs_factor(asked, factors=CODES_TOO)
    assert asked.json()["detail"] == "A passkey or a code is needed as well."
    assert asked.json()["passkey_options"]["allowCredentials"] == [
        {"id": encoded(sara.key.credential_id), "type": "public-key", "transports": ["internal", "hybrid"]}
    ]
    assert await rows.snapshot("token") == before
    entered = await sara.who.signs_in(passkey=sara.key.signs(asked.json()["passkey_options"]))
    assert entered.status_code == 201, entered.text
    without_handle = await sara.beside_password(Lie(no_handle=True))  # whose it is was said already
    assert without_handle.status_code == 201


async def test_with_an_app_alone_no_passkey_is_asked_for(sara: Holder) -> None:
    await sara.who.enrols()
    assert "passkey_options" not in (await sara.who.signs_in()).json()


async def test_a_wrong_password_tells_of_no_passkey(sara: Holder, tom: Holder) -> None:
    await sara.enrols()
    wrong = [await holder.who.signs_in(password="wrong") for holder in (sara, tom)]
    said = [{**answer.json(), "request_id": ""} for answer in wrong]
    assert said[0] == said[1]
    signed = sara.key.signs((await sara.who.signs_in()).json()["passkey_options"])
    assert problem_of(await sara.who.signs_in(passkey=signed, password="wrong")) == "unauthenticated"
    assert (await sara.who.signs_in(passkey=signed)).status_code == 201  # which a wrong password did not use up


LIES: dict[str, Lie] = {
    "another origin": Lie(origin="https://care.example.evil"),
    "another relying party": Lie(rp_id="evil.example"),
    "a challenge of their own": Lie(challenge=b"x" * 32),
    "a user who was not verified": Lie(verified=False),
    "another key": Lie(key=Authenticator(origin=ORIGIN).key),
    "another credential": Lie(credential_id=b"y" * 32),
    "another account": Lie(handle=b"z" * 16),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
async def test_what_does_not_hold_is_a_factor_that_does_not_fit(sara: Holder, rows: Rows, lie: Lie) -> None:
    await sara.enrols()
    before = await rows.snapshot("token", "second_factor")
    wrong = await sara.beside_password(lie)
    needs_factor(wrong, factors=CODES_TOO)
    assert wrong.json()["detail"] == "This passkey does not fit, or was asked too long ago."
    assert await rows.snapshot("token", "second_factor") == before
    signed = sara.key.signs(wrong.json()["passkey_options"])  # it may be tried again at once
    assert (await sara.who.signs_in(passkey=signed)).status_code == 201


async def test_anothers_passkey_is_none(sara: Holder, tom: Holder) -> None:
    """Not even one that was asked for what is asked here."""
    await sara.enrols()
    await tom.enrols()
    for options in [(await holder.who.signs_in()).json()["passkey_options"] for holder in (sara, tom)]:
        needs_factor(await sara.who.signs_in(passkey=tom.key.signs(options)), factors=CODES_TOO)


async def test_a_copy_is_found_there_too(sara: Holder, rows: Rows) -> None:
    await sara.enrols(Authenticator(origin=ORIGIN, synced=False, count=5))
    needs_factor(await sara.beside_password(Lie(count=5)), factors=CODES_TOO)
    body: Any = {"current": PASSWORD, "passkey": await sara.shown(Lie(count=4))}
    assert fields_of(await sara.who.ask("/recovery-codes", **body)) == ["passkey"]
    async with rows.sessions() as session:
        told = [row.order["text"] for row in await session.exec(select(OutboxItem).order_by(col(OutboxItem.seq)))]
    assert told == ["passkey_added", "copied"]


async def test_what_does_not_fit_counts_as_codes_do(sara: Holder) -> None:
    await sara.enrols()
    told = [(await sara.beside_password(Lie(verified=False))).status_code for _ in range(10)]
    assert told == [401] * 10
    assert problem_of(await sara.who.signs_in()) == "rate-limited"


async def test_what_was_asked_for_here_is_good_for_no_change(sara: Holder) -> None:
    await sara.enrols()
    signed = sara.key.signs((await sara.who.signs_in()).json()["passkey_options"])
    body: Any = {"current": PASSWORD, "passkey": signed}
    assert fields_of(await sara.who.ask(f"/{sara.ids[0]}/remove", **body)) == ["passkey"]
    shown = await sara.shown()
    needs_factor(await sara.who.signs_in(passkey=shown), factors=CODES_TOO)


@pytest.mark.parametrize("path", ["", "/recovery-codes", "/{id}/remove"])
async def test_a_change_needs_one_that_holds(sara: Holder, path: str) -> None:
    await sara.enrols()
    path = path.format(id=sara.ids[0])
    body: Any = {"current": PASSWORD} if path else {"current": PASSWORD, "kind": "totp"}
    for lie in LIES.values():
        assert fields_of(await sara.who.ask(path, **body, passkey=await sara.shown(lie))) == ["passkey"]
    assert (await sara.who.ask(path, **body, passkey=await sara.shown())).is_success


# ---------------------------------------------------------------- beside a mailed link


async def test_a_forgotten_password_is_set_by_a_link_and_a_passkey_which_stays(
    sara: Holder, rows: Rows, engine: ToldEngine
) -> None:
    await sara.enrols()
    token = await link(rows, sara.who.account)
    before = await rows.snapshot("account", "token")
    body = {"token": token, "password": NEW}
    asked = await sara.api.post("/v1/passwords", json=body)
    needs_factor(asked, factors=CODES_TOO)
    wrong = sara.key.signs(asked.json()["passkey_options"], Lie(verified=False))
    refused = await sara.api.post("/v1/passwords", json=body | {"passkey": wrong})
    needs_factor(refused, factors=CODES_TOO)
    assert await rows.snapshot("account", "token") == before
    signed = sara.key.signs(refused.json()["passkey_options"])
    done = await sara.api.post("/v1/passwords", json=body | {"passkey": signed})
    assert done.status_code == 200, done.text
    assert (await sara.api.get("/v1/me", headers=sara.who.here)).status_code == 401  # every sign-in ended
    assert (await sara.signs_in()).status_code == 201
    needs_factor(await sara.who.signs_in(password=NEW), factors=CODES_TOO)


async def test_a_link_and_a_passkey_that_was_asked_for_something_else_set_nothing(sara: Holder, rows: Rows) -> None:
    await sara.enrols()
    token = await link(rows, sara.who.account)
    for signed in (sara.key.signs(await sara.asked()), await sara.shown()):
        body = {"token": token, "password": NEW, "passkey": signed}
        needs_factor(await sara.api.post("/v1/passwords", json=body), factors=CODES_TOO)


async def test_a_new_password_keeps_the_passkey(sara: Holder) -> None:
    await sara.enrols()
    body = {"current": PASSWORD, "password": NEW}
    assert (await sara.api.post("/v1/passwords", json=body, headers=sara.who.here)).status_code == 204
    assert (await sara.signs_in()).status_code == 201


# ---------------------------------------------------------------- where there are none


@pytest.fixture
def at_an_ip_address(app: FastAPI) -> None:
    services = app.state.services
    where = {"public_url": "http://127.0.0.1:8000", "staff_url": "http://127.0.0.1:8000/staff"}
    app.state.services = replace(services, settings=replace(services.settings, **where))


async def test_at_an_ip_address_they_are_refused_in_clear_words(sara: Holder, at_an_ip_address: None) -> None:
    sentence = "Browsers bind passkeys to the name of a host, and http://127.0.0.1:8000 has none."
    begun = await sara.begins()
    assert begun.status_code == 422
    assert begun.json()["errors"] == [{"field": "kind", "message": f"passkeys are not to be had here. {sentence}"}]
    for path, headers in (("/v1/sessions/challenges", {}), ("/v1/second-factors/challenges", sara.who.here)):
        asked = await sara.api.post(path, json={} if not headers else None, headers=headers)
        assert asked.status_code == 403
        assert asked.json()["detail"] == sentence


async def test_who_has_one_when_the_address_changes_uses_a_recovery_code(
    sara: Holder, app: FastAPI, request: pytest.FixtureRequest
) -> None:
    await sara.enrols()
    signed = sara.key.signs(await sara.asked())
    request.getfixturevalue("at_an_ip_address")
    did = await sara.sends(signed)
    assert did.status_code == 401
    asked = await sara.who.signs_in()
    assert asked.json()["factors"] == CODES_TOO
    assert "passkey_options" not in asked.json()
    assert (await sara.who.signs_in(sara.recovery_codes[0])).status_code == 201


async def test_after_a_change_of_keys_old_passkeys_open_and_a_lost_key_leaves_recovery_codes(
    sara: Holder, app: FastAPI, database: AsyncEngine
) -> None:
    await sara.enrols(name="My phone")
    services, fresh = app.state.services, ("two", b"2" * 32)

    def with_keys(*keys: tuple[str, bytes]) -> None:
        sessions = session_factory(database, chain=CHAIN_KEYS, rows=RowKeys(keys))
        app.state.services = replace(services, sessions=sessions)

    with_keys(fresh, *ROW_KEYS.keys)
    assert (await sara.signs_in()).status_code == 201
    with_keys(fresh)
    did_not_fit(await sara.signs_in())
    assert [item["name"] for item in (await sara.who.listed())["items"]] == [None]
    assert (await sara.who.signs_in(sara.recovery_codes[0])).status_code == 201
