"""The gateway through the real Stripe client, against the stand-in process."""

import asyncio
import itertools
from datetime import UTC, datetime

import pytest
import stripe

from activities.gateways.stripe import StripeGateway
from activities.ports import Card, GatewayRejected, GatewayUnavailable, Intent, PaymentGateway
from local.processes import free_port
from tests.sandbox.process import Sandbox

_numbers = itertools.count(1)


def key() -> str:
    return f"key-{next(_numbers)}"


async def an_intent(gateway: PaymentGateway, customer: str | None = None, amount: int = 12000) -> Intent:
    customer = customer or await gateway.create_customer(client_ref="C-1", key=key())
    return await gateway.create_intent(
        payment_id="p-1",
        client_id="c-1",
        customer=customer,
        amount=amount,
        currency="USD",
        key=key(),
    )


async def a_saved_card(gateway: PaymentGateway, vendor: stripe.StripeClient, card: str) -> tuple[str, str]:
    """A customer whose browser has saved this card: the ids of both."""
    customer = await gateway.create_customer(client_ref="C-1", key=key())
    setup = await gateway.create_setup_intent(customer=customer, key=key())
    await vendor.v1.setup_intents.confirm_async(setup.id, {"payment_method": card})
    done = await gateway.retrieve_setup_intent(id=setup.id)
    assert done is not None
    assert done.payment_method is not None
    return customer, done.payment_method


async def test_an_intent_is_created_unconfirmed_then_charged(
    gateway: StripeGateway, vendor: stripe.StripeClient
) -> None:
    customer, card = await a_saved_card(gateway, vendor, "pm_card_visa")

    made = await an_intent(gateway, customer)
    assert (made.status, made.amount, made.currency, made.customer) == (
        "requires_payment_method",
        12000,
        "USD",
        customer,
    )
    assert made.client_secret

    paid = await gateway.confirm_intent(intent=made.id, payment_method=card, key=key())
    assert (paid.id, paid.status, paid.payment_method, paid.decline) == (made.id, "succeeded", card, None)
    assert await gateway.retrieve_intent(intent=made.id) == paid
    charged = await vendor.v1.payment_intents.retrieve_async(made.id, {"expand": ["latest_charge"]})
    assert charged.metadata.to_dict() == {"payment_id": "p-1", "client_id": "c-1"}
    assert isinstance(charged.latest_charge, stripe.Charge)
    assert (charged.latest_charge.amount, charged.latest_charge.status) == (12000, "succeeded")


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
        ("pm_card_radarBlock", "card_declined", "fraudulent"),
        ("pm_card_authenticationRequired", "authentication_required", "authentication_required"),
    ],
)
async def test_a_decline_is_a_value(gateway: StripeGateway, card: str, code: str, decline_code: str) -> None:
    made = await an_intent(gateway)
    declined = await gateway.confirm_intent(intent=made.id, payment_method=card, key=key())
    assert declined.status == "requires_payment_method"
    assert declined.decline is not None
    assert (declined.decline.code, declined.decline.decline_code) == (code, decline_code)
    assert declined.decline.message
    assert declined.payment_method is not None
    assert await gateway.retrieve_intent(intent=made.id) == declined

    # The same intent takes another card.
    again = await gateway.confirm_intent(intent=made.id, payment_method="pm_card_visa", key=key())
    assert (again.status, again.decline) == ("succeeded", None)


async def test_a_card_that_saves_and_fails_later_and_a_bank_that_changes_its_mind(
    gateway: StripeGateway, vendor: stripe.StripeClient, sandbox: Sandbox
) -> None:
    customer, card = await a_saved_card(gateway, vendor, "pm_card_chargeCustomerFail")
    made = await an_intent(gateway, customer)
    declined = await gateway.confirm_intent(intent=made.id, payment_method=card, key=key())
    assert declined.decline is not None
    assert declined.decline.decline_code == "generic_decline"

    sandbox.post(f"/stripe/_payment_methods/{card}", {"decline_code": "do_not_honor"})
    declined = await gateway.confirm_intent(intent=made.id, payment_method=card, key=key())
    assert declined.decline is not None
    assert declined.decline.decline_code == "do_not_honor"

    sandbox.post(f"/stripe/_payment_methods/{card}", {"decline_code": None})
    assert (await gateway.confirm_intent(intent=made.id, payment_method=card, key=key())).status == "succeeded"


