"""Refunds: given back once, whatever crashes; never more than was paid; and what fails later is somebody's task."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from activities.ports import GatewayRejected, GatewayUnavailable, RefundMade
from activities.types.money import EventHandled
from rules.enums import PaymentStatus, RefundStatus, RefundTo, TaskKind
from rules.refusals import Problem
from tests.care.client_money import ClientMoney
from tests.care.practice import FEE, Practice


async def test_dead_at_any_point_and_run_again_the_money_goes_back_once(practice: Practice, money: ClientMoney) -> None:
    weeks = 0

    async def die(*at: int) -> list[str]:
        nonlocal weeks
        payment = await money.pays_a_fee(weeks=weeks)
        weeks += 1
        order = money.refund_order(payment)
        practice.points.reset(*at)
        await practice.until_done(lambda: practice.refunds.begin_refund(order))
        await practice.until_done(lambda: practice.refunds.send_refund(order.refund_id))
        passed = list(practice.points.passed)
        practice.points.reset()
        assert (await practice.payment(payment)).status is PaymentStatus.REFUNDED
        return passed

    undisturbed = await die()
    assert {"before refund", "after refund"} <= set(undisturbed)
    for point in range(1, len(undisturbed) + 1):
        await die(point)
    await die(1, 3, 5, 7, 9)  # and again and again, while picking up the pieces
    assert await money.refunds_at_stripe() == [(FEE, "succeeded")] * weeks
    facts = await practice.facts(money.client)
    assert [facts.count(kind) for kind in ("refund_begun", "refund_made", "payment_refunded")] == [weeks] * 3


@pytest.mark.parametrize("same_key", [True, False])
async def test_an_answer_that_never_came_is_looked_for(practice: Practice, money: ClientMoney, same_key: bool) -> None:
    payment = await money.pays_a_fee()
    order = money.refund_order(payment, 5000)
    await practice.refunds.begin_refund(order)
    practice.gateway.breaks["refund"] = [GatewayUnavailable("no answer", ambiguous=True, retry_with_same_key=same_key)]
    await practice.until_done(lambda: practice.refunds.send_refund(order.refund_id))
    assert await money.refunds_at_stripe() == [(5000, "succeeded")]
    assert len([key for key in practice.gateway.keys if key.startswith("refund:")]) == 1  # found, and not asked again
    [refund] = await money.refunds()
    assert (refund.status, refund.tries) == (RefundStatus.SUCCEEDED, 0 if same_key else 1)


async def test_a_busy_stripe_is_asked_again_under_another_key(practice: Practice, money: ClientMoney) -> None:
    payment = await money.pays_a_fee()
    order = money.refund_order(payment)
    await practice.refunds.begin_refund(order)
    practice.gateway.spoilt.add(f"refund:{order.refund_id}:0")  # a stored failure, before anything was done
    await practice.until_done(lambda: practice.refunds.send_refund(order.refund_id))
    assert [key for key in practice.gateway.keys if key.startswith("refund:")] == [f"refund:{order.refund_id}:1"]
    assert await money.refunds_at_stripe() == [(FEE, "succeeded")]
    assert await practice.refunds.send_refund(order.refund_id) is None  # done: nothing is left to do


async def test_whole_in_parts_and_then_no_more(practice: Practice, money: ClientMoney) -> None:
    payment = await money.pays_a_fee()
    for amount, status, refunded in (
        (4000, PaymentStatus.PARTIALLY_REFUNDED, 4000),
        (5000, PaymentStatus.PARTIALLY_REFUNDED, 9000),
        (None, PaymentStatus.REFUNDED, FEE),
    ):
        await money.refunded(payment, amount)
        after = await practice.payment(payment)
        assert (after.status, after.refunded) == (status, refunded)
    order = money.refund_order(payment, 1)
    refused = [await practice.refunds.begin_refund(order) for _ in range(2)]
    assert [(d.refusal.name, d.refusal.data) for d in refused if d.refusal] == [
        (Problem.PAYMENT_NOT_REFUNDABLE, {"refundable": 0})
    ] * 2
    assert await money.refunds_at_stripe() == [(4000, "succeeded"), (5000, "succeeded"), (3000, "succeeded")]
    # Who tried to give back what was not there is told once for each request, however often it is run.
    assert (await practice.facts(money.client)).count("refund_refused") == 1


async def test_two_refunds_at_once_never_give_back_more_than_was_paid(practice: Practice, money: ClientMoney) -> None:
    payment = await money.pays_a_fee()
    first, second = money.refund_order(payment, 7000), money.refund_order(payment, 7000)
    done = [await practice.refunds.begin_refund(order) for order in (first, second)]  # before either was sent
    assert [answer.refusal is None for answer in done] == [True, False]
    for order in (first, second)[:1]:
        await practice.refunds.send_refund(order.refund_id)
    assert await money.refunds_at_stripe() == [(7000, "succeeded")]


async def test_what_credit_paid_becomes_credit_and_the_card_gets_its_part(
    practice: Practice, money: ClientMoney
) -> None:
    await money.granted(5000)
    payment = await money.pays_a_fee()
    assert await money.balance() == (0, 0)
    await money.refunded(payment, 8000)
    assert (await money.balance(), await money.refunds_at_stripe()) == ((1000, 0), [(7000, "succeeded")])
    await money.refunded(payment)
    assert (await money.balance(), await money.refunds_at_stripe()) == ((5000, 0), [(7000, "succeeded")])


async def test_all_of_it_may_become_credit_and_stripe_is_not_asked(practice: Practice, money: ClientMoney) -> None:
    payment = await money.pays_a_fee()
    await money.refunded(payment, to=RefundTo.CREDIT)
    assert (await money.balance(), await money.refunds_at_stripe()) == ((FEE, 0), [])
    assert [refund.status for refund in await money.refunds()] == [RefundStatus.SUCCEEDED]
    # It pays the next fee, and Stripe hears nothing of that either.
    after = await practice.payment(await money.pays_a_fee(weeks=1))
    assert (after.credit_used, after.intent, await money.balance()) == (FEE, None, (0, 0))


async def test_a_refund_that_fails_days_later_is_a_task_and_can_be_made_as_credit(
    practice: Practice, money: ClientMoney
) -> None:
    await practice.gives_card(money.client, "pm_card_refundFail")
    payment = await money.pays_a_fee()
    await money.refunded(payment, 5000)
    refund = (await money.refunds())[0]
    assert refund.stripe_refund is not None
    practice.clock.instant += timedelta(days=5)
    await money.bank(f"_refunds/{refund.stripe_refund}")
    for type in ("refund.failed", "refund.updated", "charge.refund.updated"):  # three words for one thing, one late
        handled = await money.reported(type, refund.stripe_refund, "refund")
        assert handled.facts is not None
    after = await practice.payment(payment)
    assert (after.status, after.refunded) == (PaymentStatus.PAID, 0)
    assert [task.kind for task in await money.tasks()] == [TaskKind.REFUND_FAILED]
    facts = await practice.facts(money.client)
    assert (facts.count("refund_failed"), facts.count("task_opened")) == (1, 1)
    await money.refunded(payment, to=RefundTo.CREDIT)
    assert await money.balance() == (FEE, 0)


async def test_a_failed_refund_leaves_the_credit_it_gave(practice: Practice, money: ClientMoney) -> None:
    await practice.gives_card(money.client, "pm_card_refundFail")
    await money.granted(5000)
    payment = await money.pays_a_fee()
    await money.refunded(payment)
    refund = (await money.refunds())[0]
    assert refund.stripe_refund is not None
    await money.bank(f"_refunds/{refund.stripe_refund}")
    await money.reported("refund.failed", refund.stripe_refund, "refund")
    after = await practice.payment(payment)
    assert (after.status, after.refunded) == (PaymentStatus.PARTIALLY_REFUNDED, 5000)
    assert await money.balance() == (5000, 0)
    await money.refunded(payment, to=RefundTo.CREDIT)
    assert await money.balance() == (FEE, 0)


async def test_a_refund_that_waits_at_the_bank_ends_by_its_webhook(practice: Practice, money: ClientMoney) -> None:
    await practice.gives_card(money.client, "pm_card_pendingRefund")
    payment = await money.pays_a_fee()
    await money.refunded(payment)
    [refund] = await money.refunds()
    assert refund.stripe_refund is not None
    assert (refund.status, refund.finished_at) == (RefundStatus.PENDING, None)
    assert (await practice.payment(payment)).status is PaymentStatus.REFUNDED  # what is on its way counts
    assert await practice.refunds.send_refund(str(refund.id)) is None
    await money.bank(f"_refunds/{refund.stripe_refund}")
    for _ in range(2):
        await money.reported("refund.updated", refund.stripe_refund, "refund")
    [refund] = await money.refunds()
    assert (refund.status, refund.finished_at) == (RefundStatus.SUCCEEDED, practice.clock.instant)
    assert (await practice.facts(money.client)).count("refund_made") == 1


async def test_news_that_overtakes_the_answer_is_known_by_our_own_id(practice: Practice, money: ClientMoney) -> None:
    payment = await money.pays_a_fee()
    order = money.refund_order(payment)
    await practice.refunds.begin_refund(order)
    intent = (await practice.payment(payment)).intent
    assert intent is not None
    made = await practice.gateway.refund(
        intent=intent, refund_id=order.refund_id, amount=FEE, currency="USD", key=f"refund:{order.refund_id}:0"
    )
    assert made.id is not None
    await money.reported("refund.created", made.id, "refund")
    [refund] = await money.refunds()
    assert (refund.status, refund.stripe_refund) == (RefundStatus.SUCCEEDED, made.id)
    assert await practice.refunds.send_refund(order.refund_id) is None


async def test_a_refund_that_names_nobody_we_know_is_of_the_payment_that_it_gives_back(
    practice: Practice, money: ClientMoney
) -> None:
    payment = await money.pays_a_fee()
    intent = (await practice.payment(payment)).intent
    assert intent is not None
    told = []
    for stranger in ("not an id", str(uuid4())):
        made = await practice.gateway.refund(
            intent=intent, refund_id=stranger, amount=100, currency="USD", key=f"by hand:{stranger}"
        )
        assert made.id is not None
        told.append(made.id)
    for id in told:
        assert (await money.reported("refund.updated", id, "refund")).facts is not None
    assert [(refund.card_amount, refund.asked_by) for refund in await money.refunds()] == [(100, "stripe")] * 2
    assert await money.reported("refund.updated", "re_unknown", "refund") == EventHandled()


async def test_what_stripe_refuses_is_a_task_and_not_asked_for_ever(
    practice: Practice, money: ClientMoney, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuses(**_: object) -> RefundMade:
        raise GatewayRejected("charged back", code="charge_disputed")

    monkeypatch.setattr(practice.gateway, "refund", refuses)
    payment = await money.pays_a_fee()
    await money.refunded(payment)
    assert (await practice.payment(payment)).status is PaymentStatus.PAID
    assert [task.kind for task in await money.tasks()] == [TaskKind.REFUND_FAILED]


async def test_only_what_was_paid_and_only_of_this_client_and_never_without_a_reason(
    practice: Practice, money: ClientMoney
) -> None:
    due = await money.owes_a_fee()
    for order, name in (
        (money.refund_order(due), Problem.PAYMENT_NOT_REFUNDABLE),
        (money.refund_order(due, reason="  "), Problem.VALIDATION_FAILED),
        (replace(money.refund_order(due), client_id=str(uuid4())), Problem.NOT_FOUND),
    ):
        refused = await practice.refunds.begin_refund(order)
        assert refused.refusal is not None
        assert refused.refusal.name is name
    await practice.attempt(due)
    for amount in (0, -5, FEE + 1):
        assert (await practice.refunds.begin_refund(money.refund_order(due, amount))).refusal is not None
    assert await money.refunds() == []
    assert await money.refunds_at_stripe() == []


async def test_the_same_refund_asked_twice_is_one(practice: Practice, money: ClientMoney) -> None:
    payment = await money.pays_a_fee()
    order = money.refund_order(payment, 5000)
    answers = [await practice.refunds.begin_refund(order) for _ in range(3)]
    assert answers == [answers[0]] * 3
    assert [refund.id for refund in await money.refunds()] == [UUID(order.refund_id)]
    await practice.refunds.send_refund(order.refund_id)
