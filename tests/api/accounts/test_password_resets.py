"""A forgotten password: asked for by anybody, mailed to whoever has the address, set by whoever has the mail."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select

from api.accounts.signing_in.passwords import Passwords
from api.accounts.tokens import hash_of
from api.problems import EngineUnavailable
from models.tables import Account, BudgetUse, Client, OutboxItem
from models.tables.accounts.token import Token, TokenKind
from models.tables.mail.outbox import OutboxStatus
from rules.enums import Role
from tests.api.conftest import StandingClock, ToldEngine, fields_of, problem_of
from tests.care.rows import NOW, Rows
from tests.statements import statements
from workflows.messages import LOOK_AGAIN, PRACTICE_MAIL_ID

OLD, NEW = "correct horse battery", "a new and better one"


async def member(rows: Rows, email: str = "sara@mail.example") -> tuple[Client, Account]:
    client = await rows.client(email=email, email_folded=email, account_active=True)
    return client, await rows.account(client, password=OLD)


async def ask(api: httpx.AsyncClient, email: str, **more: Any) -> httpx.Response:
    return await api.post("/v1/password-resets", json={"email": email, **more})


async def mails(rows: Rows) -> list[OutboxItem]:
    async with rows.sessions() as session:
        return list((await session.exec(select(OutboxItem).order_by(col(OutboxItem.seq)))).all())


async def link(rows: Rows, account: Account, token: str = "the-link") -> str:  # noqa: S107
    await rows.add(
        Token(
            hash=hash_of(token),
            kind=TokenKind.RESET,
            account_id=account.id,
            made_at=NOW,
            expires_at=NOW + timedelta(hours=1),
        )
    )
    return token


# ---------------------------------------------------------------- asking


async def test_a_client_is_mailed_a_link_at_once(api: httpx.AsyncClient, rows: Rows, engine: ToldEngine) -> None:
    sara, account = await member(rows)
    answer = await ask(api, " SARA@mail.example ")
    assert answer.status_code == 202
    [mail] = await mails(rows)
    assert (mail.template, mail.client_id, mail.status) == ("password_reset", None, OutboxStatus.WAITING)
    assert (mail.order["account_id"], mail.order["client_id"]) == (str(account.id), str(sara.id))
    assert [(asked.workflow_id, asked.name) for asked in engine.asked] == [(PRACTICE_MAIL_ID, LOOK_AGAIN)]


async def test_known_and_unknown_addresses_are_the_same_work_and_the_same_answer(
    api: httpx.AsyncClient, rows: Rows, database: AsyncEngine, engine: ToldEngine, app: Any
) -> None:
    """Not by a stopwatch: the statements are the same, one by one, the engine is woken alike, and nothing is hashed."""
    hashed: list[str] = []

    class Counting(Passwords):
        async def hash(self, password: str, **_: Any) -> str:
            hashed.append(password)
            return ""

        async def fits(self, password: str, stored: str | None, **_: Any) -> bool:
            hashed.append(password)
            return False

    app.state.services = app.state.services.__class__(**vars(app.state.services) | {"passwords": Counting()})
    await member(rows, "known@mail.example")
    await rows.client(email="new@mail.example", email_folded="new@mail.example", first_booked_at=NOW)
    await rows.client(email="seen@mail.example", email_folded="seen@mail.example")
    await rows.staff("maria", Role.CARE_TEAM)
    await rows.staff("ended", Role.CARE_TEAM, deactivated_at=NOW)
    for side, whos in (
        ("client", ("known@mail.example", "new@mail.example", "seen@mail.example", "maria@practice.example")),
        ("staff", ("maria@practice.example", "ended@practice.example", "known@mail.example", "nobody@x.example")),
    ):
        work: list[tuple[Any, ...]] = []
        for who in whos:
            engine.asked.clear()
            with statements(database) as asked:
                answer = await ask(api, who, side=side)
            work.append((answer.status_code, answer.text, tuple(asked), len(engine.asked)))
        assert len(set(work)) == 1, side
    assert hashed == []
    to = [mail.order.get("account_id") or mail.order["client_id"] for mail in await mails(rows) if _goes(mail)]
    assert len(to) == 3  # the client, the one who has booked and not activated, and Maria


def _goes(mail: OutboxItem) -> bool:
    return mail.status is OutboxStatus.WAITING


async def test_what_is_kept_of_an_address_that_nobody_has_does_not_tell_it(api: httpx.AsyncClient, rows: Rows) -> None:
    await ask(api, "nobody@mail.example")
    found = await rows.snapshot("outbox", "budget_use", "token")
    assert "nobody@mail" not in str(found)
    [mail] = await mails(rows)
    assert mail.status is OutboxStatus.NOT_WANTED


async def test_an_account_that_is_not_active_yet_gets_its_activation_link_again(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    sara = await rows.client(email="sara@mail.example", email_folded="sara@mail.example", first_booked_at=NOW)
    await ask(api, "sara@mail.example")
    [mail] = await mails(rows)
    assert (mail.template, mail.order["client_id"], mail.order["asked_for"]) == ("welcome", str(sara.id), True)


async def test_three_an_hour_for_each_address_and_the_fourth_is_answered_like_them(
    api: httpx.AsyncClient, rows: Rows, clock: StandingClock
) -> None:
    await member(rows)
    answers = {(await ask(api, "sara@mail.example")).text for _ in range(5)}
    assert len(answers) == 1
    assert [_goes(mail) for mail in await mails(rows)] == [True] * 3 + [False] * 2
    await ask(api, "sara@mail.example", side="staff")  # another account, counted for itself
    clock.advance(minutes=60)
    await ask(api, "sara@mail.example")
    assert _goes((await mails(rows))[-1])


async def test_who_asks_for_ever_more_addresses_is_answered_and_leaves_nothing(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine
) -> None:
    await member(rows)
    answers = {(await ask(api, f"{number}@mail.example")).text for number in range(25)}
    answers.add((await ask(api, "sara@mail.example")).text)
    assert len(answers) == 1
    assert len(await mails(rows)) == 20


async def test_an_engine_that_is_away_changes_nothing_in_the_answer(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away() -> None:
        raise EngineUnavailable

    monkeypatch.setattr(engine, "wake_practice_mail", away)
    await member(rows)
    assert (await ask(api, "sara@mail.example")).status_code == 202
    assert [_goes(mail) for mail in await mails(rows)] == [True]  # which the keeper has delivered


async def test_uses_that_count_no_more_are_forgotten(api: httpx.AsyncClient, rows: Rows, clock: StandingClock) -> None:
    for number in range(5):
        await ask(api, f"{number}@mail.example")
    clock.advance(hours=25)
    await ask(api, "later@mail.example")
    async with rows.sessions() as session:
        assert len((await session.exec(select(BudgetUse))).all()) == 3  # of the address, the visitor, and their network


# ---------------------------------------------------------------- setting it


async def test_a_link_sets_a_password_once_and_ends_every_sign_in(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine
) -> None:
    sara, account = await member(rows)
    before = await rows.session_of(account)
    token, other = await link(rows, account), await link(rows, account, "another-link")
    look = await api.get(f"/v1/password-resets/{token}")
    assert look.json() == {"expires_at": f"{NOW + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}", "side": "client"}
    answer = await api.post("/v1/passwords", json={"token": token, "password": NEW})
    assert answer.status_code == 200, answer.text
    me = {"Authorization": f"Bearer {answer.json()['token']}"}
    assert answer.json()["client_id"] == str(sara.id)
    assert (await api.get(f"/v1/clients/{sara.id}", headers=me)).status_code == 200
    assert (await api.get(f"/v1/clients/{sara.id}", headers=before)).status_code == 401
    for spent in (token, other):
        again = await api.post("/v1/passwords", json={"token": spent, "password": NEW})
        assert problem_of(again) == "link-invalid"
        assert again.status_code == 410
        assert problem_of(await api.get(f"/v1/password-resets/{spent}")) == "link-invalid"
    signing_in = {"email": "sara@mail.example", "password": OLD}
    assert (await api.post("/v1/sessions", json=signing_in)).status_code == 401
    assert (await api.post("/v1/sessions", json=signing_in | {"password": NEW})).status_code == 201
    [mail] = await mails(rows)
    assert mail.template == "password_changed"
    facts = (await api.get(f"/v1/clients/{sara.id}/timeline", headers=await _desk(rows))).json()["items"]
    assert [fact["kind"] for fact in facts] == ["account_password_changed"]
    assert NEW not in str(await rows.snapshot("account", "fact", "outbox", "token"))


async def _desk(rows: Rows) -> dict[str, str]:
    return await rows.session_of(await rows.staff("desk", Role.CARE_TEAM))


async def test_a_link_is_good_for_an_hour(api: httpx.AsyncClient, rows: Rows, clock: StandingClock) -> None:
    _, account = await member(rows)
    token = await link(rows, account)
    clock.advance(minutes=59, seconds=59)
    assert (await api.get(f"/v1/password-resets/{token}")).status_code == 200
    clock.advance(seconds=1)
    assert problem_of(await api.get(f"/v1/password-resets/{token}")) == "link-invalid"
    assert problem_of(await api.post("/v1/passwords", json={"token": token, "password": NEW})) == "link-invalid"


async def test_nobody_sets_a_password_by_another_kind_of_link_or_for_an_ended_account(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    maria = await rows.staff("maria", Role.CARE_TEAM, password=OLD)
    session = (await rows.session_of(maria))["Authorization"].removeprefix("Bearer ")
    for token in (session, "unknown", "\0", "x" * 200):
        answer = await api.post("/v1/passwords", json={"token": token, "password": NEW})
        assert problem_of(answer) == "link-invalid"
    token = await link(rows, maria)
    await rows.change(maria, deactivated_at=NOW)
    assert problem_of(await api.post("/v1/passwords", json={"token": token, "password": NEW})) == "link-invalid"


async def test_staff_need_twelve_characters_and_the_link_stays_good(api: httpx.AsyncClient, rows: Rows) -> None:
    token = await link(rows, await rows.staff("maria", Role.CARE_TEAM, password=OLD))
    short = await api.post("/v1/passwords", json={"token": token, "password": "elevenchars"})
    assert fields_of(short) == ["password"]
    assert (await api.post("/v1/passwords", json={"token": token, "password": "twelve chars"})).status_code == 200


# ---------------------------------------------------------------- changing it


async def test_whoever_has_signed_in_changes_it_with_the_current_one(api: httpx.AsyncClient, rows: Rows) -> None:
    _, account = await member(rows)
    here, elsewhere = await rows.session_of(account), await rows.session_of(account)
    open_link = await link(rows, account)
    wrong = await api.post("/v1/passwords", json={"current": "not it", "password": NEW}, headers=here)
    assert fields_of(wrong) == ["current"]
    done = await api.post("/v1/passwords", json={"current": OLD, "password": NEW}, headers=here)
    assert done.status_code == 204, done.text
    assert (await api.get("/v1/clients", headers=here)).status_code == 200
    assert (await api.get("/v1/clients", headers=elsewhere)).status_code == 401
    assert problem_of(await api.get(f"/v1/password-resets/{open_link}")) == "link-invalid"
    assert [mail.template for mail in await mails(rows)] == ["password_changed"]


async def test_whoever_found_a_browser_open_cannot_guess_on(api: httpx.AsyncClient, rows: Rows) -> None:
    _, account = await member(rows)
    here = await rows.session_of(account)
    answers = [
        await api.post("/v1/passwords", json={"current": f"guess {number}", "password": NEW}, headers=here)
        for number in range(11)
    ]
    assert [answer.status_code for answer in answers] == [422] * 10 + [429]
    assert (await api.post("/v1/passwords", json={"current": OLD, "password": NEW}, headers=here)).status_code == 429


@pytest.mark.parametrize("body", [{}, {"token": "t", "current": OLD}])
async def test_either_a_link_or_the_current_one(api: httpx.AsyncClient, body: dict[str, str]) -> None:
    assert fields_of(await api.post("/v1/passwords", json=body | {"password": NEW})) == ["body"]


async def test_only_people_who_have_signed_in_have_a_password(
    api: httpx.AsyncClient, rows: Rows, therapist_token: Any
) -> None:
    await rows.therapist("ana")
    body = {"current": OLD, "password": NEW}
    assert problem_of(await api.post("/v1/passwords", json=body)) == "unauthenticated"
    answer = await api.post("/v1/passwords", json=body, headers=await therapist_token("ana"))
    assert problem_of(answer) == "not-allowed"


async def test_the_address_of_a_client_whose_record_was_closed_is_nobodys(api: httpx.AsyncClient, rows: Rows) -> None:
    sara, _ = await member(rows)
    await rows.change(sara, closed_at=NOW)
    await ask(api, "sara@mail.example")
    assert [_goes(mail) for mail in await mails(rows)] == [False]


# ---------------------------------------------------------------- what is known around its owner


@pytest.mark.parametrize("password", ["sara-mailer 2026", "Riverside-Practice 2026"])
async def test_no_way_sets_a_password_that_is_known_around_its_owner(
    api: httpx.AsyncClient, rows: Rows, password: str
) -> None:
    """By a reset, by the current one, by an activation, and by an invitation."""
    _, account = await member(rows, "sara-mailer@mail.example")
    new = await rows.client(email="sara-mailer@other.example", email_folded="sara-mailer@other.example")
    eva = await rows.staff("sara-mailer", Role.CARE_TEAM, activated_at=None)
    soon: Any = {"made_at": NOW, "expires_at": NOW + timedelta(hours=1)}
    await rows.add(Token(hash=hash_of("activation"), kind=TokenKind.ACTIVATION, client_id=new.id, **soon))
    await rows.add(Token(hash=hash_of("invitation"), kind=TokenKind.INVITATION, account_id=eva.id, **soon))
    by = await rows.session_of(account)
    token = await link(rows, account)
    before = await rows.snapshot("account", "token")
    for path, body in (
        ("/v1/passwords", {"token": token}),
        ("/v1/passwords", {"current": OLD}),
        ("/v1/activations", {"token": "activation"}),
        ("/v1/activations", {"token": "invitation"}),
    ):
        headers = by if "current" in body else {}
        refused = await api.post(path, json=body | {"password": password}, headers=headers)
        assert fields_of(refused) == ["password"], (path, refused.text)
    assert await rows.snapshot("account", "token") == before
