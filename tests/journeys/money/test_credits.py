"""Credit, as the client and the practice see it: it pays first, oldest first, and none of it is ever lost."""

from datetime import timedelta

from tests.care.defaults import FIRST_FEE_POLICY
from tests.care.story import Care
from tests.journeys.money.amounts import (
    FEE,
    balance,
    fact,
    granted,
    intents,
    let_go,
    not_open,
    payment_of,
    pays_at_the_link,
    refunded,
    retried,
    task_kinds,
)

DAY_AFTER = timedelta(hours=24, minutes=1)


async def test_credit_pays_all_then_the_oldest_and_the_card_then_all_but_the_least_a_card_can_pay(care: Care) -> None:
    sara = await care.client_in_care(sessions=3)
    first, second, third = sara.appointments
    await granted(sara, 10000, reason="a fault of ours")
    await care.pass_time(minutes=1)
    await granted(sara, 5000, reason="another")
    assert await balance(sara) == (15000, 0)

    await first.occurs()
    await care.until(first.ends_at + DAY_AFTER)
    paid = await payment_of(first)
    assert (paid["status"], paid["credit_used"], paid["attempts"]) == ("paid", FEE, 0)
    assert ((await care.stripe())["payment_intents"], await balance(sara)) == ([], (3000, 0))
    [receipt] = await care.mails(to=sara.email, template="receipt")
    assert "120.00 USD" in receipt["text"]
    assert "4242" not in receipt["text"]  # no card was asked
    assert await sara.payment_facts() == ["scheduled", "paid"]

    await second.occurs()
    await care.until(second.ends_at + DAY_AFTER)
    paid = await payment_of(second)
    assert (paid["status"], paid["credit_used"]) == ("paid", 3000)
    assert (await intents(care), await balance(sara)) == ([(9000, "succeeded")], (0, 0))
    newest = (await care.mails(to=sara.email, template="receipt"))[-1]["text"]
    assert "30.00 USD" in newest
    assert "90.00 USD" in newest
    credits = (await care.get(f"/v1/clients/{sara.id}/credits"))["items"]
    assert [(c["amount"], c["remaining"], c["reason"]) for c in credits] == [
        (10000, 0, "a fault of ours"), (5000, 0, "another")
    ]  # fmt: skip

    await granted(sara, FEE - 20)
    await third.occurs()
    await care.until(third.ends_at + DAY_AFTER)
    assert (await payment_of(third))["credit_used"] == FEE - 50
    assert (await intents(care), await balance(sara)) == ([(9000, "succeeded"), (50, "succeeded")], (30, 0))
    # The client reads amounts, and never why.
    await sara.signs_in()
    seen = (await care.get(f"/v1/clients/{sara.id}/credits", by=sara.email))["items"]
    assert [c["remaining"] for c in seen] == [0, 0, 30]
    assert not [c for c in seen if {"reason", "given_by"} & c.keys()]
    assert await task_kinds(care) == []


async def test_credit_that_comes_after_a_decline_pays_at_the_next_try_and_the_old_link_pays_no_more(
    care: Care,
) -> None:
    sara = await care.client_in_care(sessions=2)
    first, second = sara.appointments
    await sara.bank_says("expired_card")
    await first.occurs()
    await care.until(first.ends_at + DAY_AFTER)
    failed = await payment_of(first)
    assert (failed["status"], failed["because"]) == ("failed", "new_card_needed")
    link = await care.post(f"/v1/payments/{failed['id']}/confirmation", expect=200)
    [card] = await sara.cards_at_stripe()

    await granted(sara, 4000)
    await sara.bank_says(None)
    await retried(care, failed["id"])
    paid = await payment_of(first)
    assert (paid["status"], paid["credit_used"]) == ("paid", 4000)
    assert await intents(care) == [(FEE, "canceled"), (FEE - 4000, "succeeded")]
    assert (await pays_at_the_link(care, link, card=card)).status_code == 400
    asked = await fact(sara, "payment_retry_asked")
    assert (asked["actor"], asked["data"]["payment_id"]) == ("care_team:desk", paid["id"])

    # Owed, and then wholly paid by credit: nothing is left for the card to pay.
    await sara.bank_says("expired_card")
    await second.occurs()
    await care.until(second.ends_at + timedelta(hours=49))
    owed = await payment_of(second)
    assert (owed["status"], await balance(sara)) == ("owed", (0, FEE))
    await granted(sara, FEE)
    assert await balance(sara) == (FEE, FEE)
    await retried(care, owed["id"])
    paid = await payment_of(second)
    assert (paid["status"], paid["credit_used"], await balance(sara)) == ("paid", FEE, (0, 0))
    assert await intents(care) == [(FEE, "canceled"), (FEE - 4000, "succeeded"), (FEE, "canceled")]
    assert (await task_kinds(care), (await care.mail_counts(to=sara.email))["receipt"]) == ([], 2)


