"""What the step that archives writes down: what the preview said of the same moment, and nothing besides."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from activities.types.archive import ArchiveOrder
from models.reads.archive.situation import archive_situation
from models.tables.care.chat import Chat, ChatMember, ChatMessage, ChatRead
from models.tables.care.goal import Goal
from models.tables.clients.task import Task
from models.tables.money.credit import Credit
from models.tables.money.payment import Payment
from models.writes.outbox import client_mail, order_mails
from rules.archive.plan import plan_archive
from rules.enums import ChatKind, CreditSource, PaymentStatus, TaskKind
from rules.mail.kinds import Mail
from tests.care.practice import FEE, MONDAY, POLICY, Practice

HOUR = timedelta(hours=1)
Json = dict[str, Any]


async def add(practice: Practice, *rows: Any) -> None:
    async with practice.sessions() as session:
        for row in rows:
            session.add(row)
            await session.flush()
        await session.commit()


async def change(practice: Practice, row: Any, **columns: object) -> None:
    async with practice.sessions() as session:
        found = await session.get_one(type(row), row.id)
        for name, value in columns.items():
            setattr(found, name, value)
        session.add(found)
        await session.commit()


async def preview(practice: Practice, client: str) -> Json:
    now = practice.clock.instant
    async with practice.sessions() as session:
        situation = await archive_situation(session, await practice.row(client), policy=POLICY, now=now)
    return plan_archive(situation, now=now).to_document()


async def archived(practice: Practice, client: str) -> Json:
    order = ArchiveOrder(client_id=client, request_id="archive", by="x")
    assert (await practice.archive.archive_client(order)).changed
    record = (await practice.row(client)).archive_record
    assert record is not None
    return record


async def task(practice: Practice, client: str, kind: TaskKind, *, resolved_at: datetime | None = None) -> Task:
    row = Task(
        id=uuid4(),
        key=str(uuid4()),
        client_id=UUID(client),
        kind=kind,
        text="Look at this.",
        opened_at=practice.clock.instant,
        resolved_at=resolved_at,
    )
    await add(practice, row)
    return row


async def chat(practice: Practice, client: str, kind: ChatKind, *, read: int = 0) -> str:
    """With two messages that the desk has written."""
    at, mine = practice.clock.instant, kind is ChatKind.CARE_TEAM
    row = Chat(id=uuid4(), kind=kind, client_id=UUID(client) if mine else None, made_by="desk", made_at=at, last_seq=2)
    messages = [
        ChatMessage(id=uuid4(), chat_id=row.id, seq=seq, author="care_team:desk", text="Hello", written_at=at)
        for seq in (1, 2)
    ]
    await add(practice, row, ChatMember(chat_id=row.id, client_id=UUID(client), joined_at=at, added_by="desk"))
    await add(practice, *messages)
    if read:
        await add(practice, ChatRead(chat_id=row.id, reader=f"client:{client}", seq=read, read_at=at))
    return str(row.id)


async def put_off(practice: Practice, client: str, *chats: str) -> None:
    """Of each chat a mail told not long ago: the next is to go in an hour."""
    at, row = practice.clock.instant, await practice.row(client)
    mails = [client_mail(Mail.NEW_MESSAGE, row, f"{id}:2", chat_id=id, chat_seq=2) for id in chats]
    async with practice.sessions() as session:
        await order_mails(session, mails, at=at, not_before=at + HOUR)
        await session.commit()


async def credit(practice: Practice, client: str, amount: int, currency: str) -> None:
    about: Json = {"source": CreditSource.GRANTED, "reason": "thanks", "given_by": "x", "given_at": MONDAY}
    await add(
        practice,
        Credit(id=uuid4(), client_id=UUID(client), amount=amount, remaining=amount, currency=currency, **about),
    )


async def test_the_record_says_what_the_preview_said_and_what_it_says_is_done(practice: Practice) -> None:
    sara = await practice.client()
    first, second, _ = await practice.booked(sara, weeks=3)
    await practice.gives_card(sara)
    await practice.bank_says(sara, "insufficient_funds")
    failed = await practice.occurred(first)
    await practice.attempt(failed)
    scheduled = await practice.payment(await practice.occurred(second))
    await change(practice, scheduled, currency="EUR", amount=9000)
    await credit(practice, sara, 300, "EUR")
    await credit(practice, sara, 40, "USD")
    match, owed = [await task(practice, sara, kind) for kind in (TaskKind.MATCH_BY_HAND, TaskKind.PAYMENT_OWED)]
    done = await task(practice, sara, TaskKind.MATCH_BY_HAND, resolved_at=MONDAY)
    told = await chat(practice, sara, ChatKind.CARE_TEAM)
    await put_off(practice, sara, told)

    said = await preview(practice, sara)
    record = await archived(practice, sara)
    assert {name: record[name] for name in said} == said
    assert [line["text"].split(" on ")[0] for line in said["payments"]] == ["another try of the payment", "charge"]
    assert said["money"] == [
        {"currency": "EUR", "credit": 300, "owed": 9000},
        {"currency": "USD", "credit": 40, "owed": FEE},
    ]
    assert said["tasks_closed"] == [{"id": str(match.id), "kind": "match_by_hand"}]
    kinds = [line["kind"] for line in said["reminders"]]
    assert (kinds.count("appointment_reminder"), kinds.count("new_message")) == (2, 1)
    assert [line["chat_id"] for line in said["reminders"] if line["kind"] == "new_message"] == [told]

    async with practice.sessions() as session:
        rows = {row.id: await session.get_one(Task, row.id) for row in (match, owed, done)}
        stopped = [await session.get_one(Payment, UUID(line["id"])) for line in said["payments"]]
    assert (rows[match.id].resolved_by, rows[match.id].note) == ("x", "The client was archived.")
    assert (rows[owed.id].resolved_at, rows[done.id].resolved_at) == (None, MONDAY)
    assert [payment.status for payment in stopped] == [PaymentStatus.CANCELLED] * 2


@pytest.mark.parametrize(
    ("payment", "client", "told"),
    [
        ({"status": PaymentStatus.SCHEDULED}, {}, "charge on Tue 3 Mar 2026, 10:50"),
        (
            {"status": PaymentStatus.FAILED, "next_try_at": MONDAY + 33 * HOUR},
            {},
            "another try of the payment on Tue 3 Mar 2026, 19:00",
        ),
        ({"status": PaymentStatus.FAILED}, {}, "waiting for a new card, until Wed 4 Mar 2026, 10:50"),
        (
            {"status": PaymentStatus.REQUIRES_ACTION},
            {},
            "waiting for the client to confirm the payment, until Wed 4 Mar 2026, 10:50",
        ),
        (
            {"status": PaymentStatus.SCHEDULED},
            {"charges_frozen": True},
            "waiting for a dispute to be settled, until Wed 4 Mar 2026, 10:50",
        ),
    ],
)
async def test_a_stopped_payment_is_named_with_what_it_waited_for(
    practice: Practice, payment: Json, client: Json, told: str
) -> None:
    sara = await practice.client()
    [held] = await practice.booked(sara)
    practice.clock.instant = held.ends_at
    row = await practice.payment(await practice.occurred(held))
    practice.clock.instant = held.ends_at + HOUR
    await change(practice, row, **payment)
    await change(practice, await practice.row(sara), **client)
    said = await preview(practice, sara)
    assert [line["text"] for line in said["payments"]] == [told]
    assert (await archived(practice, sara))["payments"] == said["payments"]


async def test_only_mails_that_would_go_are_named_among_those_put_off(practice: Practice) -> None:
    sara = await practice.client()
    waits, read = [await chat(practice, sara, ChatKind.COMMUNITY, read=read) for read in (0, 2)]
    await chat(practice, sara, ChatKind.GROUP)  # of which every message was told
    await put_off(practice, sara, waits, read)

    async def named() -> list[str]:
        lines = (await preview(practice, sara))["reminders"]
        return [line["chat_id"] for line in lines if line["kind"] == "new_message"]

    assert await named() == [waits]
    row = await practice.row(sara)
    for stops in ({"unsubscribed": True}, {"unsubscribed": False, "portal_settings": {"community": False}}):
        await change(practice, row, **stops)
        assert await named() == []


async def test_a_goal_that_was_reminded_of_is_not_due_again_by_another_time_zone(practice: Practice) -> None:
    """The goal's row says that it was, and the reminder that stops is next week's."""
    sara = await practice.client()
    goal = Goal(
        id=uuid4(),
        client_id=UUID(sara),
        text="Walk",
        made_by="therapist:ana",
        made_at=practice.clock.instant - timedelta(days=7),
        remind_weekday=0,
        remind_minute=9 * 60,
        remind_since=practice.clock.instant - timedelta(days=7),
    )
    await add(practice, goal)
    practice.clock.instant = MONDAY.replace(hour=14, minute=1)  # a minute after nine in New York
    await change(practice, await practice.row(sara), time_zone="America/Los_Angeles")
    named = {}
    for what, reminded_at in {"told": MONDAY.replace(hour=14), "nothing": None}.items():
        await change(practice, goal, reminded_at=reminded_at)
        said = await preview(practice, sara)
        [named[what]] = [line["at"] for line in said["reminders"] if line["kind"] == "goal_reminder"]
    assert named == {"told": "2026-03-09T16:00:00+00:00", "nothing": "2026-03-02T17:00:00+00:00"}
