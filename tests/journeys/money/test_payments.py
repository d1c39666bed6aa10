"""Money, as the bank, the client and the practice see it: charged once, in time, and never lost sight of."""

import json
import re
from datetime import timedelta

from rules.money.webhook_signature import signature
from rules.time_words import local_time
from tests.care.defaults import CARE_TEAM_EMAIL, WEBHOOK_SECRET
from tests.care.owner import Owner
from tests.care.story import Booked, Care, Person
from tests.conftest import engine_on

FEE = 12000
NEW_YORK = "America/New_York"
LINK = "http://portal.example/payments/"


async def payment_of(booked: Booked) -> dict[str, object]:
    return dict((await booked.look())["payment"])


async def owed(person: Person) -> int:
    return int((await person.balance())["owed"])


async def tries_at_stripe(care: Care) -> int:
    """How often a bank was asked: each charge, paid or declined, is one answer."""
    return len((await care.stripe())["charges"])


async def a_client_without_a_card(care: Care) -> Person:
    """The practice booked for them, and they have filled in nothing yet."""
    await care.therapist("ana")
    sara = await care.arrives()
    await sara.books("session", by="desk")
    return sara


async def test_s25_s26_charged_once_a_day_after_the_end_and_a_receipt(care: Care) -> None:
    sara = await care.client_in_care(sessions=2)
    marked = await sara.session(1).occurs()

    assert marked["status"] == "occurred"
    assert marked["payment"]["status"] == "scheduled"
    assert marked["payment"]["due_at"] == (sara.session(1).ends_at + timedelta(hours=24)).isoformat().replace(
        "+00:00", "Z"
    )
    await care.until(sara.session(1).ends_at + timedelta(hours=23, minutes=59))
    assert await care.charges_at_stripe() == []
    assert await owed(sara) == 0

    await care.pass_time(minutes=2)
    assert await care.charges_at_stripe() == [FEE]
    paid = await payment_of(sara.session(1))
    assert (paid["status"], paid["attempts"], paid["amount"], paid["currency"]) == ("paid", 1, FEE, "USD")
    [receipt] = await care.mails(to=sara.email, template="receipt")
    assert "120.00 USD" in receipt["text"]
    assert "4242" in receipt["text"]

    # The second session is marked a day and six hours after its end: it is charged there and then.
    await care.until(sara.session(2).ends_at + timedelta(hours=30))
    await sara.session(2).marked("occurred", by="ana")
    await care.rest()
    assert (await payment_of(sara.session(2)))["status"] == "paid"
    await care.pass_time(days=30)
    assert await care.charges_at_stripe() == [FEE, FEE]
    assert len(await care.mails(template="receipt")) == 2
    assert await sara.payment_facts() == ["scheduled", "processing", "paid"] * 2
    assert await care.tasks() == []
    # Nothing but opaque ids at Stripe.
    intent = (await care.stripe())["payment_intents"][0]
    assert intent["metadata"] == {"payment_id": paid["id"], "client_id": sara.id}
    assert (intent["description"], intent["receipt_email"]) == (None, None)