async def test_a_setup_intent_saves_a_card(gateway: StripeGateway, vendor: stripe.StripeClient) -> None:
    customer = await gateway.create_customer(client_ref="C-1", key=key())
    setup = await gateway.create_setup_intent(customer=customer, key=key())
    assert (setup.status, setup.usage, setup.customer) == ("requires_payment_method", "off_session", customer)
    assert setup.client_secret

    with pytest.raises(stripe.CardError) as refused:
        await vendor.v1.setup_intents.confirm_async(setup.id, {"payment_method": "pm_card_visa_chargeDeclined"})
    assert refused.value.code == "card_declined"
    waiting = await gateway.retrieve_setup_intent(id=setup.id)
    assert waiting is not None
    assert waiting.status == "requires_payment_method"

    method = await vendor.v1.payment_methods.create_async(
        {
            "type": "card",
            "card": {"number": "5555555555554444", "exp_month": 11, "exp_year": 2044, "cvc": "123"},
        }
    )
    await vendor.v1.setup_intents.confirm_async(setup.id, {"payment_method": method.id})
    done = await gateway.retrieve_setup_intent(id=setup.id)
    assert done is not None
    assert (done.status, done.payment_method) == ("succeeded", method.id)
    assert await gateway.card(payment_method=method.id) == Card(
        payment_method=method.id,
        brand="mastercard",
        last4="4444",
        exp_month=11,
        exp_year=2044,
        fingerprint=method.card.fingerprint if method.card else None,
        created=datetime.fromtimestamp(method.created, UTC),
    )
    listed = await vendor.v1.customers.payment_methods.list_async(customer)
    assert [each.id for each in listed.data] == [method.id]


async def test_authentication_once_at_setup_lets_later_charges_pass(
    gateway: StripeGateway, vendor: stripe.StripeClient, sandbox: Sandbox
) -> None:
    customer = await gateway.create_customer(client_ref="C-1", key=key())
    setup = await gateway.create_setup_intent(customer=customer, key=key())
    asked = await vendor.v1.setup_intents.confirm_async(
        setup.id, {"payment_method": "pm_card_authenticationRequiredOnSetup"}
    )
    assert asked.status == "requires_action"
    sandbox.post(f"/stripe/_authenticate/{setup.id}", {"outcome": "succeed"})
    done = await gateway.retrieve_setup_intent(id=setup.id)
    assert done is not None
    assert done.status == "succeeded"
    assert done.payment_method is not None

    made = await an_intent(gateway, customer)
    paid = await gateway.confirm_intent(intent=made.id, payment_method=done.payment_method, key=key())
    assert paid.status == "succeeded"


async def test_authentication_always_sends_the_client_to_the_bank(
    gateway: StripeGateway, vendor: stripe.StripeClient, sandbox: Sandbox
) -> None:
    made = await an_intent(gateway)
    card = "pm_card_authenticationRequired"
    declined = await gateway.confirm_intent(intent=made.id, payment_method=card, key=key())
    assert declined.decline is not None
    assert declined.payment_method is not None

    # The client follows the link: the browser confirms the same intent on-session, fails once, then succeeds.
    for outcome, status in (("fail", "requires_payment_method"), ("succeed", "succeeded")):
        asked = await vendor.v1.payment_intents.confirm_async(made.id, {"payment_method": declined.payment_method})
        assert asked.status == "requires_action"
        sandbox.post(f"/stripe/_authenticate/{made.id}", {"outcome": outcome})
        now = await gateway.retrieve_intent(intent=made.id)
        assert now is not None
        assert now.status == status


async def test_the_same_key_is_the_same_charge(gateway: StripeGateway, sandbox: Sandbox) -> None:
    customer = await gateway.create_customer(client_ref="C-1", key="customer-once")
    assert await gateway.create_customer(client_ref="C-1", key="customer-once") == customer

    same = {
        "payment_id": "p-9",
        "client_id": "c-9",
        "customer": customer,
        "currency": "USD",
        "key": "intent-once",
    }
    first = await gateway.create_intent(amount=9900, **same)
    assert await gateway.create_intent(amount=9900, **same) == first
    with pytest.raises(GatewayRejected, match="same parameters"):
        await gateway.create_intent(amount=9800, **same)
    with pytest.raises(GatewayRejected, match="same endpoint"):
        await gateway.confirm_intent(intent=first.id, payment_method="pm_card_visa", key="intent-once")

    # A decline is kept too: the old key keeps telling of it, a new one tries again.
    decline = {"intent": first.id, "payment_method": "pm_card_visa_chargeDeclined", "key": "try-1"}
    assert await gateway.confirm_intent(**decline) == await gateway.confirm_intent(**decline)
    paid = await gateway.confirm_intent(intent=first.id, payment_method="pm_card_visa", key="try-2")
    assert paid.status == "succeeded"
    assert await gateway.confirm_intent(intent=first.id, payment_method="pm_card_visa", key="try-2") == paid

    state = sandbox.get("/stripe/_state")
    assert len([row for row in state["payment_intents"] if row["metadata"].get("payment_id") == "p-9"]) == 1
    charges = [row for row in state["charges"] if row["payment_intent"] == first.id]
    assert [row["status"] for row in charges] == ["failed", "succeeded"]


async def test_what_is_over_is_answered_as_it_stands(gateway: StripeGateway) -> None:
    paid = await an_intent(gateway)
    await gateway.confirm_intent(intent=paid.id, payment_method="pm_card_visa", key=key())
    again = await gateway.confirm_intent(intent=paid.id, payment_method="pm_card_mastercard", key=key())
    assert (again.id, again.status) == (paid.id, "succeeded")
    assert (await gateway.cancel_intent(intent=paid.id, key=key())).status == "succeeded"

    stray = await an_intent(gateway)
    assert (await gateway.cancel_intent(intent=stray.id, key=key())).status == "canceled"
    assert (await gateway.cancel_intent(intent=stray.id, key=key())).status == "canceled"
    late = await gateway.confirm_intent(intent=stray.id, payment_method="pm_card_visa", key=key())
    assert late.status == "canceled"


