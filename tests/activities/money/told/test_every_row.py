"""The table of what Stripe can tell, row by row: each event that is acted upon comes, and does what its row says."""

from collections.abc import Awaitable, Callable

import pytest

from rules.enums import PaymentStatus, RefundStatus, TaskKind
from rules.money.stripe_events import ACTED_UPON, Reaction
from tests.care.client_money import ClientMoney
from tests.care.practice import FEE, Practice

Scene = Callable[[Practice, ClientMoney, str], Awaitable[None]]
SCENES: dict[str, Scene] = {}


def scene(*events: str) -> Callable[[Scene], Scene]:
    def keep(played: Scene) -> Scene:
        SCENES.update(dict.fromkeys(events, played))
        return played

    return keep


async def paid_intent(practice: Practice, money: ClientMoney) -> tuple[str, str]:
    payment = await money.pays_a_fee()
    intent = (await practice.payment(payment)).intent
    assert intent is not None
    return payment, intent


async def status_of(practice: Practice, payment: str) -> PaymentStatus:
    return (await practice.payment(payment)).status


@scene("payment_intent.succeeded")
async def a_link_is_paid(practice: Practice, money: ClientMoney, event: str) -> None:
    payment = await money.owes_a_fee()
    await practice.bank_says(money.client, "authentication_required")
    await practice.attempt(payment)
    row, client = await practice.payment(payment), await practice.row(money.client)
    assert row.intent is not None
    assert client.stripe_payment_method is not None
    await practice.bank_says(money.client, None)
    await practice.gateway.confirm_intent(intent=row.intent, payment_method=client.stripe_payment_method, key="own")
    await money.reported(event, row.intent, "payment_intent")
    assert await status_of(practice, payment) is PaymentStatus.PAID


@scene("refund.created", "charge.refunded")
async def the_dashboard_gives_back(practice: Practice, money: ClientMoney, event: str) -> None:
    payment, intent = await paid_intent(practice, money)
    made = await practice.at_stripe.gives_back(intent, 5000)
    about = (made, "refund") if event == "refund.created" else ("ch_any", "charge")
    for _ in range(2):
        handled = await money.reported(event, *about, payment_intent=intent)
        assert handled.facts is not None
    [refund] = await money.refunds()
    assert (refund.card_amount, refund.status, refund.asked_by) == (5000, RefundStatus.SUCCEEDED, "stripe")
    after = await practice.payment(payment)
    assert (after.status, after.refunded) == (PaymentStatus.PARTIALLY_REFUNDED, 5000)
    assert (await practice.facts(money.client)).count("refund_found") == 1


@scene("refund.updated", "charge.refund.updated", "refund.failed")
async def a_refund_ends(practice: Practice, money: ClientMoney, event: str) -> None:
    payment, intent = await paid_intent(practice, money)
    made = await practice.at_stripe.gives_back(intent, FEE)
    await money.reported("refund.created", made, "refund")
    assert await status_of(practice, payment) is PaymentStatus.REFUNDED
    await money.bank(f"_refunds/{made}", status="failed")
    await money.reported(event, made, "refund")
    after = await practice.payment(payment)
    assert (after.status, after.refunded) == (PaymentStatus.PAID, 0)  # and its room can be given again
    [task] = await money.tasks()
    assert (task.kind, task.data["amount"]) == (TaskKind.REFUND_FAILED, FEE)


@scene("charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.updated")
async def a_bank_disputes(practice: Practice, money: ClientMoney, event: str) -> None:
    payment, _ = await paid_intent(practice, money)
    await money.reported(event, await money.disputed(payment), "dispute")
    assert (await practice.row(money.client)).charges_frozen
    [task] = await money.tasks()
    assert (task.kind, task.data["state"]) == (TaskKind.DISPUTE, "needs_response")
    assert "Answer it in Stripe by 2026-" in task.text


