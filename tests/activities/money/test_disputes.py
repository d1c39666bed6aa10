"""Disputes: whatever Stripe says, and however often and in whatever order, charges stop until a person has looked."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlmodel import col, select

from activities.types.clients import TaskResolution
from activities.types.money import AttemptOrder
from models.tables.clients.task import Task
from rules.enums import PaymentStatus, TaskKind
from rules.refusals import Problem
from tests.care.client_money import ClientMoney
from tests.care.practice import DESK, FEE, Practice

OPENED, CLOSED = "charge.dispute.created", "charge.dispute.closed"


async def frozen(money: ClientMoney) -> bool:
    return (await money.practice.row(money.client)).charges_frozen


async def resolution(money: ClientMoney, dispute: str) -> TaskResolution:
    async with money.practice.sessions() as session:
        task = (await session.exec(select(Task).where(col(Task.key) == f"dispute:{dispute}"))).one()
    return TaskResolution(
        request_id=str(uuid4()), client_id=money.client, by=DESK, task_id=str(task.id), note="talked to the client"
    )


async def test_a_dispute_stops_charges_until_its_task_is_resolved(practice: Practice, money: ClientMoney) -> None:
    disputed = await money.pays_a_fee()
    due = await money.owes_a_fee(weeks=1)
    dispute = await money.disputed(disputed)
    handled = await money.reported(OPENED, dispute, "dispute")
    assert [(facts.payment.id, facts.payment.frozen) for facts in handled.told if facts.payment] == [(due, True)]
    assert await frozen(money)
    assert await practice.attempt(due) is None
    [task] = await money.tasks()
    assert (task.kind, task.data["payment_id"]) == (TaskKind.DISPUTE, disputed)

    order = await resolution(money, dispute)
    for _ in range(2):  # told again, if the run that resolved it died before it could say so
        done = await practice.accounts.resolve_task(order)
        assert [(facts.payment.id, facts.payment.frozen) for facts in done.resumed if facts.payment] == [(due, False)]
    assert not await frozen(money)
    assert await practice.attempt(due) is not None
    assert (await practice.payment(due)).status is PaymentStatus.PAID
    assert (await practice.facts(money.client)).count("task_resolved") == 1


async def test_a_try_that_was_under_way_is_carried_through(practice: Practice, money: ClientMoney) -> None:
    disputed, due = await money.pays_a_fee(), await money.owes_a_fee(weeks=1)
    assert (await practice.money.start_attempt(AttemptOrder(payment_id=due, attempt=1))).started
    await money.reported(OPENED, await money.disputed(disputed), "dispute")
    assert await practice.attempt(due) is not None
    assert (await practice.payment(due)).status is PaymentStatus.PAID


async def test_told_twice_late_and_in_any_order_it_is_one_dispute_and_one_task(
    practice: Practice, money: ClientMoney
) -> None:
    payment = await money.pays_a_fee()
    dispute = await money.disputed(payment)
    for _ in range(2):
        await money.reported(OPENED, dispute, "dispute")
    opened = practice.clock.instant
    practice.clock.instant += timedelta(days=40)
    await money.bank(f"_disputes/{dispute}", status="lost")
    # What an event says is not believed: the object is fetched again, and so the late one says nothing new.
    for type in (CLOSED, OPENED, CLOSED, "charge.dispute.funds_withdrawn"):
        await money.reported(type, dispute, "dispute")
    [row] = await money.disputes()
    assert (row.status, row.amount, row.opened_at, row.closed_at) == ("lost", FEE, opened, practice.clock.instant)
    facts = await practice.facts(money.client)
    assert [kind for kind in facts if kind.startswith("dispute")] == ["dispute_opened", "dispute_closed"]
    assert facts.count("task_opened") == 1
    assert await frozen(money)  # the bank has decided, and still nobody has looked


async def test_one_that_is_first_heard_of_when_it_is_decided_is_looked_at_all_the_same(
    practice: Practice, money: ClientMoney
) -> None:
    dispute = await money.disputed(await money.pays_a_fee())
    await money.bank(f"_disputes/{dispute}", status="won")
    await money.reported(CLOSED, dispute, "dispute")
    [task] = await money.tasks()
    assert "decided already: won" in task.text
    assert await frozen(money)


async def test_two_disputes_are_two_tasks_and_charges_wait_for_both(practice: Practice, money: ClientMoney) -> None:
    ids = [await money.disputed(await money.pays_a_fee(weeks=week)) for week in range(2)]
    for dispute in ids:
        await money.reported(OPENED, dispute, "dispute")
    for dispute, still in zip(ids, (True, False), strict=True):
        await practice.accounts.resolve_task(await resolution(money, dispute))
        assert await frozen(money) is still


@pytest.mark.parametrize(("end", "refundable"), [("won", True), ("lost", False), (None, False)])
async def test_only_what_the_bank_left_with_the_practice_can_be_refunded(
    practice: Practice, money: ClientMoney, end: str | None, refundable: bool
) -> None:
    payment = await money.pays_a_fee()
    dispute = await money.disputed(payment)
    await money.reported(OPENED, dispute, "dispute")
    if end is not None:
        await money.bank(f"_disputes/{dispute}", status=end)
        await money.reported(CLOSED, dispute, "dispute")
    refusal = (await practice.refunds.begin_refund(money.refund_order(payment))).refusal
    assert (refusal is None) == refundable
    if refusal is not None:
        assert (refusal.name, refusal.data) == (Problem.PAYMENT_NOT_REFUNDABLE, {"refundable": 0})
        assert "paid twice" in refusal.detail
        assert await money.refunds() == []
        return
    [refund] = await money.refunds()
    await practice.refunds.send_refund(str(refund.id))
    assert await money.refunds_at_stripe() == [(FEE, "succeeded")]


async def test_a_person_may_not_try_again_while_it_stands(practice: Practice, money: ClientMoney) -> None:
    disputed = await money.pays_a_fee()
    await practice.bank_says(money.client, "insufficient_funds")
    due = await money.owes_a_fee(weeks=1)
    await practice.attempt(due)
    dispute = await money.disputed(disputed)
    await money.reported(OPENED, dispute, "dispute")
    refusal = (await money.retried(due)).refusal
    assert refusal is not None
    assert (refusal.name, "dispute" in refusal.detail) == (Problem.PAYMENT_NOT_OPEN, True)
    await practice.accounts.resolve_task(await resolution(money, dispute))
    assert (await money.retried(due)).refusal is None


async def test_what_is_of_no_payment_of_ours_freezes_nobody(practice: Practice, money: ClientMoney) -> None:
    await money.pays_a_fee()
    handled = await money.reported(OPENED, "du_unknown", "dispute")
    assert (handled.facts, await money.disputes(), await frozen(money)) == (None, [], False)
