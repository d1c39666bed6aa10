"""Each difference planted for real, at the stand-in or in the database, and what the comparison makes of it."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from activities.money.reconciliation import comparison
from activities.ports import Intent
from activities.types.money import AttemptOrder, ConfirmationOrder
from activities.types.reconciliation import ComparisonPart, DiscrepanciesOrder
from models.tables.money.reconciliation import Reconciliation
from models.tables.money.refund import Dispute
from rules.enums import PaymentStatus, RefundStatus
from tests.care.client_money import ClientMoney
from tests.care.practice import DESK, FEE, MONDAY
from tests.care.reconciler import Reconciler, a_paid_one, a_payment, an_owed_one, silent_afterwards

_SHOP: dict[str, Any] = {"amount": 500, "currency": "usd", "metadata[payment_id]": "basket-77"}


# ---------------------------------------------------------------- what agrees


async def test_books_that_agree_bring_nothing(reconciler: Reconciler) -> None:
    practice = reconciler.practice
    sara = await practice.client()
    await practice.gives_card(sara)
    first, second = [await practice.occurred(appointment) for appointment in await practice.booked(sara, weeks=2)]
    await practice.attempt(first)
    await practice.bank_says(sara, "do_not_honor")
    await practice.attempt(second)
    shown = await reconciler.compares()
    assert shown.silent
    assert shown.row.compared == {
        "intents": 2,
        "payments": 1,
        "unfinished_payments": 1,
        "stripe_refunds": 0,
        "refunds": 0,
        "unfinished_refunds": 0,
        "disputes": 0,
    }
    assert shown.row.finished_at is not None
    assert await reconciler.tasks() == []
    assert "task_opened" not in await reconciler.practice.facts(sara)


async def test_test_clients_are_left_out(reconciler: Reconciler) -> None:
    """Their payments have intents that Stripe has never heard of."""
    practice = reconciler.practice
    sara, payment = await a_payment(practice)
    await reconciler.writes("UPDATE client SET test = true WHERE id = :id", id=UUID(sara))
    await practice.attempt(payment)
    assert (await practice.payment(payment)).status is PaymentStatus.PAID
    shown = await reconciler.compares()
    assert shown.silent
    assert (shown.row.compared["payments"], shown.row.compared["intents"]) == (0, 0)
    await reconciler.writes("UPDATE client SET test = false WHERE id = :id", id=UUID(sara))
    assert (await reconciler.compares()).differences == ["missing_at_stripe"]


# ---------------------------------------------------------------- what is healed


async def test_a_webhook_that_never_came(reconciler: Reconciler) -> None:
    practice = reconciler.practice
    sara, payment, intent = await an_owed_one(practice)
    await reconciler.takes(sara, intent)
    assert (await practice.payment(payment)).status is PaymentStatus.OWED

    shown = await reconciler.compares()
    assert (shown.healed, shown.differences) == (["missed_payment"], [])
    assert (await practice.payment(payment)).status is PaymentStatus.PAID
    [news] = shown.news
    assert news.client_id == sara
    assert news.event_id is not None
    # The journey looks at the event as at Stripe's own, and hears of the payment.
    handled = await practice.inbound.handle_inbound_event(news.event_id)
    assert handled.settled is not None
    assert handled.settled.appointment.payment is not None
    assert handled.settled.appointment.payment.status is PaymentStatus.PAID
    assert (await practice.facts(sara)).count("payment_paid") == 1
    await silent_afterwards(reconciler)


async def test_what_was_taken_besides_and_given_back_by_hand_is_no_difference(reconciler: Reconciler) -> None:
    practice = reconciler.practice
    _, payment, intent = await a_paid_one(practice)
    await reconciler.writes("UPDATE payment SET credit_used = 7000 WHERE id = :id", id=UUID(payment))
    assert (await reconciler.compares()).differences == ["amount_differs"]
    await reconciler.at_stripe("/v1/refunds", payment_intent=intent, amount=6000)
    assert (await reconciler.compares()).differences == ["amount_differs"]
    await reconciler.at_stripe("/v1/refunds", payment_intent=intent, amount=1000)
    gone = await reconciler.compares()
    assert (gone.healed, gone.differences, await reconciler.tasks()) == ([], [], [])
    await silent_afterwards(reconciler)
    assert await reconciler.refunds_of(payment) == []  # the ledger never counted it

    # What the ledger did count is written down as ever, and no more than that.
    await reconciler.at_stripe("/v1/refunds", payment_intent=intent, amount=5000)
    assert (await reconciler.compares()).healed == ["refund_by_hand"]
    assert (await practice.payment(payment)).refunded == 5000
    await silent_afterwards(reconciler)


async def test_what_was_taken_besides_credit_and_given_back_is_no_difference(reconciler: Reconciler) -> None:
    _, payment, intent = await a_paid_one(reconciler.practice)
    await reconciler.writes("UPDATE payment SET credit_used = amount WHERE id = :id", id=UUID(payment))
    assert (await reconciler.compares()).differences == ["amount_differs"]
    await reconciler.at_stripe("/v1/refunds", payment_intent=intent)
    assert ((await reconciler.compares()).differences, await reconciler.tasks()) == ([], [])
    await silent_afterwards(reconciler)


@pytest.mark.parametrize("end", ["written_off", "archived"])
async def test_an_old_debt_that_was_let_go_and_paid_in_that_moment_is_noticed(reconciler: Reconciler, end: str) -> None:
    """Without any report of Stripe's: the intent is older than what is compared, the decision is not."""
    practice = reconciler.practice
    sara, payment, intent = await an_owed_one(practice)
    money = ClientMoney(practice, sara)
    if end == "archived":
        await reconciler.writes("UPDATE payment SET status = 'requires_action' WHERE id = :id", id=UUID(payment))
    reconciler.passes(days=40)
    await reconciler.takes(sara, intent)
    await (money.archived() if end == "archived" else money.written_off(payment))
    shown = await reconciler.compares()
    found = (["missed_payment"], []) if end == "archived" else ([], ["taken_after_all"])
    assert (shown.healed, shown.differences) == found


