"""Each difference planted for real, at the stand-in or in the database, and what the comparison makes of it."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from activities import both_books, differences
from activities.types import AttemptOrder
from models.refund import Dispute
from models.task import Task
from rules.words import PaymentStatus, RefundStatus
from tests.activities.bookkeeper import Bookkeeper, Shown
from tests.activities.practice import FEE, MONDAY, Practice


@pytest.fixture
def books(practice: Practice) -> Bookkeeper:
    return Bookkeeper(practice)


async def a_payment(practice: Practice, *, card: str = "pm_card_visa") -> tuple[str, str]:
    """A client and the payment of a session that took place; not tried yet."""
    client = await practice.client()
    [session] = await practice.booked(client)
    await practice.gives_card(client, card)
    return client, await practice.occurred(session)


async def a_paid_one(practice: Practice) -> tuple[str, str, str]:
    client, payment = await a_payment(practice)
    await practice.attempt(payment)
    intent = (await practice.payment(payment)).intent
    assert intent is not None
    return client, payment, intent


async def an_owed_one(practice: Practice) -> tuple[str, str, str]:
    """The bank said no until the deadline; its intent can still be confirmed by the mailed link."""
    client, payment = await a_payment(practice, card="pm_card_chargeCustomerFail")
    await practice.attempt(payment)
    await practice.money.owe_payment(payment)
    intent = (await practice.payment(payment)).intent
    assert intent is not None
    return client, payment, intent


_SHOP: dict[str, Any] = {"amount": 500, "currency": "usd", "metadata[payment_id]": "basket-77"}


async def silent_afterwards(books: Bookkeeper) -> None:
    again = await books.compares()
    assert again.silent, (again.healed, again.differences, again.news)


# ---------------------------------------------------------------- what agrees


async def test_books_that_agree_bring_nothing(books: Bookkeeper) -> None:
    practice = books.practice
    sara = await practice.client()
    await practice.gives_card(sara)
    first, second = [await practice.occurred(appointment) for appointment in await practice.booked(sara, weeks=2)]
    await practice.attempt(first)
    await practice.bank_says(sara, "do_not_honor")
    await practice.attempt(second)
    shown = await books.compares()
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
    assert await books.tasks() == []
    assert "task_opened" not in await books.practice.facts(sara)


async def test_test_clients_are_left_out(books: Bookkeeper) -> None:
    """Their payments have intents that Stripe has never heard of."""
    practice = books.practice
    sara, payment = await a_payment(practice)
    await books.writes("UPDATE client SET test = true WHERE id = :id", id=UUID(sara))
    await practice.attempt(payment)
    assert (await practice.payment(payment)).status is PaymentStatus.PAID
    shown = await books.compares()
    assert shown.silent
    assert (shown.row.compared["payments"], shown.row.compared["intents"]) == (0, 0)
    await books.writes("UPDATE client SET test = false WHERE id = :id", id=UUID(sara))
    assert (await books.compares()).differences == ["missing_at_stripe"]


# ---------------------------------------------------------------- what is healed


async def test_a_webhook_that_never_came(books: Bookkeeper) -> None:
    practice = books.practice
    sara, payment, intent = await an_owed_one(practice)
    await books.takes(sara, intent)
    assert (await practice.payment(payment)).status is PaymentStatus.OWED

    shown = await books.compares()
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
    await silent_afterwards(books)


async def test_a_payment_older_than_the_time_compared_is_seen_while_it_is_open(books: Bookkeeper) -> None:
    sara, payment, intent = await an_owed_one(books.practice)
    books.passes(days=90)
    await books.takes(sara, intent)
    shown = await books.compares()
    assert (shown.healed, shown.row.compared["intents"]) == (["missed_payment"], 0)
    assert (await books.practice.payment(payment)).status is PaymentStatus.PAID
    await silent_afterwards(books)


async def test_strays_are_called_off_when_no_step_can_be_about_to_use_them(books: Bookkeeper) -> None:
    practice = books.practice
    sara, payment = await a_payment(practice)
    stray = await books.makes_an_intent(sara, payment)
    of_nobody = await books.makes_an_intent(sara, str(uuid4()))
    shop = (await books.at_stripe("/v1/payment_intents", **_SHOP))["id"]
    assert (await books.compares()).silent
    books.passes(minutes=61)
    # A payment that is being tried may be about to store it, however long that takes.
    await practice.money.start_attempt(AttemptOrder(payment_id=payment, attempt=1))
    shown = await books.compares()
    assert [found["intent"] for found in shown.row.healed] == [of_nobody]
    await practice.attempt(payment)
    shown = await books.compares()
    assert (shown.healed, shown.news) == (["stray_intent"], [])
    assert [await books.state_of(id) for id in (stray, of_nobody, shop)] == [
        "canceled",
        "canceled",
        "requires_payment_method",
    ]
    assert await practice.charges_of(payment) == ["succeeded"]
    await silent_afterwards(books)


async def test_what_was_called_off_in_the_ledger_is_called_off_at_stripe(books: Bookkeeper) -> None:
    practice = books.practice
    _, payment, intent = await an_owed_one(practice)
    await books.writes("UPDATE payment SET status = 'written_off' WHERE id = :id", id=UUID(payment))
    books.passes(hours=2)
    assert (await books.compares()).healed == ["stray_intent"]
    assert await books.state_of(intent) == "canceled"
    await silent_afterwards(books)


async def test_refunds_that_ended_without_the_ledger_hearing(books: Bookkeeper) -> None:
    practice = books.practice
    sara, payment = await a_payment(practice, card="pm_card_pendingRefund")
    await practice.attempt(payment)
    refund = await books.refunds_some(sara, payment, 5000)
    assert (await books.compares()).silent  # on its way, both say so
    [row] = await books.refunds_of(payment)
    await books.at_stripe(f"/_refunds/{row.stripe_refund}", json={"status": "succeeded"})
    shown = await books.compares()
    assert shown.healed == ["missed_refund"]
    assert [(news.client_id, news.facts is not None) for news in shown.news] == [(sara, True)]
    [row] = await books.refunds_of(payment)
    assert (str(row.id), row.status) == (refund, RefundStatus.SUCCEEDED)
    await silent_afterwards(books)

    # Weeks later the bank sends it back.
    books.passes(days=20)
    await books.at_stripe(f"/_refunds/{row.stripe_refund}", json={"status": "failed"})
    assert (await books.compares()).healed == ["missed_refund"]
    [row] = await books.refunds_of(payment)
    after = await practice.payment(payment)
    assert (row.status, after.status, after.refunded) == (RefundStatus.FAILED, PaymentStatus.PAID, 0)
    assert (await practice.facts(sara)).count("refund_failed") == 1
    await silent_afterwards(books)


async def test_a_refund_whose_answer_nobody_heard(books: Bookkeeper) -> None:
    practice = books.practice
    sara, payment, intent = await a_paid_one(practice)
    refund = await books.refunds_some(sara, payment, 5000, send=False)
    assert (await books.compares()).silent
    await practice.gateway.refund(
        intent=intent, refund_id=refund, amount=5000, currency="USD", key=f"refund:{refund}:0"
    )
    assert (await books.compares()).silent  # the step that asked is about to hear
    books.passes(hours=2)
    assert (await books.compares()).healed == ["missed_refund"]
    [row] = await books.refunds_of(payment)
    assert row.status is RefundStatus.SUCCEEDED
    assert await books.refunds.send_refund(refund) is None
    await silent_afterwards(books)


async def test_a_refund_made_in_the_dashboard_is_written_down(books: Bookkeeper) -> None:
    practice = books.practice
    sara, payment, intent = await a_paid_one(practice)
    made = await books.at_stripe("/v1/refunds", payment_intent=intent, amount=3000)
    shown = await books.compares()
    assert (shown.healed, shown.differences) == (["refund_by_hand"], [])
    [row] = await books.refunds_of(payment)
    assert (row.card_amount, row.status, row.stripe_refund) == (3000, RefundStatus.SUCCEEDED, made["id"])
    assert row.asked_by == "stripe"
    after = await practice.payment(payment)
    assert (after.status, after.refunded) == (PaymentStatus.PARTIALLY_REFUNDED, 3000)
    assert (await practice.facts(sara))[-3:] == ["refund_found", "refund_made", "payment_partially_refunded"]
    await silent_afterwards(books)
    await books.refunds_some(sara, payment, FEE - 3000)  # what is left, and no more
    assert (await practice.payment(payment)).status is PaymentStatus.REFUNDED
    await silent_afterwards(books)


@pytest.mark.parametrize("kind", ["missed_payment", "missed_refund", "refund_by_hand"])
async def test_dead_at_any_point_it_is_healed_once_and_told(books: Bookkeeper, kind: str) -> None:
    practice = books.practice
    sara = await practice.client()
    await practice.gives_card(sara)
    payments = []
    for appointment in await practice.booked(sara, weeks=24):
        payment = await practice.occurred(appointment)
        payments.append(payment)
        if kind == "missed_payment":
            await practice.money.owe_payment(payment)
            ask = ConfirmationOrder(request_id=str(uuid4()), client_id=sara, by=DESK, payment_id=payment)
            done = await practice.money.prepare_confirmation(ask)
            assert done.document is not None
            await books.takes(sara, done.document["payment_intent"])
            continue
        await practice.attempt(payment)
        intent = (await practice.payment(payment)).intent
        assert intent is not None
        refund = await books.refunds_some(sara, payment, 3000, send=False) if kind == "missed_refund" else ""
        await practice.gateway.refund(intent=intent, refund_id=refund, amount=3000, currency="USD", key=payment)
    books.passes(hours=2)
    part = BooksPart.PAYMENTS if kind == "missed_payment" else BooksPart.REFUNDS
    reconciling, found = await books.finds(part)
    left = [finding for finding in found if finding.kind == kind]

    async def die(*at: int) -> list[str]:
        order = DifferencesOrder(reconciling=reconciling, findings=(left.pop(),))
        practice.points.reset(*at)
        settled = await practice.until_done(lambda: books.steps.settle_differences(order))
        passed = list(practice.points.passed)
        practice.points.reset()
        assert [news.client_id for news in settled.news] == [sara]
        return passed

    assert len(left) == 24
    undisturbed = await die()
    assert 8 < len(undisturbed) < 24
    for point in range(1, len(undisturbed) + 1):
        await die(point)
    async with practice.sessions() as session:
        row = await session.get_one(Reconciliation, UUID(reconciling.id))
    assert [healed["kind"] for healed in row.healed] == [kind] * (len(undisturbed) + 1)
    assert len((await books.finds(part))[1]) == len(left)
    told = await practice.facts(sara)
    once = {"missed_payment": "payment_paid", "missed_refund": "refund_made", "refund_by_hand": "refund_found"}[kind]
    assert told.count(once) == len(undisturbed) + 1


async def test_a_dispute_that_nobody_reported_freezes_charges(books: Bookkeeper) -> None:
    practice = books.practice
    sara, _, intent = await a_paid_one(practice)
    dispute = await books.at_stripe("/_disputes", json={"payment_intent": intent, "reason": "fraudulent"})
    shown = await books.compares()
    assert shown.healed == ["missed_dispute"]
    assert (await practice.row(sara)).charges_frozen
    assert [news.client_id for news in shown.news] == [sara]
    await silent_afterwards(books)
    books.passes(days=60)  # older than what is compared, and decided at last
    await books.at_stripe(f"/_disputes/{dispute['id']}", json={"status": "won"})
    assert (await books.compares()).healed == ["missed_dispute"]
    async with practice.sessions() as session:
        assert (await session.get_one(Dispute, dispute["id"])).status == "won"
    await silent_afterwards(books)


# ---------------------------------------------------------------- what a person must look at


async def one_task(books: Bookkeeper, kind: str, client: str | None) -> tuple[Shown, Task]:
    """The difference opens one task, however often the books are compared."""
    first = await books.compares()
    assert (first.healed, first.differences) == ([], [kind])
    [task] = await books.tasks()
    assert (task.client_id and str(task.client_id)) == client
    assert first.row.differences[0]["task_id"] == str(task.id)
    assert [news.client_id for news in first.news] == ([client] if client else [])
    again = await books.compares()
    assert (again.differences, again.news) == ([kind], [])
    assert [row.id for row in await books.tasks()] == [task.id]
    return first, task


async def test_taken_twice_and_given_back(books: Bookkeeper) -> None:
    sara, payment, _ = await a_paid_one(books.practice)
    second = await books.makes_an_intent(sara, payment)
    await books.takes(sara, second)
    await one_task(books, "taken_twice", sara)
    await books.at_stripe("/v1/refunds", payment_intent=second)
    gone = await books.compares()
    assert (gone.healed, gone.differences) == ([], [])
    assert await books.tasks() == []
    assert [news.client_id for news in gone.news] == [sara]
    assert (await books.practice.facts(sara))[-1] == "task_resolved"
    assert await books.refunds_of(payment) == []  # the ledger never counted what was given back
    await silent_afterwards(books)


async def test_taken_for_what_was_let_go(books: Bookkeeper) -> None:
    practice = books.practice
    sara, payment, intent = await an_owed_one(practice)
    await books.writes("UPDATE payment SET status = 'waived' WHERE id = :id", id=UUID(payment))
    await books.takes(sara, intent)
    await one_task(books, "taken_after_all", sara)
    assert (await practice.payment(payment)).status is PaymentStatus.WAIVED
    await books.at_stripe("/v1/refunds", payment_intent=intent, amount=FEE - 1)
    assert (await books.compares()).differences == ["taken_after_all"]
    await books.at_stripe("/v1/refunds", payment_intent=intent)
    assert (await books.compares()).differences == []
    assert await books.tasks() == []


async def test_taken_for_what_only_an_archive_stopped_is_paid(books: Bookkeeper) -> None:
    practice = books.practice
    sara, payment, intent = await an_owed_one(practice)
    await books.writes("UPDATE payment SET status = 'cancelled', because = 'archived' WHERE id = :id", id=UUID(payment))
    await books.takes(sara, intent)
    assert (await books.compares()).healed == ["missed_payment"]
    assert (await practice.payment(payment)).status is PaymentStatus.PAID
    await silent_afterwards(books)


async def test_money_of_no_payment_of_ours(books: Bookkeeper) -> None:
    sara, _ = await a_payment(books.practice)
    stranger = await books.makes_an_intent(sara, str(uuid4()))
    await books.takes(sara, stranger)
    _, task = await one_task(books, "unknown_payment", None)
    assert task.data["intent"] == stranger
    await books.at_stripe("/v1/refunds", payment_intent=stranger)
    assert (await books.compares()).differences == []
    assert await books.tasks() == []


async def test_a_ledger_that_tells_something_else(books: Bookkeeper) -> None:
    practice = books.practice
    sara = await practice.client()
    await practice.gives_card(sara)
    changes = {
        "intent = 'pi_nowhere'": "missing_at_stripe",
        "intent = NULL": "missing_at_stripe",
        "amount = amount + 1": "amount_differs",
        "currency = 'EUR'": "currency_differs",
    }
    for change, appointment in zip(changes, await practice.booked(sara, weeks=len(changes)), strict=True):
        payment = await practice.occurred(appointment)
        await practice.attempt(payment)
        if change.startswith("intent"):  # which is then of no payment any more, and would be found as such
            intent = (await practice.payment(payment)).intent
            await books.at_stripe(f"/v1/payment_intents/{intent}", **{"metadata[payment_id]": ""})
            await books.at_stripe("/v1/refunds", payment_intent=str(intent))
        await books.writes(f"UPDATE payment SET {change} WHERE id = :id", id=UUID(payment))  # noqa: S608
    for _ in range(2):
        shown = await books.compares()
        assert (shown.healed, sorted(shown.differences)) == ([], sorted(changes.values()))
        assert len(await books.tasks()) == len(changes)


async def test_paid_in_the_ledger_alone(books: Bookkeeper) -> None:
    sara, payment, intent = await an_owed_one(books.practice)
    now = books.practice.clock.instant
    await books.writes("UPDATE payment SET status = 'paid', paid_at = :now WHERE id = :id", now=now, id=UUID(payment))
    _, task = await one_task(books, "not_taken", sara)
    # A person says that this is known; it is listed as long as it is so, and asked of nobody again.
    await books.writes(
        "UPDATE task SET resolved_at = :now, resolved_by = 'care_team:desk' WHERE id = :id", now=now, id=task.id
    )
    assert (await books.compares()).differences == ["not_taken"]
    assert await books.tasks() == []
    await books.takes(sara, intent)
    await silent_afterwards(books)


async def test_a_difference_that_comes_back_is_asked_about_again(books: Bookkeeper) -> None:
    sara, payment, _ = await a_paid_one(books.practice)
    for _ in range(2):
        await books.writes("UPDATE payment SET amount = amount + 1 WHERE id = :id", id=UUID(payment))
        shown = await books.compares()
        assert (shown.differences, [news.client_id for news in shown.news]) == (["amount_differs"], [sara])
        assert len(await books.tasks()) == 1
        await books.writes("UPDATE payment SET amount = amount - 1 WHERE id = :id", id=UUID(payment))
        assert (await books.compares()).differences == []
        assert await books.tasks() == []


async def test_a_payment_that_has_been_on_its_way_for_more_than_a_day(books: Bookkeeper) -> None:
    sara, payment = await a_payment(books.practice)
    await books.practice.money.start_attempt(AttemptOrder(payment_id=payment, attempt=1))
    books.passes(hours=24)
    assert (await books.compares()).silent
    books.passes(hours=1)
    await one_task(books, "stuck_payment", sara)
    await books.practice.attempt(payment)
    assert (await books.compares()).differences == []
    assert await books.tasks() == []


async def test_refunds_of_which_the_ledger_tells_something_else(books: Bookkeeper) -> None:
    practice = books.practice
    sara, payment, intent = await a_paid_one(practice)
    await books.refunds_some(sara, payment, 5000)
    # Given back as credit and in the dashboard as well: more than was paid.
    await books.writes("UPDATE payment SET refunded = amount WHERE id = :id", id=UUID(payment))
    await books.at_stripe("/v1/refunds", payment_intent=intent, amount=100)
    await one_task(books, "refund_too_much", sara)
    for change, kind in (
        ("card_amount = card_amount + 1", "refund_differs"),
        ("card_amount = card_amount - 1, status = 'failed'", "refund_differs"),
        ("status = 'succeeded', stripe_refund = 're_nowhere'", "refund_missing"),
    ):
        await books.writes(f"UPDATE refund SET {change}")  # noqa: S608
        assert kind in (await books.compares()).differences, change
    assert len(await books.tasks()) == 3


async def test_a_refund_that_was_never_sent(books: Bookkeeper) -> None:
    sara, payment, _ = await a_paid_one(books.practice)
    refund = await books.refunds_some(sara, payment, 5000, send=False)
    books.passes(hours=25)
    await one_task(books, "stuck_refund", sara)
    await books.refunds.send_refund(refund)
    assert (await books.compares()).differences == []
    assert await books.tasks() == []


async def test_the_key_of_another_account_is_one_trouble_and_not_a_hundred(
    books: Bookkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice = books.practice
    monkeypatch.setattr(differences, "MOST_DIFFERENCES", 2)
    sara = await practice.client()
    await practice.gives_card(sara)
    for appointment in await practice.booked(sara, weeks=4):
        await practice.attempt(await practice.occurred(appointment))
    await books.writes("UPDATE payment SET intent = 'pi_elsewhere_' || replace(id::text, '-', '')")
    for intent in (await practice.stripe())["payment_intents"]:
        await books.at_stripe("/v1/refunds", payment_intent=intent["id"])
    shown = await books.compares()
    assert shown.differences == ["missing_at_stripe"] * 2
    assert shown.row.compared["left_out"] == 2
    assert sorted(task.key.split(":")[1] for task in await books.tasks()) == ["many"] + ["missing_at_stripe"] * 2
    await books.writes("UPDATE payment SET status = 'waived'")
    assert (await books.compares()).differences == []
    assert await books.tasks() == []


# ---------------------------------------------------------------- at any moment


async def test_a_bit_at_a_time(books: Bookkeeper, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three lines at a time, some of one second: each is counted once, and what is planted is found once."""
    practice = books.practice
    monkeypatch.setattr(both_books, "CHUNK", 3)
    sara = await practice.client()
    await practice.gives_card(sara)
    payments = []
    for appointment in await practice.booked(sara, weeks=4):
        payments.append(await practice.occurred(appointment))
        await practice.attempt(payments[-1])
        await books.refunds_some(sara, payments[-1], 1000)
    sessions = await practice.booked(sara, practice.clock.instant + timedelta(days=7), weeks=5)
    payments += [await practice.occurred(appointment) for appointment in sessions]
    for payment in payments[4:]:  # in one second
        await practice.attempt(payment)
    stray = await books.makes_an_intent(sara, payments[0])
    books.passes(hours=2)
    await books.writes("UPDATE payment SET amount = amount + 1 WHERE id = :id", id=UUID(payments[1]))
    shown = await books.compares(since=MONDAY)
    assert (shown.healed, shown.differences) == (["stray_intent"], ["amount_differs"])
    assert shown.row.healed[0]["intent"] == stray
    compared = shown.row.compared
    assert (compared["intents"], compared["payments"]) == (10, 9)
    assert (compared["stripe_refunds"], compared["refunds"]) == (4, 4)
    assert shown.steps > 6


