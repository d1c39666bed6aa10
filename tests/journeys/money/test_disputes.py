"""A client asks the bank for money back: charges stop until a person has looked, whatever Stripe says and when."""

from datetime import timedelta

from tests.care.defaults import CARE_TEAM_EMAIL
from tests.care.story import Care, Person
from tests.journeys.money.amounts import (
    FEE,
    balance,
    bank,
    disputed,
    fact,
    goes_wrong,
    intents,
    not_open,
    payment_of,
    refunded,
    retried,
    task_kinds,
)

DAY_AFTER = timedelta(hours=24, minutes=1)


async def paid_first(care: Care, *, sessions: int) -> Person:
    """A client in care whose first session was paid."""
    sara = await care.client_in_care(sessions=sessions)
    first = sara.session(1)
    await first.occurs()
    await care.until(first.ends_at + DAY_AFTER)
    assert (await payment_of(first))["status"] == "paid"
    return sara


async def resolved(care: Care) -> None:
    [task] = [task for task in await care.tasks() if task["kind"] == "dispute"]
    await care.post(f"/v1/tasks/{task['id']}/resolve", {"note": "talked to the client"}, by="desk", expect=200)
    await care.rest()


async def test_charges_wait_are_owed_at_the_deadline_and_go_on_once_somebody_has_looked(care: Care) -> None:
    sara = await paid_first(care, sessions=3)
    first, second, third = sara.appointments
    paid = await payment_of(first)
    await second.occurs()  # its payment is scheduled already when the dispute comes
    dispute = await disputed(care, first, reason="product_not_received")
    await care.rest()
    [task] = await care.tasks()
    assert (task["kind"], "product not received" in task["text"]) == ("dispute", True)
    assert [m["template"] for m in await care.mails(to=CARE_TEAM_EMAIL)] == ["task_opened"]
    opened = await fact(sara, "dispute_opened")
    assert (opened["actor"], opened["data"]["dispute_id"], opened["data"]["amount"]) == ("stripe", dispute, FEE)

    await care.until(second.ends_at + timedelta(hours=30))
    waiting = await payment_of(second)
    assert (waiting["status"], waiting["attempts"]) == ("scheduled", 0)
    body = {"to": "card", "reason": "to settle it"}
    problem = await care.refused(
        "POST", f"/v1/payments/{paid['id']}/refund", body, by="desk", name="payment-not-refundable"
    )
    assert "paid twice" in problem["detail"]
    await care.until(second.ends_at + timedelta(hours=49))
    assert ((await payment_of(second))["status"], await balance(sara)) == ("owed", (0, FEE))
    assert await task_kinds(care) == ["dispute", "payment_owed"]
    assert "dispute" in await not_open(care, waiting["id"], "retry")

    # The bank decides for the practice, and still nobody has looked: nothing is charged.
    await bank(care, f"_disputes/{dispute}", {"status": "won"})
    await care.until(third.ends_at)
    await third.marked("occurred")
    await care.until(third.ends_at + DAY_AFTER)
    assert (await payment_of(third))["status"] == "scheduled"
    assert (await fact(sara, "dispute_closed"))["data"]["status"] == "won"
    assert await intents(care) == [(FEE, "succeeded")]

    await resolved(care)
    assert (await payment_of(third))["status"] == "paid"
    await retried(care, waiting["id"])
    assert ((await payment_of(second))["status"], await balance(sara)) == ("paid", (0, 0))
    assert await intents(care) == [(FEE, "succeeded")] * 3
    assert (await task_kinds(care), (await care.mail_counts(to=sara.email))["receipt"]) == ([], 3)
    # What the bank left with the practice can be given back.
    assert (await refunded(care, paid["id"]))["payment"]["status"] == "refunded"
    # The client hears nothing of all that.
    await sara.signs_in()
    assert not {"charges_frozen", "disputes"} & (await sara.look(by=sara.email)).keys()


async def test_webhooks_dropped_doubled_late_and_reordered_end_in_the_same(care: Care) -> None:
    sara = await paid_first(care, sessions=1)
    await goes_wrong(
        care,
        {"kind": "webhook_dropped", "event": "charge.dispute.created"},
        {"kind": "webhook_dropped", "event": "charge.dispute.funds_withdrawn"},
        {"kind": "webhook_doubled", "event": "charge.dispute.closed"},
    )
    dispute = await disputed(care, sara.session(1))
    await care.rest()
    assert await task_kinds(care) == []  # nobody has told
    await bank(care, f"_disputes/{dispute}", {"status": "lost"})
    await care.rest()
    [task] = await care.tasks()
    assert (task["kind"], "decided already: lost" in task["text"]) == ("dispute", True)
    assert [kind for kind in await sara.facts() if kind.startswith("dispute")] == ["dispute_closed"]
    await resolved(care)
    # The bank took it back for good: a refund would give it a second time.
    payment = await payment_of(sara.session(1))
    body = {"to": "credit", "reason": "goodwill"}
    await care.refused("POST", f"/v1/payments/{payment['id']}/refund", body, by="desk", name="payment-not-refundable")
    assert (await balance(sara), (await care.stripe())["refunds"]) == ((0, 0), [])


async def test_a_dispute_of_an_archived_client_is_a_task_and_moves_nothing_else(care: Care) -> None:
    sara = await paid_first(care, sessions=1)
    await sara.is_archived(notify=False)
    await care.pass_time(days=60)
    dispute = await disputed(care, sara.session(1))
    await care.rest()
    assert (await task_kinds(care), (await sara.look())["status"]) == (["dispute"], "archived")
    await bank(care, f"_disputes/{dispute}", {"status": "lost"})
    await resolved(care)
    assert (await payment_of(sara.session(1)))["status"] == "paid"  # what the bank did is told beside it
    assert [kind for kind in await sara.facts() if kind.startswith("dispute")] == ["dispute_opened", "dispute_closed"]
