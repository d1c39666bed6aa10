"""Losing a store: whatever the ledger has forgotten, and Stripe's keys with it, nobody is charged or refunded twice."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from activities.ports import GatewayUnavailable
from activities.types.money import AttemptOrder, ConfirmationOrder
from models.writes.keeping.epoch import begin_epoch
from rules.enums import PaymentStatus
from rules.journey.settling import next_step
from tests.activities.money.due_payments import a_due_payment
from tests.care.client_money import ClientMoney
from tests.care.practice import DESK, Practice
from tests.care.reconciler import Reconciler

KNOWN_BEFORE = (
    "UPDATE payment SET status = 'scheduled', because = NULL, attempts = 0, intent = NULL, paid_at = NULL,"
    " stated = NULL"
)
EPOCH = UUID("0197c0de-0000-7000-8000-000000000001")


async def goes_back(practice: Practice, *statements: str) -> None:
    """The database as it was before its payments were tried, and a Stripe that has forgotten every key since."""
    async with practice.sessions() as session:
        for statement in (KNOWN_BEFORE, "DELETE FROM payment_try", *statements):
            await session.exec(text(statement))  # type: ignore[call-overload]
            await session.commit()
    await practice.at_stripe.ask("POST", "_forget_keys")


async def is_restored(practice: Practice) -> None:
    async with practice.sessions() as session:
        await begin_epoch(session, epoch=EPOCH, at=practice.clock.instant, marked=True)
        await session.commit()


async def test_what_was_paid_is_recorded_and_not_charged_again(practice: Practice) -> None:
    _, payment = await a_due_payment(practice)
    await practice.attempt(payment)
    intent = (await practice.payment(payment)).intent
    await goes_back(practice)
    await practice.attempt(payment)
    stored = await practice.payment(payment)
    assert (stored.status, stored.intent) == (PaymentStatus.PAID, intent)
    assert await practice.charges_of(payment) == ["succeeded"]
    assert len(await practice.intents_of(payment)) == 1


async def test_an_open_intent_is_used_again(practice: Practice) -> None:
    sara, payment = await a_due_payment(practice, "pm_card_chargeCustomerFail")
    await practice.attempt(payment)
    await goes_back(practice)
    await practice.bank_says(sara, None)
    practice.clock.instant += timedelta(hours=1)
    await practice.attempt(payment)
    assert (await practice.payment(payment)).status is PaymentStatus.PAID
    assert [intent["status"] for intent in await practice.intents_of(payment)] == ["succeeded"]


async def test_one_of_several_open_intents_pays_and_the_others_are_called_off(reconciler: Reconciler) -> None:
    practice = reconciler.practice
    sara, payment = await a_due_payment(practice)
    for amount in (12000, 5000, 12000):
        await reconciler.makes_an_intent(sara, payment, amount=amount)
    await practice.attempt(payment)
    assert sorted(i["status"] for i in await practice.intents_of(payment)) == ["canceled", "canceled", "succeeded"]
    assert (await practice.payment(payment)).status is PaymentStatus.PAID


async def test_a_link_to_pay_finds_what_was_paid(practice: Practice) -> None:
    sara, payment = await a_due_payment(practice)
    await practice.attempt(payment)
    await goes_back(practice, "UPDATE payment SET status = 'owed', because = 'deadline_passed'")
    ask = ConfirmationOrder(request_id=str(uuid4()), client_id=sara, by=DESK, payment_id=payment)
    opened = await practice.confirmations.prepare_confirmation(ask)
    assert opened.document is not None
    assert opened.document["status"] == "succeeded"
    assert await practice.charges_of(payment) == ["succeeded"]


async def test_a_deadline_finds_what_was_paid(practice: Practice) -> None:
    _, payment = await a_due_payment(practice)
    await practice.attempt(payment)
    await goes_back(practice)
    await practice.money.owe_payment(payment)
    assert (await practice.payment(payment)).status is PaymentStatus.PAID


async def test_a_customer_that_the_ledger_has_lost_does_not_pay_again(practice: Practice) -> None:
    """The client gives a card to another customer; Stripe's search, a minute behind, still finds the payment."""
    sara, payment = await a_due_payment(practice)
    await practice.attempt(payment)
    forgets = "UPDATE client SET stripe_customer = NULL, stripe_payment_method = NULL, card = NULL"
    await goes_back(practice, forgets)
    practice.clock.instant += timedelta(minutes=2)
    await practice.gives_card(sara)
    assert len((await practice.stripe())["customers"]) == 2
    await practice.attempt(payment)
    assert (await practice.payment(payment)).status is PaymentStatus.PAID
    assert await practice.charges_of(payment) == ["succeeded"]


