"""What a person decides about a payment, done twice, without a reason, or while Stripe has its own troubles."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlmodel import col, select

from activities.ports import GatewayRejected, Intent
from activities.types.clients import TaskResolution
from activities.types.money import LetGoOrder, RetryOrder
from models.tables.mail.outbox import OutboxItem
from rules.enums import PaymentStatus, TaskKind
from rules.refusals import Problem
from tests.care.client_money import ClientMoney
from tests.care.defaults import FIRST_FEE_POLICY
from tests.care.practice import DESK, FEE, Practice


async def declined(practice: Practice, money: ClientMoney, *, weeks: int = 0) -> str:
    payment = await money.owes_a_fee(weeks=weeks)
    await practice.bank_says(money.client, "insufficient_funds")
    await practice.attempt(payment)
    assert (await practice.payment(payment)).status is PaymentStatus.FAILED
    return payment


@pytest.mark.parametrize("end", [PaymentStatus.WAIVED, PaymentStatus.WRITTEN_OFF])
async def test_let_go_twice_is_once_and_the_first_reason_stands(
    practice: Practice, money: ClientMoney, end: PaymentStatus
) -> None:
    payment = await declined(practice, money)
    practice.clock.instant += timedelta(days=2)
    let_go = {
        PaymentStatus.WAIVED: practice.waivers.waive_payment,
        PaymentStatus.WRITTEN_OFF: practice.waivers.write_off_payment,
    }[end]
    for wrong, name in (
        (money.let_go_order(payment, " "), Problem.VALIDATION_FAILED),
        (replace(money.let_go_order(payment), client_id=str(uuid4())), Problem.NOT_FOUND),
    ):
        refusal = (await let_go(wrong)).refusal
        assert refusal is not None
        assert refusal.name is name
    orders: list[LetGoOrder] = [money.let_go_order(payment, reason) for reason in ("hardship", "another")]
    done = [await let_go(order) for order in (orders[0], orders[0], orders[1])]
    intent = (await practice.payment(payment)).intent
    assert [(one.refusal, one.changed) for one in done] == [(None, True), (None, True), (None, False)]
    async with practice.sessions() as session:
        errands = (await session.exec(select(OutboxItem).where(col(OutboxItem.kind) == "cancel_intent"))).all()
    assert [errand.order["about"] for errand in errands] == [intent]
    after = await practice.payment(payment)
    assert after.status is end
    assert after.exception is not None
    assert (after.exception["who"], after.exception_why, after.exception["consent_version"]) == (
        "care_team:desk", "hardship", FIRST_FEE_POLICY
    )  # fmt: skip
    assert (await practice.facts(money.client)).count(f"payment_{end.value}") == 1
    assert await money.balance() == (0, 0)


async def test_asked_to_try_again_twice_is_one_fact_and_told_each_time(practice: Practice, money: ClientMoney) -> None:
    failed = await declined(practice, money)
    owed = await declined(practice, money, weeks=1)
    await practice.money.owe_payment(owed)
    for payment in (failed, owed):
        order = RetryOrder(request_id=str(uuid4()), client_id=money.client, by=DESK, payment_id=payment)
        for _ in range(2):  # the run before may have died before it could say so
            done = await practice.retries.retry_payment(order)
            assert done.refusal is None
            assert (len(done.resumed), [debt.payment_id for debt in done.facts.debts] if done.facts else []) == (
                (1, []) if payment == failed else (0, [owed])
            )
    assert (await practice.payment(failed)).next_try_at == practice.clock.instant
    assert (await practice.facts(money.client)).count("payment_retry_asked") == 2


async def test_without_a_card_only_credit_that_covers_it_can_be_tried(practice: Practice, money: ClientMoney) -> None:
    payment = await money.owes_a_fee()
    await practice.bank_says(money.client, "stolen_card")
    await practice.attempt(payment)
    assert (await practice.row(money.client)).card_blocked
    for granted, refused in ((0, True), (5000, True), (FEE - 5000, False)):
        if granted:
            await money.granted(granted)
        refusal = (await money.retried(payment)).refusal
        assert (refusal is not None) == refused
        assert refusal is None or refusal.name is Problem.PAYMENT_NOT_OPEN
    await practice.attempt(payment, 2)
    after = await practice.payment(payment)
    assert (after.status, after.credit_used) == (PaymentStatus.PAID, FEE)


async def test_what_an_archive_stopped_is_tried_again_by_hand_once_the_client_is_active(
    practice: Practice, money: ClientMoney
) -> None:
    await money.granted(2000)
    payment = await money.owes_a_fee()
    await money.archived()
    await money.unarchived()
    order = RetryOrder(request_id=str(uuid4()), client_id=money.client, by=DESK, payment_id=payment)
    for _ in range(2):  # the run before may have died before it could say so
        done = await practice.retries.retry_payment(order)
        assert (done.refusal, [debt.payment_id for debt in done.facts.debts] if done.facts else []) == (None, [payment])
    assert (await practice.payment(payment)).status is PaymentStatus.OWED
    assert await money.balance() == (2000, FEE)
    facts = await practice.facts(money.client)
    assert (facts.count("payment_owed"), facts.count("payment_retry_asked")) == (1, 1)
    await practice.attempt(payment)
    after = await practice.payment(payment)
    assert (after.status, after.credit_used, await money.balance()) == (PaymentStatus.PAID, 2000, (0, 0))


async def test_owed_again_after_its_task_was_resolved_is_another_task(practice: Practice, money: ClientMoney) -> None:
    payment = await declined(practice, money)
    practice.clock.instant += timedelta(hours=24)
    await practice.money.owe_payment(payment)
    await money.retried(payment)
    await practice.attempt(payment, 2)
    [task] = await money.tasks()  # still the same debt, and still open
    order = TaskResolution(
        request_id=str(uuid4()), client_id=money.client, by=DESK, task_id=str(task.id), note="another card will come"
    )
    await practice.accounts.resolve_task(order)
    await money.retried(payment)
    await practice.attempt(payment, 3)
    [again] = await money.tasks()
    assert (again.kind, again.data, again.key != task.key) == (TaskKind.PAYMENT_OWED, task.data, True)


async def test_an_intent_is_called_off_whatever_stripe_makes_of_it(
    practice: Practice, money: ClientMoney, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = await declined(practice, money)
    intent = (await practice.payment(payment)).intent
    assert intent is not None
    await money.waived(payment)
    for _ in range(2):
        await practice.archive.cancel_intent(money.client, intent)
    assert [made["status"] for made in await practice.intents_of(payment)] == ["canceled"]
    await practice.archive.cancel_intent(money.client, "pi_unknown")  # there is nothing that could be paid

    async def refuses(**_: object) -> Intent:
        raise GatewayRejected("no such key", code="api_key_expired")

    monkeypatch.setattr(practice.gateway, "cancel_intent", refuses)
    with pytest.raises(GatewayRejected):  # the history shows it; the comparison calls off what it can
        await practice.archive.cancel_intent(money.client, intent)
