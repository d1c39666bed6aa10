"""Signing in by a passkey alone: without an address, and without anything else."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlmodel import col, select

from api.routes.accounts import sign_ins
from models.tables import AccessLine, OutboxItem
from models.writes.accounts.locks import lock_account
from rules.accounts.accesses import AccessEvent
from tests.api.accounts.factors.apps import demand
from tests.api.accounts.passkeys.keys import ORIGIN, Holder, did_not_fit
from tests.api.conftest import DESK, ROOT, SITE, StandingClock, problem_of
from tests.care.rows import NOW, Rows
from tests.care.signing_in.authenticator import Authenticator, Lie, decoded

NOTHING_MORE = {"challenge", "timeout", "rpId", "allowCredentials", "userVerification"}


async def failed(rows: Rows) -> int:
    async with rows.sessions() as session:
        found = select(AccessLine).where(col(AccessLine.event) == AccessEvent.FAILED_SIGN_IN)
        return len((await session.exec(found)).all())


async def test_nobody_has_to_say_who_they_are(sara: Holder, real: StandingClock) -> None:
    await sara.enrols()
    options = await sara.asked()
    assert options.keys() == NOTHING_MORE
    assert len(decoded(options["challenge"])) == 32
    assert (options["rpId"], options["allowCredentials"], options["userVerification"]) == (
        "care.example",
        [],
        "required",
    )
    entered = await sara.sends(sara.key.signs(options))
    assert entered.status_code == 201, entered.text
    assert entered.json().keys() == {"token", "role", "roles", "expires_at", "device", "client_id"}
    assert entered.json()["client_id"] == str(sara.who.account.client_id)
    mine = {"Authorization": f"Bearer {entered.json()['token']}"}
    assert (await sara.api.get("/v1/me", headers=mine)).json()["email"] == "sara@mail.example"
    [item] = (await sara.who.listed())["items"]
    assert item["last_used_at"] == f"{NOW:%Y-%m-%dT%H:%M:%SZ}"


async def test_a_passkey_is_both_factors_where_one_is_demanded(maria: Holder, app: FastAPI) -> None:
    await maria.enrols()
    demand(app)
    entered = await maria.signs_in()
    assert entered.status_code == 201, entered.text
    mine = {"Authorization": f"Bearer {entered.json()['token']}"}
    assert (await maria.api.get("/v1/tasks", headers=mine)).status_code == 200


async def test_a_known_device_stays_known(sara: Holder) -> None:
    await sara.enrols()
    device = (await sara.signs_in()).json()["device"]
    assert (await sara.signs_in(device=device)).json()["device"] == device
    assert (await sara.signs_in(device="another's")).json()["device"] != device


async def test_each_side_has_its_own(sara: Holder, maria: Holder) -> None:
    await sara.enrols()
    await maria.enrols()
    for holder, other in ((sara, "staff"), (maria, "client")):
        for asked, said in ((other, other), (other, holder.who.side), (holder.who.side, other)):
            did_not_fit(await holder.sends(holder.key.signs(await holder.asked(side=asked)), side=said))
        assert (await holder.signs_in()).status_code == 201


LIES: dict[str, Lie] = {
    "another origin": Lie(origin="https://care.example.evil"),
    "a subdomain of it": Lie(origin="https://www.care.example"),
    "another port": Lie(origin="https://care.example:8443"),
    "without encryption": Lie(origin="http://care.example"),
    "another relying party": Lie(rp_id="evil.example"),
    "a challenge of their own": Lie(challenge=b"x" * 32),
    "an empty challenge": Lie(challenge=b""),
    "an answer to another question": Lie(type="webauthn.create"),
    "a frame of another site": Lie(cross_origin=True),
    "nobody there": Lie(present=False),
    "a user who was not verified": Lie(verified=False),
    "another key": Lie(key=Authenticator(origin=ORIGIN).key),
    "another credential": Lie(credential_id=b"y" * 32),
    "another account": Lie(handle=b"z" * 16),
    "not whose it is": Lie(no_handle=True),
    "of one device all at once": Lie(eligible=False),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
async def test_what_does_not_hold_lets_nobody_in(sara: Holder, rows: Rows, lie: Lie) -> None:
    await sara.enrols()
    before = await rows.snapshot("token", "second_factor", "outbox", "fact")
    did_not_fit(await sara.signs_in(lie))
    assert await rows.snapshot("token", "second_factor", "outbox", "fact") == before
    assert await failed(rows) == 1
    assert (await sara.signs_in()).status_code == 201


async def test_it_is_found_in_the_access_log_by_the_address_of_whose_passkey_it_is(sara: Holder) -> None:
    await sara.enrols()
    did_not_fit(await sara.signs_in(Lie(verified=False)))
    did_not_fit(await sara.signs_in(Lie(credential_id=b"nobody's")))
    assert (await sara.signs_in()).status_code == 201
    for who, events in (("sara@mail.example", ["failed_sign_in"]), (sara.who.account.client_id, ["sign_in"])):
        found = await sara.api.get(f"/v1/accesses?who={who}", headers=ROOT)
        assert [line["event"] for line in found.json()["items"]] == events


async def test_that_of_a_locked_account_is_found_by_the_address_too(sara: Holder) -> None:
    await sara.enrols()
    assert (await sara.api.post(f"/v1/clients/{sara.who.account.client_id}/lock", headers=DESK)).status_code == 204
    did_not_fit(await sara.signs_in())
    found = await sara.api.get("/v1/accesses?who=sara@mail.example", headers=ROOT)
    assert [line["event"] for line in found.json()["items"]] == ["failed_sign_in"]


async def test_nobody_waits_for_the_account_while_a_failed_sign_in_is_written_down(
    sara: Holder, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or many that fail at once would hold every place at the database, and each wait for one more."""
    await sara.enrols()

    async def use_shown(*_: Any, **__: Any) -> bool:
        return False  # it was used, or went, meanwhile

    async def record(*_: Any) -> None:
        async with rows.sessions() as session:
            await session.exec(text("SET LOCAL lock_timeout = '1s'"))  # type: ignore[call-overload]
            await lock_account(session, sara.who.account)

    monkeypatch.setattr(sign_ins, "use_shown", use_shown)
    monkeypatch.setattr(sign_ins, "record_failed_sign_in", record)
    did_not_fit(await sara.signs_in())


