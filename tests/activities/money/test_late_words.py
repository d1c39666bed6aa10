"""What Stripe says late, or of money that was let go: found out, told, and left to a person where it must be."""

from uuid import uuid4

import pytest

from activities.types.archive import UnarchiveOrder
from models.tables.mail.inbound_event import InboundEvent
from rules.enums import PaymentStatus
from tests.activities.money.due_payments import a_due_payment
from tests.care.client_money import ClientMoney
from tests.care.crash_points import Death
from tests.care.practice import Practice
from tests.care.reconciler import Reconciler


async def test_money_for_what_was_let_go_is_asked_about_at_once(practice: Practice) -> None:
    sara, payment = await a_due_payment(practice, "pm_card_chargeCustomerFail")
    reconciler = Reconciler(practice)
    await practice.attempt(payment)
    await practice.money.owe_payment(payment)
    intent = (await practice.payment(payment)).intent
    assert intent is not None
    await reconciler.takes(sara, intent)
    await ClientMoney(practice, sara).written_off(payment)
    [called_off] = await practice.to_call_off()
    for _ in range(2):  # the errand's own word is enough, however often it runs
        told = await practice.archive.cancel_intent(sara, called_off)
        assert told is not None
        assert [task.kind for task in told.journey.open_tasks] == ["ledger_difference"]
    for _ in range(2):
        handled = await ClientMoney(practice, sara).reported("payment_intent.succeeded", intent, "payment_intent")
        assert handled.settled is None
        assert handled.facts is not None
    assert (await practice.payment(payment)).status is PaymentStatus.WRITTEN_OFF
    [task] = await reconciler.tasks()
    assert task.key == f"ledger:taken_after_all:{intent}"
    shown = await reconciler.compares()  # which knows the task
    assert (shown.differences, [row.id for row in await reconciler.tasks()]) == (["taken_after_all"], [task.id])
    await reconciler.at_stripe("/v1/refunds", payment_intent=intent)
    assert ((await reconciler.compares()).differences, await reconciler.tasks()) == ([], [])
    assert (await practice.facts(sara)).count("task_opened") == 2  # that of the debt, and this


async def test_a_late_word_of_a_payment_whose_credit_went_elsewhere_is_a_persons(practice: Practice) -> None:
    sara, payment = await a_due_payment(practice)
    money, reconciler = ClientMoney(practice, sara), Reconciler(practice)
    await money.granted(10000)
    await practice.bank_says(sara, "authentication_required")
    await practice.attempt(payment)
    intent = (await practice.payment(payment)).intent
    assert intent is not None
    await reconciler.takes(sara, intent)
    await money.archived()
    await money.unarchived()
    other = await money.pays_a_fee(weeks=1)
    assert (await practice.payment(other)).credit_used == 10000
    for _ in range(2):
        handled = await money.reported("payment_intent.succeeded", intent, "payment_intent")
        assert (handled.settled, handled.facts is not None) == (None, True)
    after = await practice.payment(payment)
    assert (after.status, after.credit_used) == (PaymentStatus.CANCELLED, 0)
    [task] = await reconciler.tasks()
    assert task.key == f"ledger:amount_differs:{intent}"
    assert (await reconciler.compares()).differences == ["amount_differs"]
    await money.granted(10000)
    assert (await reconciler.compares()).healed == ["missed_payment"]
    assert ((await practice.payment(payment)).credit_used, await reconciler.tasks()) == (10000, [])


@pytest.mark.parametrize("credit_came_back", [False, True])
async def test_a_try_that_finds_less_paid_than_credit_makes_up_for_ends(
    practice: Practice, credit_came_back: bool
) -> None:
    sara, payment = await a_due_payment(practice)
    money, reconciler = ClientMoney(practice, sara), Reconciler(practice)
    await money.granted(10000)
    await practice.bank_says(sara, "do_not_honor")
    await practice.attempt(payment)
    intent = (await practice.payment(payment)).intent
    assert intent is not None
    await money.archived()
    restored = UnarchiveOrder(client_id=sara, request_id=str(uuid4()), by="care_team:desk", restore=True)
    await practice.archive.unarchive_client(restored)
    await reconciler.takes(sara, intent)
    await money.pays_a_fee(weeks=1)
    if credit_came_back:
        await money.granted(10000)
    await practice.attempt(payment, 2)
    after = await practice.payment(payment)
    paid = (PaymentStatus.PAID, None, 10000)
    assert (after.status, after.because, after.credit_used) == (
        paid if credit_came_back else (PaymentStatus.OWED, "amount_differs", 0)
    )
    assert len(await reconciler.tasks()) == (0 if credit_came_back else 1)
    assert (await practice.charges_of(payment)).count("succeeded") == 1


async def test_what_stripe_reported_is_recorded_once_and_told_until_it_is_heard(practice: Practice) -> None:
    sara, payment = await a_due_payment(practice, "pm_card_chargeCustomerFail")
    await practice.attempt(payment)
    await practice.bank_says(sara, None)
    intent, card = (await practice.payment(payment)).intent, (await practice.row(sara)).stripe_payment_method
    assert intent is not None
    assert card is not None
    await practice.gateway.confirm_intent(intent=intent, payment_method=card, key="the client's own")
    async with practice.sessions() as session:
        told = {"data": {"object": {"id": intent, "status": "succeeded"}}}
        session.add(
            InboundEvent(
                id="evt_1",
                vendor="stripe",
                type="payment_intent.succeeded",
                payload=told,
                received_at=practice.clock.instant,
            )
        )
        await session.commit()
    for point in range(1, 6):  # before and after each of its two commits, and before it asks Stripe
        practice.points.reset(point)
        with pytest.raises(Death):
            await practice.inbound.handle_inbound_event("evt_1")
    practice.points.reset()
    for _ in range(2):
        handled = await practice.inbound.handle_inbound_event("evt_1")
        assert handled.settled is not None
        assert handled.settled.appointment.payment is not None
        assert handled.settled.appointment.payment.status is PaymentStatus.PAID
    assert (await practice.facts(sara)).count("payment_paid") == 1
