"""What every payment gateway keeps: one list, held to each implementation in ``test_contracts``."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from activities.ports import Checkout, GatewayRejected, Intent, PaymentGateway, SetupIntent

T = TypeVar("T")
_numbers = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A gateway, and the browser's part beside it: ``confirm_setup`` gives a card by its test name to a setup intent,
    and the bank may refuse it."""

    gateway: PaymentGateway
    confirm_setup: Callable[[SetupIntent, str], Awaitable[None]]

    async def saved_card(self, card: str = "pm_card_visa") -> tuple[str, str]:
        """A customer and their saved card."""
        customer = await self.gateway.create_customer(client_ref="C-1", key=fresh_key())
        setup = await self.gateway.create_setup_intent(customer=customer, key=fresh_key())
        await self.confirm_setup(setup, card)
        done = await self.gateway.retrieve_setup_intent(id=setup.id)
        assert done is not None
        assert done.status == "succeeded"
        assert done.payment_method is not None
        return customer, done.payment_method

    async def intent(self, customer: str | None = None, *, amount: int = 12000, key: str | None = None) -> Intent:
        customer = customer or await self.gateway.create_customer(client_ref="C-1", key=fresh_key())
        return await self.gateway.create_intent(
            payment_id="p-1",
            client_id="c-1",
            customer=customer,
            amount=amount,
            currency="USD",
            key=key or fresh_key(),
        )

    async def paid(self, *, amount: int = 12000) -> Intent:
        customer, card = await self.saved_card()
        made = await self.intent(customer, amount=amount)
        return await self.gateway.confirm_intent(intent=made.id, payment_method=card, key=fresh_key())

    async def declined(self) -> tuple[str, Intent]:
        """A customer, and an intent that the bank said no to."""
        customer, card = await self.saved_card("pm_card_chargeCustomerFail")
        made = await self.intent(customer)
        declined = await self.gateway.confirm_intent(intent=made.id, payment_method=card, key=fresh_key())
        assert declined.decline is not None, "the bank never says no"
        return customer, declined


def fresh_key() -> str:
    return f"contract-{next(_numbers)}"


async def every(rows: AsyncIterator[T]) -> list[T]:
    return [row async for row in rows]


def around_now() -> dict[str, datetime]:
    now = datetime.now(UTC)
    return {"since": now - timedelta(minutes=5), "until": now + timedelta(minutes=5)}


Contract = Callable[[Shop], Awaitable[None]]
CONTRACTS: dict[str, Contract] = {}


def contract(keep: Contract) -> Contract:
    CONTRACTS[keep.__name__] = keep
    return keep


# ---------------------------------------------------------------- customers and cards


@contract
async def a_customer_has_an_id(shop: Shop) -> None:
    assert (await shop.gateway.create_customer(client_ref="C-1", key=fresh_key())).startswith("cus_")


@contract
async def the_same_key_makes_one_customer(shop: Shop) -> None:
    key = fresh_key()
    first = await shop.gateway.create_customer(client_ref="C-1", key=key)
    assert await shop.gateway.create_customer(client_ref="C-1", key=key) == first, "there are two customers"


@contract
async def a_card_is_saved_for_later_charges(shop: Shop) -> None:
    customer = await shop.gateway.create_customer(client_ref="C-1", key=fresh_key())
    setup = await shop.gateway.create_setup_intent(customer=customer, key=fresh_key())
    assert (setup.customer, setup.usage) == (customer, "off_session")
    assert setup.client_secret
    await shop.confirm_setup(setup, "pm_card_visa")
    done = await shop.gateway.retrieve_setup_intent(id=setup.id)
    assert done is not None
    assert (done.id, done.status, done.customer) == (setup.id, "succeeded", customer)
    assert done.payment_method is not None
    shown = await shop.gateway.card(payment_method=done.payment_method)
    assert shown is not None
    assert (shown.payment_method, len(shown.last4)) == (done.payment_method, 4)
    assert 1 <= shown.exp_month <= 12
    assert shown.exp_year > datetime.now(UTC).year


@contract
async def a_setup_waits_for_the_browser(shop: Shop) -> None:
    customer = await shop.gateway.create_customer(client_ref="C-1", key=fresh_key())
    setup = await shop.gateway.create_setup_intent(customer=customer, key=fresh_key())
    assert setup.status == "requires_payment_method", "it did not wait"


@contract
async def a_saved_card_shows_its_own_digits(shop: Shop) -> None:
    _, card = await shop.saved_card()
    shown = await shop.gateway.card(payment_method=card)
    assert shown is not None
    assert (shown.brand, shown.last4) == ("visa", "4242"), "another card is shown"


