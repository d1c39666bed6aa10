"""Inquiries: no money moves, nothing is frozen, a refund to the card ends one; and one may become a dispute."""

import pytest

from rules.enums import PaymentStatus, RefundTo, TaskKind
from rules.refusals import Problem
from tests.care.client_money import ClientMoney
from tests.care.practice import FEE, Practice


@pytest.fixture
async def asked(practice: Practice, money: ClientMoney) -> tuple[str, str]:
    """A payment, and the inquiry about it."""
    payment = await money.pays_a_fee()
    inquiry = await money.asked_about(payment)
    await money.reported("charge.dispute.created", inquiry, "dispute")
    return payment, inquiry


async def test_charges_go_on_and_the_task_says_until_when(
    practice: Practice, money: ClientMoney, asked: tuple[str, str]
) -> None:
    [task] = await money.tasks()
    assert (task.kind, task.data["state"]) == (TaskKind.INQUIRY, "warning_needs_response")
    assert f"by {task.data['answer_by'][:10]}" in task.text
    assert not (await practice.row(money.client)).charges_frozen
    await money.pays_a_fee(weeks=1)


async def test_its_refund_is_made_ends_it_and_closes_the_task(
    practice: Practice, money: ClientMoney, asked: tuple[str, str]
) -> None:
    payment, inquiry = asked
    order = money.refund_order(payment, to=RefundTo.CREDIT)
    refused = (await practice.refunds.begin_refund(order)).refusal
    assert refused is not None
    assert (refused.name, "to the card ends that" in refused.detail) == (Problem.PAYMENT_NOT_REFUNDABLE, True)
    await money.refunded(payment)
    assert await money.refunds_at_stripe() == [(FEE, "succeeded")]
    await money.reported("charge.dispute.closed", inquiry, "dispute")
    [known] = await money.disputes()
    assert (known.status, await money.tasks()) == ("warning_closed", [])
    assert (await practice.payment(payment)).status is PaymentStatus.REFUNDED


async def test_one_that_becomes_a_dispute_is_one(
    practice: Practice, money: ClientMoney, asked: tuple[str, str]
) -> None:
    payment, inquiry = asked
    await money.bank(f"_disputes/{inquiry}", status="needs_response")
    for event in ("charge.dispute.funds_withdrawn", "charge.dispute.updated"):
        await money.reported(event, inquiry, "dispute")
    assert (await practice.row(money.client)).charges_frozen
    assert [task.kind for task in await money.tasks()] == [TaskKind.DISPUTE]
    refused = (await practice.refunds.begin_refund(money.refund_order(payment))).refusal
    assert refused is not None
    facts = await practice.facts(money.client)
    assert [kind for kind in facts if kind.startswith("dispute")] == ["dispute_opened", "dispute_changed"]


async def test_one_that_the_bank_closes_leaves_nothing_to_do(
    practice: Practice, money: ClientMoney, asked: tuple[str, str]
) -> None:
    payment, inquiry = asked
    await money.bank(f"_disputes/{inquiry}", status="warning_under_review")
    await money.reported("charge.dispute.updated", inquiry, "dispute")
    [task] = await money.tasks()
    assert ("looks at the answer" in task.text, "answer_by" in task.data) == (True, False)
    await money.bank(f"_disputes/{inquiry}", status="warning_closed")
    await money.reported("charge.dispute.closed", inquiry, "dispute")
    assert await money.tasks() == []
    await money.refunded(payment, to=RefundTo.CREDIT)
    assert await money.balance() == (FEE, 0)


async def test_heard_of_when_it_was_over_it_is_no_task(practice: Practice, money: ClientMoney) -> None:
    payment = await money.pays_a_fee()
    inquiry = await money.asked_about(payment)
    await money.bank(f"_disputes/{inquiry}", status="warning_closed")
    await money.reported("charge.dispute.created", inquiry, "dispute")
    assert ([known.status for known in await money.disputes()], await money.tasks()) == (["warning_closed"], [])
