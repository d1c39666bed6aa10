"""Every task about money gives advice that is true: followed to the letter, it does what it says, and harms nothing."""

from datetime import timedelta

import pytest

from activities.ports import GatewayRejected
from models.tables.clients.task import Task
from rules.enums import PaymentStatus, RefundTo, TaskKind
from rules.journey.stage import JourneyFacts, OpenTask
from tests.care.client_money import ClientMoney
from tests.care.practice import FEE, Practice
from tests.care.reconciler import Reconciler
from workflows.shown.problems import describe_task


async def the_task(money: ClientMoney, kind: TaskKind) -> Task:
    [task] = [task for task in await money.tasks() if task.kind is kind]
    return task


async def facts_of(practice: Practice, money: ClientMoney) -> JourneyFacts:
    """As the journey has them."""
    client = await practice.row(money.client)
    assert client.stripe_customer is not None
    handled = await money.reported("charge.refunded", "ch_any", "charge", payment_intent=await _any_intent(money))
    assert handled.facts is not None
    return handled.facts


async def _any_intent(money: ClientMoney) -> str:
    state = await money.practice.stripe()
    return str(state["payment_intents"][0]["id"])


def shown(facts: JourneyFacts, kind: TaskKind, practice: Practice) -> tuple[OpenTask, str]:
    [task] = [task for task in facts.open_tasks if task.kind == kind]
    return task, "\n".join(describe_task(task, now=practice.clock.instant, chargeable=facts.card is not None))


async def test_a_refund_made_twice_ends_with_what_was_paid(practice: Practice, money: ClientMoney) -> None:
    """The dashboard gave it back, and no webhook came: the desk's refund fails, and nothing more can be given."""
    payment = await money.pays_a_fee()
    await practice.at_stripe.gives_back((await practice.payment(payment)).intent, FEE)
    await money.refunded(payment)
    task = await the_task(money, TaskKind.REFUND_FAILED)
    assert "all that was paid has been given back already" in task.text
    _, text = shown(await facts_of(practice, money), TaskKind.REFUND_FAILED, practice)
    assert ("Nothing is left to give" in text, "Give it as credit" in text) == (True, False)
    refused = (await money.begun(money.refund_order(payment, to=RefundTo.CREDIT))).refusal
    assert refused is not None
    assert await money.given_back(payment) == FEE
    await money.resolved(task)


async def test_a_part_made_twice_leaves_the_rest_to_give(practice: Practice, money: ClientMoney) -> None:
    payment = await money.pays_a_fee()
    await practice.at_stripe.gives_back((await practice.payment(payment)).intent, 9000)
    await money.refunded(payment, 5000)
    task = await the_task(money, TaskKind.REFUND_FAILED)
    assert "Give 30.00 USD as credit" in task.text
    open_task, text = shown(await facts_of(practice, money), TaskKind.REFUND_FAILED, practice)
    assert '"amount": 3000' in text
    assert open_task.payment is not None
    await money.refunded(open_task.payment.id, 3000, to=RefundTo.CREDIT)
    assert (await money.given_back(payment), await money.balance(), await money.tasks()) == (FEE, (3000, 0), [])


async def test_a_refund_that_failed_is_given_as_much_as_it_was(practice: Practice, money: ClientMoney) -> None:
    payment = await money.pays_a_fee()
    await money.refunded(payment, 4000)
    [refund] = await money.refunds()
    await money.bank(f"_refunds/{refund.stripe_refund}", status="failed")
    await money.reported("refund.failed", str(refund.stripe_refund), "refund")
    _, text = shown(await facts_of(practice, money), TaskKind.REFUND_FAILED, practice)
    assert '"amount": 4000' in text  # and not all that is left
    await money.refunded(payment, 4000)  # or the card is tried again
    assert (await money.given_back(payment), await money.tasks()) == (4000, [])


async def test_a_refund_that_a_bank_was_faster_than_is_not_advised_again(
    practice: Practice, money: ClientMoney
) -> None:
    payment = await money.pays_a_fee()
    order = money.refund_order(payment)
    await practice.refunds.begin_refund(order)
    dispute = await money.disputed(payment)  # nobody has told
    await practice.refunds.send_refund(order.refund_id)
    task = await the_task(money, TaskKind.REFUND_FAILED)
    assert "Look at that task first" in task.text
    assert (await the_task(money, TaskKind.DISPUTE)).data["dispute"] == dispute
    refused = (await money.begun(money.refund_order(payment, to=RefundTo.CREDIT))).refusal
    assert refused is not None
    assert await money.balance() == (0, 0)


