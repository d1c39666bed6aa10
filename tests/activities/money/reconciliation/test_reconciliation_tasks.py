"""Differences between ledger and Stripe that a person must look at: one task each, which closes by itself."""

from uuid import UUID, uuid4

import pytest

from activities.money.reconciliation import discrepancies as differences
from activities.types.money import AttemptOrder
from models.tables.clients.task import Task
from rules.enums import PaymentStatus
from tests.care.client_money import ClientMoney
from tests.care.practice import FEE
from tests.care.reconciler import Reconciler, Shown, a_paid_one, a_payment, an_owed_one, silent_afterwards


async def one_task(reconciler: Reconciler, kind: str, client: str | None) -> tuple[Shown, Task]:
    """The difference opens one task, however often the books are compared."""
    first = await reconciler.compares()
    assert (first.healed, first.differences) == ([], [kind])
    [task] = await reconciler.tasks()
    assert (task.client_id and str(task.client_id)) == client
    assert first.row.differences[0]["task_id"] == str(task.id)
    assert [news.client_id for news in first.news] == ([client] if client else [])
    again = await reconciler.compares()
    assert (again.differences, again.news) == ([kind], [])
    assert [row.id for row in await reconciler.tasks()] == [task.id]
    return first, task


async def test_taken_twice_and_given_back(reconciler: Reconciler) -> None:
    sara, payment, _ = await a_paid_one(reconciler.practice)
    second = await reconciler.makes_an_intent(sara, payment)
    await reconciler.takes(sara, second)
    await one_task(reconciler, "taken_twice", sara)
    await reconciler.at_stripe("/v1/refunds", payment_intent=second)
    gone = await reconciler.compares()
    assert (gone.healed, gone.differences) == ([], [])
    assert await reconciler.tasks() == []
    assert [news.client_id for news in gone.news] == [sara]
    assert (await reconciler.practice.facts(sara))[-1] == "task_resolved"
    assert await reconciler.refunds_of(payment) == []  # the ledger never counted what was given back
    await silent_afterwards(reconciler)


@pytest.mark.parametrize("status", [PaymentStatus.WAIVED, PaymentStatus.CANCELLED])
async def test_taken_for_what_was_let_go(reconciler: Reconciler, status: PaymentStatus) -> None:
    practice = reconciler.practice
    sara, payment, intent = await an_owed_one(practice)
    corrected = "UPDATE payment SET status = :status, because = 'corrected' WHERE id = :id"
    await reconciler.writes(corrected, status=status.value, id=UUID(payment))
    await reconciler.takes(sara, intent)
    # The comparison does not undo what a person decided, and neither does a webhook that is late: somebody must look.
    _, task = await one_task(reconciler, "taken_after_all", sara)
    await ClientMoney(practice, sara).reported("payment_intent.succeeded", intent, "payment_intent")
    assert [row.id for row in await reconciler.tasks()] == [task.id]
    assert (await practice.payment(payment)).status is status
    await reconciler.at_stripe("/v1/refunds", payment_intent=intent, amount=FEE - 1)
    assert (await reconciler.compares()).differences == ["taken_after_all"]
    await reconciler.at_stripe("/v1/refunds", payment_intent=intent)
    assert (await reconciler.compares()).differences == []
    assert await reconciler.tasks() == []


async def test_taken_for_what_only_an_archive_stopped_is_paid(reconciler: Reconciler) -> None:
    practice = reconciler.practice
    sara, payment, intent = await an_owed_one(practice)
    await reconciler.writes(
        "UPDATE payment SET status = 'cancelled', because = 'archived' WHERE id = :id", id=UUID(payment)
    )
    await reconciler.takes(sara, intent)
    assert (await reconciler.compares()).healed == ["missed_payment"]
    assert (await practice.payment(payment)).status is PaymentStatus.PAID
    await silent_afterwards(reconciler)


async def test_money_of_no_payment_of_ours(reconciler: Reconciler) -> None:
    sara, _ = await a_payment(reconciler.practice)
    stranger = await reconciler.makes_an_intent(sara, str(uuid4()))
    await reconciler.takes(sara, stranger)
    _, task = await one_task(reconciler, "unknown_payment", None)
    assert task.data["intent"] == stranger
    await reconciler.at_stripe("/v1/refunds", payment_intent=stranger)
    assert (await reconciler.compares()).differences == []
    assert await reconciler.tasks() == []


async def test_a_ledger_that_tells_something_else(reconciler: Reconciler) -> None:
    practice = reconciler.practice
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
            await reconciler.at_stripe(f"/v1/payment_intents/{intent}", **{"metadata[payment_id]": ""})
            await reconciler.at_stripe("/v1/refunds", payment_intent=str(intent))
        await reconciler.writes(f"UPDATE payment SET {change} WHERE id = :id", id=UUID(payment))  # noqa: S608
    for _ in range(2):
        shown = await reconciler.compares()
        assert (shown.healed, sorted(shown.differences)) == ([], sorted(changes.values()))
        assert len(await reconciler.tasks()) == len(changes)


