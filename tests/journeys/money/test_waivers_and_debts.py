"""What a person decides about money that was not taken: waived, written off, or tried again; each told and kept."""

from datetime import timedelta

import pytest

from tests.care.defaults import FIRST_FEE_POLICY, Json
from tests.care.story import Care, Person
from tests.journeys.money.amounts import (
    FEE,
    balance,
    fact,
    intents,
    let_go,
    not_open,
    payment_of,
    pays_at_the_link,
    retried,
    task_kinds,
)

DAY_AFTER = timedelta(hours=24, minutes=1)
TWO_DAYS_AFTER = timedelta(hours=48, minutes=1)


async def the_bank_wants_the_client(care: Care, sara: Person, number: int) -> tuple[Json, Json]:
    """A payment that waits for the client, and the link they have opened."""
    session = sara.session(number)
    await sara.bank_says("authentication_required")
    await session.occurs()
    await care.until(session.ends_at + DAY_AFTER)
    payment = await payment_of(session)
    assert payment["status"] == "requires_action"
    return payment, await care.post(f"/v1/payments/{payment['id']}/confirmation", expect=200)


async def test_x6_waived_at_every_point_of_its_way_and_the_old_link_pays_no_more(care: Care) -> None:
    sara = await care.client_in_care(sessions=4)
    first, second, third, fourth = sara.appointments
    # Scheduled: nothing was asked of anybody yet.
    scheduled = (await first.occurs())["payment"]
    waived = await let_go(care, scheduled["id"], "waive", by="ana", reason="it was our fault")
    assert (waived["status"], waived["because"]) == ("waived", "waived")
    await care.pass_time(days=3)
    assert (await intents(care), await sara.payment_facts()) == ([], ["scheduled", "waived"])
    await first.workflow.result()
    again = await let_go(care, scheduled["id"], "waive", reason="another reason")  # the same once more changes nothing
    assert again == waived
    said = await fact(sara, "payment_waived")
    exception = said["data"]["exception"]
    assert (exception["who"], said["words"], exception["consent_version"]) == (
        "therapist:ana", "it was our fault", FIRST_FEE_POLICY
    )  # fmt: skip

    # Failed: the bank wants another card, and is not asked for it any more.
    await sara.bank_says("expired_card")
    await second.occurs()
    await care.until(second.ends_at + DAY_AFTER)
    failed = await payment_of(second)
    assert failed["status"] == "failed"
    await let_go(care, failed["id"], "waive")
    await care.rest()
    await second.workflow.result()
    assert await intents(care) == [(FEE, "canceled")]

    # Waiting for the client, whose browser has the link open.
    asked, link = await the_bank_wants_the_client(care, sara, 3)
    await let_go(care, asked["id"], "waive")
    await care.rest()
    [card] = await sara.cards_at_stripe()
    await sara.bank_says(None)
    assert (await pays_at_the_link(care, link, card=card)).status_code == 400
    await care.refused("POST", f"/v1/payments/{asked['id']}/confirmation", name="payment-not-open")
    await third.workflow.result()

    # Owed: the task is closed with it.
    await sara.bank_says("expired_card")
    await fourth.occurs()
    await care.until(fourth.ends_at + TWO_DAYS_AFTER)
    owed = await payment_of(fourth)
    assert (owed["status"], await balance(sara), await task_kinds(care)) == ("owed", (0, FEE), ["payment_owed"])
    await let_go(care, owed["id"], "waive")
    await care.rest()
    assert (await balance(sara), await task_kinds(care)) == ((0, 0), [])
    assert await intents(care) == [(FEE, "canceled")] * 3
    assert await care.charges_at_stripe() == []
    # A new card settles nothing that was let go, and nobody may ask for it again.
    await sara.gives_card("pm_card_mastercard")
    await care.pass_time(days=3)
    assert await care.charges_at_stripe() == []
    for payment in (scheduled, failed, asked, owed):
        assert "waived" in await not_open(care, payment["id"], "retry")
        assert "waived" in await not_open(care, payment["id"], "write-off")
    await sara.signs_in()
    seen = (await care.get(f"/v1/clients/{sara.id}/payments", by=sara.email))["items"]
    assert [payment["status"] for payment in seen] == ["waived"] * 4
    assert not [payment for payment in seen if {"because", "exception"} & payment.keys()]


