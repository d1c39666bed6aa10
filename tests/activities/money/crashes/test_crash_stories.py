"""X2 where a payment takes more than one try: declines, 3-D Secure, credit, an archive or a waiver while a process is
dead. Each with deaths and faults, and at the end Stripe, ledger, receipts and reconciler agree."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import pytest

from rules.enums import PaymentStatus
from tests.activities.money.crashes.decisions import archive, at_the_bank, grant, waive
from tests.activities.money.crashes.failpoints import POINTS
from tests.activities.money.crashes.proof import PaymentRecords, check_chains, check_credit, check_reconciler
from tests.activities.money.crashes.side_by_side import Fee, Lanes
from tests.activities.money.crashes.steps import PaymentSteps
from tests.care.practice import FEE

PART = 5000
HOUR = timedelta(hours=1)


def each(*points: str) -> list[tuple[str, ...]]:
    """A death at each of these, and none."""
    return [*((point,) for point in points), ()]


async def pay(fee: Fee) -> None:
    await fee.next_step()


async def pay_again(lanes: Lanes, fees: Sequence[Fee]) -> None:
    """Six hours later, with the same deaths and the same trouble."""
    lanes.practice.clock.instant += 6 * HOUR
    assert {fee.payment.status for fee in fees} == {PaymentStatus.FAILED}
    await lanes.in_trouble(fees, pay)


async def finish(lanes: Lanes, *, heals: Counter[str] | None = None) -> None:
    lanes.practice.clock.instant += 2 * HOUR
    await check_reconciler(lanes, heals=heals)
    assert (await PaymentRecords.read(lanes)).left_over(lanes.fees) == []
    await check_credit(lanes)
    await check_chains(lanes)


# ---------------------------------------------------------------- declined, then paid


async def test_x2_a_decline_is_asked_for_once_and_the_next_try_pays(steps: PaymentSteps) -> None:
    deaths = each("after_confirm", "before_close", "after_close", "before_record", "after_record")
    troubles = ["lost_answer@confirm", "error_after@confirm", "rate_limited@confirm"]
    lanes = await Lanes.of(steps, len(deaths))
    for trouble in troubles:
        fees = await lanes.week(deaths, trouble)
        for fee in fees:
            await lanes.practice.bank_says(fee.client, "insufficient_funds")
        await lanes.in_trouble(fees, pay)
        for fee in fees:
            await lanes.practice.bank_says(fee.client, None)
        await pay_again(lanes, fees)
    records = await PaymentRecords.read(lanes)
    for fee in lanes.fees:
        assert fee.met, fee.label
        assert len(records.intents[fee.id]) == 1, fee.label
        records.check_paid(fee, declines=1)
    await finish(lanes)


# ---------------------------------------------------------------- 3-D Secure


async def test_x2_a_client_who_confirms_at_the_bank_pays_once_whatever_becomes_of_the_webhook(
    steps: PaymentSteps,
) -> None:
    hears = [f"{when}_handle_inbound_event_{commit}" for commit in (3, 4) for when in ("before", "after")]
    deaths = each("after_confirm", "before_record", "after_record")[:-1] + each(*hears)
    troubles = ["", "webhook_dropped", "webhook_doubled", "webhook_late", "webhook_reordered"]
    lanes = await Lanes.of(steps, len(deaths))
    for client in lanes.clients:
        card = (await lanes.practice.row(client)).stripe_payment_method
        await steps.ask("POST", f"_payment_methods/{card}", {"card": "pm_card_authenticationRequired"})
    async with lanes.hearing():
        for trouble in troubles:
            fees = await lanes.week(deaths, trouble)
            await lanes.in_trouble(fees, pay)
            assert {fee.payment.status for fee in fees} == {PaymentStatus.REQUIRES_ACTION}
            await lanes.in_trouble(fees, partial(at_the_bank, steps))
    lost = [fee for fee in lanes.fees if fee.trouble == "webhook_dropped"]
    assert {fee.payment.status for fee in lost} == {PaymentStatus.REQUIRES_ACTION}
    await finish(lanes, heals=Counter({"missed_payment": len(lost)}))
    records = await PaymentRecords.read(lanes)
    for fee in lanes.fees:
        assert len(records.intents[fee.id]) == 1, fee.label
        records.check_paid(fee, declines=1)


# ---------------------------------------------------------------- credit


@pytest.mark.parametrize("credit", [PART, FEE])
async def test_x2_credit_pays_first_and_only_once(steps: PaymentSteps, credit: int) -> None:
    at_stripe = ("after_create", "after_confirm", "before_record") if credit < FEE else ()
    deaths = each("before_reserve", "after_reserve", *at_stripe)
    troubles = ["lost_answer@confirm", "error_after@create"] if at_stripe else [""]
    lanes = await Lanes.of(steps, len(deaths))
    for trouble in troubles:
        for client in lanes.clients:
            await grant(lanes.practice, client, credit)
        await lanes.in_trouble(await lanes.week(deaths, trouble), pay)
    records = await PaymentRecords.read(lanes)
    for fee in lanes.fees:
        assert fee.met or not fee.trouble, fee.label
        records.check_paid(fee, credit=credit)
    assert records.left_over(lanes.fees) == []
    await finish(lanes, heals=Counter())


@pytest.mark.parametrize("credit", [PART, FEE])
async def test_x2_credit_that_comes_between_two_tries_calls_the_first_intent_off(
    steps: PaymentSteps, credit: int
) -> None:
    deaths = each("before_cancel", "after_cancel", "after_create", "after_store")
    troubles = ["lost_answer@cancel", "error_after@cancel", "error_before@cancel"]
    lanes = await Lanes.of(steps, len(deaths))
    for trouble in troubles:
        fees = await lanes.week(deaths)
        for fee in fees:
            await lanes.practice.bank_says(fee.client, "insufficient_funds")
            fee.deaths, planned = (), fee.deaths
            await fee.next_step()
            fee.deaths, fee.trouble = planned, trouble
            fee.intent = (await lanes.practice.payment(fee.id)).intent
            await grant(lanes.practice, fee.client, credit)
            await lanes.practice.bank_says(fee.client, None)
        await pay_again(lanes, fees)
    records = await PaymentRecords.read(lanes)
    for fee in lanes.fees:
        assert fee.met, fee.label
        records.check_paid(fee, credit=credit, declines=1)
        statuses = Counter(intent["status"] for intent in records.intents[fee.id])
        assert statuses == Counter({"canceled": 1} | ({"succeeded": 1} if credit < FEE else {})), fee.label
    await finish(lanes)


# ---------------------------------------------------------------- somebody decides while a process is dead

DECLINES = {"pays": None, "declines": "insufficient_funds"}


@pytest.mark.parametrize("bank", DECLINES)
async def test_x2_an_archive_while_a_process_is_dead_leaves_one_charge_or_none(steps: PaymentSteps, bank: str) -> None:
    deaths = each(*POINTS)[:-1]
    lanes = await Lanes.of(steps, len(deaths))
    fees = await lanes.week(deaths)
    for fee in fees:
        await lanes.practice.bank_says(fee.client, DECLINES[bank])
        steps.meanwhile[fee.workflow] = partial(archive, steps, fee.client, [fee])
    await lanes.in_trouble(fees, pay)
    assert steps.meanwhile == {}
    records = await PaymentRecords.read(lanes)
    for fee in fees:
        asked = fee.deaths != ("before_reserve",)  # whoever came first has it
        if bank == "pays" and asked:
            records.check_paid(fee)
        else:
            records.check_not_paid(fee, PaymentStatus.CANCELLED, declines=1 if asked else 0)
            assert fee.payment.because == "archived", fee.label
            assert all(intent["status"] == "canceled" for intent in records.intents[fee.id]), fee.label
    await finish(lanes)


@pytest.mark.parametrize("bank", DECLINES)
async def test_x2_a_waiver_while_a_process_is_dead_is_refused_or_takes_all(steps: PaymentSteps, bank: str) -> None:
    deaths = each("before_reserve", "after_reserve", "before_confirm", "after_confirm", "after_record")[:-1]
    lanes = await Lanes.of(steps, len(deaths))
    for client in lanes.clients:
        await grant(lanes.practice, client, PART)
    fees = await lanes.week(deaths)
    for fee in fees:
        await lanes.practice.bank_says(fee.client, DECLINES[bank])
        steps.meanwhile[fee.workflow] = partial(waive, steps, fee)
    await lanes.in_trouble(fees, pay)
    records = await PaymentRecords.read(lanes)
    for fee in fees:
        [point] = fee.deaths
        if point == "before_reserve" or (bank, point) == ("declines", "after_record"):
            records.check_not_paid(fee, PaymentStatus.WAIVED, declines=0 if point == "before_reserve" else 1)
            assert all(intent["status"] == "canceled" for intent in records.intents[fee.id]), fee.label
        elif bank == "pays":
            records.check_paid(fee, credit=PART)
        else:
            assert fee.payment.status is PaymentStatus.FAILED, fee.label
            assert [i["status"] for i in records.intents[fee.id]] == ["requires_payment_method"], fee.label
    await finish(lanes)