@contract
async def a_refused_card_leaves_the_setup_open(shop: Shop) -> None:
    customer = await shop.gateway.create_customer(client_ref="C-1", key=fresh_key())
    setup = await shop.gateway.create_setup_intent(customer=customer, key=fresh_key())
    await shop.confirm_setup(setup, "pm_card_visa_chargeDeclined")
    now = await shop.gateway.retrieve_setup_intent(id=setup.id)
    assert now is not None
    assert now.status == "requires_payment_method", f"it is {now.status}"


async def a_checkout(shop: Shop, key: str | None = None) -> Checkout:
    customer = await shop.gateway.create_customer(client_ref="C-1", key=fresh_key())
    return await shop.gateway.create_checkout(
        customer=customer,
        client_id="c-1",
        success_url="https://portal.example/card?checkout_session={CHECKOUT_SESSION_ID}",
        cancel_url="https://portal.example/card",
        key=key or fresh_key(),
    )


@contract
async def a_page_for_a_card_is_made(shop: Shop) -> None:
    made = await a_checkout(shop)
    assert (made.id[:3], made.mode) == ("cs_", "setup")
    assert made.customer is not None
    assert made.setup_intent is not None
    assert made.url is not None
    assert made.url.startswith("http")
    assert made.expires_at > datetime.now(UTC)


@contract
async def a_page_waits_for_the_card(shop: Shop) -> None:
    made = await a_checkout(shop)
    assert made.status == "open", "it did not wait"
    assert made.setup_intent is not None
    setup = await shop.gateway.retrieve_setup_intent(id=made.setup_intent)
    assert setup is not None
    assert (setup.customer, setup.usage, setup.client_id) == (made.customer, "off_session", "c-1")
    assert setup.status == "requires_payment_method"
    assert await shop.gateway.retrieve_checkout(id=made.id) == made


@contract
async def the_same_key_makes_one_page(shop: Shop) -> None:
    customer = await shop.gateway.create_customer(client_ref="C-1", key=fresh_key())
    asked = {"customer": customer, "client_id": "c-1", "key": fresh_key()}
    asked |= {"success_url": "https://portal.example/a", "cancel_url": "https://portal.example/b"}
    first = await shop.gateway.create_checkout(**asked)
    assert (await shop.gateway.create_checkout(**asked)).id == first.id


# ---------------------------------------------------------------- charges


@contract
async def an_intent_is_made_unconfirmed(shop: Shop) -> None:
    made = await shop.intent()
    assert made.status in ("requires_payment_method", "requires_confirmation")
    assert (made.amount, made.currency, made.amount_received) == (12000, "USD", 0)
    assert made.client_secret
    assert made.decline is None


@contract
async def a_confirmed_intent_is_paid(shop: Shop) -> None:
    paid = await shop.paid()
    assert (paid.status, paid.amount, paid.amount_received, paid.decline) == ("succeeded", 12000, 12000, None)
    assert paid.latest_charge is not None


@contract
async def what_was_paid_is_found_again(shop: Shop) -> None:
    paid = await shop.paid()
    assert await shop.gateway.retrieve_intent(intent=paid.id) == paid, "it is forgotten"


@contract
async def the_same_key_makes_one_intent(shop: Shop) -> None:
    customer = await shop.gateway.create_customer(client_ref="C-1", key=fresh_key())
    key = fresh_key()
    first = await shop.intent(customer, key=key)
    assert (await shop.intent(customer, key=key)).id == first.id, "there are two intents"


@contract
async def a_key_stands_for_one_request(shop: Shop) -> None:
    customer = await shop.gateway.create_customer(client_ref="C-1", key=fresh_key())
    key = fresh_key()
    await shop.intent(customer, amount=12000, key=key)
    with pytest.raises(GatewayRejected, match="same parameters"):
        await shop.intent(customer, amount=11000, key=key)


@contract
async def a_second_confirm_charges_nothing(shop: Shop) -> None:
    customer, card = await shop.saved_card()
    made = await shop.intent(customer)
    paid = await shop.gateway.confirm_intent(intent=made.id, payment_method=card, key=fresh_key())
    again = await shop.gateway.confirm_intent(intent=made.id, payment_method=card, key=fresh_key())
    assert (again.status, again.amount_received, again.latest_charge) == ("succeeded", 12000, paid.latest_charge)


@contract
async def less_than_stripe_charges_is_rejected(shop: Shop) -> None:
    with pytest.raises(GatewayRejected, match="at least"):
        await shop.intent(amount=49)


