"""A card that is no more at Stripe: nobody is charged, the payment waits for another one, and that one settles it."""

from datetime import timedelta
from uuid import uuid4

import pytest

from activities.types.money import AttemptOrder, AttemptResult, CardSetupOrder, ConfirmationOrder
from rules.enums import PaymentStatus, TaskKind
from tests.care.client_money import ClientMoney
from tests.care.practice import DESK, Practice

DAY = timedelta(days=1)


async def loses(practice: Practice, money: ClientMoney, how: str) -> None:
    client = await practice.row(money.client)
    if how == "detached":
        await practice.at_stripe.detaches(client.stripe_payment_method)
    else:
        await practice.at_stripe.deletes(client.stripe_customer)


async def tell(practice: Practice, money: ClientMoney, how: str) -> None:
    client = await practice.row(money.client)
    assert client.stripe_customer is not None
    assert client.stripe_payment_method is not None
    if how == "detached":
        await money.reported("payment_method.detached", client.stripe_payment_method, "payment_method")
    else:
        await money.reported("customer.deleted", client.stripe_customer, "customer")


@pytest.mark.parametrize("how", ["detached", "deleted"])
@pytest.mark.parametrize("told", [True, False])
async def test_the_payment_waits_until_its_deadline_and_a_new_card_makes_it(
    practice: Practice, money: ClientMoney, how: str, told: bool
) -> None:
    payment = await money.owes_a_fee()
    await loses(practice, money, how)
    if told:
        await tell(practice, money, how)
    await practice.attempt(payment)
    row = await practice.payment(payment)
    assert (row.status, row.because) == (PaymentStatus.FAILED, "no_card")
    assert practice.clock.instant < row.deadline  # and not owed before it
    client = await practice.row(money.client)
    assert (client.stripe_payment_method, client.card) == (None, None)
    assert [task.kind for task in await money.tasks()] == [TaskKind.CARD_MISSING]

    await practice.gives_card(money.client)
    row = await practice.payment(payment)
    assert (row.status, row.because) == (PaymentStatus.FAILED, "new_card")
    await practice.attempt(payment, row.attempts + 1)
    assert (await practice.payment(payment)).status is PaymentStatus.PAID
    assert await money.tasks() == []


@pytest.mark.parametrize("how", ["detached", "deleted"])
async def test_owed_since_its_deadline_a_new_card_settles_it_too(
    practice: Practice, money: ClientMoney, how: str
) -> None:
    payment = await money.owes_a_fee()
    await loses(practice, money, how)
    await practice.attempt(payment)
    practice.clock.instant += 2 * DAY
    await practice.money.owe_payment(payment)
    assert (await practice.payment(payment)).status is PaymentStatus.OWED
    done = await practice.forms.submit_form(await practice.billing_form(money.client))
    assert done.facts is not None
    [debt] = done.facts.debts
    await practice.attempt(debt.payment_id, debt.attempts + 1)
    assert (await practice.payment(payment)).status is PaymentStatus.PAID


@pytest.mark.parametrize("how", ["detached", "deleted"])
async def test_gone_while_it_is_asked_as_a_debt_it_is_owed_again(
    practice: Practice, money: ClientMoney, how: str
) -> None:
    payment = await money.owes_a_fee()
    await practice.bank_says(money.client, "do_not_honor")
    await practice.attempt(payment)
    practice.clock.instant += 2 * DAY
    await practice.money.owe_payment(payment)
    await money.retried(payment)
    order = AttemptOrder(payment_id=payment, attempt=2)
    assert (await practice.money.start_attempt(order)).started
    await loses(practice, money, how)
    await tell(practice, money, how)  # in the very middle of the try
    charged = await practice.money.charge_card(order)
    await practice.money.finish_attempt(AttemptResult(payment_id=payment, attempt=2, charged=charged))
    row = await practice.payment(payment)
    assert (row.status, row.because) == (PaymentStatus.OWED, "no_card")


async def test_a_newer_card_that_came_in_the_middle_is_tried_at_once(practice: Practice, money: ClientMoney) -> None:
    payment = await money.owes_a_fee()
    order = AttemptOrder(payment_id=payment, attempt=1)
    assert (await practice.money.start_attempt(order)).started
    await loses(practice, money, "detached")
    await practice.gives_card(money.client, "pm_card_mastercard")
    charged = await practice.money.charge_card(order)
    await practice.money.finish_attempt(AttemptResult(payment_id=payment, attempt=1, charged=charged))
    row = await practice.payment(payment)
    assert (row.status, row.because) == (PaymentStatus.FAILED, "new_card")
    assert ((await practice.row(money.client)).card or {})["last4"] == "4444"
    await practice.attempt(payment, 2)
    assert (await practice.payment(payment)).status is PaymentStatus.PAID


async def test_a_card_that_comes_off_before_its_form_is_sent_is_not_saved(
    practice: Practice, money: ClientMoney
) -> None:
    form = await practice.billing_form(money.client, "pm_card_mastercard")
    setup = await practice.gateway.retrieve_setup_intent(id=str(form.setup_intent))
    assert setup is not None
    await practice.at_stripe.detaches(setup.payment_method)
    done = await practice.forms.submit_form(form)
    assert done.refusal is not None
    assert "removed at Stripe" in str(done.refusal.data)
    assert ((await practice.row(money.client)).card or {})["last4"] == "4242"


async def test_whoever_deletes_the_customer_untold_stops_neither_setup_nor_link(
    practice: Practice, money: ClientMoney
) -> None:
    payment = await money.owes_a_fee()
    await practice.bank_says(money.client, "authentication_required")
    await practice.attempt(payment)
    former = (await practice.row(money.client)).stripe_customer
    await loses(practice, money, "deleted")
    setup = await practice.forms.set_up_card(CardSetupOrder(request_id=str(uuid4()), client_id=money.client, by=DESK))
    assert setup.document is not None
    made = (await practice.row(money.client)).stripe_customer
    assert (setup.document["customer"], made == former) == (made, False)
    order = ConfirmationOrder(request_id=str(uuid4()), client_id=money.client, by=DESK, payment_id=payment)
    link = await practice.confirmations.prepare_confirmation(order)
    assert link.document is not None
    intent, secret = link.document["payment_intent"], link.document["client_secret"]
    await practice.at_stripe.pays(intent, secret=secret, card="pm_card_visa")
    await money.reported("payment_intent.succeeded", intent, "payment_intent")
    assert (await practice.payment(payment)).status is PaymentStatus.PAID


async def test_stripe_is_not_blamed_for_a_card_that_is_there(
    practice: Practice, money: ClientMoney, monkeypatch: pytest.MonkeyPatch
) -> None:
    from activities.ports import GatewayRejected

    async def refuses(**_: object) -> None:
        raise GatewayRejected("a wrong request", code="parameter_unknown")

    payment = await money.owes_a_fee()
    with monkeypatch.context() as broken:
        broken.setattr(practice.gateway, "confirm_intent", refuses)
        await practice.attempt(payment)
    row = await practice.payment(payment)
    assert (row.status, row.because) == (PaymentStatus.OWED, "rejected")
    done = await practice.forms.submit_form(await practice.billing_form(money.client, "pm_card_mastercard"))
    assert done.facts is not None
    [debt] = done.facts.debts  # as the mail says
    await practice.attempt(debt.payment_id, debt.attempts + 1)
    assert (await practice.payment(payment)).status is PaymentStatus.PAID
