"""The outbox: each reason is one mail, in order, whoever dies or is away meanwhile, and nothing waits for ever."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from activities import delivery
from activities.clients.joining import JoiningActivities
from activities.ports import GatewayRejected, GatewayUnavailable, MailerUnavailable, OutgoingMail
from activities.types.archive import ArchiveOrder
from activities.types.clients import DetailsOrder, JoinOrder
from models.tables.clients.client import Client
from models.tables.mail.outbox import OutboxItem, OutboxKind
from models.writes.outbox import client_mail, order_errands
from rules.mail.kinds import Mail
from rules.mail.orders import MailOrder
from tests.activities.mail.sending import LATER, deliver, item, nothing_else, put, send, waiting
from tests.care.crash_points import Death
from tests.care.practice import DESK, MONDAY, Practice

MINUTE = timedelta(minutes=1)
AWAY = MailerUnavailable("nobody answers", ambiguous=False)
STRIPE_AWAY = GatewayUnavailable("nobody answers", ambiguous=False, retry_with_same_key=True)


async def a_client(practice: Practice) -> str:
    client = await practice.client()
    await nothing_else(practice, client)
    return client


async def waits(practice: Practice, client: str, number: int = 0, **about: Any) -> MailOrder:
    """That somebody gets back to them, for one more reason: a mail that needs nothing to be there, and is not vital."""
    order = client_mail(Mail.WE_WILL_GET_BACK, await practice.row(client), str(number))
    return replace(order, **about)


async def change(practice: Practice, key: str, **columns: Any) -> None:
    async with practice.sessions() as session:
        row = await session.get_one(OutboxItem, key)
        for name, value in columns.items():
            setattr(row, name, value)
        await session.commit()


async def statuses(practice: Practice, *orders: MailOrder) -> list[str]:
    return [(await item(practice, order.key)).status.value for order in orders]


# ------------------------------------------------------------ dying


@pytest.mark.parametrize("vital", [True, False])
@pytest.mark.parametrize("dies_at", range(1, 9))
async def test_whoever_dies_leaves_one_mail_in_doubt_and_no_more(practice: Practice, dies_at: int, vital: bool) -> None:
    """At each commit, before and after it: claimed; one sent and the next on its way; all sent."""
    client = await a_client(practice)
    orders = [await waits(practice, client, number, vital=vital) for number in range(3)]
    await put(practice, *orders)
    practice.points.reset(dies_at)
    with pytest.raises(Death):
        await deliver(practice, client)
    practice.points.reset()
    practice.clock.instant += LATER
    told = await deliver(practice, client)
    assert told.deliver_at is None
    times = [sum(mail.key == order.key for mail in practice.post.sent) for order in orders]
    if vital:
        assert set(await statuses(practice, *orders)) == {"sent"}
        assert min(times) == 1
        assert sum(times) <= 4
    else:
        assert max(times) == 1
        assert (await statuses(practice, *orders)).count("uncertain") <= 1
        lost = [status for status, sent in zip(await statuses(practice, *orders), times, strict=True) if not sent]
        assert set(lost) <= {"uncertain"}


async def test_two_who_deliver_at_once_send_each_mail_once(practice: Practice) -> None:
    """One that was given up runs on: what the second has claimed by then is no longer the first one's."""
    client = await a_client(practice)
    orders = [await waits(practice, client, number) for number in range(3)]
    await put(practice, *orders)
    send_it = practice.post.send

    async def slow(mail: OutgoingMail) -> str:
        practice.post.send = send_it  # type: ignore[method-assign]
        await deliver(practice, client)
        return await send_it(mail)

    practice.post.send = slow  # type: ignore[method-assign]
    await deliver(practice, client)
    practice.clock.instant += LATER
    await deliver(practice, client)
    assert sorted(mail.key for mail in practice.post.sent) == sorted(order.key for order in orders)


# ------------------------------------------------------------ in order


async def test_a_mail_does_not_overtake_an_earlier_one_about_the_same_appointment(practice: Practice) -> None:
    """Not even where another workflow delivers that one. What is about something else goes by."""
    client = await practice.client()
    first, second = await practice.booked(client, weeks=2)
    await nothing_else(practice, client)
    practice.clock.instant = MONDAY - timedelta(days=1)
    row = await practice.row(client)
    booked, reminded, other = (
        client_mail(Mail.APPOINTMENT_BOOKED, row, "booked", appointment_ids=(first.id,)),
        client_mail(Mail.APPOINTMENT_REMINDER, row, "soon", appointment_ids=(first.id,)),
        client_mail(Mail.APPOINTMENT_REMINDER, row, "later", appointment_ids=(second.id,)),
    )
    await put(practice, booked)
    await put(practice, reminded, appointment=first.id)
    await put(practice, other, appointment=second.id)
    told = await deliver(practice, client, appointment=first.id)
    assert practice.post.sent == []
    assert told.deliver_at is not None
    assert told.deliver_at > practice.clock.instant
    await deliver(practice, client, appointment=second.id)
    assert [mail.key for mail in practice.post.sent] == [other.key]
    practice.post.trouble = [(False, AWAY)]
    put_off = (await deliver(practice, client)).deliver_at
    assert put_off == practice.clock.instant + MINUTE
    practice.clock.instant = told.deliver_at
    await deliver(practice, client)
    await deliver(practice, client, appointment=first.id)
    practice.clock.instant += LATER
    await deliver(practice, client, appointment=first.id)
    assert [mail.key for mail in practice.post.sent] == [order.key for order in (other, booked, reminded)]


