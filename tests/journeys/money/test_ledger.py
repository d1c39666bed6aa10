"""The ledger of a practice that takes, gives back and loses money: the same sums as Stripe's, to the cent."""

import csv
import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.care.defaults import Json
from tests.care.story import Booked, Care, Person

NEW_YORK = ZoneInfo("America/New_York")


async def refunded(booked: Booked, **body: object) -> Json:
    payment = (await booked.look())["payment"]["id"]
    return dict(await booked.person.care.post(f"/v1/payments/{payment}/refund", {"reason": "ours"} | body, by="desk"))


async def credited(person: Person, amount: int) -> None:
    body = {"amount": amount, "currency": "USD", "reason": "a gift"}
    await person.care.post(f"/v1/clients/{person.id}/credits", body, by="desk")


async def totals(care: Care) -> Json:
    """Of a year around now, which is everything here."""
    first = (await care.now() - timedelta(days=300)).date().isoformat()
    last = (await care.now() + timedelta(days=30)).date().isoformat()
    params = {"from": first, "to": last, "time_zone": NEW_YORK.key}
    return dict(await care.get("/v1/payments/totals", **params))


async def net_at_stripe(care: Care) -> Counter[str]:
    """By currency: what succeeded less what was given back, as Stripe has it."""
    state, net = await care.stripe(), Counter[str]()
    for intent in state["payment_intents"]:
        net[intent["currency"].upper()] += intent["amount_received"]
    for refund in state["refunds"]:
        if refund["status"] in ("succeeded", "pending"):
            net[refund["currency"].upper()] -= refund["amount"]
    return net


async def test_the_ledger_adds_up_to_stripes_books_to_the_cent(care: Care) -> None:  # S25, S28
    await care.therapist("ben", session_fee={"amount": 9000, "currency": "EUR"})
    sara = await care.client_in_care(sessions=2)
    tom = await care.client_in_care(name="Tom", therapist="ben", card="pm_card_refundFail")
    await credited(sara, 5000)
    await tom.session(1).occurs()
    for session in sara.appointments:
        await session.occurs()
    await care.pass_time(hours=25)
    assert sorted(await care.charges_at_stripe()) == [7000, 9000, 12000]

    await refunded(sara.session(1), to="card")  # 70.00 to the card, 50.00 to credit
    await refunded(sara.session(2), to="card", amount=4000)
    await refunded(sara.session(2), to="credit", amount=1000)
    await refunded(tom.session(1), to="card")
    [failing] = [refund["id"] for refund in (await care.stripe())["refunds"] if refund["currency"] == "eur"]
    (await care.http.post(f"{care.house.sandbox_url}/stripe/_refunds/{failing}", json={})).raise_for_status()
    await care.rest()
    statuses = [refund["status"] for refund in (await care.stripe())["refunds"]]
    assert sorted(statuses) == ["failed", "succeeded", "succeeded"]
    assert await net_at_stripe(care) == Counter(EUR=9000, USD=8000)
    found = await totals(care)
    assert {line["currency"]: line["card_net"] for line in found["sums"]} == dict(await net_at_stripe(care))
    [euros, dollars] = found["sums"]
    told = ("card", "credit", "refunded_to_card", "refunded_to_credit", "disputed")
    assert [dollars[name]["amount"] for name in told] == [19000, 5000, 11000, 6000, 0]
    assert [euros[name] for name in ("card", "refunded_to_card")] == [
        {"count": 1, "amount": 9000},
        {"count": 0, "amount": 0},
    ]

    # Day by day too: Stripe's times are seconds earlier, and nothing happened around a midnight.
    by_day: Counter[tuple[str, str]] = Counter()
    for charge in (await care.stripe())["charges"]:
        at = datetime.fromtimestamp(charge["created"], UTC).astimezone(NEW_YORK)
        assert (at + timedelta(minutes=1)).date() == (at - timedelta(minutes=1)).date()
        by_day[at.date().isoformat(), charge["currency"].upper()] += charge["amount"]
    ours = {(item["date"], item["currency"]): item["card"]["amount"] for item in found["items"]}
    assert {day: amount for day, amount in ours.items() if amount} == by_day
    assert len(by_day) == 3

    compared = await care.post("/v1/reconciliations", by="desk", expect=200)
    assert (compared["status"], compared["healed"], compared["differences"]) == ("finished", [], [])

    # A dispute stands apart, and what is opened, lost and let go is counted by itself.
    lines = {line["id"]: line for line in (await care.get("/v1/payments"))["items"]}
    second = (await sara.session(2).look())["payment"]["id"]
    url = f"{care.house.sandbox_url}/stripe/_disputes"
    opened = (await care.http.post(url, json={"payment_intent": lines[second]["intent"]})).json()
    await care.rest()
    (await care.http.post(f"{url}/{opened['id']}", json={"status": "lost"})).raise_for_status()
    await care.rest()
    [_, dollars] = (await totals(care))["sums"]
    lost = {"count": 1, "amount": opened["amount"]}
    assert (dollars["disputed"], dollars["dispute_lost"], dollars["card_net"]) == (lost, lost, 8000)
    answer = await care.call(
        "GET", "/v1/payments", by="desk", expect=200, headers={"Accept": "text/csv"}, params={"therapist": "ana"}
    )
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert sum(int(row["card_amount"]) - int(row["refunded_to_card"]) for row in rows) == 8000
    assert [row["disputed"] for row in rows if row["id"] == second] == [str(opened["amount"])]
    assert [row["status"] for row in rows] == ["refunded", "partially_refunded"]
    assert "Sara" not in answer.text


