"""A payment that an archive stopped and an unarchive restored: whatever meets at Stripe, it is charged once."""

from activities.ports import Intent
from activities.types import ArchiveOrder, UnarchiveOrder
from rules.words import PaymentStatus
from tests.activities.practice import POLICY, Practice


async def a_declined_payment(practice: Practice) -> tuple[str, str, str]:
    """A client, a payment that the bank declined once, and its PaymentIntent."""
    sara = await practice.client()
    [held] = await practice.booked(sara)
    await practice.gives_card(sara)
    await practice.bank_says(sara, "insufficient_funds")
    payment = await practice.occurred(held)
    _ = await practice.attempt(payment)
    await practice.bank_says(sara, None)
    intent = (await practice.payment(payment)).intent
    assert intent is not None
    return sara, payment, intent


async def archived_and_restored(practice: Practice, sara: str) -> None:
    _ = await practice.archive.archive_client(ArchiveOrder(client_id=sara, request_id="a", by="x"), POLICY)
    back = await practice.archive.unarchive_client(UnarchiveOrder(client_id=sara, request_id="b", by="x", restore=True))
    assert len(back.paying) == 1


async def test_an_errand_that_comes_late_leaves_the_intent_of_a_restored_payment_alone(practice: Practice) -> None:
    sara, payment, intent = await a_declined_payment(practice)
    await archived_and_restored(practice, sara)
    await practice.archive.cancel_intent(sara, intent)
    _ = await practice.attempt(payment, 2)
    assert (await practice.payment(payment)).status is PaymentStatus.PAID
    assert [(one["id"], one["status"]) for one in await practice.intents_of(payment)] == [(intent, "succeeded")]


async def test_an_intent_that_is_called_off_while_it_is_confirmed_is_replaced_and_paid_once(practice: Practice) -> None:
    sara, payment, intent = await a_declined_payment(practice)
    await archived_and_restored(practice, sara)
    confirm = practice.gateway.confirm_intent

    async def too_late(*, intent: str, payment_method: str, key: str) -> Intent:
        practice.gateway.confirm_intent = confirm  # type: ignore[method-assign]
        _ = await practice.gateway.cancel_intent(intent=intent, key="the archive's errand")
        return await confirm(intent=intent, payment_method=payment_method, key=key)

    practice.gateway.confirm_intent = too_late  # type: ignore[method-assign]
    _ = await practice.attempt(payment, 2)
    after = await practice.payment(payment)
    assert (after.status, after.attempts) == (PaymentStatus.PAID, 2)
    assert [one["status"] for one in await practice.intents_of(payment)] == ["canceled", "succeeded"]
    assert after.intent != intent
    assert (await practice.charges_of(payment)).count("succeeded") == 1