async def test_while_payments_are_made_nothing_is_found(books: Bookkeeper) -> None:
    practice = books.practice
    sara = await practice.client()
    await practice.gives_card(sara)
    payments = [await practice.occurred(appointment) for appointment in await practice.booked(sara, weeks=6)]
    done = asyncio.Event()

    async def pay() -> None:
        for payment in payments:
            await practice.attempt(payment)
            await books.refunds_some(sara, payment, 100)
        done.set()

    async def compare() -> int:
        times = 0
        while not done.is_set():
            shown = await books.compares()
            assert shown.silent, (shown.healed, shown.differences)
            times += 1
        return times

    _, *times = await asyncio.gather(pay(), compare(), compare())
    assert min(times) > 0
    assert sum(c["status"] == "succeeded" for c in (await practice.stripe())["charges"]) == 6
    await silent_afterwards(books)


async def test_what_ends_while_it_is_looked_at_is_no_difference(
    books: Bookkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the list and the second look the books have come to agree: nothing is healed, nobody is asked."""
    practice = books.practice
    sara, payment, intent = await an_owed_one(practice)
    await books.takes(sara, intent)
    real = books.steps.settle_differences

    async def later(order: Any) -> Any:
        if order.findings:
            found = await practice.gateway.retrieve_intent(intent=intent)
            await practice.inbound.settle_from(UUID(payment), found, at=practice.clock.instant)
        return await real(order)

    monkeypatch.setattr(books.steps, "settle_differences", later)
    assert (await books.compares()).silent
    assert (await practice.facts(sara)).count("payment_paid") == 1