async def test_a_soft_decline_is_tried_three_times_then_owed_and_a_new_card_settles_it(care: Care) -> None:
    sara = await care.client_in_care(card="pm_card_chargeCustomerFail")
    session = sara.session(1)
    await session.occurs()

    for number, (hours, minutes) in enumerate([(24, 1), (30, 2)], start=1):
        await care.until(session.ends_at + timedelta(hours=hours, minutes=minutes))
        payment = await payment_of(session)
        assert (payment["status"], payment["attempts"]) == ("failed", number)
        assert await tries_at_stripe(care) == number
        assert await owed(sara) == 0  # there is still time
    await care.until(session.ends_at + timedelta(hours=41, minutes=59))
    assert await tries_at_stripe(care) == 2
    # Each time it fails its client hears when it is tried again, and what happens if it cannot be made.
    told = [mail["text"] for mail in await care.mails(to=sara.email, template="payment_failed")]
    deadline = local_time(session.ends_at + timedelta(hours=48), NEW_YORK)
    for text, hours in zip(told, (30, 42), strict=True):
        [again] = re.findall(r"It is tried again on (.+?)\. If", text)
        assert again.startswith(local_time(session.ends_at + timedelta(hours=hours), NEW_YORK).partition(",")[0])
        assert f"If it cannot be made by {deadline} at the latest, the amount is owed" in text

    await care.until(session.ends_at + timedelta(hours=42, minutes=3))
    payment = await payment_of(session)
    assert (payment["status"], payment["attempts"], payment["because"]) == ("owed", 3, "tries_used_up")
    assert await owed(sara) == FEE
    assert [task["kind"] for task in await care.tasks()] == ["payment_owed"]
    [*_, last] = await care.mails(to=sara.email, template="payment_failed")
    assert "is owed now:" in last["text"]
    assert f"Pay it here:\n\n{LINK}{payment['id']}\n" in last["text"]
    assert "tried again" not in last["text"]

    # Another card that the bank refuses: still owed, and the next one may settle it.
    await sara.saves_card()
    await sara.gives_card("pm_card_chargeCustomerFail")
    await care.rest()
    assert ((await payment_of(session))["status"], await owed(sara)) == ("owed", FEE)
    await sara.gives_card("pm_card_visa")
    await care.rest()
    assert ((await payment_of(session))["status"], await owed(sara)) == ("paid", 0)
    assert await care.tasks() == []
    assert len(await care.mails(to=sara.email, template="receipt")) == 1
    await care.pass_time(days=10)
    assert await care.charges_at_stripe() == [FEE]
    assert len((await care.stripe())["payment_intents"]) == 1  # one intent for a payment, whatever happens
    assert await sara.payment_facts() == (
        ["scheduled"] + ["processing", "failed"] * 2 + ["processing", "owed"] * 2 + ["processing", "paid"]
    )


async def test_a_soft_decline_that_the_bank_takes_back_is_paid_at_the_second_try(care: Care) -> None:
    sara = await care.client_in_care()
    await sara.bank_says("insufficient_funds")
    await sara.session(1).occurs()
    await care.until(sara.session(1).ends_at + timedelta(hours=25))
    assert (await payment_of(sara.session(1)))["status"] == "failed"
    await sara.bank_says(None)
    await care.pass_time(hours=6)
    assert (await payment_of(sara.session(1)))["status"] == "paid"
    await care.pass_time(days=3)
    assert (await care.charges_at_stripe(), await tries_at_stripe(care)) == ([FEE], 2)
    assert (await care.mail_counts(to=sara.email))["payment_failed"] == 1


async def test_the_bank_wants_the_client_who_confirms_in_time_and_also_when_it_is_owed(care: Care) -> None:
    sara = await care.client_in_care(sessions=2, card="pm_card_authenticationRequired")
    first, second = sara.appointments
    await first.occurs()
    scheduled = str((await payment_of(first))["id"])
    await care.refused("POST", f"/v1/payments/{scheduled}/confirmation", name="payment-not-open")
    await care.until(first.ends_at + timedelta(hours=25))
    payment = await payment_of(first)
    assert payment["status"] == "requires_action"
    [mail] = await care.mails(to=sara.email, template="payment_needs_you")
    assert f"{LINK}{payment['id']}" in mail["text"]

    path = f"/v1/payments/{payment['id']}/confirmation"
    await care.therapist("ben")
    await care.refused("POST", path, by="ben", name="not-found", status=404)
    await care.refused("POST", path, by=None, name="unauthenticated", status=401)
    await sara.signs_in()
    await sara.confirms(str(payment["id"]), by=sara.email)
    await care.rest()
    assert ((await payment_of(first))["status"], await owed(sara)) == ("paid", 0)

    # Nobody confirms the second in time: it is owed, its workflow has ended, and the same link still settles it.
    await care.until(second.ends_at)
    await second.marked("occurred")
    await care.until(second.ends_at + timedelta(hours=49))
    payment = await payment_of(second)
    assert (payment["status"], payment["because"], await owed(sara)) == ("owed", "deadline_passed", FEE)
    await second.workflow.result()
    assert [task["kind"] for task in await care.tasks()] == ["payment_owed"]
    await sara.confirms(str(payment["id"]))
    await care.rest()
    assert ((await payment_of(second))["status"], await owed(sara)) == ("paid", 0)
    assert (await care.mail_counts(to=sara.email))["receipt"] == 2
    assert await care.tasks() == []
    assert await care.charges_at_stripe() == [FEE, FEE]
    await care.refused("POST", f"/v1/payments/{payment['id']}/confirmation", name="payment-not-open")