async def test_each_reason_is_one_row_however_often_it_is_ordered(practice: Practice) -> None:
    client = await a_client(practice)
    order = await waits(practice, client)
    for _ in range(2):
        await put(practice, order)
        assert await send(practice, order) == "sent"
    assert len(practice.post.sent) == 1


# ------------------------------------------------------------ what cannot be written


@pytest.mark.parametrize(
    "spoilt",
    [
        {"template": "no_such_mail"},
        {"order": {"key": "x"}},
        {"order": "words"},
    ],
)
async def test_what_cannot_be_written_steps_aside_with_a_task_and_the_next_goes_out(
    practice: Practice, spoilt: dict[str, Any]
) -> None:
    client = await a_client(practice)
    broken, good = await waits(practice, client, 1), await waits(practice, client, 2)
    await put(practice, broken, good)
    if "template" in spoilt:
        spoilt |= {"order": {**(await item(practice, broken.key)).order, **spoilt}}
    await change(practice, broken.key, **spoilt)
    told = await deliver(practice, client)
    assert await statuses(practice, broken, good) == ["unwritable", "sent"]
    assert told.facts is not None
    assert [task.kind for task in told.facts.open_tasks] == ["mail_undeliverable"]
    await deliver(practice, client)
    assert await waiting(practice, client) == []
    assert [mail.template for mail in practice.post.sent] == ["we_will_get_back", "task_opened"]


# ------------------------------------------------------------ the mail service is away


async def test_while_the_mail_service_is_away_it_is_asked_ever_more_rarely_and_nothing_is_lost(
    practice: Practice,
) -> None:
    client = await a_client(practice)
    orders = [await waits(practice, client, number) for number in range(3)]
    await put(practice, *orders)
    for minutes in (1, 2, 4, 8, 16, 30, 30):
        practice.post.trouble = [(False, AWAY)]
        told = await deliver(practice, client)
        assert practice.post.trouble == []
        assert told.deliver_at == practice.clock.instant + minutes * MINUTE
        assert (await deliver(practice, client)).deliver_at == told.deliver_at  # nobody is asked before
        practice.clock.instant = told.deliver_at
    assert await statuses(practice, *orders) == ["waiting"] * 3
    assert (await deliver(practice, client)).deliver_at is None
    assert [mail.key for mail in practice.post.sent] == [order.key for order in orders]
    assert (await practice.facts(client)).count("mail_sent") == 3


async def test_more_than_one_step_takes_are_sent_in_order_by_the_steps_that_follow(practice: Practice) -> None:
    client = await a_client(practice)
    async with practice.sessions() as session:
        (await session.get_one(Client, UUID(client))).account_active = True  # else they would be too many for a day
        await session.commit()
    orders = [await waits(practice, client, number) for number in range(45)]
    await put(practice, *orders)
    counts = []
    while True:
        told = await deliver(practice, client)
        counts.append(len(practice.post.sent))
        if told.deliver_at is None:
            break
        assert told.deliver_at == practice.clock.instant  # at once
    assert counts == [20, 40, 45]
    assert [mail.key for mail in practice.post.sent] == [order.key for order in orders]


# ------------------------------------------------------------ no longer wanted


async def test_who_unsubscribed_meanwhile_is_sent_no_reminder(practice: Practice) -> None:
    client = await practice.client()
    await practice.booked(client)
    await nothing_else(practice, client)
    order = client_mail(Mail.ACTIVATION_REMINDER, await practice.row(client), "x")
    await put(practice, order)
    said = DetailsOrder(request_id=str(uuid4()), client_id=client, by=DESK, unsubscribed=True)
    assert (await practice.accounts.change_details(said)).refusal is None
    assert (await deliver(practice, client)).deliver_at is None
    assert await statuses(practice, order) == ["not_wanted"]


async def test_of_who_was_archived_meanwhile_nothing_is_sent_and_nothing_waits(practice: Practice) -> None:
    client = await a_client(practice)
    order = await waits(practice, client)
    await put(practice, order)
    archive = ArchiveOrder(client_id=client, request_id=str(uuid4()), by="care_team:desk")
    await practice.archive.archive_client(archive)
    assert (await deliver(practice, client)).deliver_at is None
    assert await statuses(practice, order) == ["not_wanted"]
    assert [mail for mail in practice.post.sent if mail.key == order.key] == []