async def test_what_was_signed_and_then_changed_lets_nobody_in(sara: Holder) -> None:
    await sara.enrols()
    for name in ("clientDataJSON", "authenticatorData", "signature"):
        signed = sara.key.signs(await sara.asked())
        said = signed["response"][name]
        signed["response"][name] = said[:-8] + ("A" if said[-8] != "A" else "B") + said[-7:]
        did_not_fit(await sara.sends(signed))
    other = sara.key.signs(await sara.asked())
    other["id"] = Authenticator(origin=ORIGIN).makes({"rp": {"id": "x"}, "user": {"id": "eA"}, "challenge": "eA"})["id"]
    did_not_fit(await sara.sends(other))


async def test_a_challenge_is_good_once(sara: Holder) -> None:
    await sara.enrols()
    signed = sara.key.signs(await sara.asked())
    assert (await sara.sends(signed)).status_code == 201
    did_not_fit(await sara.sends(signed))
    options = await sara.asked()
    did_not_fit(await sara.sends(sara.key.signs(options, Lie(verified=False))))
    did_not_fit(await sara.sends(sara.key.signs(options)))  # it was used by the one that did not fit


async def test_of_many_who_send_one_answer_at_once_one_is_let_in(sara: Holder) -> None:
    await sara.enrols()
    signed = sara.key.signs(await sara.asked())
    answers = await asyncio.gather(*(sara.sends(signed) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [401] * 5


async def test_five_minutes_of_the_worlds_time(sara: Holder, real: StandingClock, clock: StandingClock) -> None:
    await sara.enrols()
    signed = sara.key.signs(await sara.asked())
    clock.advance(days=100)
    real.advance(minutes=4, seconds=59)
    assert (await sara.sends(signed)).status_code == 201
    signed = sara.key.signs(await sara.asked())
    real.advance(minutes=5)
    did_not_fit(await sara.sends(signed))


async def test_old_challenges_are_taken_away_by_whoever_asks_for_new_ones(
    sara: Holder, rows: Rows, real: StandingClock
) -> None:
    for _ in range(5):
        await sara.asked()
    assert len((await rows.snapshot("passkey_challenge"))["passkey_challenge"]) == 5
    real.advance(minutes=5)
    await sara.asked()
    assert len((await rows.snapshot("passkey_challenge"))["passkey_challenge"]) == 1


async def test_what_was_signed_for_something_else_lets_nobody_in(sara: Holder) -> None:
    """Not for a change, nor beside a password: and the other way round."""
    await sara.enrols()
    did_not_fit(await sara.sends(await sara.shown()))
    asked = await sara.who.signs_in()
    did_not_fit(await sara.sends(sara.key.signs(asked.json()["passkey_options"])))
    alone = sara.key.signs(await sara.asked())
    assert problem_of(await sara.who.signs_in(passkey=alone)) == "second-factor-required"


# ---------------------------------------------------------------- counters


async def test_a_counter_that_goes_back_lets_nobody_in_and_its_owner_is_told_once_a_day(
    sara: Holder, rows: Rows, clock: StandingClock
) -> None:
    await sara.enrols(Authenticator(origin=ORIGIN, synced=False, count=3))
    copy = sara.key.copied()
    assert (await sara.signs_in()).status_code == 201
    assert (await sara.signs_in()).status_code == 201
    for day in range(2):
        for _ in range(2):
            copy.count = 3
            did_not_fit(await sara.signs_in(key=copy))
        assert await copies_told(rows) == day + 1
        clock.advance(hours=24)
    assert await failed(rows) >= 2  # of a quarter of an hour, one line
    assert (await sara.signs_in()).status_code == 201  # whose counter goes on


async def copies_told(rows: Rows) -> int:
    async with rows.sessions() as session:
        return [row.order["text"] for row in await session.exec(select(OutboxItem))].count("copied")


async def test_who_has_no_key_makes_nobody_afraid_of_a_copy(sara: Holder, rows: Rows) -> None:
    """What a counter says counts for nothing where the signature does not fit."""
    await sara.enrols(Authenticator(origin=ORIGIN, synced=False, count=3))
    did_not_fit(await sara.signs_in(Lie(count=1, key=Authenticator(origin=ORIGIN).key)))
    assert await copies_told(rows) == 0


async def test_one_that_has_counted_does_not_stop_to(sara: Holder) -> None:
    await sara.enrols(Authenticator(origin=ORIGIN, synced=False, count=0))
    assert (await sara.signs_in(Lie(count=0))).status_code == 201
    assert (await sara.signs_in(Lie(count=7))).status_code == 201
    did_not_fit(await sara.signs_in(Lie(count=0)))
    did_not_fit(await sara.signs_in(Lie(count=7)))
    assert (await sara.signs_in(Lie(count=8))).status_code == 201


# ---------------------------------------------------------------- budgets


def visitor(name: object) -> dict[str, str]:
    return SITE | {"Visitor": str(name)}


async def test_one_that_fails_counts_as_a_sign_in_that_failed(sara: Holder, tom: Holder) -> None:
    await sara.enrols()
    await tom.enrols()
    told = [(await sara.signs_in(Lie(verified=False))).status_code for _ in range(11)]
    assert told == [401] * 10 + [429]
    assert problem_of(await tom.signs_in()) == "rate-limited"  # from the same place
    assert (await tom.sends(tom.key.signs(await tom.asked()), visitor("tom"))).status_code == 201


async def test_who_fails_with_somebodys_passkey_keeps_neither_their_device_nor_their_password_out(sara: Holder) -> None:
    await sara.enrols()
    device = (await sara.signs_in()).json()["device"]
    for number in range(10):
        forged = sara.key.signs(await sara.asked(), Lie(key=Authenticator(origin=ORIGIN).key))
        did_not_fit(await sara.sends(forged, visitor(f"thief {number}")))
    limited = await sara.sends(sara.key.signs(await sara.asked()), visitor("unknown"))
    assert problem_of(limited) == "rate-limited"
    assert (await sara.sends(sara.key.signs(await sara.asked()), visitor("unknown"), device=device)).status_code == 201
    assert (await sara.beside_password(headers=visitor("elsewhere"))).status_code == 201


async def test_challenges_have_a_budget(sara: Holder, clock: StandingClock) -> None:
    asked = {"side": "client"}
    told = [(await sara.api.post("/v1/sessions/challenges", json=asked)).status_code for _ in range(61)]
    assert told == [201] * 60 + [429]
    assert (await sara.api.post("/v1/sessions/challenges", json=asked, headers=visitor("another"))).status_code == 201
    clock.advance(minutes=15)
    assert (await sara.api.post("/v1/sessions/challenges", json=asked)).status_code == 201


async def test_who_asks_too_often_can_still_type_a_code(sara: Holder) -> None:
    await sara.enrols()
    for _ in range(60):
        await sara.api.post("/v1/sessions/challenges", json={})
    asked = await sara.who.signs_in()
    assert problem_of(asked) == "second-factor-required"
    assert "passkey_options" not in asked.json()
    assert (await sara.who.signs_in(sara.recovery_codes[0])).status_code == 201


# ---------------------------------------------------------------- accounts that are not open


async def test_an_account_that_ended_is_opened_by_no_passkey(maria: Holder, rows: Rows) -> None:
    await maria.enrols()
    signed = maria.key.signs(await maria.asked())
    assert (await maria.api.delete(f"/v1/staff/{maria.who.account.id}", headers=ROOT)).status_code == 204
    did_not_fit(await maria.sends(signed))
    [row] = (await rows.snapshot("second_factor"))["second_factor"]
    assert '"credential_hash":null' in row


async def test_a_client_who_is_not_active_is_let_in_by_no_passkey(sara: Holder, rows: Rows) -> None:
    from models.tables import Client

    await sara.enrols()
    async with rows.sessions() as session:
        client = await session.get_one(Client, sara.who.account.client_id)
        client.account_active = False
        session.add(client)
        await session.commit()
    did_not_fit(await sara.signs_in())


async def test_what_was_taken_away_lets_nobody_in(sara: Holder) -> None:
    await sara.enrols()
    signed = sara.key.signs(await sara.asked())
    path = f"/v1/clients/{sara.who.account.client_id}/second-factors"
    assert (await sara.api.delete(path, headers=DESK)).status_code == 204
    did_not_fit(await sara.sends(signed))
    did_not_fit(await sara.signs_in())
    assert (await sara.who.signs_in()).status_code == 201  # by the password, which stays
    assert (await sara.api.get("/v1/me", headers=sara.who.here)).status_code == 401


async def test_one_that_is_removed_while_it_is_looked_at_lets_nobody_in(
    sara: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from api.accounts.factors.challenges import Passkeys

    await sara.enrols()
    signed, looked = sara.key.signs(await sara.asked()), Passkeys.look_at
    path = f"/v1/clients/{sara.who.account.client_id}/second-factors"

    async def look_at(self: Passkeys, *args: Any, **how: Any) -> Any:
        shown = await looked(self, *args, **how)
        assert (await sara.api.delete(path, headers=DESK)).status_code == 204
        return shown

    monkeypatch.setattr(Passkeys, "look_at", look_at)
    did_not_fit(await sara.sends(signed))


# ---------------------------------------------------------------- the form of it


@pytest.mark.parametrize("more", [{"email": "sara@mail.example"}, {"password": "x"}, {"code": "123456"}])
async def test_it_is_one_way_or_the_other(sara: Holder, more: dict[str, Any]) -> None:
    await sara.enrols()
    assert (await sara.signs_in(**more)).status_code == 422


async def test_nothing_at_all_is_refused(sara: Holder) -> None:
    for body in ({}, {"email": "a@b.example"}, {"password": "x"}, {"code": "123456"}):
        assert problem_of(await sara.api.post("/v1/sessions", json=body)) == "validation-failed"


@pytest.mark.parametrize("name", ["clientDataJSON", "authenticatorData", "signature", "userHandle"])
@pytest.mark.parametrize("said", ["AA", "eyJ9", "W10", "bnVsbA", "gYGB" * 2000, "W1tb" * 3000])
async def test_whatever_is_sent_is_answered(sara: Holder, name: str, said: str) -> None:
    await sara.enrols()
    signed = sara.key.signs(await sara.asked())
    signed["response"][name] = said
    answer = await sara.sends(signed)
    assert answer.status_code in (401, 422), answer.text