async def test_a_debt_is_tried_again_by_hand_or_written_off_also_when_archived(care: Care) -> None:
    sara = await care.client_in_care(sessions=3)
    first, second, third = sara.appointments
    await sara.bank_says("insufficient_funds")
    await first.occurs()
    await care.until(first.ends_at + DAY_AFTER)
    failed = await payment_of(first)
    assert "cannot be done with a payment that is failed" in await not_open(care, failed["id"], "write-off")
    # Tried again by hand, with the same answer, and then with a better one.
    assert (await retried(care, failed["id"]))["status"] == "failed"
    assert ((await payment_of(first))["attempts"], len((await care.stripe())["charges"])) == (2, 2)
    await sara.bank_says(None)
    await retried(care, failed["id"], by="ana")
    assert ((await payment_of(first))["status"], await intents(care)) == ("paid", [(FEE, "succeeded")])
    assert "paid" in await not_open(care, failed["id"], "retry")
    assert "paid" in await not_open(care, failed["id"], "waive")

    # Two that nobody could pay in time.
    await sara.bank_says("stolen_card")
    for session in (second, third):
        await session.occurs()
        await care.until(session.ends_at + TWO_DAYS_AFTER)
    debts = [await payment_of(session) for session in (second, third)]
    assert ([debt["status"] for debt in debts], await balance(sara)) == (["owed", "owed"], (0, 2 * FEE))
    assert "no card" in await not_open(care, debts[0]["id"], "retry")
    written = await let_go(care, debts[0]["id"], "write-off", reason="moved abroad")
    assert (written["status"], written["because"], await balance(sara)) == ("written_off", None, (0, FEE))
    said = await fact(sara, "payment_written_off")
    exception = said["data"]["exception"]
    assert (exception["who"], said["words"], exception["consent_version"]) == (
        "care_team:desk", "moved abroad", FIRST_FEE_POLICY
    )  # fmt: skip

    preview = await care.get(f"/v1/clients/{sara.id}/archive")
    assert (preview["credit"], preview["owed"], preview["payments"]) == (0, FEE, [])
    done = await sara.is_archived(notify=False)
    assert (done["owed"], await balance(sara)) == (FEE, (0, FEE))
    assert "no card" in await not_open(care, debts[1]["id"], "retry")
    await let_go(care, debts[1]["id"], "write-off")
    assert (await balance(sara), [k for k in await task_kinds(care) if k == "payment_owed"]) == ((0, 0), [])
    await sara.is_unarchived()
    await sara.gives_card("pm_card_mastercard")
    await care.pass_time(days=3)
    assert await care.charges_at_stripe() == [FEE]


@pytest.mark.parametrize("how", ["waive", "write-off"])
async def test_what_an_archive_stopped_can_still_be_let_go_and_never_comes_back(care: Care, how: str) -> None:
    sara = await care.client_in_care(sessions=2)
    first = sara.session(1)
    await first.occurs()
    await sara.is_archived(notify=False)
    stopped = await payment_of(first)
    assert (stopped["status"], stopped["because"], await balance(sara)) == ("cancelled", "archived", (0, FEE))
    view = await let_go(care, stopped["id"], how)
    assert (view["status"], await balance(sara)) == (
        how.replace("write-off", "written_off").replace("waive", "waived"),
        (0, 0),
    )
    await sara.is_unarchived()
    await care.pass_time(days=5)
    assert await intents(care) == []


async def test_what_an_archive_stopped_is_charged_once_a_person_says_so(care: Care) -> None:  # S42
    sara = await care.client_in_care(sessions=1)
    first = sara.session(1)
    await first.occurs()
    await sara.is_archived(notify=False)
    await sara.is_unarchived()
    await care.pass_time(days=5)
    stopped = await payment_of(first)
    assert (stopped["status"], await intents(care), await balance(sara)) == ("cancelled", [], (0, FEE))
    await retried(care, stopped["id"])
    assert ((await payment_of(first))["status"], await balance(sara)) == ("paid", (0, 0))
    assert await intents(care) == [(FEE, "succeeded")]


async def test_what_an_archive_stopped_is_charged_while_archived_once_a_person_says_so(care: Care) -> None:
    sara = await care.client_in_care(sessions=1)
    first = sara.session(1)
    await first.occurs()
    await sara.is_archived(notify=False)
    await sara.gives_card("pm_card_mastercard")  # by itself it settles nothing
    await care.pass_time(days=5)
    assert await intents(care) == []

    # Declined, it is what the archive left, and is tried no more by itself.
    await sara.bank_says("insufficient_funds")
    await retried(care, (await payment_of(first))["id"])
    declined = await payment_of(first)
    assert (declined["status"], declined["because"], await balance(sara)) == ("cancelled", "archived", (0, FEE))
    await care.pass_time(days=5)
    assert len((await care.stripe())["charges"]) == 1

    # Paid, with a receipt, and nobody is active again by it.
    await sara.bank_says(None)
    await retried(care, declined["id"])
    assert ((await payment_of(first))["status"], await balance(sara)) == ("paid", (0, 0))
    assert await care.charges_at_stripe() == [FEE]
    assert (await sara.look())["status"] == "archived"
    assert len(await care.mails(to=sara.email, template="receipt")) == 1
    assert "paid" in await not_open(care, declined["id"], "retry")
    await sara.is_unarchived()
    await care.pass_time(days=3)
    assert await care.charges_at_stripe() == [FEE]


async def test_an_outcome_is_corrected_while_scheduled_and_refunded_later(care: Care) -> None:
    sara = await care.client_in_care()
    session = sara.session(1)
    await session.occurs()
    corrected = await session.marked("no_show", waive_fee=True, waive_reason="it was the flu")
    assert (corrected["payment"]["kind"], corrected["payment"]["status"]) == ("no_show", "waived")
    await care.refused(
        "POST",
        f"/v1/payments/{corrected['payment']['id']}/refund",
        {"to": "card", "reason": "x"},
        by="desk",
        name="payment-not-refundable",
    )
    [other] = await sara.books("session")
    await other.occurs()
    await care.until(other.ends_at + DAY_AFTER)
    await care.refused(
        "POST", f"/v1/appointments/{other.id}/outcome", {"outcome": "no_show"}, by="desk", name="appointment-not-open"
    )
    payment = await payment_of(other)
    await care.post(f"/v1/payments/{payment['id']}/refund", {"to": "card", "reason": "no session"}, by="desk")
    assert ((await payment_of(other))["status"], await balance(sara)) == ("refunded", (0, 0))