# ---------------------------------------------------------------- declines


@contract
async def a_decline_is_an_answer(shop: Shop) -> None:
    _, declined = await shop.declined()
    assert declined.decline is not None
    assert (declined.status, declined.decline.code) == ("requires_payment_method", "card_declined")
    assert declined.decline.message


@contract
async def a_decline_has_the_banks_own_word(shop: Shop) -> None:
    _, declined = await shop.declined()
    assert declined.decline is not None
    assert declined.decline.decline_code == "generic_decline", "the bank's word is missing"


@contract
async def another_card_pays_after_a_decline(shop: Shop) -> None:
    _, declined = await shop.declined()
    paid = await shop.gateway.confirm_intent(intent=declined.id, payment_method="pm_card_visa", key=fresh_key())
    assert (paid.status, paid.decline) == ("succeeded", None)


@contract
async def a_bank_that_wants_the_client_declines_without_them(shop: Shop) -> None:
    made = await shop.intent()
    told = await shop.gateway.confirm_intent(
        intent=made.id, payment_method=await wants_the_client(shop), key=fresh_key()
    )
    assert told.decline is not None, f"the intent is {told.status}"
    assert (told.status, told.decline.code) == ("requires_payment_method", "authentication_required")


@contract
async def a_client_who_is_there_pays_at_once(shop: Shop) -> None:
    customer, card = await shop.saved_card()
    made = await shop.intent(customer)
    paid = await shop.gateway.confirm_intent(
        intent=made.id, payment_method=card, key=fresh_key(), return_url="https://portal.example/pay"
    )
    assert (paid.status, paid.amount_received, paid.redirect) == ("succeeded", 12000, None)


@contract
async def a_bank_that_wants_the_client_has_a_page_for_them(shop: Shop) -> None:
    made = await shop.intent()
    told = await shop.gateway.confirm_intent(
        intent=made.id,
        payment_method=await wants_the_client(shop),
        key=fresh_key(),
        return_url="https://portal.example/pay",
    )
    assert (told.status, told.decline) == ("requires_action", None), f"the intent is {told.status}"
    assert told.redirect is not None
    assert told.redirect.url.startswith("http")
    assert told.redirect.return_url == "https://portal.example/pay"
    assert await shop.gateway.retrieve_intent(intent=made.id) == told


async def wants_the_client(shop: Shop) -> str:
    """A card whose bank asks for the client every time; by its number, which every implementation knows."""
    vendor = getattr(shop.gateway, "_stripe", None)
    if vendor is None:
        return "pm_card_authenticationRequired"
    card = {"number": "4000002760003184", "exp_month": 12, "exp_year": 2044, "cvc": "123"}
    return str((await vendor.v1.payment_methods.create_async({"type": "card", "card": card})).id)


# ---------------------------------------------------------------- what is over, and what never was


@contract
async def an_open_intent_is_cancelled(shop: Shop) -> None:
    made = await shop.intent()
    assert (await shop.gateway.cancel_intent(intent=made.id, key=fresh_key())).status == "canceled"


@contract
async def a_second_cancel_says_the_same(shop: Shop) -> None:
    made = await shop.intent()
    await shop.gateway.cancel_intent(intent=made.id, key=fresh_key())
    assert (await shop.gateway.cancel_intent(intent=made.id, key=fresh_key())).status == "canceled"


@contract
async def what_was_paid_cannot_be_cancelled(shop: Shop) -> None:
    paid = await shop.paid()
    told = await shop.gateway.cancel_intent(intent=paid.id, key=fresh_key())
    assert told.status == "succeeded", f"it is {told.status}"


@contract
async def what_is_unknown_is_none(shop: Shop) -> None:
    assert await shop.gateway.retrieve_intent(intent="pi_nothere") is None
    assert await shop.gateway.retrieve_setup_intent(id="seti_nothere") is None
    assert await shop.gateway.retrieve_checkout(id="cs_test_nothere") is None
    assert await shop.gateway.retrieve_refund(id="re_nothere") is None
    assert await shop.gateway.retrieve_charge(id="ch_nothere") is None
    assert await shop.gateway.retrieve_dispute(id="du_nothere") is None


# ---------------------------------------------------------------- refunds


async def give_back(shop: Shop, paid: Intent, amount: int, *, id: str = "r-1", currency: str = "USD") -> str | None:
    made = await shop.gateway.refund(
        intent=paid.id, refund_id=id, amount=amount, currency=currency, key=f"{paid.id}:{id}"
    )
    assert (made.status, made.amount, made.currency, made.refund_id) == ("succeeded", amount, "USD", id)
    assert made.intent == paid.id
    return made.id