async def test_no_card_when_due_is_a_task_and_a_card_in_time_is_charged_at_once(care: Care) -> None:
    sara = await a_client_without_a_card(care)
    session = sara.session(1)
    await session.occurs()
    await care.until(session.ends_at + timedelta(hours=24, minutes=1))
    payment = await payment_of(session)
    assert (payment["status"], payment["because"], payment["attempts"]) == ("failed", "no_card", 0)
    assert [task["kind"] for task in await care.tasks()] == ["card_missing"]
    assert len(await care.mails(to=CARE_TEAM_EMAIL, template="task_opened")) == 1
    assert len(await care.mails(to=sara.email, template="payment_failed")) == 1

    await sara.gives_card()
    await care.rest()
    paid = await payment_of(session)
    assert (paid["status"], paid["attempts"]) == ("paid", 1)
    assert await care.tasks() == []
    assert len(await care.mails(to=sara.email, template="receipt")) == 1
    await care.pass_time(days=5)
    assert await care.charges_at_stripe() == [FEE]


async def test_no_card_until_the_deadline_is_owed_and_a_card_or_the_link_settles_it(care: Care) -> None:
    sara = await a_client_without_a_card(care)
    [second] = await sara.books("session", by="desk", after=timedelta(days=4))
    for session in (sara.session(1), second):
        await session.occurs()
    await care.until(second.ends_at + timedelta(hours=48, minutes=1))
    assert {payment["status"] for payment in await sara.payments()} == {"owed"}
    assert await owed(sara) == 2 * FEE
    assert sorted(task["kind"] for task in await care.tasks()) == ["card_missing"] * 2 + ["payment_owed"] * 2
    # The pay link works although no card was ever saved.
    await sara.confirms(str((await payment_of(second))["id"]), card="pm_card_mastercard")
    await care.rest()
    assert ((await payment_of(second))["status"], await owed(sara)) == ("paid", FEE)
    await sara.gives_card()
    await care.rest()
    assert {payment["status"] for payment in await sara.payments()} == {"paid"}
    assert await care.charges_at_stripe() == [FEE, FEE]
    assert (await care.tasks(), await owed(sara)) == ([], 0)


async def test_a_lost_card_is_never_asked_again_and_nobody_says_why(care: Care) -> None:
    sara = await care.client_in_care(sessions=2)
    await sara.bank_says("stolen_card")
    for session in sara.appointments:
        await session.occurs()
        await care.until(session.ends_at + timedelta(hours=47))
        payment = await payment_of(session)
        assert (payment["status"], payment["because"]) == ("failed", "new_card_needed")
        assert await tries_at_stripe(care) == 1  # only the first session asked that card
        if session is sara.session(1):
            await care.until(session.ends_at + timedelta(hours=49))
    for mail in await care.mails(to=sara.email, template="payment_failed"):
        words = (mail["subject"] + mail["text"] + mail["html"]).lower()
        assert not [word for word in ("stolen", "lost", "fraud", "pickup") if word in words]
    assert await owed(sara) == FEE  # the first is past its deadline, the second is not

    await sara.gives_card("pm_card_mastercard")
    await care.rest()
    assert [payment["status"] for payment in await sara.payments()] == ["paid", "paid"]
    assert await owed(sara) == 0
    assert await care.charges_at_stripe() == [FEE, FEE]


async def test_an_expired_card_asks_for_a_new_one_which_is_charged_inside_the_window(care: Care) -> None:
    sara = await care.client_in_care()
    await sara.bank_says("expired_card")
    session = sara.session(1)
    await session.occurs()
    await care.until(session.ends_at + timedelta(hours=36))
    assert (await payment_of(session))["because"] == "new_card_needed"
    assert await tries_at_stripe(care) == 1  # no point in asking it again
    [mail] = await care.mails(to=sara.email, template="payment_failed")
    assert "new card" in mail["text"]
    await sara.gives_card()
    await care.rest()
    assert (await payment_of(session))["status"] == "paid"
    assert await sara.payment_facts() == ["scheduled", "processing", "failed", "failed", "processing", "paid"]
    assert len((await care.stripe())["payment_intents"]) == 1


