"""A client who pays while they wait: the saved card, the bank's page and the way back; also in the archive."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.care.story import PAY_PAGE, Care, Person

FEE = 12000
ASKS_ALWAYS = "pm_card_authenticationRequired"


async def a_debt(care: Care, card: str = ASKS_ALWAYS) -> tuple[Person, str]:
    """A session that was held, whose bank wants the client, and whose deadline is over."""
    sara = await care.client_in_care(card=card)
    session = sara.session(1)
    await session.occurs()
    await care.until(session.ends_at + timedelta(hours=49))
    [payment] = await sara.payments()
    return sara, str(payment["id"])


async def stands(care: Care, payment: str, by: str = "desk", person: Person | None = None) -> dict[str, Any]:
    return await care.get(f"/v1/payments/{payment}", by=by, for_whom=person.id if person else None)


def told_on_the_way_back(url: str) -> dict[str, str]:
    assert url.startswith(f"{PAY_PAGE}?"), url
    return {name: value for name, [value] in parse_qs(urlsplit(url).query).items()}


async def test_the_bank_asks_on_its_own_page_and_the_client_comes_back_having_paid(care: Care) -> None:
    sara = await care.client_in_care(card=ASKS_ALWAYS)
    await sara.session(1).occurs()
    await care.until(sara.session(1).ends_at + timedelta(hours=25))
    [payment] = await sara.payments()
    assert payment["status"] == "requires_action"
    asked = await sara.pays_now(payment["id"])
    assert asked.keys() == {"status", "redirect_url"}
    assert asked["status"] == "requires_action"

    back = told_on_the_way_back(await care.at_stripe.at_bank(asked["redirect_url"], "fail"))
    assert back["redirect_status"] == "failed"
    await care.rest()
    assert (await stands(care, payment["id"]))["status"] == "requires_action"

    asked = await sara.pays_now(payment["id"])
    assert await sara.pays_now(payment["id"]) == asked  # another click, while they are at the bank's page
    back = told_on_the_way_back(await care.at_stripe.at_bank(asked["redirect_url"]))
    [intent] = (await care.stripe())["payment_intents"]
    assert back == {
        "payment_intent": intent["id"],
        "payment_intent_client_secret": intent["client_secret"],
        "redirect_status": "succeeded",
    }
    await care.rest()
    assert (await stands(care, payment["id"]))["status"] == "paid"
    assert await sara.pays_now(payment["id"]) == {"status": "succeeded"}
    assert len(await care.mails(to=sara.email, template="receipt")) == 1
    assert await care.charges_at_stripe() == [FEE]


async def test_a_debt_is_paid_at_once_and_a_decline_says_that_another_card_is_needed(care: Care) -> None:
    sara, payment = await a_debt(care, card="pm_card_chargeCustomerFail")
    assert (await stands(care, payment))["status"] == "owed"
    assert await sara.pays_now(payment) == {"status": "requires_payment_method"}
    assert (await stands(care, payment))["status"] == "owed"
    await sara.bank_says(None)
    assert await sara.pays_now(payment) == {"status": "succeeded"}
    assert (await stands(care, payment))["status"] == "paid"
    await care.rest()
    assert await care.tasks() == []
    assert len(await care.mails(to=sara.email, template="receipt")) == 1
    assert len((await care.stripe())["payment_intents"]) == 1


async def test_without_a_card_that_can_be_asked_nothing_is_confirmed(care: Care) -> None:
    await care.therapist("ana")
    sara = await care.arrives()
    await sara.books("session", by="desk")
    await sara.session(1).occurs()
    await care.until(sara.session(1).ends_at + timedelta(hours=49))
    [payment] = await sara.payments()
    path, body = f"/v1/payments/{payment['id']}/confirmation", {"return_url": PAY_PAGE}
    told = await care.refused("POST", path, body, name="payment-not-open")
    assert "card" in told["detail"]
    elsewhere = {"return_url": "https://elsewhere.example"}
    await care.refused("POST", path, elsewhere, name="validation-failed", status=422)


async def test_a_card_that_the_bank_reports_as_stolen_is_not_asked_again(care: Care) -> None:
    sara, payment = await a_debt(care, card="pm_card_chargeCustomerFail")
    await sara.bank_says("stolen_card")
    assert await sara.pays_now(payment) == {"status": "requires_payment_method"}
    assert not (await care.get(f"/v1/clients/{sara.id}/card", by="site", for_whom=sara.id))["usable"]
    asked = len((await care.stripe())["charges"])
    body = {"return_url": PAY_PAGE}
    await care.refused("POST", f"/v1/payments/{payment}/confirmation", body, name="payment-not-open")
    assert len((await care.stripe())["charges"]) == asked


# ---------------------------------------------------------------- in the archive


async def stopped(care: Care, card: str = "pm_card_visa") -> tuple[Person, str]:
    """An archive stopped a payment that its bank had declined, and called its intent off."""
    sara = await care.client_in_care(card=card)
    if card == "pm_card_visa":
        await sara.bank_says("insufficient_funds")
    await sara.session(1).occurs()
    await care.until(sara.session(1).ends_at + timedelta(hours=25))
    await sara.is_archived(reason="moved away")
    await care.rest()
    [payment] = await sara.payments()
    assert (payment["status"], payment["because"]) == ("cancelled", "archived")
    return sara, str(payment["id"])


@pytest.mark.parametrize("card", ["pm_card_visa", ASKS_ALWAYS])
async def test_s37_what_an_archive_stopped_is_owed_to_its_client_and_paid_by_their_click(care: Care, card: str) -> None:
    sara, payment = await stopped(care, card)
    seen = await stands(care, payment, "site", sara)
    assert (seen["status"], "because" in seen) == ("owed", False)
    assert (await care.get(f"/v1/clients/{sara.id}/balance", by="site"))["owed"] == FEE
    if card == "pm_card_visa":
        await sara.bank_says(None)
    asked = await sara.pays_now(payment)
    if card == ASKS_ALWAYS:
        assert (await stands(care, payment, "site", sara))["status"] == "owed"
        told_on_the_way_back(await care.at_stripe.at_bank(asked["redirect_url"]))
        await care.rest()
    else:
        assert asked == {"status": "succeeded"}
    assert (await stands(care, payment))["status"] == "paid"
    await care.rest()
    assert len(await care.mails(to=sara.email, template="receipt")) == 1
    assert (await sara.look())["status"] == "archived"
    assert await care.charges_at_stripe() == [FEE]
    assert [intent["status"] for intent in (await care.stripe())["payment_intents"]] == ["canceled", "succeeded"]
    await care.pass_time(days=3)
    assert await care.charges_at_stripe() == [FEE]
    assert not [mail for mail in await care.mails() if "archiv" in (mail["subject"] + mail["text"]).lower()]


async def test_what_an_archive_stopped_no_card_settles_by_itself(care: Care) -> None:
    """But the client's own click, or the practice."""
    sara, payment = await stopped(care)
    assert await sara.pays_now(payment) == {"status": "requires_payment_method"}  # the click has paid nothing
    await care.post(f"/v1/clients/{sara.id}/unarchive", by="desk", expect=200)
    await sara.gives_card("pm_card_mastercard")
    await care.pass_time(days=2)
    assert (await stands(care, payment))["status"] == "owed"
    assert await care.charges_at_stripe() == []
    await care.post(f"/v1/payments/{payment}/retry", by="desk", expect=202)
    await care.rest()
    assert (await stands(care, payment))["status"] == "paid"
    assert await care.charges_at_stripe() == [FEE]


