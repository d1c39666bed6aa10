"""Checkout Sessions of the stand-in, as Stripe's own library reads them: its classes, its calls, its errors."""

from typing import Any

import httpx
import pytest
import stripe

from tests.sandbox.process import Sandbox

BACK = "https://portal.example/card"


async def made(vendor: stripe.StripeClient, **more: Any) -> stripe.checkout.Session:
    customer = await vendor.v1.customers.create_async({})
    asked: Any = {
        "mode": "setup",
        "customer": customer.id,
        "allowed_payment_method_types": ["card"],
        "success_url": f"{BACK}?checkout_session={{CHECKOUT_SESSION_ID}}",
        "cancel_url": BACK,
        "setup_intent_data": {"metadata": {"client_id": "c-1"}},
    }
    return await vendor.v1.checkout.sessions.create_async(asked | more)


async def test_a_session_has_the_fields_of_the_librarys_class(vendor: stripe.StripeClient) -> None:
    session = await made(vendor, expand=["setup_intent", "customer"])
    fields = {name: str(kind) for name, kind in stripe.checkout.Session.__annotations__.items() if name.islower()}
    told = session.to_dict()
    unknown = {name for name in told if name not in fields and not name.startswith("_")}
    missing = {name for name, kind in fields.items() if name not in told and "Optional" not in kind}
    assert (unknown, missing) == (set(), {"redirect_on_completion"})  # which embedded pages alone have
    assert isinstance(session.setup_intent, stripe.SetupIntent)
    assert isinstance(session.customer, stripe.Customer)
    assert session.setup_intent.metadata is not None
    assert session.setup_intent.metadata.to_dict() == {"client_id": "c-1"}
    assert (session.mode, session.status, session.payment_status) == ("setup", "open", "no_payment_required")
    assert session.expires_at - session.created == 24 * 3600


async def test_a_session_is_retrieved_listed_and_expired(vendor: stripe.StripeClient) -> None:
    session = await made(vendor)
    assert (await vendor.v1.checkout.sessions.retrieve_async(session.id)).to_dict() == session.to_dict()
    listed = await vendor.v1.checkout.sessions.list_async({"customer": str(session.customer)})
    assert [one.id for one in listed.data] == [session.id]
    over = await vendor.v1.checkout.sessions.expire_async(session.id)
    assert (over.status, over.url) == ("expired", None)
    setup = await vendor.v1.setup_intents.retrieve_async(str(session.setup_intent))
    assert (setup.status, setup.cancellation_reason) == ("canceled", "abandoned")
    with pytest.raises(stripe.InvalidRequestError, match="can be expired"):
        await vendor.v1.checkout.sessions.expire_async(session.id)


async def test_the_setup_of_a_session_is_checkouts_alone(vendor: stripe.StripeClient) -> None:
    session = await made(vendor)
    with pytest.raises(stripe.InvalidRequestError, match="Checkout Session"):
        await vendor.v1.setup_intents.confirm_async(str(session.setup_intent), {"payment_method": "pm_card_visa"})
    with pytest.raises(stripe.InvalidRequestError, match="Checkout Session"):
        await vendor.v1.setup_intents.cancel_async(str(session.setup_intent))


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"mode": "payment"}, "mode"),
        ({"success_url": "portal"}, "success_url"),
        ({"customer": "cus_nothere"}, "customer"),
        ({"expires_at": 1}, "expires_at"),
        ({"allowed_payment_method_types": ["sepa_debit"]}, "allowed_payment_method_types"),
        ({"payment_method_types": ["card"]}, "payment_method_types"),
        ({"setup_intent_data": {"usage": "off_session"}}, "setup_intent_data[usage]"),
    ],
)
async def test_what_is_wrong_is_named(vendor: stripe.StripeClient, wrong: dict[str, Any], param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await made(vendor, **wrong)
    assert refused.value.param == param


async def test_a_card_that_is_given_completes_the_session(vendor: stripe.StripeClient, sandbox: Sandbox) -> None:
    session = await made(vendor)
    assert session.url is not None
    async with httpx.AsyncClient(trust_env=False) as browser:
        refused = await browser.post(session.url, data={"number": "4000000000000002", "exp": "12/34", "cvc": "123"})
        assert (refused.status_code, "Your card was declined." in refused.text) == (402, True)
        sent = await browser.post(session.url, data={"number": "4242 4242 4242 4242", "exp": "12/34", "cvc": "123"})
        assert (sent.status_code, sent.headers["location"]) == (303, f"{BACK}?checkout_session={session.id}")
        assert "saved" in (await browser.get(session.url)).text
    done = await vendor.v1.checkout.sessions.retrieve_async(session.id, {"expand": ["setup_intent.payment_method"]})
    assert (done.status, done.url) == ("complete", None)
    assert isinstance(done.setup_intent, stripe.SetupIntent)
    assert isinstance(done.setup_intent.payment_method, stripe.PaymentMethod)
    assert (done.setup_intent.status, done.setup_intent.payment_method.customer) == ("succeeded", session.customer)
    told = [row["type"] for row in sandbox.get("/stripe/_state")["events"] if row["data"]["object"]["id"] == session.id]
    assert told == ["checkout.session.completed"]


async def test_the_bank_may_ask_on_the_way(vendor: stripe.StripeClient) -> None:
    session = await made(vendor)
    assert session.url is not None
    card, at_bank = {"number": "4000002500003155", "exp": "12/34", "cvc": "123"}, ""
    async with httpx.AsyncClient(trust_env=False) as browser:
        for outcome, goes_to in (("fail", session.url), ("complete", f"{BACK}?checkout_session={session.id}")):
            at_bank = (await browser.post(session.url, data=card)).headers["location"]
            assert "Your bank" in (await browser.get(at_bank)).text
            assert (await browser.post(at_bank, data={"outcome": outcome})).headers["location"] == goes_to
        assert (await browser.get(at_bank)).status_code == 410
        assert (await browser.post(at_bank, data={"outcome": "perhaps"})).status_code == 400


async def test_a_page_that_is_over_leads_back(vendor: stripe.StripeClient) -> None:
    session = await made(vendor)
    assert session.url is not None
    await vendor.v1.checkout.sessions.expire_async(session.id)
    async with httpx.AsyncClient(trust_env=False) as browser:
        page = await browser.get(session.url)
        assert (page.status_code, f'href="{BACK}"' in page.text) == (410, True)
        late = await browser.post(session.url, data={"number": "4242424242424242", "exp": "12/34", "cvc": "123"})
        assert late.status_code == 410
        assert (await browser.get(f"{session.url}x")).status_code == 404