async def test_an_inquiry_is_refunded_to_the_card(practice: Practice, money: ClientMoney) -> None:
    payment = await money.pays_a_fee()
    inquiry = await money.asked_about(payment)
    await money.reported("charge.dispute.created", inquiry, "dispute")
    _, text = shown(await facts_of(practice, money), TaskKind.INQUIRY, practice)
    assert '"to": "card"' in text
    await money.refunded(payment)
    await money.reported("charge.dispute.closed", inquiry, "dispute")
    assert (await money.tasks(), await money.given_back(payment)) == ([], FEE)


@pytest.mark.parametrize("end", ["won", "lost"])
async def test_a_dispute_that_is_decided_waits_for_nothing_but_its_task(
    practice: Practice, money: ClientMoney, end: str
) -> None:
    payment = await money.pays_a_fee()
    dispute = await money.disputed(payment)
    await money.reported("charge.dispute.created", dispute, "dispute")
    await money.bank(f"_disputes/{dispute}", status=end)
    await money.reported("charge.dispute.closed", dispute, "dispute")
    _, text = shown(await facts_of(practice, money), TaskKind.DISPUTE, practice)
    assert ("The bank has decided" in text, "Answer the bank" in text) == (True, False)
    await money.resolved(await the_task(money, TaskKind.DISPUTE))
    assert not (await practice.row(money.client)).charges_frozen
    if end == "lost":  # "do not refund it"
        assert (await practice.refunds.begin_refund(money.refund_order(payment))).refusal is not None
    else:
        await money.refunded(payment)


async def test_a_fee_below_the_least_charge_is_settled_by_credit_and_not_by_a_card(
    practice: Practice, money: ClientMoney
) -> None:
    payment = await money.owes_a_fee()
    async with practice.sessions() as session:
        row = await practice.payment(payment)
        row.amount = 30
        session.add(row)
        await session.commit()
    await practice.attempt(payment)
    assert (await practice.payment(payment)).because == "below_minimum"
    task = await the_task(money, TaskKind.PAYMENT_OWED)
    assert ("grant credit for it" in task.text, "a new card" in task.text) == (True, False)
    done = await practice.forms.submit_form(await practice.billing_form(money.client, "pm_card_mastercard"))
    assert done.facts is not None
    assert done.facts.debts == ()
    await money.granted(30)
    await money.retried(payment)
    await practice.attempt(payment, 1)
    assert ((await practice.payment(payment)).status, await money.tasks()) == (PaymentStatus.PAID, [])


async def test_a_refused_request_is_tried_again_when_it_is_mended(
    practice: Practice, money: ClientMoney, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuses(**_: object) -> None:
        raise GatewayRejected("no", code="parameter_unknown")

    payment = await money.owes_a_fee()
    with monkeypatch.context() as broken:
        broken.setattr(practice.gateway, "create_intent", refuses)
        await practice.attempt(payment)
    assert "look there why, and try again" in (await the_task(money, TaskKind.PAYMENT_OWED)).text
    await money.retried(payment)
    await practice.attempt(payment, 2)
    assert ((await practice.payment(payment)).status, await money.tasks()) == (PaymentStatus.PAID, [])


async def test_what_is_given_back_in_stripe_as_a_task_says_closes_it_at_once(practice: Practice) -> None:
    money = await ClientMoney.of(practice)
    payment = await money.owes_a_fee()
    await practice.bank_says(money.client, "authentication_required")
    await practice.attempt(payment)
    practice.clock.instant += timedelta(days=2)
    await practice.money.owe_payment(payment)
    intent = (await practice.payment(payment)).intent
    assert intent is not None
    await Reconciler(practice).takes(money.client, intent)
    await money.written_off(payment)
    await money.reported("payment_intent.succeeded", intent, "payment_intent")
    task = await the_task(money, TaskKind.LEDGER_DIFFERENCE)
    assert "Give it back in Stripe" in task.text
    made = await practice.at_stripe.gives_back(intent, FEE)
    handled = await money.reported("refund.created", made, "refund")
    assert handled.facts is not None
    assert (await money.tasks(), await money.refunds()) == ([], [])  # the ledger never counted it
    assert (await Reconciler(practice).compares()).silent