async def test_paid_in_the_ledger_alone(reconciler: Reconciler) -> None:
    sara, payment, intent = await an_owed_one(reconciler.practice)
    now = reconciler.practice.clock.instant
    await reconciler.writes(
        "UPDATE payment SET status = 'paid', paid_at = :now, stated = '{}' WHERE id = :id", now=now, id=UUID(payment)
    )
    _, task = await one_task(reconciler, "not_taken", sara)
    # A person says that this is known; it is listed as long as it is so, and asked of nobody again.
    await reconciler.writes(
        "UPDATE task SET resolved_at = :now, resolved_by = 'care_team:desk' WHERE id = :id", now=now, id=task.id
    )
    assert (await reconciler.compares()).differences == ["not_taken"]
    assert await reconciler.tasks() == []
    await reconciler.takes(sara, intent)
    await silent_afterwards(reconciler)


async def test_a_difference_that_comes_back_is_asked_about_again(reconciler: Reconciler) -> None:
    sara, payment, _ = await a_paid_one(reconciler.practice)
    for _ in range(2):
        await reconciler.writes("UPDATE payment SET amount = amount + 1 WHERE id = :id", id=UUID(payment))
        shown = await reconciler.compares()
        assert (shown.differences, [news.client_id for news in shown.news]) == (["amount_differs"], [sara])
        assert len(await reconciler.tasks()) == 1
        await reconciler.writes("UPDATE payment SET amount = amount - 1 WHERE id = :id", id=UUID(payment))
        assert (await reconciler.compares()).differences == []
        assert await reconciler.tasks() == []


async def test_a_payment_that_has_been_on_its_way_for_more_than_a_day(reconciler: Reconciler) -> None:
    sara, payment = await a_payment(reconciler.practice)
    await reconciler.practice.money.start_attempt(AttemptOrder(payment_id=payment, attempt=1))
    reconciler.passes(hours=24)
    assert (await reconciler.compares()).silent
    reconciler.passes(hours=1)
    await one_task(reconciler, "stuck_payment", sara)
    await reconciler.practice.attempt(payment)
    assert (await reconciler.compares()).differences == []
    assert await reconciler.tasks() == []


async def test_refunds_of_which_the_ledger_tells_something_else(reconciler: Reconciler) -> None:
    practice = reconciler.practice
    sara, payment, intent = await a_paid_one(practice)
    await reconciler.refunds_some(sara, payment, 5000)
    # Of another currency, nothing can be counted: Stripe itself lets nobody give back more than the card paid.
    await reconciler.writes("UPDATE payment SET currency = 'EUR' WHERE id = :id", id=UUID(payment))
    await reconciler.at_stripe("/v1/refunds", payment_intent=intent, amount=100)
    assert sorted((await reconciler.compares()).differences) == ["currency_differs", "refund_too_much"]
    for change, kind in (
        ("card_amount = card_amount + 1", "refund_differs"),
        ("card_amount = card_amount - 1, status = 'failed'", "refund_differs"),
        ("status = 'succeeded', stripe_refund = 're_nowhere'", "refund_missing"),
    ):
        await reconciler.writes(f"UPDATE refund SET {change}")  # noqa: S608
        assert kind in (await reconciler.compares()).differences, change
    assert len(await reconciler.tasks()) == 4


async def test_a_refund_that_was_never_sent(reconciler: Reconciler) -> None:
    sara, payment, _ = await a_paid_one(reconciler.practice)
    refund = await reconciler.refunds_some(sara, payment, 5000, send=False)
    reconciler.passes(hours=25)
    await one_task(reconciler, "stuck_refund", sara)
    await reconciler.refunds.send_refund(refund)
    assert (await reconciler.compares()).differences == []
    assert await reconciler.tasks() == []


async def test_the_key_of_another_account_is_one_trouble_and_not_a_hundred(
    reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice = reconciler.practice
    monkeypatch.setattr(differences, "MOST_DISCREPANCIES", 2)
    sara = await practice.client()
    await practice.gives_card(sara)
    for appointment in await practice.booked(sara, weeks=4):
        await practice.attempt(await practice.occurred(appointment))
    await reconciler.writes("UPDATE payment SET intent = 'pi_elsewhere_' || replace(id::text, '-', '')")
    for intent in (await practice.stripe())["payment_intents"]:
        await reconciler.at_stripe("/v1/refunds", payment_intent=intent["id"])
    shown = await reconciler.compares()
    assert shown.differences == ["missing_at_stripe"] * 2
    assert shown.row.compared["left_out"] == 2
    assert sorted(task.key.split(":")[1] for task in await reconciler.tasks()) == ["many"] + ["missing_at_stripe"] * 2
    await reconciler.writes("UPDATE payment SET status = 'waived'")
    assert (await reconciler.compares()).differences == []
    assert await reconciler.tasks() == []
