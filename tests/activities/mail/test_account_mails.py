"""Mails about accounts: who gets them, what their link opens, and what becomes of them when that service is away."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import select

from activities.mail.own_mails import OwnMails
from activities.ports import MailerUnavailable, MailRejected
from activities.types.clients import ClientDetails, DetailsOrder
from models.tables import Account, Client, OutboxItem, Token
from models.tables.accounts.token import TokenKind
from models.tables.mail.outbox import OutboxStatus
from models.writes.accounts.profiles import tell_therapist
from models.writes.outbox import order_practice_mail
from rules.accounts.second_factors import FactorChange
from rules.enums import Role
from rules.mail.kinds import Mail
from rules.mail.orders import account_mail_order, mail_order
from tests.activities.mail.sending import LATER
from tests.care.practice import DESK, Practice
from tests.care.rows import Rows

MARIA = "maria@practice.example"


async def put(practice: Practice, account: Account, mail: Mail = Mail.PASSWORD_RESET, text: str = "") -> str:
    key = f"{mail}:{uuid4()}"
    whose = str(account.client_id) if account.client_id else None
    order = account_mail_order(mail, key=key, account_id=str(account.id), client_id=whose)
    async with practice.sessions() as session:
        await order_practice_mail(session, replace(order, text=text), at=practice.clock.instant)
        await session.commit()
    return key


async def deliver(practice: Practice) -> None:
    await OwnMails(practice.delivery.deps).deliver()


async def row(practice: Practice, key: str) -> OutboxItem:
    async with practice.sessions() as session:
        return await session.get_one(OutboxItem, key)


@pytest.fixture
async def maria(practice: Practice) -> Account:
    return await Rows(practice.sessions).staff("maria", Role.CARE_TEAM, password="correct horse battery")


async def a_client(practice: Practice, **columns: Any) -> tuple[Client, Account]:
    rows = Rows(practice.sessions)
    address = "sara@mail.example"
    client = await rows.client(email=address, email_folded=address, first_name="Sara", account_active=True, **columns)
    return client, await rows.account(client, password="correct horse battery")


def token_in(text: str, before: str) -> str:
    return text.split(before)[1].split(maxsplit=1)[0]


async def test_staff_are_sent_to_their_own_pages_and_no_timeline_is_needed(practice: Practice, maria: Account) -> None:
    key = await put(practice, maria)
    await deliver(practice)
    [mail] = practice.post.sent
    assert (mail.to, mail.to_name, mail.template) == (MARIA, "Maria", "password_reset")
    token = token_in(mail.text, "http://portal.example/staff/reset/")
    async with practice.sessions() as session:
        link = await session.get_one(Token, sha256(token.encode()).hexdigest())
    assert (link.kind, link.account_id, link.client_id) == (TokenKind.RESET, maria.id, None)
    assert link.expires_at == practice.clock.instant + timedelta(hours=1)
    assert token not in str((await row(practice, key)).model_dump())
    assert (await row(practice, key)).status is OutboxStatus.SENT
    await deliver(practice)
    assert len(practice.post.sent) == 1


async def test_a_clients_goes_to_the_records_address_and_its_timeline_tells_of_it(practice: Practice) -> None:
    sara, account = await a_client(practice)
    await put(practice, account)
    await deliver(practice)
    [mail] = practice.post.sent
    assert mail.to == "sara@mail.example"
    assert "Sara" in mail.text
    assert "http://portal.example/reset/" in mail.text
    assert await practice.facts(str(sara.id)) == ["mail_sent"]


async def test_a_test_clients_goes_to_whoever_made_them(practice: Practice) -> None:
    await Rows(practice.sessions).staff("jo", Role.CARE_TEAM)
    _, account = await a_client(practice, test=True, made_by="care_team:jo")
    await put(practice, account)
    await deliver(practice)
    [mail] = practice.post.sent
    assert (mail.to, mail.subject) == ("jo@practice.example", "[TEST] Set a new password")


@pytest.mark.parametrize("change", FactorChange)
async def test_what_became_of_second_factors_is_said(practice: Practice, maria: Account, change: FactorChange) -> None:
    words = {
        FactorChange.ADDED: "An authenticator app was added",
        FactorChange.PASSKEY_ADDED: "A passkey was added",
        FactorChange.REMOVED: "An authenticator app was removed",
        FactorChange.PASSKEY_REMOVED: "A passkey was removed",
        FactorChange.COPIED: "There may be a copy of a passkey",
        FactorChange.TAKEN_AWAY: "You were signed out everywhere",
        FactorChange.CODES_MADE: "The former ones work no more",
        FactorChange.CODE_USED: "A recovery code of your account was used",
        FactorChange.GUESSED: "typed many codes that were wrong",
    }
    await put(practice, maria, Mail.SECOND_FACTOR_CHANGED, change.value)
    await deliver(practice)
    [mail] = practice.post.sent
    assert (mail.to, mail.subject) == (MARIA, "About how you sign in")
    for body in (mail.text, mail.html):
        assert words[change] in body
        assert "set a new password at once" in body


async def test_an_account_that_has_ended_is_mailed_nothing(practice: Practice, maria: Account) -> None:
    key = await put(practice, maria)
    await Rows(practice.sessions).change(maria, deactivated_at=practice.clock.instant)
    await deliver(practice)
    assert practice.post.sent == []
    assert (await row(practice, key)).status is OutboxStatus.NOT_WANTED


async def test_the_welcome_of_a_client_who_forgot_it_is_written_as_ever(practice: Practice) -> None:
    client = await practice.client()
    order = mail_order(Mail.WELCOME, key="welcome:again", client_id=client, asked_for=True)
    async with practice.sessions() as session:
        await order_practice_mail(session, order, at=practice.clock.instant)
        await session.commit()
    await deliver(practice)
    [mail] = practice.post.sent
    assert mail.template == "welcome"
    assert "/activate/" in mail.text
    assert (await row(practice, "welcome:again")).status is OutboxStatus.SENT


async def test_a_mail_service_that_is_away_puts_all_of_them_off_and_the_link_stays_the_same(
    practice: Practice, maria: Account
) -> None:
    first, second = await put(practice, maria), await put(practice, maria, Mail.PASSWORD_CHANGED)
    practice.post.trouble = [(True, MailerUnavailable("away", ambiguous=True))]
    await deliver(practice)
    assert [mail.template for mail in practice.post.sent] == ["password_reset"]
    for key in (first, second):
        waits = await row(practice, key)
        assert waits.status is OutboxStatus.WAITING
        assert waits.next_try_at is not None
        assert waits.next_try_at > practice.clock.instant
    practice.clock.instant += LATER
    await deliver(practice)
    sent = practice.post.sent
    assert [mail.template for mail in sent] == ["password_reset", "password_reset", "password_changed"]
    assert token_in(sent[0].text, "/reset/") == token_in(sent[1].text, "/reset/")


async def test_one_that_is_refused_is_settled_and_keeps_nobody_waiting(practice: Practice, maria: Account) -> None:
    key = await put(practice, maria)
    practice.post.trouble = [(False, MailRejected(status=400, message="no such mailbox"))]
    await deliver(practice)
    assert (await row(practice, key)).status is OutboxStatus.UNDELIVERABLE
    await put(practice, maria)
    await deliver(practice)
    assert len(practice.post.sent) == 1


async def test_a_new_address_ends_the_links_that_were_mailed_to_the_old_one(practice: Practice) -> None:
    sara, account = await a_client(practice)
    await put(practice, account)
    await deliver(practice)
    said = DetailsOrder(
        request_id=str(uuid4()), client_id=str(sara.id), by=DESK, details=ClientDetails(email="sara.lind@mail.example")
    )
    assert (await practice.accounts.change_details(said)).refusal is None
    async with practice.sessions() as session:
        [link] = (await session.exec(select(Token).where(Token.account_id == UUID(str(account.id))))).all()
    assert link.revoked_at is not None


async def test_a_therapist_is_told_at_the_address_from_before(practice: Practice) -> None:
    rows = Rows(practice.sessions)
    ana = await rows.therapist("ana-silva", email="ana@practice.example")
    async with practice.sessions() as session:
        await tell_therapist(session, ana, reason="one", at=practice.clock.instant)
        await session.commit()
    await rows.change(ana, email="somebody@mail.example")
    await deliver(practice)
    [mail] = practice.post.sent
    assert (mail.to, mail.to_name, mail.template) == ("ana@practice.example", ana.name, "profile_access_changed")
    assert "a program was given a token" in mail.text
