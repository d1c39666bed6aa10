"""Many mails of one delivery: what each costs, and that what went out is told of, once, whoever dies meanwhile."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import text

from activities.ports import MailerUnavailable, MailRejected
from models.tables.mail.outbox import OutboxStatus
from models.writes.locks import lock_client
from models.writes.mail.deliveries import ItemClaim, hand_on
from models.writes.outbox import client_mail
from rules.mail.kinds import Mail
from rules.mail.orders import MailOrder
from tests.activities.mail.sending import deliver, item, nothing_else, put, waiting
from tests.care.crash_points import Death
from tests.care.practice import MONDAY, Practice
from tests.statements import statements

LONE, EACH = 9, 1
"""Statements of a delivery of one mail that is about no other rows, to a client with an account, and of each one
more."""
EMPTY = 3


async def a_client(practice: Practice, *, active: bool = True) -> tuple[str, list[str]]:
    """With an account, so that no day's budget is asked, and two appointments."""
    client = await practice.client()
    booked = await practice.booked(client, weeks=2)
    async with practice.sessions() as session:
        (await session.get_one(type(await practice.row(client)), UUID(client))).account_active = active
        await session.commit()
    await nothing_else(practice, client)
    practice.clock.instant = MONDAY - timedelta(days=1)
    return client, [one.id for one in booked]


async def reminders(practice: Practice, client: str, appointments: list[str], number: int) -> list[MailOrder]:
    row = await practice.row(client)
    orders = [
        client_mail(Mail.APPOINTMENT_REMINDER, row, str(n), appointment_ids=(appointments[n % 2],))
        for n in range(number)
    ]
    await put(practice, *orders)
    return orders


@pytest.mark.parametrize("number", [1, 5])
async def test_each_further_mail_costs_one_statement_and_its_own_transaction(
    practice: Practice, database: AsyncEngine, number: int
) -> None:
    client, _ = await a_client(practice)
    row = await practice.row(client)
    await put(practice, *(client_mail(Mail.WE_WILL_GET_BACK, row, str(n)) for n in range(number)))
    practice.points.reset()
    with statements(database) as asked:
        await deliver(practice, client)
    assert len(practice.post.sent) == number
    assert len(asked) == LONE + EACH * (number - 1)
    assert practice.points.passed.count("after a commit") == number + 1


async def test_where_nothing_is_due_little_is_asked(practice: Practice, database: AsyncEngine) -> None:
    client, _ = await a_client(practice)
    with statements(database) as asked:
        await deliver(practice, client)
    assert len(asked) == EMPTY


async def test_that_mails_were_sent_is_no_news_for_a_journey(practice: Practice) -> None:
    client, appointments = await a_client(practice)
    _ = await reminders(practice, client, appointments, 3)
    told = await deliver(practice, client)
    assert (told.facts, told.deliver_at) == (None, None)
    assert told.version == (await practice.row(client)).fact_seq
    assert (await practice.facts(client))[-3:] == ["mail_sent"] * 3


@pytest.mark.parametrize("dies_at", range(1, 9))
async def test_whatever_went_out_is_told_of_once_by_whoever_comes_next(practice: Practice, dies_at: int) -> None:
    """At once, and not when the mail service must have answered."""
    client, appointments = await a_client(practice)
    orders = await reminders(practice, client, appointments, 3)
    practice.points.reset(dies_at)
    with pytest.raises(Death):
        await deliver(practice, client)
    practice.points.reset()
    before = [(await item(practice, order.key)) for order in orders]
    assert (await practice.facts(client)).count("mail_sent") == (3 if dies_at == 8 else 0)
    told = await deliver(practice, client)
    after = {order.key: (await item(practice, order.key)) for order in orders}
    assert all(after[row.key].status is OutboxStatus.SENT for row in before if row.went_out)
    in_doubt = [row.key for row in after.values() if row.status is OutboxStatus.SENDING]
    assert len(in_doubt) <= 1
    assert told.deliver_at == (after[in_doubt[0]].next_try_at if in_doubt else None)
    sent = [row for row in after.values() if row.status is OutboxStatus.SENT]
    assert (await practice.facts(client)).count("mail_sent") == len(sent)
    assert all(row.message_id and row.sent_at for row in sent)
    assert {row.message_id for row in sent} <= {f"message-{n}" for n in range(1, 4)}
    assert len({row.message_id for row in sent}) == len(sent)


async def test_one_that_is_refused_is_told_of_in_its_place_and_the_next_goes_out(practice: Practice) -> None:
    client, appointments = await a_client(practice)
    orders = await reminders(practice, client, appointments, 4)
    practice.post.trouble = [
        (True, None),  # type: ignore[list-item]
        (False, MailRejected(status=400, message="no such mailbox")),
        (True, None),  # type: ignore[list-item]
        (False, MailerUnavailable("the connection broke", ambiguous=True)),
    ]
    told = await deliver(practice, client)
    statuses = [(await item(practice, order.key)).status.value for order in orders]
    assert statuses == ["sent", "undeliverable", "sent", "uncertain"]
    of_mails = [kind for kind in await practice.facts(client) if kind.startswith("mail_")]
    assert of_mails == ["mail_sent", "mail_undeliverable", "mail_sent", "mail_uncertain"]
    assert told.facts is not None
    assert [task.kind for task in told.facts.open_tasks] == ["mail_undeliverable"]
    assert [what for what, _ in await waiting(practice, client)] == ["task_opened"]


async def test_what_two_deliveries_record_stands_behind_the_clients_lock(practice: Practice) -> None:
    client, appointments = await a_client(practice)
    first, then = await reminders(practice, client, appointments, 2)
    at, ours = practice.clock.instant, [ItemClaim(order.key, 0) for order in (first, then)]
    async with practice.sessions() as holding, practice.sessions() as waits:
        _ = await lock_client(holding, UUID(client))
        await waits.exec(text("SET LOCAL lock_timeout = '50ms'"))  # type: ignore[call-overload]
        with pytest.raises(OperationalError):
            await hand_on(waits, UUID(client), ours[0], "message-1", then=ours[1], at=at, answered_by=at)
        await waits.rollback()
        await holding.commit()
        assert await hand_on(waits, UUID(client), ours[0], "message-1", then=ours[1], at=at, answered_by=at)
        await waits.commit()
    assert [(await item(practice, order.key)).went_out for order in (first, then)] == [True, False]
