"""Credit in the ledger: reserved with the try, given back when it is called off, and never a cent more or less."""

import asyncio
import random
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlmodel import select

from activities.types.money import AttemptOrder, ConfirmationOrder
from models.tables.booking.therapist import Therapist
from rules.enums import PaymentStatus, RefundTo
from rules.refusals import Problem
from tests.care.client_money import ClientMoney
from tests.care.practice import DESK, FEE, MONDAY, Practice


async def left(money: ClientMoney) -> list[int]:
    return [credit.remaining for credit in await money.credits()]


async def test_credit_that_pays_it_all_never_reaches_stripe(practice: Practice, money: ClientMoney) -> None:
    await money.granted(20000)
    payment = await money.owes_a_fee()
    assert await left(money) == [20000]  # reserved with the try, and not before
    started = await practice.money.start_attempt(AttemptOrder(payment_id=payment, attempt=1))
    assert not started.started
    after = await practice.payment(payment)
    assert (after.status, after.credit_used, after.intent, after.attempts) == (PaymentStatus.PAID, FEE, None, 0)
    assert after.paid_at == practice.clock.instant
    assert (await left(money), (await practice.stripe())["payment_intents"]) == ([8000], [])
    # Started again, as after a crash: it is paid, and nothing more is taken.
    assert not (await practice.money.start_attempt(AttemptOrder(payment_id=payment, attempt=1))).started
    assert await left(money) == [8000]


async def test_the_oldest_pays_first_and_the_card_the_rest(practice: Practice, money: ClientMoney) -> None:
    for amount in (1000, 2000, 500):
        await money.granted(amount)
        practice.clock.instant += timedelta(minutes=1)
    after = await practice.payment(await money.pays_a_fee())
    assert (after.credit_used, await left(money)) == (3500, [0, 0, 0])
    assert [intent["amount"] for intent in await practice.intents_of(str(after.id))] == [FEE - 3500]


async def test_what_is_left_for_the_card_is_at_least_stripes_minimum(practice: Practice, money: ClientMoney) -> None:
    await money.granted(FEE - 20)
    after = await practice.payment(await money.pays_a_fee())
    assert (after.credit_used, await left(money)) == (FEE - 50, [30])
    assert [intent["amount"] for intent in await practice.intents_of(str(after.id))] == [50]


@pytest.mark.parametrize("end", ["waived", "written_off", "archived"])
async def test_what_a_declined_try_had_reserved_is_given_back_when_it_is_let_go(
    practice: Practice, money: ClientMoney, end: str
) -> None:
    await money.granted(5000)
    await practice.gives_card(money.client, "pm_card_chargeCustomerFail")
    payment = await money.owes_a_fee()
    await practice.attempt(payment)
    assert (await left(money), (await practice.payment(payment)).credit_used) == ([0], 5000)
    if end == "written_off":
        practice.clock.instant += timedelta(hours=24)
        await practice.money.owe_payment(payment)
        assert await money.balance() == (0, FEE - 5000)
    for _ in range(2):
        await getattr(money, end)() if end == "archived" else await getattr(money, end)(payment)
    assert await left(money) == [5000]
    assert await money.balance() == (5000, FEE if end == "archived" else 0)


async def test_declined_while_archived_gives_it_back_too(practice: Practice, money: ClientMoney) -> None:
    await money.granted(5000)
    await practice.gives_card(money.client, "pm_card_chargeCustomerFail")
    payment = await money.owes_a_fee()
    order = AttemptOrder(payment_id=payment, attempt=1)
    assert (await practice.money.start_attempt(order)).started
    await money.archived()
    assert await left(money) == [0]  # it is on its way
    assert await practice.attempt(payment) is not None
    assert (await practice.payment(payment)).status is PaymentStatus.CANCELLED
    assert (await left(money), await money.balance()) == ([5000], (5000, FEE))


@pytest.mark.parametrize("granted", [4000, FEE])
async def test_credit_that_comes_after_a_decline_pays_at_the_next_try_and_the_old_link_does_not(
    practice: Practice, money: ClientMoney, granted: int
) -> None:
    await practice.gives_card(money.client, "pm_card_chargeCustomerFail")
    payment = await money.owes_a_fee()
    await practice.attempt(payment)
    await money.granted(granted)
    await practice.bank_says(money.client, None)
    await practice.attempt(payment, 2)
    assert (await practice.payment(payment)).status is PaymentStatus.PAID
    intents = [(intent["amount"], intent["status"]) for intent in await practice.intents_of(payment)]
    assert intents == [(FEE, "canceled")] + ([(FEE - granted, "succeeded")] if granted < FEE else [])
    assert await money.balance() == (0, 0)


