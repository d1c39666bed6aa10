"""What people do in Stripe's dashboard, and banks by themselves: seen at once, and answered truly."""

from datetime import timedelta

from tests.care.story import Booked, Care
from tests.journeys.money.amounts import (
    FEE,
    balance,
    goes_wrong,
    intent_of,
    payment_of,
    refunded,
    refunds_at_stripe,
    task_kinds,
    while_stripe_is_away,
)

DAY_AFTER = timedelta(hours=24, minutes=1)


async def paid(care: Care, booked: Booked) -> str:
    await booked.occurs()
    await care.until(booked.ends_at + DAY_AFTER)
    payment = await payment_of(booked)
    assert payment["status"] == "paid"
    return str(payment["id"])


async def test_a_refund_in_the_dashboard_is_seen_at_once(care: Care) -> None:
    sara = await care.client_in_care()
    payment = await paid(care, sara.session(1))
    await care.at_stripe.gives_back(await intent_of(care, sara.session(1)), 9000)
    await care.rest()
    shown = await payment_of(sara.session(1))
    assert (shown["status"], shown["refunded"], await task_kinds(care)) == ("partially_refunded", 9000, [])
    body = {"to": "credit", "reason": "goodwill", "amount": 3001}
    await care.refused("POST", f"/v1/payments/{payment}/refund", body, by="desk", name="payment-not-refundable")
    await refunded(care, payment, 3000, to="credit")
    assert (await balance(sara), await refunds_at_stripe(care)) == ((3000, 0), [(9000, "succeeded")])


async def test_untold_of_it_the_desk_gives_nothing_twice(care: Care) -> None:
    sara = await care.client_in_care()
    payment = await paid(care, sara.session(1))
    await goes_wrong(
        care,
        *({"kind": "webhook_dropped", "event": event} for event in ("refund.created", "charge.refunded")),
    )
    await care.at_stripe.gives_back(await intent_of(care, sara.session(1)), FEE)
    await care.rest()
    assert (await payment_of(sara.session(1)))["refunded"] == 0  # nobody has told
    assert (await refunded(care, payment))["status"] == "failed"
    [task] = await care.tasks()
    assert "all that was paid has been given back already" in task["text"]
    body = {"to": "credit", "reason": "as the task says?"}
    await care.refused("POST", f"/v1/payments/{payment}/refund", body, by="desk", name="payment-not-refundable")
    assert ((await payment_of(sara.session(1)))["refunded"], await balance(sara)) == (FEE, (0, 0))


async def test_credit_for_what_a_card_paid_waits_for_stripes_word(care: Care) -> None:
    sara = await care.client_in_care()
    payment = await paid(care, sara.session(1))
    body = {"to": "credit", "reason": "goodwill"}
    asked = care.call("POST", f"/v1/payments/{payment}/refund", body, by="desk", expect=503)
    await while_stripe_is_away(care, "disputes.list", asked)
    assert (await balance(sara), (await payment_of(sara.session(1)))["refunded"]) == ((0, 0), 0)


async def test_a_card_that_is_removed_is_shown_no_more_and_a_new_one_makes_the_payment(care: Care) -> None:
    sara = await care.client_in_care()
    await sara.session(1).occurs()
    await care.at_stripe.detaches((await sara.cards_at_stripe())[-1])
    await care.rest()
    assert (await sara.look())["card"] is None
    await care.until(sara.session(1).ends_at + DAY_AFTER)
    shown = await payment_of(sara.session(1))
    assert (shown["status"], shown["because"], await task_kinds(care)) == ("failed", "no_card", ["card_missing"])
    [mail] = await care.mails(to=sara.email, template="payment_failed")
    assert "the payment is then made with it" in mail["text"]
    await care.until(sara.session(1).ends_at + timedelta(hours=47))
    assert (await payment_of(sara.session(1)))["status"] == "failed"  # and not owed before its deadline
    await sara.gives_card("pm_card_mastercard")
    await care.rest()
    assert ((await payment_of(sara.session(1)))["status"], await task_kinds(care)) == ("paid", [])


async def test_a_card_removed_untold_is_found_out_by_the_try_and_its_debt_is_settled(care: Care) -> None:
    sara = await care.client_in_care()
    await sara.session(1).occurs()
    await goes_wrong(care, {"kind": "webhook_dropped", "event": "customer.deleted"})
    customer = (await care.stripe())["customers"][-1]["id"]
    await care.at_stripe.deletes(customer)
    await care.until(sara.session(1).ends_at + DAY_AFTER)
    shown = await payment_of(sara.session(1))
    assert (shown["status"], (await sara.look())["card"]) == ("failed", None)
    await care.until(sara.session(1).ends_at + timedelta(hours=49))
    assert (await payment_of(sara.session(1)))["status"] == "owed"
    await sara.gives_card()
    await care.rest()
    assert ((await payment_of(sara.session(1)))["status"], await task_kinds(care)) == ("paid", [])
    assert (await care.stripe())["payment_intents"][-1]["customer"] != customer


async def test_an_inquiry_holds_nothing_up_and_ends_with_its_refund(care: Care) -> None:
    sara = await care.client_in_care(sessions=2)
    payment = await paid(care, sara.session(1))
    await care.at_stripe.asked_about(await intent_of(care, sara.session(1)))
    await care.rest()
    [task] = await care.tasks()
    assert (task["kind"], "which ends the inquiry, or answer it in Stripe by" in task["text"]) == ("inquiry", True)
    await paid(care, sara.session(2))
    assert (await refunded(care, payment))["status"] == "succeeded"
    await care.rest()
    assert await task_kinds(care) == []
