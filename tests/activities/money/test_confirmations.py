"""A client at the pay link: what ends otherwise meanwhile is never paid there."""

from uuid import uuid4

import pytest

from activities.ports import Intent
from activities.types.money import ConfirmationOrder
from rules.enums import PaymentStatus
from tests.activities.money.due_payments import a_due_payment, archive_of, assert_does_not_wait
from tests.care.client_money import ClientMoney
from tests.care.practice import DESK, FEE, Practice


async def test_a_client_at_the_pay_link_while_a_try_pays_gets_nothing_to_confirm(practice: Practice) -> None:
    sara, payment = await a_due_payment(practice)
    ask = ConfirmationOrder(request_id=str(uuid4()), client_id=sara, by=DESK, payment_id=payment)
    assert (await practice.confirmations.prepare_confirmation(ask)).refusal is not None  # scheduled: nothing to confirm
    await practice.money.owe_payment(payment)

    # The client opens the link; before its intent is stored, a new card is charged with the same one.
    practice.gateway.meanwhile["create"] = lambda: practice.attempt(payment)
    opened = await practice.confirmations.prepare_confirmation(ask)
    assert_does_not_wait(opened)
    assert (await practice.payment(payment)).status is PaymentStatus.PAID
    assert [i["status"] for i in await practice.intents_of(payment)] == ["succeeded"]
    assert await practice.charges_of(payment) == ["succeeded"]


@pytest.mark.parametrize("made_before", [False, True])
@pytest.mark.parametrize("what", ["credit", "waiver"])
async def test_a_link_that_is_opened_while_the_payment_ends_otherwise_never_pays(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, what: str, made_before: bool
) -> None:
    sara, payment = await a_due_payment(practice, "pm_card_chargeCustomerFail" if made_before else None)
    money = ClientMoney(practice, sara)
    ask = ConfirmationOrder(request_id=str(uuid4()), client_id=sara, by=DESK, payment_id=payment)
    await practice.attempt(payment)
    await practice.money.owe_payment(payment)
    calls_off: list[str] = []

    async def meanwhile() -> None:
        if what == "credit":
            await money.granted(FEE)
            await money.retried(payment)
            await practice.attempt(payment, (await practice.payment(payment)).attempts + 1)
        else:
            await money.waived(payment)
        calls_off.extend(await practice.to_call_off())

    if made_before:
        retrieve = practice.gateway.retrieve_intent

        async def asked(*, intent: str) -> Intent | None:
            monkeypatch.undo()
            found = await retrieve(intent=intent)
            await meanwhile()
            return found

        monkeypatch.setattr(practice.gateway, "retrieve_intent", asked)
    else:
        practice.gateway.meanwhile["create"] = meanwhile
    assert_does_not_wait(await practice.confirmations.prepare_confirmation(ask))
    for intent in calls_off:  # the journey's errands
        assert await practice.archive.cancel_intent(sara, intent) is None
    after = await practice.payment(payment)
    ends = {"credit": PaymentStatus.PAID, "waiver": PaymentStatus.WAIVED}
    assert after.status is ends[what]
    assert [intent["status"] for intent in await practice.intents_of(payment)] == ["canceled"]
    assert "succeeded" not in await practice.charges_of(payment)
    assert_does_not_wait(await practice.confirmations.prepare_confirmation(ask))


@pytest.mark.parametrize("card", [None, "pm_card_chargeCustomerFail"])
async def test_s37_a_link_that_is_opened_while_an_archive_stops_the_payment_still_pays(
    practice: Practice, card: str | None
) -> None:
    sara, payment = await a_due_payment(practice, card)
    ask = ConfirmationOrder(request_id=str(uuid4()), client_id=sara, by=DESK, payment_id=payment)
    await practice.attempt(payment)

    async def meanwhile() -> None:
        await practice.archive.archive_client(archive_of(sara))
        for intent in await practice.to_call_off():  # the journey's errands
            await practice.archive.cancel_intent(sara, intent)

    practice.gateway.meanwhile["create"] = meanwhile
    if card is not None:
        await meanwhile()
    opened = await practice.confirmations.prepare_confirmation(ask)
    assert opened.document is not None
    after = await practice.payment(payment)
    assert (after.status, after.because, after.intent) == ("owed", "archived", opened.document["payment_intent"])
    statuses = [intent["status"] for intent in await practice.intents_of(payment)]
    assert statuses == ["canceled", "requires_payment_method"]


async def test_credit_pays_at_the_link_though_the_client_is_archived(practice: Practice) -> None:
    sara, payment = await a_due_payment(practice, "pm_card_chargeCustomerFail")
    money = ClientMoney(practice, sara)
    await practice.attempt(payment)
    await practice.money.owe_payment(payment)
    await money.granted(FEE)
    await money.archived()
    ask = ConfirmationOrder(request_id=str(uuid4()), client_id=sara, by=DESK, payment_id=payment)
    done = await practice.confirmations.prepare_confirmation(ask)
    assert done.refusal is not None
    assert "Credit covers" in done.refusal.detail  # as to anybody else
    assert (await practice.payment(payment)).status is PaymentStatus.PAID
    await money.adds_up()


async def test_credit_pays_nothing_at_the_link_while_charges_are_frozen(practice: Practice) -> None:
    sara, payment = await a_due_payment(practice, "pm_card_chargeCustomerFail")
    money = ClientMoney(practice, sara)
    await practice.attempt(payment)
    await practice.money.owe_payment(payment)
    await money.granted(FEE)
    async with practice.sessions() as session:
        row = await practice.row(sara)
        row.charges_frozen = True
        session.add(row)
        await session.commit()
    ask = ConfirmationOrder(request_id=str(uuid4()), client_id=sara, by=DESK, payment_id=payment)
    done = await practice.confirmations.prepare_confirmation(ask)
    assert_does_not_wait(done)
    assert (done.facts, done.resumed) == (None, ())
