"""A new address to sign in by: whoever has the password asks, whoever reads the new mailbox confirms."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlmodel import col, select

from activities.clients.account import AccountActivities
from activities.mail.own_mails import OwnMails
from api.accounts.tokens import hash_of
from models.tables import Account, OutboxItem
from models.tables.accounts.email_change import EmailChange
from models.tables.accounts.token import Token
from models.writes.accounts.locks import lock_account
from models.writes.accounts.tokens import end_sign_ins
from rules.enums import Role
from tests.api.accounts.test_password_resets import OLD, ask, member
from tests.api.accounts.waiting import somebody_waits
from tests.api.conftest import CIPHER, DESK, PUBLIC_URL, StandingClock, ToldEngine, fields_of, problem_of
from tests.care.defaults import dependencies
from tests.care.practice import Post
from tests.care.rows import NOW, Rows

NEW = "new@mail.example"


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def house(rows: Rows, clock: StandingClock, engine: ToldEngine, post: Post) -> Any:
    """The steps behind the journey and PracticeMail, which run at once."""
    nothing: Any = None
    deps = dependencies(
        sessions=rows.sessions, clock=clock, payments=nothing, mailer=post, keys=CIPHER, public_url=PUBLIC_URL
    )
    engine.answers_to["change_details"] = AccountActivities(deps).change_details
    return OwnMails(deps)


async def asks(api: httpx.AsyncClient, headers: dict[str, str], email: str = NEW, current: str = OLD) -> httpx.Response:
    return await api.post("/v1/email-changes", json={"email": email, "current": current}, headers=headers)


async def link(house: Any, post: Post) -> str:
    await house.deliver()
    return str(post.sent[-1].text.split("/email/")[1].split()[0])


async def confirms(api: httpx.AsyncClient, token: str) -> httpx.Response:
    return await api.post("/v1/email-changes/confirmations", json={"token": token})


async def signs_in(api: httpx.AsyncClient, email: str, side: str) -> int:
    body = {"email": email, "password": OLD, "side": side}
    return (await api.post("/v1/sessions", json=body)).status_code


async def _person(rows: Rows, side: str) -> tuple[Account, str]:
    if side == "client":
        return (await member(rows, "sara@mail.example"))[1], "sara@mail.example"
    return await rows.staff("maria", Role.CARE_TEAM, password=OLD), "maria@practice.example"


@pytest.mark.parametrize("side", ["client", "staff"])
async def test_it_is_confirmed_at_the_new_address_and_told_to_the_former(
    api: httpx.AsyncClient, rows: Rows, house: Any, post: Post, side: str
) -> None:
    account, old = await _person(rows, side)
    me = await rows.session_of(account)
    assert (await asks(api, me)).status_code == 202
    token = await link(house, post)
    assert (post.sent[-1].to, post.sent[-1].template) == (NEW, "email_confirm")
    assert await signs_in(api, old, side) == 201  # nothing has changed yet
    assert (await confirms(api, token)).json() == {"email": NEW}
    assert (await signs_in(api, NEW, side), await signs_in(api, old, side)) == (201, 401)
    assert (await api.get("/v1/me", headers=me)).json()["email"] == NEW
    assert problem_of(await confirms(api, token)) == "link-invalid"
    await house.deliver()
    assert (post.sent[-1].to, post.sent[-1].template) == (old, "email_changed")


async def test_it_needs_the_password_and_another_address(api: httpx.AsyncClient, rows: Rows) -> None:
    account, old = await _person(rows, "client")
    me = await rows.session_of(account)
    assert fields_of(await asks(api, me, current="not it")) == ["current"]
    for _ in range(4):  # which costs none of the three that an hour has
        assert fields_of(await asks(api, me, email=old)) == ["email"]
    assert fields_of(await asks(api, me, email="no address")) == ["email"]


async def test_a_link_is_good_for_a_day_and_for_the_latest_change_alone(
    api: httpx.AsyncClient, rows: Rows, house: Any, post: Post, clock: StandingClock
) -> None:
    account, _ = await _person(rows, "client")
    me = await rows.session_of(account)
    await asks(api, me)
    first = await link(house, post)
    await asks(api, me, email="newer@mail.example")
    assert problem_of(await confirms(api, first)) == "link-invalid"
    second = await link(house, post)
    assert post.sent[-1].to == "newer@mail.example"
    clock.advance(days=1)
    assert problem_of(await confirms(api, second)) == "link-invalid"


async def test_an_address_that_is_anothers_is_never_taken_nor_told_of(
    api: httpx.AsyncClient, rows: Rows, house: Any, post: Post
) -> None:
    await member(rows, NEW)
    await rows.staff("ivo", Role.CARE_TEAM, email=NEW)
    for side in ("client", "staff"):
        account, old = await _person(rows, side)
        answer = await asks(api, await rows.session_of(account))
        assert (answer.status_code, answer.json()) == (202, {"email": NEW})
        assert problem_of(await confirms(api, await link(house, post))) == "link-invalid"
        assert await signs_in(api, old, side) == 201


async def test_links_mailed_to_the_former_address_end_with_it(
    api: httpx.AsyncClient, rows: Rows, house: Any, post: Post
) -> None:
    account, old = await _person(rows, "client")
    await ask(api, old)
    await house.deliver()
    reset = post.sent[-1].text.split("/reset/")[1].split()[0]
    await asks(api, await rows.session_of(account))
    assert (await confirms(api, await link(house, post))).status_code == 200
    assert problem_of(await api.get(f"/v1/password-resets/{reset}")) == "link-invalid"


async def test_a_client_still_cannot_just_say_another_address(
    api: httpx.AsyncClient, rows: Rows, house: Any, post: Post
) -> None:
    account, _ = await _person(rows, "client")
    me = await rows.session_of(account)
    await asks(api, me)  # asked for, and not confirmed
    said = await api.patch(f"/v1/clients/{account.client_id}", json={"email": NEW}, headers=me)
    assert fields_of(said) == ["email"]


async def test_three_an_hour_so_that_nobody_mails_the_world(
    api: httpx.AsyncClient, rows: Rows, clock: StandingClock
) -> None:
    account, _ = await _person(rows, "client")
    me = await rows.session_of(account)
    answers = [(await asks(api, me, email=f"{number}@mail.example")).status_code for number in range(4)]
    assert answers == [202, 202, 202, 429]
    clock.advance(minutes=60)
    assert (await asks(api, me)).status_code == 202


async def test_an_answer_that_was_lost_is_given_again_and_mails_nothing_more(
    api: httpx.AsyncClient, rows: Rows, house: Any, post: Post
) -> None:
    account, _ = await _person(rows, "client")
    me = await rows.session_of(account) | {"Idempotency-Key": "lost-on-the-way"}
    for _ in range(5):  # more than an hour's three: it is one change
        answer = await asks(api, me)
        assert (answer.status_code, answer.json()) == (202, {"email": NEW})
        async with rows.sessions() as session:
            connection = await session.connection()
            await connection.execute(text("UPDATE idempotency_key SET status = 0, answer = NULL"))
            await session.commit()
    token = await link(house, post)
    assert len(post.sent) == 1
    assert (await confirms(api, token)).status_code == 200
    assert (await asks(api, me)).status_code == 202  # by now it is their address


async def test_no_token_and_no_password_is_kept(api: httpx.AsyncClient, rows: Rows, house: Any, post: Post) -> None:
    account, _ = await _person(rows, "client")
    await asks(api, await rows.session_of(account))
    token = await link(house, post)
    kept = str(await rows.snapshot("token", "email_change", "outbox", "fact"))
    assert token not in kept
    assert hash_of(token) in kept
    async with rows.sessions() as session:
        [mail] = (await session.exec(select(OutboxItem).where(col(OutboxItem.template) == "email_confirm"))).all()
    assert NEW not in str(mail.order)


async def test_a_link_confirms_the_change_that_it_was_mailed_for(
    api: httpx.AsyncClient, rows: Rows, house: Any, post: Post
) -> None:
    """Even where its mail was being written while the next was begun, so that it was not among those that ended."""
    account, old = await _person(rows, "staff")
    me = await rows.session_of(account)
    await asks(api, me)
    first = await link(house, post)
    await asks(api, me, email="newer@mail.example")
    second = await link(house, post)
    async with rows.sessions() as session:
        (await session.get_one(Token, hash_of(first))).revoked_at = None
        await session.commit()
    assert problem_of(await confirms(api, first)) == "link-invalid"
    assert (await api.get("/v1/me", headers=me)).json()["email"] == old
    assert (await confirms(api, second)).json() == {"email": "newer@mail.example"}


async def test_a_link_that_ends_while_it_is_followed_confirms_nothing(
    api: httpx.AsyncClient, rows: Rows, house: Any, post: Post
) -> None:
    account, _ = await _person(rows, "staff")
    me = await rows.session_of(account)
    await asks(api, me)
    token = await link(house, post)
    async with rows.sessions() as session:  # the password is set anew, which ends every link
        await lock_account(session, account)
        following = asyncio.create_task(confirms(api, token))
        await somebody_waits(rows)
        await end_sign_ins(session, account.id, at=NOW)
        await session.commit()
    assert problem_of(await following) == "link-invalid"


# ---------------------------------------------------------------- by the practice


async def test_the_practice_takes_no_account_over_in_silence(
    api: httpx.AsyncClient, rows: Rows, house: Any, post: Post
) -> None:
    account, old = await _person(rows, "client")
    signed_in = (await api.post("/v1/sessions", json={"email": old, "password": OLD})).json()
    me = {"Authorization": f"Bearer {signed_in['token']}"}
    await asks(api, me, email="third@mail.example")
    change = await link(house, post)
    await ask(api, old)
    await house.deliver()
    reset = post.sent[-1].text.split("/reset/")[1].split()[0]
    moved = await api.patch(f"/v1/clients/{account.client_id}", json={"email": NEW}, headers=DESK)
    assert moved.json()["email"] == NEW, moved.text
    await house.deliver()
    assert (post.sent[-1].to, post.sent[-1].template) == (old, "email_changed")
    assert (await api.get("/v1/me", headers=me)).status_code == 401
    assert problem_of(await api.get(f"/v1/password-resets/{reset}")) == "link-invalid"
    assert problem_of(await confirms(api, change)) == "link-invalid"
    again = {"email": NEW, "password": OLD, "device": signed_in["device"]}
    assert (await api.post("/v1/sessions", json=again)).json()["device"] != signed_in["device"]
    async with rows.sessions() as session:
        changes = (await session.exec(select(EmailChange))).all()
    assert all(change.applied_at or change.replaced_at for change in changes)
    assert [one.former for one in changes if one.applied_at] == [old]


async def test_without_an_account_nobody_is_told(api: httpx.AsyncClient, rows: Rows, house: Any, post: Post) -> None:
    sara = await rows.client(email="sara@mail.example", email_folded="sara@mail.example")
    assert (await api.patch(f"/v1/clients/{sara.id}", json={"email": NEW}, headers=DESK)).status_code == 200
    await house.deliver()
    assert post.sent == []