async def test_an_owed_payment_that_a_new_card_cannot_settle_stays_owed(care: Care) -> None:
    """The tries were used up before the deadline: nothing waits for it any more, so it must not seem to wait."""
    sara = await care.client_in_care(card="pm_card_chargeCustomerFail")
    await sara.session(1).occurs()
    await care.until(sara.session(1).ends_at + timedelta(hours=43))
    assert (await payment_of(sara.session(1)))["status"] == "owed"
    await sara.gives_card("pm_card_authenticationRequired")
    await care.rest()
    payment = await payment_of(sara.session(1))
    assert (payment["status"], payment["because"]) == ("owed", "authentication_required")
    assert len(await care.mails(to=sara.email, template="payment_needs_you")) == 1
    await sara.confirms(str(payment["id"]))
    await care.rest()
    assert (await payment_of(sara.session(1)))["status"] == "paid"


async def test_webhooks_twice_forged_or_stale_move_nothing(care: Care) -> None:
    sara = await care.client_in_care(card="pm_card_authenticationRequired")
    await sara.session(1).occurs()
    await care.until(sara.session(1).ends_at + timedelta(hours=25))
    [intent] = (await care.stripe())["payment_intents"]
    before = await sara.timeline()

    async def tell(event: str, *, secret: str = WEBHOOK_SECRET, late: int = 0, times: int = 1) -> list[int]:
        told = {"id": intent["id"], "object": "payment_intent", "status": "succeeded", "customer": intent["customer"]}
        created = int((await care.now()).timestamp()) - late
        body = json.dumps(
            {"id": event, "type": "payment_intent.succeeded", "created": created, "data": {"object": told}}
        )
        signed = signature(payload=body.encode(), secret=secret, timestamp=created)
        answers = [
            await care.http.post(
                f"{care.house.api_url}/v1/webhooks/stripe",
                content=body,
                headers={"Stripe-Signature": f"t={created},v1={signed}"},
            )
            for _ in range(times)
        ]
        return [answer.status_code for answer in answers]

    assert await tell("evt_forged", secret="whsec_guess") == [400]
    assert await tell("evt_stale", late=301) == [400]
    # Well signed, and yet not so: Stripe is asked, and says that nothing was paid.
    assert await tell("evt_untrue", times=2) == [200, 200]
    await care.rest()
    assert (await payment_of(sara.session(1)))["status"] == "requires_action"
    assert await sara.timeline() == before

    await sara.confirms(str((await payment_of(sara.session(1)))["id"]))
    await care.rest()
    paid = await sara.timeline()
    assert await tell("evt_again", times=2) == [200, 200]
    await care.rest()
    assert await sara.timeline() == paid
    assert len(await care.mails(to=sara.email, template="receipt")) == 1


async def test_x5_every_change_is_in_a_chain_that_shows_tampering(care: Care, owner_url: str) -> None:
    owner = Owner(engine_on(owner_url))
    sara = await care.client_in_care()
    await sara.session(1).occurs()
    await care.pass_time(days=2)
    verified = await care.get(f"/v1/clients/{sara.id}/timeline/verify")
    facts = await sara.timeline()
    assert (verified["valid"], verified["facts"], verified["head"]) == (True, len(facts), facts[-1]["hash"])

    paid = next(fact["seq"] for fact in facts if fact["kind"] == "payment_paid")
    for change in (
        "UPDATE fact SET data = data || '{\"amount\": 1}' WHERE client_id = :id AND seq = :seq",
        "DELETE FROM fact WHERE client_id = :id AND seq = :seq",
    ):
        await owner.writes(change, id=sara.id, seq=paid)
        broken = await care.get(f"/v1/clients/{sara.id}/timeline/verify")
        assert broken["valid"] is False
        assert str(paid) in broken["broken"]