async def test_a_payment_older_than_the_time_compared_is_seen_while_it_is_open(reconciler: Reconciler) -> None:
    sara, payment, intent = await an_owed_one(reconciler.practice)
    reconciler.passes(days=90)
    await reconciler.takes(sara, intent)
    shown = await reconciler.compares()
    assert (shown.healed, shown.row.compared["intents"]) == (["missed_payment"], 0)
    assert (await reconciler.practice.payment(payment)).status is PaymentStatus.PAID
    await silent_afterwards(reconciler)


async def test_strays_are_called_off_when_no_step_can_be_about_to_use_them(reconciler: Reconciler) -> None:
    practice = reconciler.practice
    sara, payment = await a_payment(practice)
    stray = await reconciler.makes_an_intent(sara, payment)
    another_house = await reconciler.makes_an_intent(sara, str(uuid4()))
    shop = (await reconciler.at_stripe("/v1/payment_intents", **_SHOP))["id"]
    assert (await reconciler.compares()).silent
    reconciler.passes(minutes=61)
    # A payment that is being tried may be about to store it, however long that takes.
    await practice.money.start_attempt(AttemptOrder(payment_id=payment, attempt=1))
    shown = await reconciler.compares()
    assert shown.silent
    await practice.attempt(payment)
    assert await reconciler.state_of(stray) == "succeeded"  # the try has found it, and made no other
    second = await reconciler.makes_an_intent(sara, payment)
    assert (await reconciler.compares()).silent
    reconciler.passes(minutes=61)
    shown = await reconciler.compares()
    assert (shown.healed, shown.news) == (["stray_intent"], [])
    assert await reconciler.state_of(second) == "canceled"
    for of_others in (another_house, shop):  # an installation with a database of its own may be at the same account
        assert await reconciler.state_of(of_others) == "requires_payment_method"
    assert await practice.charges_of(payment) == ["succeeded"]
    await silent_afterwards(reconciler)


async def test_what_was_called_off_in_the_ledger_is_called_off_at_stripe(reconciler: Reconciler) -> None:
    practice = reconciler.practice
    _, payment, intent = await an_owed_one(practice)
    await reconciler.writes("UPDATE payment SET status = 'written_off' WHERE id = :id", id=UUID(payment))
    reconciler.passes(hours=2)
    assert (await reconciler.compares()).healed == ["stray_intent"]
    assert await reconciler.state_of(intent) == "canceled"
    await silent_afterwards(reconciler)


async def test_refunds_that_ended_without_the_ledger_hearing(reconciler: Reconciler) -> None:
    practice = reconciler.practice
    sara, payment = await a_payment(practice, card="pm_card_pendingRefund")
    await practice.attempt(payment)
    refund = await reconciler.refunds_some(sara, payment, 5000)
    assert (await reconciler.compares()).silent  # on its way, both say so
    [row] = await reconciler.refunds_of(payment)
    await reconciler.at_stripe(f"/_refunds/{row.stripe_refund}", json={"status": "succeeded"})
    shown = await reconciler.compares()
    assert shown.healed == ["missed_refund"]
    assert [(news.client_id, news.facts is not None) for news in shown.news] == [(sara, True)]
    [row] = await reconciler.refunds_of(payment)
    assert (str(row.id), row.status) == (refund, RefundStatus.SUCCEEDED)
    await silent_afterwards(reconciler)

    # Weeks later the bank sends it back.
    reconciler.passes(days=20)
    await reconciler.at_stripe(f"/_refunds/{row.stripe_refund}", json={"status": "failed"})
    assert (await reconciler.compares()).healed == ["missed_refund"]
    [row] = await reconciler.refunds_of(payment)
    after = await practice.payment(payment)
    assert (row.status, after.status, after.refunded) == (RefundStatus.FAILED, PaymentStatus.PAID, 0)
    assert (await practice.facts(sara)).count("refund_failed") == 1
    await silent_afterwards(reconciler)


