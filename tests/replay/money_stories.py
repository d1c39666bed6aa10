"""The stories about money whose histories are kept: charged, declined, owed, refunded, waived, compared."""

from datetime import timedelta

from tests.care.story import Booked, Care, Person
from tests.journeys.money.amounts import (
    bank,
    disputed,
    goes_well_again,
    granted,
    let_go,
    payment_of,
    refunded,
    retried,
    while_stripe_is_away,
)

DAY_AFTER = timedelta(hours=24, minutes=1)
TWO_DAYS_AFTER = timedelta(hours=48, minutes=1)


async def by_hand_and_declined(care: Care) -> Person:
    """Nobody fits, a person matches and books; a decline, a second try; a cancellation and a move; nobody marks."""
    await care.therapist("ana", licensed_in=["CA"])
    await care.therapist("ben", licensed_in=["CA"])
    sara = await care.arrives("matching_form", client={"first_name": "Sara", "email": "sara@example.com"})
    match = {"therapist": "ana", "reason": "by telephone"}
    await care.call("PUT", f"/v1/clients/{sara.id}/match", match, by="desk", expect=200)
    await sara.books("session", by="desk", after=timedelta(days=8), weeks=3)
    await sara.completes_forms()
    await sara.bank_says("insufficient_funds")
    await sara.session(3).cancelled()
    await sara.session(2).moved(await care.slot("ana", "session", after=timedelta(days=11)))
    await sara.session(1).occurs()
    await care.pass_time(hours=25)
    await sara.bank_says(None)
    await care.pass_time(hours=7)
    await care.until(sara.session(2).ends_at)
    await care.pass_time(days=3)
    match = {"therapist": "ben", "reason": "evenings"}
    await care.call("PUT", f"/v1/clients/{sara.id}/match", match, by="desk", expect=200)
    await sara.session(2).marked("no_show")
    await care.pass_time(days=1)
    return sara


async def owed_and_settled(care: Care) -> Person:
    """No card when the payment is due, owed at the deadline, and settled by a new card; archived by a bare signal."""
    sara = await care.client_in_care(sessions=1, card="pm_card_authenticationRequired")
    await sara.session(1).occurs()
    await care.pass_time(days=3)
    await sara.gives_card()
    await care.pass_time(hours=1)
    await sara.journey.signal("archive")
    await care.pass_time(days=1)
    await sara.books("session", by="desk")
    await care.rest()
    return sara


async def the_books_compared(care: Care) -> Person:
    """A webhook that never came, and money taken twice: healed, and a task that closes when it was given back."""
    sara = await care.client_in_care(card="pm_card_authenticationRequired")
    await sara.session(1).occurs()
    await care.pass_time(hours=25)
    stripe = f"{care.house.sandbox_url}/stripe"
    dashboard = {"Authorization": "Bearer sk_test_dashboard"}
    dropped = [{"kind": "webhook_dropped", "event": "*", "times": 100}]
    (await care.http.post(f"{stripe}/_faults", json=dropped)).raise_for_status()
    [payment] = await sara.payments()
    await sara.confirms(payment["id"])
    await sara.gives_card()
    twice = await care.http.post(
        f"{stripe}/v1/payment_intents",
        data={
            "amount": "12000",
            "currency": "usd",
            "customer": (await care.stripe())["customers"][0]["id"],
            "payment_method": (await sara.cards_at_stripe())[-1],
            "confirm": "true",
            "metadata[payment_id]": payment["id"],
        },
        headers=dashboard,
    )
    twice.raise_for_status()
    await care.post("/v1/reconciliations", by="desk", expect=200)
    back = await care.http.post(f"{stripe}/v1/refunds", data={"payment_intent": twice.json()["id"]}, headers=dashboard)
    back.raise_for_status()
    await care.post("/v1/reconciliations", by="desk", expect=200)
    return sara


async def money_by_hand(care: Care) -> Person:
    """Credit, and refunds of both kinds, one while Stripe is away; tried again, waived; one that fails days later."""
    sara = await care.client_in_care(sessions=3, card="pm_card_refundFail")
    paid, waived, again = sara.appointments
    await granted(sara, 3000)
    await taken_place(paid)
    payment = await payment_of(paid)
    await refunded(care, payment["id"], 2000, to="credit")
    asked = {"to": "card", "reason": "a mistake", "amount": 1000}
    await while_stripe_is_away(
        care, "refunds.create", care.post(f"/v1/payments/{payment['id']}/refund", asked, by="desk")
    )
    await granted(sara, 100)
    await goes_well_again(care)
    await care.pass_time(minutes=10)

    await sara.bank_says("expired_card")
    await taken_place(waived)
    await let_go(care, (await payment_of(waived))["id"], "waive")
    await care.rest()
    await sara.bank_says("insufficient_funds")
    await taken_place(again)
    tried = (await payment_of(again))["id"]
    await retried(care, tried)
    await sara.bank_says(None)
    await retried(care, tried)
    await refunded(care, tried)
    await care.pass_time(days=5)
    await bank(care, f"_refunds/{(await care.stripe())['refunds'][-1]['id']}", {})
    await care.rest()
    await resolves(care, "refund_failed")
    return sara


async def a_second_person(care: Care) -> Person:
    """What is above the ceiling: refused by another person, asked for again, and approved."""
    sara = await care.client_in_care(sessions=1)
    credits, body = f"/v1/clients/{sara.id}/credits", {"amount": 30000, "currency": "USD", "reason": "a gift"}
    asked = await care.post(credits, body, by="desk", expect=202)
    why = {"reason": "not so much"}
    await care.post(f"/v1/approvals/{asked['approval_id']}/refuse", why, by="office", expect=200)
    asked = await care.post(credits, body, by="desk", expect=202)
    await care.post(f"/v1/approvals/{asked['approval_id']}/approve", by="office", expect=200)
    return sara


async def money_run_after_run(care: Care) -> Person:
    """Marked long afterwards, and settled by hand, from one run to the next."""
    sara = await care.client_in_care(sessions=3)
    paid, lost, late = sara.appointments
    # The one leap of the clock: it may stand still once an appointment ends after the run that started it.
    await care.until(late.ends_at + TWO_DAYS_AFTER)
    await granted(sara, 3000)
    await paid.marked("occurred")
    await care.rest()
    payment = await payment_of(paid)
    await refunded(care, payment["id"], 3000)
    await refunded(care, payment["id"], 2000, to="credit")
    await sara.bank_says("stolen_card")
    for session in (lost, late):
        await session.marked("occurred")
        await care.rest()
    await let_go(care, (await payment_of(lost))["id"], "write-off")
    dispute = await disputed(care, paid)
    await care.rest()
    await sara.gives_card("pm_card_mastercard")
    await bank(care, f"_disputes/{dispute}", {"status": "won"})
    await care.rest()
    await resolves(care, "dispute")  # and what the new card may pay now is paid
    await care.rest()
    await refunded(care, (await payment_of(late))["id"], 1000)
    return sara


async def taken_place(session: Booked) -> None:
    """The session takes place, and its payment is due."""
    await session.occurs()
    await session.person.care.until(session.ends_at + DAY_AFTER)


async def resolves(care: Care, kind: str) -> None:
    """The care team has looked at a task of that kind."""
    [task, *_] = [task for task in await care.tasks() if task["kind"] == kind]
    await care.post(f"/v1/tasks/{task['id']}/resolve", {"note": "looked at"}, by="desk", expect=200)
