"""A task's advice is true for as long as it is open: what happens meanwhile is taken into it, or closes it."""

import pytest

from models.tables.clients.task import Task
from rules.enums import RefundTo, TaskKind
from tests.care.client_money import ClientMoney
from tests.care.practice import FEE, Practice
from tests.care.reconciler import Reconciler


async def fails(money: ClientMoney, payment: str, amount: int | None = None) -> Task:
    """A refund to the card that its bank sends back; the task of it."""
    id = await money.refunded(payment, amount)
    [refund] = [refund for refund in await money.refunds() if str(refund.id) == id]
    await money.bank(f"_refunds/{refund.stripe_refund}", status="failed")
    await money.reported("refund.failed", str(refund.stripe_refund), "refund")
    return await the_task(money, TaskKind.REFUND_FAILED)


async def the_task(money: ClientMoney, kind: TaskKind) -> Task:
    [task] = [task for task in await money.tasks() if task.kind is kind]
    return task


async def in_the_dashboard(practice: Practice, money: ClientMoney, payment: str, amount: int) -> str:
    made = await practice.at_stripe.gives_back((await practice.payment(payment)).intent, amount)
    await money.reported("refund.created", made, "refund")
    return made


async def test_what_the_dashboard_gave_instead_closes_it(practice: Practice, money: ClientMoney) -> None:
    payment = await money.pays_a_fee()
    await fails(money, payment)
    await in_the_dashboard(practice, money, payment, FEE)
    assert (await money.tasks(), await money.given_back(payment)) == ([], FEE)


async def test_of_a_part_that_the_dashboard_gave_the_rest_is_advised(practice: Practice, money: ClientMoney) -> None:
    payment = await money.pays_a_fee()
    await fails(money, payment)
    await in_the_dashboard(practice, money, payment, 5000)
    task = await the_task(money, TaskKind.REFUND_FAILED)
    assert ("Give 70.00 USD as credit" in task.text, task.data["amount"]) == (True, 7000)
    await money.refunded(payment, 7000, to=RefundTo.CREDIT)
    assert (await money.tasks(), await money.given_back(payment)) == ([], FEE)


async def test_what_is_given_in_parts_closes_it_with_the_last(practice: Practice, money: ClientMoney) -> None:
    payment = await money.pays_a_fee()
    await fails(money, payment, 4000)
    await money.refunded(payment, 1000, to=RefundTo.CREDIT)
    assert "Give 30.00 USD as credit" in (await the_task(money, TaskKind.REFUND_FAILED)).text
    await money.refunded(payment, 3000)
    assert (await money.tasks(), await money.given_back(payment)) == ([], 4000)


async def test_several_together_advise_no_more_than_is_left(practice: Practice, money: ClientMoney) -> None:
    payment = await money.pays_a_fee()
    await fails(money, payment, 7000)
    await money.refunded(payment, 2000, to=RefundTo.CREDIT)  # of the seventy
    second = await money.refunded(payment, 10_000)
    [refund] = [refund for refund in await money.refunds() if str(refund.id) == second]
    assert await money.tasks() == []
    await money.bank(f"_refunds/{refund.stripe_refund}", status="failed")
    await money.reported("refund.failed", str(refund.stripe_refund), "refund")
    [task] = await money.tasks()
    assert "Give 100.00 USD as credit" in task.text


@pytest.mark.parametrize(("end", "says"), [("won", "Give 120.00 USD as credit"), ("lost", "the bank has given")])
async def test_a_dispute_that_comes_and_ends_is_taken_into_it(
    practice: Practice, money: ClientMoney, end: str, says: str
) -> None:
    payment = await money.pays_a_fee()
    await fails(money, payment)
    dispute = await money.disputed(payment)
    await money.reported("charge.dispute.created", dispute, "dispute")
    assert "Look at that task first" in (await the_task(money, TaskKind.REFUND_FAILED)).text
    await money.bank(f"_disputes/{dispute}", status=end)
    await money.reported("charge.dispute.closed", dispute, "dispute")
    assert says in (await the_task(money, TaskKind.REFUND_FAILED)).text


async def spends_what_was_given_back(money: ClientMoney) -> str:
    """A payment that was given back as credit, which has paid another one since."""
    payment = await money.pays_a_fee()
    await money.refunded(payment, to=RefundTo.CREDIT)
    await money.pays_a_fee(weeks=1)
    return payment


async def test_what_went_back_twice_in_two_parts_is_asked_for_once(practice: Practice, money: ClientMoney) -> None:
    payment = await spends_what_was_given_back(money)
    await in_the_dashboard(practice, money, payment, 7000)
    await in_the_dashboard(practice, money, payment, 3000)
    task = await the_task(money, TaskKind.LEDGER_DIFFERENCE)
    assert "was given back 100.00 USD more than was paid" in task.text


async def test_what_a_person_has_seen_to_is_not_asked_for_again(practice: Practice, money: ClientMoney) -> None:
    payment = await spends_what_was_given_back(money)
    await in_the_dashboard(practice, money, payment, 7000)
    await money.resolved(await the_task(money, TaskKind.LEDGER_DIFFERENCE))
    await in_the_dashboard(practice, money, payment, 3000)
    task = await the_task(money, TaskKind.LEDGER_DIFFERENCE)
    assert "was given back 30.00 USD more than was paid" in task.text


async def test_what_came_back_after_all_is_not_asked_for(practice: Practice, money: ClientMoney) -> None:
    payment = await spends_what_was_given_back(money)
    made = await in_the_dashboard(practice, money, payment, 7000)
    await money.bank(f"_refunds/{made}", status="failed")
    await money.reported("refund.failed", made, "refund")
    task = await the_task(money, TaskKind.REFUND_FAILED)  # and no other
    assert [open.id for open in await money.tasks()] == [task.id]
    assert "Give nothing more" in task.text
    refused = (await money.begun(money.refund_order(payment, to=RefundTo.CREDIT))).refusal
    assert refused is not None
    assert (await Reconciler(practice).compares()).silent