async def test_a_refund_whose_answer_nobody_heard(reconciler: Reconciler) -> None:
    practice = reconciler.practice
    sara, payment, intent = await a_paid_one(practice)
    refund = await reconciler.refunds_some(sara, payment, 5000, send=False)
    assert (await reconciler.compares()).silent
    await practice.gateway.refund(
        intent=intent, refund_id=refund, amount=5000, currency="USD", key=f"refund:{refund}:0"
    )
    assert (await reconciler.compares()).silent  # the step that asked is about to hear
    reconciler.passes(hours=2)
    assert (await reconciler.compares()).healed == ["missed_refund"]
    [row] = await reconciler.refunds_of(payment)
    assert row.status is RefundStatus.SUCCEEDED
    assert await reconciler.refunds.send_refund(refund) is None
    await silent_afterwards(reconciler)


async def test_a_refund_made_in_the_dashboard_is_written_down(reconciler: Reconciler) -> None:
    practice = reconciler.practice
    sara, payment, intent = await a_paid_one(practice)
    made = await reconciler.at_stripe("/v1/refunds", payment_intent=intent, amount=3000)
    shown = await reconciler.compares()
    assert (shown.healed, shown.differences) == (["refund_by_hand"], [])
    [row] = await reconciler.refunds_of(payment)
    assert (row.card_amount, row.status, row.stripe_refund) == (3000, RefundStatus.SUCCEEDED, made["id"])
    assert row.asked_by == "stripe"
    after = await practice.payment(payment)
    assert (after.status, after.refunded) == (PaymentStatus.PARTIALLY_REFUNDED, 3000)
    assert (await practice.facts(sara))[-3:] == ["refund_found", "refund_made", "payment_partially_refunded"]
    await silent_afterwards(reconciler)
    await reconciler.refunds_some(sara, payment, FEE - 3000)  # what is left, and no more
    assert (await practice.payment(payment)).status is PaymentStatus.REFUNDED
    await silent_afterwards(reconciler)


@pytest.mark.parametrize("kind", ["missed_payment", "missed_refund", "refund_by_hand"])
async def test_dead_at_any_point_it_is_healed_once_and_told(reconciler: Reconciler, kind: str) -> None:
    practice = reconciler.practice
    sara = await practice.client()
    await practice.gives_card(sara)
    weeks = 20 if kind == "missed_payment" else 4
    for appointment in await practice.booked(sara, weeks=weeks):
        payment = await practice.occurred(appointment)
        if kind == "missed_payment":
            await practice.money.owe_payment(payment)
            ask = ConfirmationOrder(request_id=str(uuid4()), client_id=sara, by=DESK, payment_id=payment)
            done = await practice.confirmations.prepare_confirmation(ask)
            assert done.document is not None
            await reconciler.takes(sara, done.document["payment_intent"])
            continue
        await practice.attempt(payment)
        intent = (await practice.payment(payment)).intent
        assert intent is not None
        refund = await reconciler.refunds_some(sara, payment, 3000, send=False) if kind == "missed_refund" else ""
        await practice.gateway.refund(intent=intent, refund_id=refund, amount=3000, currency="USD", key=payment)
    reconciler.passes(hours=2)
    part = ComparisonPart.PAYMENTS if kind == "missed_payment" else ComparisonPart.REFUNDS
    reconciling, found = await reconciler.finds(part, since=MONDAY)
    left = [finding for finding in found if finding.kind == kind]

    async def die(*at: int) -> list[str]:
        order = DiscrepanciesOrder(reconciling=reconciling, findings=(left.pop(),))
        practice.points.reset(*at)
        settled = await practice.until_done(lambda: reconciler.steps.settle_differences(order))
        passed = list(practice.points.passed)
        practice.points.reset()
        assert [news.client_id for news in settled.news] == [sara]
        return passed

    assert len(left) == weeks
    undisturbed = await die()
    assert 2 <= len(undisturbed) < weeks
    for point in range(1, len(undisturbed) + 1):
        await die(point)
    async with practice.sessions() as session:
        row = await session.get_one(Reconciliation, UUID(reconciling.id))
    assert [healed["kind"] for healed in row.healed] == [kind] * (len(undisturbed) + 1)
    assert len((await reconciler.finds(part, since=MONDAY))[1]) == len(left)
    told = await practice.facts(sara)
    once = {"missed_payment": "payment_paid", "missed_refund": "refund_made", "refund_by_hand": "refund_found"}[kind]
    assert told.count(once) == len(undisturbed) + 1