@pytest.mark.parametrize("granted", [4000, FEE])
async def test_the_client_who_pays_the_old_link_in_that_very_moment_is_not_charged_twice(
    practice: Practice, money: ClientMoney, granted: int
) -> None:
    await practice.gives_card(money.client, "pm_card_chargeCustomerFail")
    payment = await money.owes_a_fee()
    await practice.attempt(payment)
    await practice.bank_says(money.client, None)
    await money.granted(granted)
    order = AttemptOrder(payment_id=payment, attempt=2)
    assert (await practice.money.start_attempt(order)).started  # it counts on the credit, and has reserved it
    first, card = (await practice.payment(payment)).intent, (await practice.row(money.client)).stripe_payment_method
    assert first is not None
    assert card is not None
    await practice.gateway.confirm_intent(intent=first, payment_method=card, key="the client's own")
    await practice.attempt(payment, 2)
    after = await practice.payment(payment)
    assert (after.status, after.credit_used) == (PaymentStatus.PAID, 0)
    assert await practice.charges_of(payment) == ["failed", "succeeded"]
    assert await money.balance() == (granted, 0)  # the card paid it all: the credit is still theirs


async def test_dead_at_any_point_credit_and_card_pay_once(practice: Practice, money: ClientMoney) -> None:
    weeks = 0

    async def die(*at: int) -> list[str]:
        nonlocal weeks
        await money.granted(4000)
        payment = await money.owes_a_fee(weeks=weeks)
        weeks += 1
        practice.points.reset(*at)
        await practice.attempt(payment)
        passed = list(practice.points.passed)
        practice.points.reset()
        after = await practice.payment(payment)
        assert (after.status, after.credit_used, sum(await left(money))) == (PaymentStatus.PAID, 4000, 0)
        return passed

    undisturbed = await die()
    for point in range(1, len(undisturbed) + 1):
        await die(point)


async def test_two_payments_at_once_do_not_take_the_same_credit(practice: Practice, money: ClientMoney) -> None:
    await money.granted(15000)
    payments = [await money.owes_a_fee(weeks=week) for week in range(2)]
    await asyncio.gather(*(practice.attempt(payment) for payment in payments))
    used = sorted([(await practice.payment(payment)).credit_used for payment in payments])
    assert (used, await left(money)) == ([3000, FEE], [0])


async def test_the_link_takes_what_credit_leaves(practice: Practice, money: ClientMoney) -> None:
    await money.granted(5000)
    payment = await money.owes_a_fee()
    await practice.bank_says(money.client, "authentication_required")
    await practice.attempt(payment)
    assert (await practice.payment(payment)).status is PaymentStatus.REQUIRES_ACTION
    ask = ConfirmationOrder(request_id=str(uuid4()), client_id=money.client, by=DESK, payment_id=payment)
    asked = await practice.confirmations.prepare_confirmation(ask)
    assert asked.document is not None
    [intent] = await practice.intents_of(payment)
    assert (intent["id"], intent["amount"]) == (asked.document["payment_intent"], FEE - 5000)


@pytest.mark.parametrize(("granted", "owed"), [(4000, False), (FEE, False), (FEE, True)])
async def test_credit_that_came_since_the_last_try_pays_its_part_of_what_the_client_comes_to_pay(
    practice: Practice, money: ClientMoney, granted: int, owed: bool
) -> None:
    payment = await money.owes_a_fee()
    await practice.bank_says(money.client, "authentication_required")
    await practice.attempt(payment)
    if owed:
        practice.clock.instant += timedelta(hours=24)
        await practice.money.owe_payment(payment)
    await money.granted(granted)
    ask = ConfirmationOrder(request_id=str(uuid4()), client_id=money.client, by=DESK, payment_id=payment)
    asked = await practice.confirmations.prepare_confirmation(ask)
    intents = [(intent["amount"], intent["status"]) for intent in await practice.intents_of(payment)]
    if granted < FEE:
        assert asked.document is not None
        assert intents == [(FEE, "canceled"), (FEE - granted, "requires_payment_method")]
        assert (await practice.payment(payment)).credit_used == granted
        return
    # All of it: nothing is asked of the client, and the try that takes it follows at once.
    assert (asked.refusal is not None and asked.refusal.name) == Problem.PAYMENT_NOT_OPEN
    assert asked.facts is not None
    debts = [debt.payment_id for debt in asked.facts.debts]
    assert (debts, bool(asked.resumed)) == (([payment], False) if owed else ([], True))
    await practice.attempt(payment, 2)
    after = await practice.payment(payment)
    assert (after.status, after.credit_used, await left(money)) == (PaymentStatus.PAID, FEE, [0])
    assert [intent["status"] for intent in await practice.intents_of(payment)] == ["canceled"]


