"""Differences between ledger and Stripe that a person must look at: one task each, which closes by itself."""

from uuid import UUID, uuid4

import pytest

from activities.money import discrepancies as differences
from activities.types.money import AttemptOrder
from models.tables.clients.task import Task
from rules.enums import PaymentStatus
from tests.activities.money.client_money import Purse
from tests.activities.money.compared import Bookkeeper, Shown, a_paid_one, a_payment, an_owed_one, silent_afterwards
from tests.activities.practice import FEE


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


@pytest.mark.parametrize("status", [PaymentStatus.WAIVED, PaymentStatus.CANCELLED])
async def test_taken_for_what_was_let_go(books: Bookkeeper, status: PaymentStatus) -> None:
    practice = books.practice
    sara, payment, intent = await an_owed_one(practice)
    corrected = "UPDATE payment SET status = :status, because = 'corrected' WHERE id = :id"
    await books.writes(corrected, status=status.value, id=UUID(payment))
    await books.takes(sara, intent)
    # The comparison does not undo what a person decided, and neither does a webhook that is late: somebody must look.
    _, task = await one_task(books, "taken_after_all", sara)
    await Purse(practice, sara).reported("payment_intent.succeeded", intent, "payment_intent")
    assert [row.id for row in await books.tasks()] == [task.id]
    assert (await practice.payment(payment)).status is status
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
