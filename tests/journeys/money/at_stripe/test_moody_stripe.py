"""Long stories of one client's money: a clumsy desk, a hurried client, a moody Stripe. Each time the books agree."""

from datetime import timedelta

import pytest

from tests.care.story import CARD_PAGE, Booked, Care, Person
from tests.journeys.money.amounts import FEE, balance, intent_of, let_go, payment_of, refunded, task_kinds

pytestmark = pytest.mark.crowd  # minutes long: `make crowds` has them
DAY_AFTER = timedelta(hours=24, minutes=2)


async def books_agree(care: Care, person: Person) -> None:
    """The comparison finds nothing, nothing is given that was not paid, and the timeline is whole."""
    done = await care.post("/v1/reconciliations", {}, by="desk", expect=200)
    assert (done["healed"], done["differences"]) == ([], []), done
    for payment in await person.payments():
        assert 0 <= payment["refunded"] <= payment["amount"]
    state = await care.stripe()
    for intent in state["payment_intents"]:
        back = [
            r["amount"] for r in state["refunds"] if r["payment_intent"] == intent["id"] and r["status"] != "failed"
        ]
        assert sum(back) <= intent["amount_received"]
    assert (await care.get(f"/v1/clients/{person.id}/timeline/verify"))["valid"]


async def held_and_paid(care: Care, booked: Booked) -> str:
    await booked.occurs()
    await care.until(booked.ends_at + DAY_AFTER)
    payment = await payment_of(booked)
    assert payment["status"] == "paid", payment
    return str(payment["id"])


async def test_in_yen_a_refund_an_inquiry_a_failure_and_its_advice(care: Care) -> None:
    await care.therapist("ana", session_fee={"amount": FEE, "currency": "JPY"})
    sara = await care.client_in_care(sessions=2)
    payment = await held_and_paid(care, sara.session(1))
    [receipt] = await care.mails(to=sara.email, template="receipt")
    assert ("12000 JPY" in receipt["text"] or "12,000 JPY" in receipt["text"], "120.00" in receipt["text"]) == (
        True,
        False,
    )

    intent = await intent_of(care, sara.session(1))
    await care.at_stripe.gives_back(intent, 5000)
    await care.at_stripe.asked_about(intent)
    await care.rest()
    assert await task_kinds(care) == ["inquiry"]
    refund = await refunded(care, payment)  # the rest, as the inquiry's task says
    await care.rest()
    assert await task_kinds(care) == []
    await books_agree(care, sara)

    state = await care.stripe()
    mine = next(row for row in state["refunds"] if row["amount"] == 7000)
    await care.at_stripe.ask("POST", f"_refunds/{mine['id']}", {"status": "failed"})
    await care.rest()
    assert (refund["currency"], await task_kinds(care)) == ("JPY", ["refund_failed"])
    [task] = await care.tasks()
    assert "Give 7000 JPY as credit" in task["text"]
    await refunded(care, payment, 7000, to="credit")
    await care.rest()
    assert (await task_kinds(care), (await payment_of(sara.session(1)))["refunded"]) == ([], FEE)
    await books_agree(care, sara)

    # The credit pays a part of the second one. Its refund goes where it came from, and no further.
    second = await held_and_paid(care, sara.session(2))
    assert (await payment_of(sara.session(2)))["credit_used"] == 7000
    await care.at_stripe.gives_back(await intent_of(care, sara.session(2)), 5000)
    await care.rest()
    await refunded(care, second, 7000)
    await care.rest()
    assert (await balance(sara), (await payment_of(sara.session(2)))["refunded"]) == ((7000, 0), FEE)
    await books_agree(care, sara)


async def test_a_customer_deleted_with_debts_and_two_pages_for_a_card(care: Care) -> None:
    sara = await care.client_in_care(sessions=2, card="pm_card_chargeCustomerFail")
    await sara.session(1).occurs()
    await care.until(sara.session(1).ends_at + timedelta(hours=49))
    assert await balance(sara) == (0, FEE)
    [customer] = (await care.stripe())["customers"]
    await care.at_stripe.deletes(customer["id"])
    await care.rest()
    assert (await sara.look())["card"] is None
    await sara.session(2).occurs()
    await care.until(sara.session(2).ends_at + DAY_AFTER)
    assert (await payment_of(sara.session(2)))["because"] == "no_card"
    await books_agree(care, sara)

    # Two pages are open; the second is used first, and the first one last: that is the card the client meant.
    first, second = await sara.checkout(), await sara.checkout()
    assert (await care.at_stripe.checks_out(second["url"], "4000000000000341")).startswith(CARD_PAGE)  # fails later
    await care.rest()
    assert (await payment_of(sara.session(2)))["status"] == "failed"
    await care.pass_time(minutes=5)
    await care.at_stripe.checks_out(first["url"])
    await care.rest()
    await care.pass_time(minutes=1)
    assert [(await payment_of(booked))["status"] for booked in sara.appointments] == ["paid", "paid"]
    assert (await balance(sara), await task_kinds(care)) == ((0, 0), [])
    again = await care.http.get(first["url"])  # the link used twice
    assert 'name="number"' not in again.text
    assert (await sara.look())["card"]["last4"] == "4242"
    await books_agree(care, sara)


async def test_at_the_bank_while_the_fee_is_waived_written_off_or_disputed(care: Care) -> None:
    sara = await care.client_in_care(sessions=3, card="pm_card_authenticationRequired")
    ways = []
    for number in (1, 2, 3):
        booked = sara.session(number)
        await booked.occurs()
        await care.until(booked.ends_at + DAY_AFTER)
        payment = str((await payment_of(booked))["id"])
        ways.append((payment, (await sara.pays_now(payment))["redirect_url"]))
        if number == 1:
            await let_go(care, payment, "waive")
        if number == 2:
            await care.until(booked.ends_at + timedelta(hours=49))
            await let_go(care, payment, "write-off")
    await care.rest()
    for _, url in ways[:2]:
        assert (await care.http.get(url)).status_code == 410
    # Given up at the bank, taken up again.
    payment, url = ways[2]
    await care.at_stripe.at_bank(url, "fail")
    await care.rest()
    assert (await payment_of(sara.session(3)))["status"] == "requires_action"
    again = await sara.pays_now(payment)
    await care.until(sara.session(3).ends_at + timedelta(hours=49))  # the deadline passes at the bank's page
    assert (await payment_of(sara.session(3)))["status"] == "owed"
    await care.at_stripe.at_bank(again["redirect_url"])
    await care.rest()
    assert [(await payment_of(booked))["status"] for booked in sara.appointments] == ["waived", "written_off", "paid"]
    assert (await care.charges_at_stripe(), await task_kinds(care)) == ([FEE], [])
    await books_agree(care, sara)

    dispute = await care.at_stripe.disputed(await intent_of(care, sara.session(3)))
    await care.rest()
    refund = f"/v1/payments/{payment}/refund"
    to_card, as_credit = ({"to": to, "reason": "goodwill"} for to in ("card", "credit"))
    await care.refused("POST", refund, to_card, by="desk", name="payment-not-refundable")
    await care.at_stripe.ask("POST", f"_disputes/{dispute}", {"status": "lost"})
    await care.rest()
    [task] = await care.tasks()
    assert "do not refund it" in task["text"]
    await care.refused("POST", refund, as_credit, by="desk", name="payment-not-refundable")
    await books_agree(care, sara)
