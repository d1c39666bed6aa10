"""Setting up a passkey, listing and removing it; and what proves a change where there is nothing else."""

import asyncio
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI
from sqlmodel import col, select

from models.tables import OutboxItem, SecondFactor
from tests.api.accounts.factors.apps import BOTH, PASSWORD, demand, needs_factor
from tests.api.accounts.passkeys.keys import CODES_TOO, ORIGIN, SYNCED, Holder
from tests.api.conftest import DESK, StandingClock, ToldEngine, fields_of, problem_of
from tests.care.rows import NOW, Rows
from tests.care.signing_in.authenticator import Authenticator, Lie, decoded, encoded
from workflows.messages import PRACTICE_MAIL_ID

AT = f"{NOW:%Y-%m-%dT%H:%M:%SZ}"


async def mailed(rows: Rows) -> list[str]:
    async with rows.sessions() as session:
        found = await session.exec(select(OutboxItem).order_by(col(OutboxItem.seq)))
        return [row.order["text"] for row in found]


async def facts_of(holder: Holder) -> list[str]:
    path = f"/v1/clients/{holder.who.account.client_id}/timeline"
    return [fact["kind"] for fact in (await holder.api.get(path, headers=DESK)).json()["items"]]


# ---------------------------------------------------------------- the first one


async def test_from_nothing_to_one_in_force(sara: Holder, rows: Rows, engine: ToldEngine) -> None:
    begun = await sara.begins(name=" My phone ")
    assert begun.status_code == 201
    assert begun.json().keys() == {"id", "passkey_options"}
    options = begun.json()["passkey_options"]
    assert len(decoded(options.pop("challenge"))) == 32
    assert decoded(options["user"].pop("id")) == sara.who.account.id.bytes  # and never an address
    assert options == {
        "rp": {"id": "care.example", "name": "Riverside Practice"},
        "user": {"name": "sara@mail.example", "displayName": "sara@mail.example"},
        "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in (-8, -7, -257)],
        "timeout": 300_000,
        "excludeCredentials": [],
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "attestation": "none",
    }
    assert (await sara.who.listed())["items"] == []
    assert (await sara.who.signs_in()).status_code == 201  # nothing is asked for yet
    elsewhere = await rows.session_of(sara.who.account)

    confirmed = await sara.registers(name=" My phone ")
    assert confirmed.status_code == 200, confirmed.text
    assert len(set(confirmed.json()["recovery_codes"])) == 10
    listed = await sara.who.listed()
    assert listed["recovery_codes"] == 10
    assert listed["items"] == [
        {
            "id": sara.ids[0], "kind": "passkey", "name": "My phone", "since": AT, "last_used_at": None,
            "backed_up": True,
        }
    ]  # fmt: skip
    assert (await sara.api.get("/v1/me", headers=elsewhere)).status_code == 401
    assert (await sara.api.get("/v1/me", headers=sara.who.here)).status_code == 200
    assert await mailed(rows) == ["passkey_added"]
    assert engine.asked[-1].workflow_id == PRACTICE_MAIL_ID
    assert await facts_of(sara) == ["second_factor_added"]


async def test_without_a_name_it_is_called_after_what_its_authenticator_says(
    sara: Holder, clock: StandingClock
) -> None:
    await sara.enrols()
    clock.advance(minutes=1)
    await sara.enrols(Authenticator(origin=ORIGIN, synced=False, count=0), passkey=await sara.shown())
    clock.advance(minutes=1)
    stick = Authenticator(origin=ORIGIN, synced=False, transports=("usb", "nfc"))
    await sara.enrols(stick, passkey=await sara.shown())
    items = (await sara.who.listed())["items"]
    assert [(item["name"], item["backed_up"]) for item in items] == [
        (SYNCED, True),
        ("Passkey of one device", False),
        ("Security key", False),
    ]


@pytest.mark.parametrize("name", ["", " ", "x" * 61, "two\nlines"])
async def test_a_name_is_a_short_line(sara: Holder, name: str) -> None:
    assert fields_of(await sara.begins(name=name)) == ["name"]