@scene("charge.dispute.closed", "charge.dispute.funds_reinstated")
async def a_bank_decides(practice: Practice, money: ClientMoney, event: str) -> None:
    payment, _ = await paid_intent(practice, money)
    dispute = await money.disputed(payment)
    await money.reported("charge.dispute.created", dispute, "dispute")
    await money.bank(f"_disputes/{dispute}", status="won")
    await money.reported(event, dispute, "dispute")
    [known] = await money.disputes()
    assert (known.status, known.closed_at) == ("won", practice.clock.instant)
    [task] = await money.tasks()
    assert ("decided already: won" in task.text, "Answer it" in task.text) == (True, False)


@scene("payment_method.detached")
async def a_card_is_taken_off(practice: Practice, money: ClientMoney, event: str) -> None:
    card = (await practice.row(money.client)).stripe_payment_method
    assert card is not None
    await practice.at_stripe.detaches(card)
    handled = await money.reported(event, card, "payment_method")
    assert handled.facts is not None
    assert handled.facts.card is None
    client = await practice.row(money.client)
    assert (client.stripe_payment_method, client.card, client.stripe_customer is None) == (None, None, False)
    await money.reported(event, card, "payment_method")
    assert (await practice.facts(money.client)).count("card_removed") == 1


@scene("payment_method.updated", "payment_method.automatically_updated")
async def a_card_is_renewed(practice: Practice, money: ClientMoney, event: str) -> None:
    card = (await practice.row(money.client)).stripe_payment_method
    assert card is not None
    if event == "payment_method.updated":
        changed = {"card[exp_month]": 3, "card[exp_year]": 2031}
        await practice.at_stripe.made(f"payment_methods/{card}", **changed)
    else:
        await money.bank(f"_payment_methods/{card}", exp_month=3, exp_year=2031)
    for _ in range(2):
        await money.reported(event, card, "payment_method")
    shown = (await practice.row(money.client)).card
    assert shown is not None
    assert (shown["exp_month"], shown["exp_year"], shown["last4"]) == (3, 2031, "4242")
    assert (await practice.facts(money.client)).count("card_renewed") == 1


@scene("customer.deleted")
async def a_customer_is_deleted(practice: Practice, money: ClientMoney, event: str) -> None:
    former = (await practice.row(money.client)).stripe_customer
    assert former is not None
    await practice.at_stripe.deletes(former)
    for _ in range(2):
        await money.reported(event, former, "customer")
    client = await practice.row(money.client)
    assert (client.stripe_customer, client.stripe_payment_method, client.card) == (None, None, None)
    assert (await practice.facts(money.client)).count("customer_deleted") == 1
    await practice.gives_card(money.client)
    assert (await practice.row(money.client)).stripe_customer not in (None, former)
    await money.pays_a_fee()


@scene("setup_intent.setup_failed", "setup_intent.requires_action", "setup_intent.canceled")
async def a_setup_is_left(practice: Practice, money: ClientMoney, event: str) -> None:
    client = await practice.row(money.client)
    assert client.stripe_customer is not None
    setup = await practice.gateway.create_setup_intent(customer=client.stripe_customer, key="another card")
    if event == "setup_intent.canceled":
        await practice.at_stripe.made(f"setup_intents/{setup.id}/cancel")
    else:
        asks = event == "setup_intent.requires_action"
        card = "pm_card_authenticationRequired" if asks else "pm_card_visa_chargeDeclined"
        await practice.at_stripe.form(f"setup_intents/{setup.id}/confirm", {"payment_method": card}, key="sk_test_x")
    for _ in range(2):
        await money.reported(event, setup.id, "setup_intent")
    assert (await practice.facts(money.client)).count("card_setup_unfinished") == 1
    after = await practice.row(money.client)
    assert (after.stripe_payment_method, after.card) == (client.stripe_payment_method, client.card)
    # What is told is how it stands now, however late: it ended well meanwhile.
    done = await practice.billing_form(money.client)
    assert (await money.reported(event, str(done.setup_intent), "setup_intent")).facts is None


def test_every_row_has_a_scene() -> None:
    """But those of Checkout, which are played where its page is."""
    assert set(SCENES) == {event for event, (act, _) in ACTED_UPON.items() if act is not Reaction.SESSION}


@pytest.mark.parametrize("event", sorted(SCENES))
async def test_it_does_what_its_row_says(practice: Practice, money: ClientMoney, event: str) -> None:
    await SCENES[event](practice, money, event)