async def test_s16_a_test_clients_money_is_played_and_in_nobodys_books(care: Care) -> None:
    await care.therapist("ana")
    sara = await care.arrives("care_team", by="desk", test=True)
    for week in range(3):
        await sara.books("session", by="desk", after=timedelta(days=3 + 7 * week))
    first, second, third = sara.appointments

    # No card yet: it fails, is tried by hand, and credit pays.
    await first.occurs()
    await care.pass_time(hours=25)
    payment = (await first.look())["payment"]
    assert (payment["status"], payment["because"]) == ("failed", "no_card")
    await care.refused("POST", f"/v1/payments/{payment['id']}/retry", {}, by="desk", name="payment-not-open")
    await credited(sara, 15000)
    await care.post(f"/v1/payments/{payment['id']}/retry", by="desk", expect=202)
    await care.rest()
    assert (await first.look())["payment"]["status"] == "paid"

    # A card that no bank knows pays the rest, and gets it back.
    setup = await care.post(f"/v1/clients/{sara.id}/card-setup")
    await sara.fills_in("billing_info", setup_intent=setup["setup_intent"])
    await second.occurs()
    await care.pass_time(hours=25)
    paid = (await second.look())["payment"]
    assert (paid["status"], paid["credit_used"]) == ("paid", 3000)
    given = await refunded(second, to="card", amount=10000)
    assert (given["status"], given["card_amount"], given["credit_amount"]) == ("succeeded", 9000, 1000)
    assert (await sara.balance())["credit"] == 1000
    await third.occurs()
    waived = (await third.look())["payment"]["id"]
    await care.post(f"/v1/payments/{waived}/waive", {"reason": "a trial"}, by="desk", expect=200)

    state = await care.stripe()
    assert all(state[kind] == [] for kind in ("customers", "setup_intents", "payment_intents", "charges", "refunds"))
    assert (await care.get("/v1/payments"))["items"] == []
    lines = (await care.get("/v1/payments", test=True))["items"]
    assert [(line["status"], line["test"]) for line in lines] == [
        ("paid", True),
        ("partially_refunded", True),
        ("waived", True),
    ]
    found = await totals(care)
    assert (found["items"], found["sums"]) == ([], [])
    compared = await care.post("/v1/reconciliations", by="desk", expect=200)
    assert (compared["healed"], compared["differences"], set(compared["compared"].values())) == ([], [], {0})
