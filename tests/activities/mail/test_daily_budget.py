"""Attack: a stranger's address is given, again and again, to have them mailed. Nothing is lost by what stops it."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import col, select

from activities.clients.account import AccountActivities
from activities.mail.daily_budget import mailbox_of
from activities.ports import MailerUnavailable
from activities.types.clients import ActivationOrder
from models.tables import Task
from models.tables.accounts.token import Token, TokenKind
from models.tables.mail.outbox import OutboxStatus
from models.writes.outbox import client_mail
from rules.accounts.caller import fold_email
from rules.enums import TaskKind
from rules.mail.kinds import Mail
from rules.mail.orders import MailOrder
from rules.policy import JourneyPolicy
from tests.activities.mail.sending import LATER, deliver, item, nothing_else, put, waiting
from tests.care.practice import Practice

MOST = JourneyPolicy().mails_per_address
DAY = timedelta(days=1)
STRANGER = "stranger@mail.example"


async def given_out(practice: Practice, address: str = STRANGER) -> str:
    """A client of whom somebody says that this is their address."""
    client = await practice.client()
    async with practice.sessions() as session:
        row = await session.get_one(type(await practice.row(client)), UUID(client))
        row.email, row.email_folded, row.made_by_staff = address, fold_email(address), False
        await session.commit()
    await nothing_else(practice, client)
    return client


async def orders_for(practice: Practice, client: str, number: int, mail: Mail = Mail.WELCOME) -> list[MailOrder]:
    row = await practice.row(client)
    orders = [client_mail(mail, row, str(uuid4())) for _ in range(number)]
    await put(practice, *orders)
    return orders


def to_stranger(practice: Practice) -> int:
    return sum(mailbox_of(mail.to) == STRANGER for mail in practice.post.sent)


async def open_tasks(practice: Practice, client: str) -> list[TaskKind]:
    theirs = (col(Task.client_id) == UUID(client), col(Task.resolved_at).is_(None))
    async with practice.sessions() as session:
        return [task.kind for task in await session.exec(select(Task).where(*theirs))]


async def test_of_20_mails_to_a_stranger_six_go_out_a_day_and_all_in_the_end(practice: Practice) -> None:
    client = await given_out(practice)
    orders = await orders_for(practice, client, 20)
    began = practice.clock.instant
    told = await deliver(practice, client)
    assert to_stranger(practice) == MOST
    assert told.deliver_at is not None
    assert told.deliver_at <= began + DAY
    assert told.facts is not None
    assert [task.kind for task in told.facts.open_tasks] == ["mails_wait"]
    for day in range(1, 4):
        practice.clock.instant = began + day * DAY
        await deliver(practice, client)
        assert to_stranger(practice) == min(20, MOST * (day + 1))
        assert await open_tasks(practice, client) == [TaskKind.MAILS_WAIT]  # one, however many wait
    assert {(await item(practice, order.key)).status for order in orders} == {OutboxStatus.SENT}


async def test_vital_ones_are_no_way_round(practice: Practice) -> None:
    client = await given_out(practice)
    orders = [order for order in await orders_for(practice, client, MOST + 1) if order.vital]
    assert len(orders) == MOST + 1
    await deliver(practice, client)
    assert to_stranger(practice) == MOST


async def test_copies_of_forms_that_were_signed_in_a_session_neither_wait_nor_count(practice: Practice) -> None:
    """An intake in the session has welcome, forms and confirmation, and three copies: what follows is not held up."""
    client = await given_out(practice)
    copies = await orders_for(practice, client, MOST + 1, Mail.FORM_COPY)
    await orders_for(practice, client, MOST)
    await deliver(practice, client)
    assert to_stranger(practice) == len(copies) + MOST
    assert await open_tasks(practice, client) == []


async def test_other_records_and_other_spellings_of_the_address_have_no_more(practice: Practice) -> None:
    spellings = [STRANGER, "Stranger@mail.example", "stranger+1@mail.example", "stranger+2@Mail.example"]
    clients = [await given_out(practice, spelling) for spelling in spellings]
    for client in clients:
        await orders_for(practice, client, 5)
    await asyncio.gather(*(deliver(practice, client) for client in clients))
    assert to_stranger(practice) == MOST
    unsettled = [await waiting(practice, client) for client in clients]
    waits = [left for left in unsettled if left]
    assert sum(sum(template == "welcome" for template, _ in left) for left in waits) == 20 - MOST
    assert all(at is not None for left in waits for _, at in left)


async def test_others_are_in_nobodys_way(practice: Practice) -> None:
    stranger, other = await given_out(practice), await given_out(practice, "other@mail.example")
    await orders_for(practice, stranger, MOST + 1)
    await orders_for(practice, other, MOST)
    about_the_stranger = await orders_for(practice, stranger, 1, Mail.NEW_CLIENT)
    await deliver(practice, stranger)
    await deliver(practice, other)
    assert [mail.to for mail in practice.post.sent].count("other@mail.example") == MOST
    assert (await item(practice, about_the_stranger[0].key)).status is OutboxStatus.SENT  # to the therapist


async def test_a_mail_that_is_tried_again_counts_once(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await given_out(practice)
    await orders_for(practice, client, MOST)

    async def away(_: Any) -> str:
        raise MailerUnavailable("nobody answers", ambiguous=False)

    for _ in range(3):
        with monkeypatch.context() as patched:
            patched.setattr(practice.post, "send", away)
            await deliver(practice, client)
        practice.clock.instant += LATER
    await deliver(practice, client)
    assert to_stranger(practice) == MOST
    assert await waiting(practice, client) == []


async def test_whoever_activates_the_account_gets_what_waited(practice: Practice) -> None:
    client = await given_out(practice)
    await orders_for(practice, client, MOST)
    more = await orders_for(practice, client, 3, Mail.BOOK_FIRST)
    await deliver(practice, client)
    assert [template for template, _ in await waiting(practice, client)][:3] == ["book_first"] * 3
    done = await practice.accounts.activate_account(await _activation(practice, client))
    assert done.facts is not None
    assert done.facts.deliver_at is not None
    assert done.facts.deliver_at <= practice.clock.instant
    assert await open_tasks(practice, client) == []
    await deliver(practice, client)
    assert {(await item(practice, order.key)).status for order in more} == {OutboxStatus.SENT}
    await orders_for(practice, client, MOST + 1, Mail.BOOK_FIRST)  # and from now on there is no such bound
    await deliver(practice, client)
    assert await waiting(practice, client) == []


async def _activation(practice: Practice, client: str) -> ActivationOrder:
    assert isinstance(practice.accounts, AccountActivities)
    now = practice.clock.instant
    async with practice.sessions() as session:
        session.add(
            Token(hash="a" * 64, kind=TokenKind.ACTIVATION, client_id=UUID(client), made_at=now, expires_at=now + DAY)
        )
        await session.commit()
    return ActivationOrder(request_id=str(uuid4()), client_id=client, token_hash="a" * 64, password_hash="x")