async def test_granting_twice_is_once_and_never_nothing_or_in_another_currency(
    practice: Practice, money: ClientMoney
) -> None:
    order = money.grant_order(5000)
    first, *again = [await practice.credits.grant_credit(order) for _ in range(3)]
    assert first.changed
    assert again == [first, first]
    for wrong, field in (
        (money.grant_order(0), "amount"),
        (money.grant_order(-1), "amount"),
        (money.grant_order(100, currency="EUR"), "currency"),
        (money.grant_order(100, reason=" "), "reason"),
    ):
        refusal = (await practice.credits.grant_credit(wrong)).refusal
        assert refusal is not None
        assert (refusal.name, [error["field"] for error in refusal.data["errors"]]) == (
            Problem.VALIDATION_FAILED, [field]
        )  # fmt: skip
    assert await left(money) == [5000]
    assert (await practice.facts(money.client)).count("credit_granted") == 1


async def test_credit_is_granted_in_a_currency_in_which_something_is_still_owed(
    practice: Practice, money: ClientMoney
) -> None:
    await practice.bank_says(money.client, "insufficient_funds")
    payment = await money.owes_a_fee()
    async with practice.sessions() as session:
        ana = (await session.exec(select(Therapist))).one()
        ana.session_fee_currency = "EUR"
        session.add(ana)
        await session.commit()
    await practice.booked(money.client, MONDAY + timedelta(weeks=2))
    await practice.occurred((await practice.booked(money.client, MONDAY + timedelta(weeks=1)))[0])
    for currency, refused in (("EUR", False), ("USD", False), ("GBP", True)):
        refusal = (await practice.credits.grant_credit(money.grant_order(FEE, currency=currency))).refusal
        assert (refusal is not None) == refused
        assert refusal is None or "EUR and USD" in refusal.detail
    await practice.attempt(payment)
    assert (await practice.payment(payment)).status is PaymentStatus.PAID
    refusal = (await practice.credits.grant_credit(money.grant_order(FEE, currency="USD"))).refusal
    assert refusal is not None  # nothing is owed in it any more


async def test_credit_is_conserved_whatever_happens_to_it(practice: Practice, money: ClientMoney) -> None:
    """A long, random life of a client's money, by the real steps; every sum is looked at after each."""
    dice = random.Random(1)  # noqa: S311 - a story, not a secret
    payments: list[str] = []
    done: list[str] = []

    async def due() -> None:
        payments.append(await money.owes_a_fee(weeks=len(payments)))

    async def tried() -> None:
        payment = dice.choice(payments)
        await practice.bank_says(money.client, dice.choice([None, "insufficient_funds"]))
        await practice.attempt(payment, (await practice.payment(payment)).attempts + 1)

    async def refunded() -> None:
        order = money.refund_order(
            dice.choice(payments), dice.choice([None, 100, 7000]), to=dice.choice(list(RefundTo))
        )
        if (await practice.refunds.begin_refund(order)).refusal is None:
            await practice.refunds.send_refund(order.refund_id)

    async def let_go() -> None:
        await dice.choice([money.waived, money.written_off])(dice.choice(payments))

    async def granted() -> None:
        await money.granted(dice.randrange(1, 15000))

    async def archived_and_back() -> None:
        await money.archived()
        await money.unarchived()

    await due()
    steps = [due, granted, tried, tried, tried, refunded, refunded, let_go]
    for number in range(24):
        step = archived_and_back if number == 18 else dice.choice(steps)
        done.append(step.__name__)
        await step()
        await money.adds_up()
    assert len(set(done)) == 6, done
    assert min(await money.balance()) >= 0