@pytest.mark.parametrize("archived", [False, True])
async def test_credit_that_covers_it_pays_at_the_click(care: Care, archived: bool) -> None:
    sara, payment = await stopped(care) if archived else await a_debt(care)
    body = {"amount": FEE, "currency": "USD", "reason": "a fault of ours"}
    await care.post(f"/v1/clients/{sara.id}/credits", body, by="desk")
    assert await sara.pays_now(payment) == {"status": "succeeded"}
    assert (await stands(care, payment))["credit_used"] == FEE
    await care.rest()
    assert len(await care.mails(to=sara.email, template="receipt")) == 1
    assert await care.charges_at_stripe() == []
    assert (await sara.balance())["credit"] == 0


@pytest.mark.parametrize("card", ["pm_card_visa", ASKS_ALWAYS])
async def test_what_its_client_tried_to_pay_while_archived_is_restored_all_the_same(care: Care, card: str) -> None:
    """A click that has paid nothing takes no payment out of what a restore brings back."""
    sara, payment = await stopped(care, card)
    asked = await sara.pays_now(payment)
    assert (await stands(care, payment))["status"] == "owed"
    await sara.bank_says(None)
    answer = await care.post(f"/v1/clients/{sara.id}/unarchive", {"restore": True}, by="desk", expect=200)
    assert ([line["id"] for line in answer["restored"]["payments"]], answer["not_restored"]) == ([payment], [])
    await care.pass_time(minutes=2)
    if card == ASKS_ALWAYS:
        assert (await stands(care, payment))["status"] == "requires_action"
        assert len(await care.mails(to=sara.email, template="payment_needs_you")) == 2  # before the archive, and now
        assert (await care.http.get(asked["redirect_url"])).status_code == 410  # the page left open asks no more
        again = await sara.pays_now(payment)
        told_on_the_way_back(await care.at_stripe.at_bank(again["redirect_url"]))
        await care.rest()
    assert (await stands(care, payment))["status"] == "paid"
    await care.pass_time(days=3)
    assert (await care.charges_at_stripe(), len(await care.mails(template="receipt"))) == ([FEE], 1)