async def test_reserved_with_the_try_and_back_when_an_archive_or_a_person_calls_it_off(care: Care) -> None:
    sara = await care.client_in_care(sessions=3)
    await granted(sara, 5000)
    await sara.bank_says("expired_card")
    for session in sara.appointments[:2]:
        await session.occurs()
        await care.until(session.ends_at + DAY_AFTER)
    first, second = [await payment_of(session) for session in sara.appointments[:2]]
    # The first was tried with the credit and is owed by now; the second found none left, and is still open.
    assert [(p["status"], p["credit_used"]) for p in (first, second)] == [("owed", 5000), ("failed", 0)]
    assert await balance(sara) == (0, FEE - 5000)
    await care.refused(
        "POST", f"/v1/payments/{second['id']}/write-off", {"reason": "no"}, by="desk", name="payment-not-open"
    )
    await granted(sara, 1000)
    await retried(care, second["id"])
    assert (await payment_of(sara.session(2)))["credit_used"] == 1000

    preview = await care.get(f"/v1/clients/{sara.id}/archive")
    assert [preview[what] for what in ("credit", "owed", "in_flight")] == [1000, 2 * FEE - 5000, []]
    assert [line["id"] for line in preview["payments"]] == [second["id"]]
    done = await sara.is_archived(notify=False)
    assert {what: done[what] for what in ("credit", "owed", "in_flight", "payments", "currency")} == {
        what: preview[what] for what in ("credit", "owed", "in_flight", "payments", "currency")
    }
    await care.rest()
    stopped = await payment_of(sara.session(2))
    assert (stopped["status"], stopped["because"], stopped["credit_used"]) == ("cancelled", "archived", 0)
    assert await balance(sara) == (1000, 2 * FEE - 5000)

    # Archived, and a person lets go of both: what was reserved is the client's again.
    assert (await let_go(care, first["id"], "write-off"))["status"] == "written_off"
    assert await balance(sara) == (6000, FEE)
    waived = await let_go(care, second["id"], "waive", by="ana", reason="it was our fault")
    assert (waived["status"], await balance(sara)) == ("waived", (6000, 0))
    waiver = await fact(sara, "payment_waived")
    exception = waiver["data"]["exception"] | {"why": waiver["words"]}
    assert [exception[what] for what in ("who", "why", "consent_version")] == [
        "therapist:ana", "it was our fault", FIRST_FEE_POLICY
    ]  # fmt: skip
    await care.rest()
    assert await intents(care) == [(FEE - 5000, "canceled"), (FEE, "canceled"), (FEE - 1000, "canceled")]
    assert "not be done with a payment that is waived" in await not_open(care, second["id"], "write-off")

    # Active again: the third session's fee is paid by it.
    await sara.is_unarchived()
    await sara.bank_says(None)
    [fourth] = await sara.books("session")
    await fourth.occurs()
    await care.pass_time(days=2)
    assert ((await payment_of(fourth))["credit_used"], await balance(sara)) == (6000, (0, 0))


async def test_a_fee_too_small_for_a_card_is_paid_by_credit_once_there_is_enough(care: Care) -> None:
    await care.therapist("ana", session_fee={"amount": 40, "currency": "USD"})
    sara = await care.client_in_care()
    await granted(sara, 39)
    await sara.session(1).occurs()
    await care.until(sara.session(1).ends_at + DAY_AFTER)
    owed = await payment_of(sara.session(1))
    assert (owed["status"], owed["because"], await balance(sara)) == ("owed", "below_minimum", (39, 40))
    assert await task_kinds(care) == ["payment_owed"]
    await retried(care, owed["id"])
    assert (await payment_of(sara.session(1)))["status"] == "owed"
    await granted(sara, 1)
    await retried(care, owed["id"])
    assert ((await payment_of(sara.session(1)))["status"], await balance(sara)) == ("paid", (0, 0))
    assert (await care.stripe())["payment_intents"] == []
    assert await task_kinds(care) == []
    # And given back it is credit again, as no card ever paid.
    refund = await refunded(care, owed["id"])
    assert (refund["card_amount"], refund["credit_amount"], refund["status"]) == (0, 40, "succeeded")
    assert await balance(sara) == (40, 0)


async def test_credit_is_in_the_currency_that_the_client_pays_in(care: Care) -> None:
    await care.therapist("ana", session_fee={"amount": FEE, "currency": "EUR"})
    sara = await care.client_in_care()
    body = {"amount": 5000, "currency": "USD", "reason": "a fault"}
    problem = await care.refused(
        "POST", f"/v1/clients/{sara.id}/credits", body, by="desk", name="validation-failed", status=422
    )
    assert [error["field"] for error in problem["errors"]] == ["currency"]
    await care.post(f"/v1/clients/{sara.id}/credits", body | {"currency": "EUR"}, by="desk")
    await sara.session(1).occurs()
    await care.pass_time(days=2)
    assert (await payment_of(sara.session(1)))["credit_used"] == 5000
    assert await sara.balance() == {"credit": 0, "owed": 0, "currency": "EUR", "by_currency": []}