async def test_a_second_one_is_added_by_the_first_and_the_codes_stay(sara: Holder, rows: Rows) -> None:
    await sara.enrols()
    codes = sara.recovery_codes
    assert fields_of(await sara.begins()) == ["code"]
    begun = await sara.begins(passkey=await sara.shown())
    excluded = begun.json()["passkey_options"]["excludeCredentials"]
    assert excluded == [
        {"id": encoded(sara.key.credential_id), "type": "public-key", "transports": ["internal", "hybrid"]}
    ]
    confirmed = await sara.registers(passkey=await sara.shown())
    assert confirmed.json() == {"recovery_codes": []}
    assert (await sara.who.listed())["recovery_codes"] == 10
    for key in sara.keys:
        assert (await sara.signs_in(key=key)).status_code == 201
    assert (await sara.who.signs_in(codes[0])).status_code == 201
    assert await mailed(rows) == ["passkey_added", "passkey_added", "code_used"]


async def test_five_at_most(sara: Holder) -> None:
    await sara.enrols()
    for _ in range(4):
        await sara.enrols(passkey=await sara.shown())
    assert fields_of(await sara.begins(passkey=await sara.shown())) == ["kind"]


async def test_beside_an_app(sara: Holder) -> None:
    await sara.who.enrols()
    written_down = sara.who.recovery_codes
    assert fields_of(await sara.begins()) == ["code"]
    await sara.enrols(code=sara.who.app.next_code())
    needs_factor(await sara.who.signs_in(), factors=["totp", *CODES_TOO])
    assert (await sara.who.signs_in(sara.who.app.next_code())).status_code == 201
    assert (await sara.who.signs_in(written_down[0])).status_code == 201
    assert (await sara.beside_password()).status_code == 201
    assert (await sara.signs_in()).status_code == 201


# ---------------------------------------------------------------- without an app


async def test_whose_only_factor_is_a_passkey_proves_each_change_by_it(sara: Holder, rows: Rows) -> None:
    await sara.enrols()
    made = await sara.who.ask("/recovery-codes", current=PASSWORD, passkey=await sara.shown())
    assert len(made.json()["recovery_codes"]) == 10
    assert (await sara.who.begins(passkey=await sara.shown())).status_code == 201
    assert (await sara.who.confirms()).status_code == 200
    gone = await sara.who.ask(f"/{sara.ids[0]}/remove", current=PASSWORD, passkey=await sara.shown())
    assert gone.status_code == 204, gone.text
    needs_factor(await sara.who.signs_in(), factors=BOTH)
    assert await mailed(rows) == ["passkey_added", "codes_made", "added", "passkey_removed"]


async def test_a_recovery_code_will_do_and_with_the_last_one_the_codes_end(sara: Holder, rows: Rows) -> None:
    await sara.enrols()
    code = sara.recovery_codes[0]
    assert (await sara.who.ask(f"/{sara.ids[0]}/remove", current=PASSWORD, code=code)).status_code == 204
    listed = await sara.who.listed()
    assert (listed["items"], listed["recovery_codes"]) == ([], 0)
    assert (await sara.who.signs_in()).status_code == 201
    [row] = (await rows.snapshot("second_factor"))["second_factor"]
    for name in ("secret", "name", "credential_hash"):
        assert f'"{name}":null' in row  # nothing is left that tells which one it was


async def test_the_password_is_asked_for_too(sara: Holder) -> None:
    assert fields_of(await sara.begins(current="a guess")) == ["current"]
    await sara.enrols()
    for path in ("", "/recovery-codes", f"/{sara.ids[0]}/remove"):
        body: Any = {"kind": "passkey"} if not path else {}
        wrong = await sara.who.ask(path, **body, current="a guess", passkey=await sara.shown())
        assert fields_of(wrong) == ["current"]
        assert fields_of(await sara.who.ask(path, **body, current=PASSWORD)) == ["code"]
        both = await sara.who.ask(path, **body, current=PASSWORD, code="123456", passkey=await sara.shown())
        assert fields_of(both) == ["body"]


async def test_who_has_none_is_asked_for_none(sara: Holder) -> None:
    assert fields_of(await sara.who.ask("/challenges")) == ["passkey"]


async def test_the_last_one_stays_where_it_is_demanded(maria: Holder, app: FastAPI) -> None:
    demand(app)
    needs_factor(await maria.api.get("/v1/tasks", headers=maria.who.here), factors=[])
    await maria.enrols()
    assert (await maria.api.get("/v1/tasks", headers=maria.who.here)).status_code == 200
    last = await maria.who.ask(f"/{maria.ids[0]}/remove", current=PASSWORD, passkey=await maria.shown())
    assert problem_of(last) == "not-allowed"


