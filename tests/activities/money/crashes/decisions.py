"""What people do while payments are made: credit, an archive, a waiver, a confirmation at the bank."""

from collections.abc import Iterable
from uuid import uuid4

from activities.types.archive import ArchiveOrder
from activities.types.clients import Done
from activities.types.money import ConfirmationOrder, GrantOrder, LetGoOrder
from tests.activities.money.crashes.side_by_side import Fee, journey_of
from tests.activities.money.crashes.steps import Till
from tests.activities.practice import DESK, POLICY, Practice


async def grant(practice: Practice, client: str, amount: int) -> None:
    order = GrantOrder(
        request_id=str(uuid4()), client_id=client, by=DESK, amount=amount, currency="USD", reason="a fault of ours"
    )
    assert (await practice.credits.grant_credit(order)).refusal is None


async def at_the_bank(till: Till, fee: Fee) -> None:
    """The client opens the link, confirms, and answers the bank; Stripe reports it to the journey, which may die."""
    if any("inbound" in point for point in fee.deaths):
        till.failpoints.arm(journey_of(fee.client), *fee.deaths)
    ask = ConfirmationOrder(request_id=str(uuid4()), client_id=fee.client, by=DESK, payment_id=fee.id)
    opened: Done = await till.run("prepare_confirmation", ask)
    assert opened.document is not None, opened.refusal
    intent, secret = opened.document["payment_intent"], opened.document["client_secret"]
    card = (await till.practice.row(fee.client)).stripe_payment_method
    await till.confirm_in_browser(intent, secret=secret, card=str(card))
    await till.ask("POST", f"_authenticate/{intent}", {"outcome": "succeed"})


async def archive(till: Till, client: str, fees: Iterable[Fee]) -> None:
    """The journey archives, calls open intents off, and tells the payments' workflows."""
    order = ArchiveOrder(client_id=client, request_id=str(uuid4()), by="care_team:desk")
    with till.as_workflow(journey_of(client)):
        archived = await till.run("archive_client", order, POLICY)
        for intent in archived.intents:
            await till.run("cancel_intent", client, intent)
    told = {facts.id: facts for facts in archived.appointments}
    for fee in fees:
        if fee.facts.id in told:
            fee.take(told[fee.facts.id])


async def waive(till: Till, fee: Fee) -> None:
    order = LetGoOrder(request_id=str(uuid4()), client_id=fee.client, by=DESK, payment_id=fee.id, reason="a mistake")
    with till.as_workflow(journey_of(fee.client)):
        done = await till.run("waive_payment", order)
        for intent in done.intents:
            await till.run("cancel_intent", fee.client, intent)
    for told in done.resumed:
        fee.take(told)