async def test_nothing_is_charged_after_a_restore_until_stripe_was_compared(reconciler: Reconciler) -> None:
    practice = reconciler.practice
    sara, paid = await a_due_payment(practice)
    await practice.attempt(paid)
    [later] = await practice.booked(sara, practice.clock.instant.replace(minute=0) + timedelta(days=7))
    due = await practice.occurred(later)
    await goes_back(practice)
    await is_restored(practice)
    for payment in (paid, due):
        begun = await practice.money.start_attempt(AttemptOrder(payment_id=payment, attempt=1))
        assert not begun.started
        waits = begun.appointment.payment
        assert waits is not None
        assert waits.status is PaymentStatus.SCHEDULED
        assert next_step(waits).at == practice.clock.instant + timedelta(minutes=5)
    shown = await reconciler.compares()
    assert shown.healed == ["missed_payment"]
    assert (await practice.payment(paid)).status is PaymentStatus.PAID
    await practice.attempt(due)
    assert (await practice.payment(due)).status is PaymentStatus.PAID
    assert await practice.charges_of(paid) == await practice.charges_of(due) == ["succeeded"]


async def test_a_try_that_ran_when_the_copy_was_made_goes_on_after_the_comparison(reconciler: Reconciler) -> None:
    practice = reconciler.practice
    _, payment = await a_due_payment(practice)
    await practice.money.start_attempt(AttemptOrder(payment_id=payment, attempt=1))
    await is_restored(practice)
    with pytest.raises(GatewayUnavailable, match="restored"):
        await practice.money.charge_card(AttemptOrder(payment_id=payment, attempt=1))
    assert not (await practice.money.start_attempt(AttemptOrder(payment_id=payment, attempt=1))).started
    assert await practice.intents_of(payment) == []
    await reconciler.compares()
    await practice.attempt(payment)
    assert (await practice.payment(payment)).status is PaymentStatus.PAID


async def test_nothing_is_refunded_after_a_restore_until_stripe_was_compared(reconciler: Reconciler) -> None:
    practice = reconciler.practice
    money = await ClientMoney.of(practice)
    payment = await money.pays_a_fee()
    first = await money.refunded(payment, 5000)
    await reconciler.writes("DELETE FROM refund WHERE id = :id", id=UUID(first))
    await reconciler.writes("UPDATE payment SET status = 'paid', refunded = 0")
    await is_restored(practice)
    again = await money.refunded(payment, 8000, send=False)
    with pytest.raises(GatewayUnavailable, match="restored"):
        await practice.refunds.send_refund(again)
    assert len((await practice.stripe())["refunds"]) == 1
    # What is to go out is more than is left: Stripe refuses it, and a person is asked.
    await reconciler.compares()
    await practice.refunds.send_refund(again)
    assert [row["amount"] for row in (await practice.stripe())["refunds"]] == [5000]


async def test_a_refund_whose_answer_was_lost_is_found_without_its_key(reconciler: Reconciler) -> None:
    practice = reconciler.practice
    money = await ClientMoney.of(practice)
    payment = await money.pays_a_fee()
    refund = await money.refunded(payment, 5000)
    await reconciler.writes("UPDATE refund SET status = 'pending', stripe_refund = NULL, finished_at = NULL")
    await practice.at_stripe.ask("POST", "_forget_keys")
    await practice.refunds.send_refund(refund)
    assert len((await practice.stripe())["refunds"]) == 1
    await money.adds_up()