# ---------------------------------------------------------------- what is not believed

LIES = {
    "another origin": Lie(origin="https://care.example.evil"),
    "a subdomain of it": Lie(origin="https://www.care.example"),
    "without encryption": Lie(origin="http://care.example"),
    "another relying party": Lie(rp_id="evil.example"),
    "another challenge": Lie(challenge=b"x" * 32),
    "an answer to another question": Lie(type="webauthn.get"),
    "a frame of another site": Lie(cross_origin=True),
    "nobody there": Lie(present=False),
    "a user who was not verified": Lie(verified=False),
    "a format that nobody asked for": Lie(format="fido-u2f"),
    "a format that there is not": Lie(format="none of them"),
    "half a format": Lie(format="packed"),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
async def test_what_does_not_hold_is_not_put_in_force(sara: Holder, rows: Rows, lie: Lie) -> None:
    refused = await sara.registers(lie=lie)
    assert fields_of(refused) == ["credential"]
    assert refused.json()["errors"][0]["message"] == "does not fit, or was asked too long ago: begin anew"
    assert (await sara.who.listed())["items"] == []
    assert await mailed(rows) == []
    assert (await sara.who.signs_in()).status_code == 201


async def test_a_challenge_is_good_once_and_for_five_minutes_of_the_worlds_time(
    sara: Holder, real: StandingClock, clock: StandingClock
) -> None:
    key, begun = Authenticator(origin=ORIGIN), (await sara.begins()).json()
    path, options = f"/{begun['id']}/confirmations", begun["passkey_options"]
    assert fields_of(await sara.who.ask(path, credential=key.makes(options, Lie(verified=False)))) == ["credential"]
    assert fields_of(await sara.who.ask(path, credential=key.makes(options))) == ["credential"]  # it was used by that
    begun = (await sara.begins()).json()
    clock.advance(minutes=30)
    real.advance(minutes=4, seconds=59)
    path, options = f"/{begun['id']}/confirmations", begun["passkey_options"]
    assert (await sara.who.ask(path, credential=key.makes(options))).status_code == 200
    begun = (await sara.begins(passkey=await Holder(sara.who, keys=[key]).shown())).json()
    real.advance(minutes=5)
    late = key.makes(begun["passkey_options"], Lie(credential_id=b"another"))
    assert fields_of(await sara.who.ask(f"/{begun['id']}/confirmations", credential=late)) == ["credential"]


async def test_what_was_made_for_one_is_not_confirmed_for_another(sara: Holder, tom: Holder) -> None:
    """A challenge is of one account, and of one passkey that is being set up."""
    mine, theirs = (await sara.begins()).json(), (await tom.begins()).json()
    made = Authenticator(origin=ORIGIN).makes(theirs["passkey_options"])
    assert fields_of(await sara.who.ask(f"/{mine['id']}/confirmations", credential=made)) == ["credential"]
    assert problem_of(await sara.who.ask(f"/{theirs['id']}/confirmations", credential=made)) == "not-found"
    again = (await sara.begins()).json()
    late = Authenticator(origin=ORIGIN).makes(mine["passkey_options"])
    assert fields_of(await sara.who.ask(f"/{again['id']}/confirmations", credential=late)) == ["credential"]


async def test_one_passkey_is_of_one_account(sara: Holder, tom: Holder) -> None:
    """Whose credential is known already gets no other owner: else who signs in by it would be somebody else."""
    await sara.enrols()
    thief = Authenticator(origin=ORIGIN, credential_id=sara.key.credential_id)
    assert fields_of(await tom.registers(thief)) == ["credential"]
    assert (await sara.signs_in()).json()["client_id"] == str(sara.who.account.client_id)


async def test_each_is_confirmed_by_what_it_is(sara: Holder) -> None:
    begun = (await sara.begins()).json()
    path = f"/{begun['id']}/confirmations"
    assert fields_of(await sara.who.ask(path, code="123456")) == ["credential"]
    assert fields_of(await sara.who.ask(path)) == ["body"]
    made = Authenticator(origin=ORIGIN).makes(begun["passkey_options"])
    assert fields_of(await sara.who.ask(path, code="123456", credential=made)) == ["body"]
    await sara.who.begins()
    assert fields_of(await sara.who.ask(f"/{sara.who.app.id}/confirmations", credential=made)) == ["code"]


async def test_of_several_who_confirm_at_once_one_does(sara: Holder) -> None:
    begun = (await sara.begins()).json()
    made = Authenticator(origin=ORIGIN).makes(begun["passkey_options"])
    path = f"/{begun['id']}/confirmations"
    answers = await asyncio.gather(*(sara.who.ask(path, credential=made) for _ in range(4)))
    told = sorted(answer.status_code for answer in answers)
    assert told[0] == 200
    assert set(told[1:]) <= {404, 422}


async def test_the_same_request_again_is_the_same_answer(sara: Holder) -> None:
    headers = sara.who.here | {"Idempotency-Key": "once"}
    body = {"kind": "passkey", "current": PASSWORD}
    answers = [await sara.api.post("/v1/second-factors", json=body, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()


@pytest.mark.parametrize(
    "attestation",
    ["AA", encoded(b"\xa0"), encoded(b"\xff" * 400), encoded(b"\x9b" + b"\xff" * 8), encoded(b"\x81" * 5000)],
)
async def test_whatever_is_sent_as_an_attestation_is_answered(sara: Holder, attestation: str) -> None:
    begun = (await sara.begins()).json()
    made = Authenticator(origin=ORIGIN).makes(begun["passkey_options"])
    made["response"]["attestationObject"] = attestation
    assert fields_of(await sara.who.ask(f"/{begun['id']}/confirmations", credential=made)) == ["credential"]


@pytest.mark.parametrize(
    ("field", "value"), [("id", "a+b"), ("rawId", "x" * 1365), ("type", "password"), ("id", "A"), ("rawId", None)]
)
async def test_what_is_no_credential_is_said_by_name(sara: Holder, field: str, value: object) -> None:
    begun = (await sara.begins()).json()
    made = Authenticator(origin=ORIGIN).makes(begun["passkey_options"]) | {field: value}
    wrong = await sara.who.ask(f"/{begun['id']}/confirmations", credential=made)
    assert fields_of(wrong) == [f"credential.{field}"]


# ---------------------------------------------------------------- at rest


async def test_a_public_key_and_a_row_are_of_one_account(sara: Holder, tom: Holder, rows: Rows) -> None:
    """Who can write to the tables can neither put their key into somebody's row, nor give their row to somebody."""
    await sara.enrols()
    await tom.enrols()
    async with rows.sessions() as session:
        found = {row.account_id: row for row in await session.exec(select(SecondFactor))}
        mine, theirs = found[sara.who.account.id], found[tom.who.account.id]
        mine.secret = theirs.secret
        session.add(mine)
        await session.commit()
    other = Authenticator(origin=ORIGIN, key=tom.key.key, credential_id=sara.key.credential_id, handle=sara.key.handle)
    assert (await sara.signs_in(key=other)).status_code == 401
    async with rows.sessions() as session:
        row = (await session.exec(select(SecondFactor).where(col(SecondFactor.id) == theirs.id))).one()
        row.account_id = sara.who.account.id
        session.add(row)
        await session.commit()
    for handle in (sara.key.handle, tom.key.handle):
        assert (await tom.signs_in(Lie(handle=handle))).status_code == 401


async def test_neither_challenge_nor_key_is_kept_in_the_clear(
    sara: Holder, rows: Rows, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    begun = (await sara.begins(name="Aunt Ada's phone")).json()
    key = Authenticator(origin=ORIGIN, key=ec.generate_private_key(ec.SECP256R1()))
    kept = str(await rows.snapshot("second_factor", "passkey_challenge"))
    challenge = decoded(begun["passkey_options"]["challenge"])
    made = await sara.who.ask(f"/{begun['id']}/confirmations", credential=key.makes(begun["passkey_options"]))
    assert made.status_code == 200
    kept += str(await rows.snapshot("second_factor", "passkey_challenge", "outbox", "fact", "budget_use"))
    written = capfd.readouterr()
    x = key.key.public_key().public_numbers().x.to_bytes(32, "big")
    for place in (kept, caplog.text, written.out, written.err):
        for secret in (challenge, x, key.credential_id, b"Aunt Ada"):
            assert secret.hex() not in place
            assert encoded(secret) not in place
        assert "Aunt Ada" not in place
