"""What people do while payments are made: credit, an archive, a waiver, a confirmation at the bank."""

from collections.abc import Iterable
from uuid import uuid4

from activities.types.clients import Done
from activities.types.money import ConfirmationOrder
from tests.activities.money.crashes.side_by_side import Fee, journey_of
from tests.activities.money.crashes.steps import PaymentSteps
from tests.care.client_money import ClientMoney
from tests.care.practice import DESK, Practice


async def grant(practice: Practice, client: str, amount: int) -> None:
    await ClientMoney(practice, client).granted(amount)


async def at_the_bank(steps: PaymentSteps, fee: Fee) -> None:
    """The client opens the link, confirms, and answers the bank; Stripe reports it to the journey, which may die."""
    if any("inbound" in point for point in fee.deaths):
        steps.failpoints.arm(journey_of(fee.client), *fee.deaths)
    ask = ConfirmationOrder(request_id=str(uuid4()), client_id=fee.client, by=DESK, payment_id=fee.id)
    opened: Done = await steps.run("prepare_confirmation", ask)
    assert opened.document is not None, opened.refusal
    intent, secret = opened.document["payment_intent"], opened.document["client_secret"]
    card = (await steps.practice.row(fee.client)).stripe_payment_method
    (await steps.at_stripe.confirms(intent, secret=secret, card=str(card))).raise_for_status()
    await steps.at_stripe.authenticates(intent)


async def archive(steps: PaymentSteps, client: str, fees: Iterable[Fee]) -> None:
    """The journey archives, calls open intents off, and tells the payments' workflows."""
    order = ClientMoney(steps.practice, client).archive_order()
    with steps.as_workflow(journey_of(client)):
        archived = await steps.run("archive_client", order)
        await steps.deliver(client)
    told = {facts.id: facts for facts in archived.appointments}
    for fee in fees:
        if fee.facts.id in told:
            fee.take(told[fee.facts.id])


async def waive(steps: PaymentSteps, fee: Fee) -> None:
    order = ClientMoney(steps.practice, fee.client).let_go_order(fee.id)
    with steps.as_workflow(journey_of(fee.client)):
        done = await steps.run("waive_payment", order)
        await steps.deliver(fee.client)
    for told in done.resumed:
        fee.take(told)