async def test_a_dispute_that_nobody_reported_freezes_charges(reconciler: Reconciler) -> None:
    practice = reconciler.practice
    sara, _, intent = await a_paid_one(practice)
    dispute = await reconciler.at_stripe("/_disputes", json={"payment_intent": intent, "reason": "fraudulent"})
    shown = await reconciler.compares()
    assert shown.healed == ["missed_dispute"]
    assert (await practice.row(sara)).charges_frozen
    assert [news.client_id for news in shown.news] == [sara]
    await silent_afterwards(reconciler)
    reconciler.passes(days=60)  # older than what is compared, and decided at last
    await reconciler.at_stripe(f"/_disputes/{dispute['id']}", json={"status": "won"})
    assert (await reconciler.compares()).healed == ["missed_dispute"]
    async with practice.sessions() as session:
        assert (await session.get_one(Dispute, dispute["id"])).status == "won"
    await silent_afterwards(reconciler)


# ---------------------------------------------------------------- at any moment


async def test_a_bit_at_a_time(reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three lines at a time, some of one second: each is counted once, and what is planted is found once."""
    practice = reconciler.practice
    monkeypatch.setattr(comparison, "CHUNK", 3)
    sara = await practice.client()
    await practice.gives_card(sara)
    payments = []
    for appointment in await practice.booked(sara, weeks=4):
        payments.append(await practice.occurred(appointment))
        await practice.attempt(payments[-1])
        await reconciler.refunds_some(sara, payments[-1], 1000)
    sessions = await practice.booked(sara, practice.clock.instant + timedelta(days=7), weeks=5)
    payments += [await practice.occurred(appointment) for appointment in sessions]
    for payment in payments[4:]:  # in one second
        await practice.attempt(payment)
    stray = await reconciler.makes_an_intent(sara, payments[0])
    reconciler.passes(hours=2)
    await reconciler.writes("UPDATE payment SET amount = amount + 1 WHERE id = :id", id=UUID(payments[1]))
    shown = await reconciler.compares(since=MONDAY)
    assert (shown.healed, shown.differences) == (["stray_intent"], ["amount_differs"])
    assert shown.row.healed[0]["intent"] == stray
    compared = shown.row.compared
    assert (compared["intents"], compared["payments"]) == (10, 9)
    assert (compared["stripe_refunds"], compared["refunds"]) == (4, 4)
    assert shown.steps > 6


async def test_while_payments_are_made_nothing_is_found(reconciler: Reconciler) -> None:
    practice = reconciler.practice
    sara = await practice.client()
    await practice.gives_card(sara)
    payments = [await practice.occurred(appointment) for appointment in await practice.booked(sara, weeks=6)]
    practice.clock.instant = (await practice.payment(payments[0])).deadline  # none is overdue
    done = asyncio.Event()

    async def pay() -> None:
        for payment in payments:
            await practice.attempt(payment)
            await reconciler.refunds_some(sara, payment, 100)
        done.set()

    async def compare() -> int:
        times = 0
        while not done.is_set():
            shown = await reconciler.compares()
            assert shown.silent, (shown.healed, shown.differences)
            times += 1
        return times

    _, *times = await asyncio.gather(pay(), compare(), compare())
    assert min(times) > 0
    assert sum(c["status"] == "succeeded" for c in (await practice.stripe())["charges"]) == 6
    await silent_afterwards(reconciler)


@pytest.mark.parametrize("when", ["before the second look", "while Stripe is asked"])
async def test_what_ends_while_it_is_looked_at_is_no_difference(
    reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """The webhook comes after all, and the books agree: nothing is healed, nobody is asked."""
    practice = reconciler.practice
    sara, payment, intent = await an_owed_one(practice)
    await reconciler.takes(sara, intent)
    reconciling, found = await reconciler.finds(ComparisonPart.PAYMENTS)
    assert [finding.kind for finding in found] == ["missed_payment"]
    real = practice.gateway.retrieve_intent

    async def webhook() -> None:
        monkeypatch.setattr(practice.gateway, "retrieve_intent", real)
        await practice.inbound.settle_from(UUID(payment), await real(intent=intent), at=practice.clock.instant)

    async def asked(*, intent: str) -> Intent | None:
        await webhook()
        return await real(intent=intent)

    if when == "while Stripe is asked":
        monkeypatch.setattr(practice.gateway, "retrieve_intent", asked)
    else:
        await webhook()
    settled = await reconciler.steps.settle_differences(DiscrepanciesOrder(reconciling=reconciling, findings=found))
    assert settled.news == ()
    async with practice.sessions() as session:
        assert (await session.get_one(Reconciliation, UUID(reconciling.id))).healed == []
    assert (await practice.facts(sara)).count("payment_paid") == 1