async def test_after_a_join_the_closed_records_own_mails_are_dropped(practice: Practice) -> None:
    record, duplicate = await a_client(practice), await practice.client(name="Sarah")
    await nothing_else(practice, duplicate)
    order = await waits(practice, duplicate)
    await put(practice, order)
    join = JoinOrder(request_id=str(uuid4()), client_id=duplicate, by=DESK, into_id=record)
    assert (await JoiningActivities(practice.matching.deps).join_records(join)).refusal is None
    assert (await deliver(practice, duplicate)).deliver_at is None
    assert await statuses(practice, order) == ["not_wanted"]
    assert practice.post.sent == []


# ------------------------------------------------------------ errands


async def errands(practice: Practice, client: str, *about: str, kind: OutboxKind = OutboxKind.CANCEL_INTENT) -> None:
    async with practice.sessions() as session:
        at = practice.clock.instant
        await order_errands(session, UUID(client), kind, about, reason="test", at=at)
        await session.commit()


class AtTheDoor:
    """Runs errands as told, and notes what it was asked for."""

    def __init__(self, *problems: Exception | None) -> None:
        self.problems = list(problems)
        self.asked: list[str] = []

    async def run(self, _: object, __: UUID, about: str, ___: int) -> None:
        self.asked.append(about)
        problem = self.problems.pop(0) if self.problems else None
        if problem is not None:
            raise problem


@pytest.mark.parametrize(
    ("problem", "status", "again"),
    [
        (None, "done", False),
        (GatewayRejected("no such intent"), "undeliverable", False),  # refused today is refused tomorrow
        (STRIPE_AWAY, "waiting", True),
        (KeyError("a fault of ours"), "waiting", True),
    ],
)
async def test_an_errand_is_done_refused_or_tried_again(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, problem: Exception | None, status: str, again: bool
) -> None:
    door = AtTheDoor(problem)
    monkeypatch.setattr(delivery, "ERRANDS", dict.fromkeys(OutboxKind, door.run))
    client = await a_client(practice)
    await errands(practice, client, "pi_1")
    told = await deliver(practice, client)
    row = await item(practice, "cancel_intent:pi_1:test")
    assert (row.status, row.tries) == (status, int(again))
    assert told.deliver_at == (practice.clock.instant + MINUTE if again else None)
    practice.clock.instant += LATER
    await deliver(practice, client)
    assert door.asked == ["pi_1"] * (1 + again)
    assert (await item(practice, row.key)).status == ("done" if again else status)


async def test_stripe_that_is_away_is_asked_once_a_round_and_what_needs_no_stripe_goes_on(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = AtTheDoor(STRIPE_AWAY)
    monkeypatch.setattr(delivery, "ERRANDS", dict.fromkeys(OutboxKind, door.run))
    client = await a_client(practice)
    await errands(practice, client, "pi_1", "pi_2")
    await errands(practice, client, client, kind=OutboxKind.LOOK_FOR_DOUBLE)
    asks_nobody = f"look_for_double:{client}:test"
    mail = await waits(practice, client)
    await put(practice, mail)
    told = await deliver(practice, client)
    assert door.asked == ["pi_1"]
    assert await statuses(practice, mail) == ["sent"]
    assert (await item(practice, asks_nobody)).status == "done"
    assert told.deliver_at == practice.clock.instant + MINUTE
    practice.clock.instant = told.deliver_at
    assert (await deliver(practice, client)).deliver_at is None
    assert door.asked == ["pi_1", "pi_1", "pi_2"]


async def test_a_fault_of_ours_in_looking_for_a_double_holds_nothing_up(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await a_client(practice)
    await errands(practice, client, client, kind=OutboxKind.LOOK_FOR_DOUBLE)
    mail = await waits(practice, client)
    await put(practice, mail)

    async def fails(*_: object, **__: object) -> None:
        raise KeyError("a fault of ours")

    with monkeypatch.context() as patched:
        patched.setattr(delivery, "notice_double", fails)
        told = await deliver(practice, client)
    assert await statuses(practice, mail) == ["sent"]
    assert told.deliver_at == practice.clock.instant + MINUTE
    practice.clock.instant = told.deliver_at
    assert (await deliver(practice, client)).deliver_at is None
    assert (await item(practice, f"look_for_double:{client}:test")).status == "done"


def test_each_kind_of_errand_has_somebody_who_runs_it() -> None:
    assert set(delivery.ERRANDS) == set(OutboxKind) - {OutboxKind.MAIL, OutboxKind.LOOK_FOR_DOUBLE}