@contract
async def a_part_and_then_the_rest_is_refunded(shop: Shop) -> None:
    paid = await shop.paid()
    first = await give_back(shop, paid, 5000, id="r-1")
    rest = await give_back(shop, paid, 7000, id="r-2")
    assert first != rest
    assert first is not None
    told = await shop.gateway.retrieve_refund(id=first)
    assert told is not None
    assert (told.id, told.amount, told.status) == (first, 5000, "succeeded")
    whole = await shop.paid()
    assert await give_back(shop, whole, 12000) not in (first, rest)


@contract
async def more_than_was_paid_is_not_refunded(shop: Shop) -> None:
    paid = await shop.paid()
    with pytest.raises(GatewayRejected):
        await give_back(shop, paid, 12001)


@contract
async def refunds_together_stay_within_what_was_paid(shop: Shop) -> None:
    paid = await shop.paid()
    await give_back(shop, paid, 7000, id="r-1")
    with pytest.raises(GatewayRejected):
        await give_back(shop, paid, 7000, id="r-2")


@contract
async def what_was_never_paid_is_not_refunded(shop: Shop) -> None:
    made = await shop.intent()
    with pytest.raises(GatewayRejected):
        await give_back(shop, made, 12000)


@contract
async def another_currency_is_not_refunded(shop: Shop) -> None:
    paid = await shop.paid()
    with pytest.raises(GatewayRejected, match="was charged in USD, not in EUR"):
        await give_back(shop, paid, 5000, currency="EUR")


@contract
async def the_same_key_refunds_once(shop: Shop) -> None:
    paid = await shop.paid()
    first = await give_back(shop, paid, 5000)
    assert await give_back(shop, paid, 5000) == first, "there are two refunds"


@contract
async def a_refund_is_found_by_our_own_id(shop: Shop) -> None:
    paid = await shop.paid()
    await give_back(shop, paid, 1000, id="r-1")
    made = await give_back(shop, paid, 2000, id="r-2")
    found = await shop.gateway.find_refund(intent=paid.id, refund_id="r-2")
    assert found is not None, "it is not found"
    assert (found.id, found.amount) == (made, 2000)
    assert await shop.gateway.find_refund(intent=paid.id, refund_id="r-3") is None


@contract
async def a_charge_adds_up_its_refunds(shop: Shop) -> None:
    paid = await shop.paid()
    await give_back(shop, paid, 5000)
    assert paid.latest_charge is not None
    charge = await shop.gateway.retrieve_charge(id=paid.latest_charge)
    assert charge is not None
    assert (charge.intent, charge.status, charge.amount_captured) == (paid.id, "succeeded", 12000)
    assert (charge.amount_refunded, charge.disputed) == (5000, False), "the refund is not counted"


# ---------------------------------------------------------------- lists


@contract
async def the_intents_of_a_payment_are_found_at_once(shop: Shop) -> None:
    customer, card = await shop.saved_card()
    first = await shop.intent(customer)
    await shop.gateway.confirm_intent(intent=first.id, payment_method=card, key=fresh_key())
    second = await shop.intent(customer)
    found = await shop.gateway.intents_of(payment_id="p-1", customer=customer)
    assert [(intent.id, intent.status == "succeeded") for intent in found] == [
        (second.id, False), (first.id, True)
    ], "they are not found"  # fmt: skip
    assert await shop.gateway.intents_of(payment_id="p-2", customer=customer) == []


@contract
async def intents_are_listed_with_our_ids(shop: Shop) -> None:
    paid = await shop.paid()
    listed = {intent.id: intent for intent in await every(shop.gateway.list_intents(**around_now()))}
    assert paid.id in listed, "it is not listed"
    assert listed[paid.id] == paid
    assert (paid.payment_id, paid.amount_received) == ("p-1", 12000)


@contract
async def refunds_are_listed_with_our_ids(shop: Shop) -> None:
    paid = await shop.paid()
    made = await give_back(shop, paid, 5000, id="r-77")
    listed = [row for row in await every(shop.gateway.list_refunds(**around_now())) if row.id == made]
    assert [(row.intent, row.refund_id, row.amount) for row in listed] == [(paid.id, "r-77", 5000)], "it is not listed"


@contract
async def disputes_can_be_listed(shop: Shop) -> None:
    paid = await shop.paid()
    assert paid.id not in [row.intent for row in await every(shop.gateway.list_disputes(**around_now()))]