async def test_what_is_unknown_is_none(gateway: StripeGateway) -> None:
    assert await gateway.retrieve_intent(intent="pi_nothere") is None
    assert await gateway.retrieve_setup_intent(id="seti_nothere") is None
    assert await gateway.card(payment_method="pm_nothere") is None
    with pytest.raises(GatewayRejected) as rejected:
        await gateway.confirm_intent(intent="pi_nothere", payment_method="pm_card_visa", key=key())
    assert rejected.value.code == "resource_missing"


async def test_requests_that_can_never_work_are_rejected(gateway: StripeGateway) -> None:
    with pytest.raises(GatewayRejected, match="at least") as rejected:
        await an_intent(gateway, amount=49)
    assert rejected.value.code == "amount_too_small"
    with pytest.raises(GatewayRejected, match="No such customer"):
        await an_intent(gateway, "cus_nothere")


async def test_a_wrong_key_is_waited_out_so_that_no_payment_suffers_for_it(sandbox: Sandbox) -> None:
    stranger = StripeGateway(api_key="nonsense", api_base=sandbox.stripe)
    with pytest.raises(GatewayUnavailable, match="Invalid API Key") as unavailable:
        await stranger.create_customer(client_ref="C-1", key=key())
    assert (unavailable.value.ambiguous, unavailable.value.retry_with_same_key) == (False, True)
    await stranger.aclose()


async def test_a_gateway_that_is_not_there_is_unavailable() -> None:
    gone = StripeGateway(api_key="sk_test_tests", api_base=f"http://127.0.0.1:{free_port()}/stripe")
    with pytest.raises(GatewayUnavailable) as unavailable:
        await gone.retrieve_intent(intent="pi_1")
    assert (unavailable.value.ambiguous, unavailable.value.retry_with_same_key) == (False, True)
    await gone.aclose()


@pytest.mark.parametrize(
    ("answer", "ambiguous", "same_key"),
    [
        (None, True, True),
        ("HTTP/1.1 409 Conflict", True, True),
        ("HTTP/1.1 429 Too Many Requests", False, False),
        ("HTTP/1.1 500 Internal Server Error", True, False),
        ("silence", True, True),
    ],
)
async def test_broken_machinery_says_how_to_go_on(answer: str | None, ambiguous: bool, same_key: bool) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n" + b"metadata[client_ref]=C-1")
        if answer == "silence":
            await reader.read()
        elif answer:
            body = '{"error": {"message": "no", "type": "api_error"}}'
            writer.write(f"{answer}\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    gateway = StripeGateway(api_key="sk_test_x", api_base=f"http://127.0.0.1:{port}", timeout_seconds=0.5)
    with pytest.raises(GatewayUnavailable) as unavailable:
        await gateway.create_customer(client_ref="C-1", key="k")
    assert (unavailable.value.ambiguous, unavailable.value.retry_with_same_key) == (ambiguous, same_key)
    await gateway.aclose()
    server.close()


async def test_lists_page_newest_first(gateway: StripeGateway, vendor: stripe.StripeClient) -> None:
    customer = await gateway.create_customer(client_ref="C-1", key=key())
    made = [(await an_intent(gateway, customer)).id for _ in range(5)]
    first = await vendor.v1.payment_intents.list_async({"customer": customer, "limit": 2})
    assert [row.id for row in first.data] == [made[4], made[3]]
    assert first.has_more
    assert [row.id async for row in first.auto_paging_iter()] == made[::-1]
    last = await vendor.v1.payment_intents.list_async({"customer": customer, "starting_after": made[1]})
    assert ([row.id for row in last.data], last.has_more) == ([made[0]], False)
    none = await vendor.v1.payment_intents.list_async({"customer": customer, "created": {"lt": 1_000_000_000}})
    assert none.data == []


async def test_refunds_never_exceed_what_was_paid(gateway: StripeGateway, vendor: stripe.StripeClient) -> None:
    made = await an_intent(gateway)
    await gateway.confirm_intent(intent=made.id, payment_method="pm_card_visa", key=key())
    part = await vendor.v1.refunds.create_async({"payment_intent": made.id, "amount": 5000})
    assert (part.status, part.amount) == ("succeeded", 5000)
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        await vendor.v1.refunds.create_async({"payment_intent": made.id, "amount": 7001})
    rest = await vendor.v1.refunds.create_async({"payment_intent": made.id})
    assert rest.amount == 7000
    with pytest.raises(stripe.InvalidRequestError) as again:
        await vendor.v1.refunds.create_async({"payment_intent": made.id})
    assert again.value.code == "charge_already_refunded"
    assert len((await vendor.v1.refunds.list_async({"payment_intent": made.id})).data) == 2
