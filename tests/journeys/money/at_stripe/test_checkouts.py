"""A card on Stripe's own page (Checkout): the way there and back, and what becomes of it if nobody comes back."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.care.story import CARD_PAGE, Care, Person

AUTHENTICATION_ON_SETUP = "4000002500003155"


async def booked(care: Care) -> Person:
    await care.therapist("ana")
    sara = await care.arrives()
    await sara.books("session", by="desk")
    return sara


async def saved_facts(person: Person) -> int:
    return (await person.facts()).count("card_saved")


def session_in(url: str) -> str:
    assert url.startswith(f"{CARD_PAGE}?"), url
    [session] = parse_qs(urlsplit(url).query)["checkout_session"]
    return session


@pytest.mark.parametrize("card", ["4242424242424242", AUTHENTICATION_ON_SETUP])
async def test_a_client_who_comes_back_has_one_card_and_completes_the_form(care: Care, card: str) -> None:
    sara = await booked(care)
    asked = await sara.checkout()
    assert {"url", "checkout_session", "expires_at", "consent_text", "consent_version"} == asked.keys()
    [session] = (await care.stripe())["checkout_sessions"]
    assert (session["id"], session["mode"], session["payment_method_types"]) == (
        asked["checkout_session"],
        "setup",
        ["card"],
    )
    await care.refused("GET", f"/v1/clients/{sara.id}/card", by="desk", name="not-found", status=404)

    back = await care.at_stripe.checks_out(asked["url"], card)
    assert session_in(back) == asked["checkout_session"]
    await care.rest()
    # Stripe's word alone has saved it; the form still wants its answers.
    shown = await care.get(f"/v1/clients/{sara.id}/card", by="desk")
    assert shown == {"brand": "visa", "last4": card[-4:], "exp_month": 12, "exp_year": 2034, "usable": True}
    assert await saved_facts(sara) == 1
    assert "billing_info" in (await sara.look())["outstanding_forms"]

    form = await sara.fills_in("billing_info", checkout_session=session_in(back))
    assert form["status"] == "complete"
    assert await saved_facts(sara) == 1
    [setup] = (await care.stripe())["setup_intents"]
    assert setup["metadata"] == {"client_id": sara.id}
    await care.get(f"/v1/clients/{sara.id}/timeline/verify")


async def test_a_client_who_never_comes_back_has_a_card_that_pays_what_waits(care: Care) -> None:
    sara = await booked(care)
    await sara.session(1).occurs()
    await care.until(sara.session(1).ends_at + timedelta(hours=24, minutes=1))
    [payment] = await sara.payments()
    assert (payment["status"], payment["because"]) == ("failed", "no_card")
    await care.at_stripe.checks_out((await sara.checkout())["url"])
    await care.rest()
    [payment] = await sara.payments()
    assert payment["status"] == "paid"
    assert await care.charges_at_stripe() == [payment["amount"]]
    assert await care.tasks() == []


async def test_a_lost_webhook_is_made_up_for_by_who_comes_back(care: Care) -> None:
    sara = await booked(care)
    await care.at_stripe.ask("POST", "_faults", [{"kind": "webhook_dropped", "event": "checkout.session.completed"}])
    back = await care.at_stripe.checks_out((await sara.checkout())["url"])
    await care.rest()
    assert await saved_facts(sara) == 0
    await sara.fills_in("billing_info", checkout_session=session_in(back))
    assert await saved_facts(sara) == 1


async def test_an_event_that_comes_late_and_twice_does_not_bring_an_old_card_back(care: Care) -> None:
    sara = await booked(care)
    fault = {"kind": "webhook_late", "event": "checkout.session.completed"}
    await care.at_stripe.ask("POST", "_faults", [fault])
    await care.at_stripe.checks_out((await sara.checkout())["url"], "5555555555554444")
    await care.pass_time(minutes=1)
    await care.at_stripe.ask("POST", "_faults", [{**fault, "kind": "webhook_doubled"}])
    await care.at_stripe.checks_out((await sara.checkout())["url"])
    await care.rest()
    await care.at_stripe.ask("POST", "_webhooks/release")
    await care.rest()
    assert (await care.get(f"/v1/clients/{sara.id}/card"))["last4"] == "4242"
    assert await saved_facts(sara) == 1


async def test_what_is_no_finished_session_of_this_client_is_refused_by_name(care: Care) -> None:
    sara = await booked(care)
    tom = await care.arrives(name="Tom")
    await tom.books("intro_call", by="desk")
    unfinished = await sara.checkout()
    others = session_in(await care.at_stripe.checks_out((await tom.checkout())["url"]))

    async def refused(session: str, *, says: str) -> None:
        body = {
            "answers": {"billing_name": "Sara Lind", "accepts_fee_policy": True},
            "signature": "Sara Lind",
            "checkout_session": session,
        }
        path = f"/v1/clients/{sara.id}/forms/billing_info"
        told = await care.refused("PUT", path, body, by="desk", name="validation-failed", status=422)
        assert [error["field"] for error in told["errors"]] == ["checkout_session"]
        assert says in told["detail"]

    await refused(others, says="not a card setup of this client")
    await refused("cs_test_nothere", says="not a card setup of this client")
    await refused(unfinished["checkout_session"], says="not finished")
    [customer] = [c for c in (await care.stripe())["customers"] if c["metadata"]["client_ref"] == sara.answer["ref"]]
    not_ours = await care.at_stripe.made(
        "checkout/sessions",
        mode="setup",
        customer=customer["id"],
        success_url="https://elsewhere.example",
        **{"allowed_payment_method_types[]": "card"},
    )
    await care.at_stripe.checks_out(not_ours["url"])
    await refused(not_ours["id"], says="not a card setup of this client")
    await care.pass_time(hours=25)
    await refused(unfinished["checkout_session"], says="has expired")
    await care.rest()
    assert await saved_facts(sara) == 0
    assert (await sara.look())["outstanding_forms"].count("billing_info") == 1


@pytest.mark.parametrize(
    "where",
    [
        "https://elsewhere.example/card",
        "http://portal.example.elsewhere.example/card",
        "http://portal.example@elsewhere.example/",
        "http://portal.example/../card#x",
        "http://portal.example/%2e%2e/card",
        "/card",
        "",
    ],
)
async def test_a_client_is_sent_back_to_the_pages_and_nowhere_else(care: Care, where: str) -> None:
    sara = await booked(care)
    path = f"/v1/clients/{sara.id}/card-setup"
    told = await care.refused("POST", path, {"return_url": where}, by="desk", name="validation-failed", status=422)
    assert [error["field"] for error in told["errors"]] == ["return_url"]
    assert (await care.stripe())["checkout_sessions"] == []


async def test_a_test_client_comes_straight_back_and_stripe_hears_nothing(care: Care) -> None:
    await care.therapist("ana")
    tess = await care.arrives("care_team", by="desk", name="Tess", therapist="ana", test=True)
    await tess.books("session", by="desk")
    asked = await tess.checkout(by="desk")
    assert session_in(asked["url"]) == asked["checkout_session"]
    form = await tess.fills_in("billing_info", by="desk", checkout_session=asked["checkout_session"])
    assert form["status"] == "complete"
    assert (await care.stripe())["customers"] == []
