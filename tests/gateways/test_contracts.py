"""One list of contracts, held to the stand-in, to the gateway of test clients, and to the public fake localstripe.

What an implementation does otherwise stands here by name. Each of these is run too, and must go wrong in the way that
is written beside it: the day it no longer does, its line has to go.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

import pytest
import stripe

from activities.gateways.simulated import SimulatedGateway
from activities.gateways.stripe import StripeGateway
from activities.ports import GatewayRejected, GatewayUnavailable, SetupIntent
from tests.gateways.contracts import CONTRACTS, Shop
from tests.gateways.localstripe import LocalStripe, gateway_to


@dataclass(frozen=True, kw_only=True)
class Otherwise:
    """How an implementation departs from a contract: what is raised there, and with which words."""

    because: str
    raises: type[BaseException] = AssertionError
    saying: str


_NO_KEYS = "it ignores idempotency keys"
_NO_CODES = "its errors have no code, so that nothing tells what is missing or over from what is wrong"
_NO_CHECKOUT = "it has no Checkout"
LOCALSTRIPE: Mapping[str, Otherwise] = {
    "the_same_key_makes_one_customer": Otherwise(because=_NO_KEYS, saying="there are two customers"),
    "the_same_key_makes_one_intent": Otherwise(because=_NO_KEYS, saying="there are two intents"),
    "the_same_key_refunds_once": Otherwise(because=_NO_KEYS, saying="there are two refunds"),
    "a_key_stands_for_one_request": Otherwise(because=_NO_KEYS, raises=pytest.fail.Exception, saying="DID NOT RAISE"),
    "a_refused_card_leaves_the_setup_open": Otherwise(
        because="a refused card ends the whole setup", saying="it is canceled"
    ),
    "a_second_confirm_charges_nothing": Otherwise(
        because=_NO_CODES, raises=GatewayRejected, saying="InvalidRequestError 400 : Bad request"
    ),
    "less_than_stripe_charges_is_rejected": Otherwise(
        because="it charges any amount", raises=pytest.fail.Exception, saying="DID NOT RAISE"
    ),
    "a_decline_has_the_banks_own_word": Otherwise(
        because="it knows no decline codes", saying="the bank's word is missing"
    ),
    "another_card_pays_after_a_decline": Otherwise(
        because="a declined intent takes no other card", raises=GatewayRejected, saying="InvalidRequestError 400"
    ),
    "a_bank_that_wants_the_client_declines_without_them": Otherwise(
        because="it waits for the client also when they are not there", saying="the intent is requires_action"
    ),
    "a_second_cancel_says_the_same": Otherwise(
        because=_NO_CODES, raises=GatewayRejected, saying="InvalidRequestError 400 : Bad request"
    ),
    "what_was_paid_cannot_be_cancelled": Otherwise(
        because=_NO_CODES, raises=GatewayRejected, saying="InvalidRequestError 400 : Bad request"
    ),
    "what_is_unknown_is_none": Otherwise(
        because=_NO_CODES, raises=GatewayRejected, saying="InvalidRequestError 404 : Not Found"
    ),
    "more_than_was_paid_is_not_refunded": Otherwise(
        because="it refunds any amount", raises=pytest.fail.Exception, saying="DID NOT RAISE"
    ),
    "refunds_together_stay_within_what_was_paid": Otherwise(
        because="it refunds any amount", raises=pytest.fail.Exception, saying="DID NOT RAISE"
    ),
    "a_charge_adds_up_its_refunds": Otherwise(
        because="its charges do not say what was captured", raises=AttributeError, saying="amount_captured"
    ),
    "the_intents_of_a_payment_are_found_at_once": Otherwise(
        because="it lists no intents by their customer", raises=GatewayRejected, saying="Unexpected customer"
    ),
    "intents_are_listed_with_our_ids": Otherwise(
        because="it lists no intents by their time", raises=GatewayRejected, saying="Unexpected created"
    ),
    "refunds_are_listed_with_our_ids": Otherwise(
        because="it breaks when asked for refunds by their time", raises=GatewayUnavailable, saying="500"
    ),
    "a_page_for_a_card_is_made": Otherwise(because=_NO_CHECKOUT, raises=GatewayRejected, saying="404"),
    "a_page_waits_for_the_card": Otherwise(because=_NO_CHECKOUT, raises=GatewayRejected, saying="404"),
    "the_same_key_makes_one_page": Otherwise(because=_NO_CHECKOUT, raises=GatewayRejected, saying="404"),
    "a_client_who_is_there_pays_at_once": Otherwise(
        because="it sends nobody back", raises=GatewayRejected, saying="Unexpected return_url"
    ),
    "a_bank_that_wants_the_client_has_a_page_for_them": Otherwise(
        because="it sends nobody back", raises=GatewayRejected, saying="Unexpected return_url"
    ),
    "disputes_can_be_listed": Otherwise(because="it has no disputes", raises=GatewayRejected, saying="404"),
}

_NO_BANK = "every card is good"
_NO_MEMORY = "it remembers nothing"
SIMULATED: Mapping[str, Otherwise] = {
    "a_setup_waits_for_the_browser": Otherwise(because="there is no browser", saying="it did not wait"),
    "a_page_waits_for_the_card": Otherwise(because="there is no page", saying="it did not wait"),
    "a_bank_that_wants_the_client_has_a_page_for_them": Otherwise(because=_NO_BANK, saying="the intent is succeeded"),
    "a_saved_card_shows_its_own_digits": Otherwise(because="there is no card", saying="another card is shown"),
    "a_refused_card_leaves_the_setup_open": Otherwise(because=_NO_BANK, saying="it is succeeded"),
    "a_decline_is_an_answer": Otherwise(because=_NO_BANK, saying="the bank never says no"),
    "a_decline_has_the_banks_own_word": Otherwise(because=_NO_BANK, saying="the bank never says no"),
    "another_card_pays_after_a_decline": Otherwise(because=_NO_BANK, saying="the bank never says no"),
    "a_bank_that_wants_the_client_declines_without_them": Otherwise(because=_NO_BANK, saying="the intent is succeeded"),
    "less_than_stripe_charges_is_rejected": Otherwise(
        because="no money moves", raises=pytest.fail.Exception, saying="DID NOT RAISE"
    ),
    "what_was_paid_is_found_again": Otherwise(because=_NO_MEMORY, saying="it is forgotten"),
    "a_key_stands_for_one_request": Otherwise(because=_NO_MEMORY, raises=pytest.fail.Exception, saying="DID NOT RAISE"),
    "what_was_paid_cannot_be_cancelled": Otherwise(because=_NO_MEMORY, saying="it is canceled"),
    "refunds_together_stay_within_what_was_paid": Otherwise(
        because=_NO_MEMORY, raises=pytest.fail.Exception, saying="DID NOT RAISE"
    ),
    "what_was_never_paid_is_not_refunded": Otherwise(
        because=_NO_MEMORY, raises=pytest.fail.Exception, saying="DID NOT RAISE"
    ),
    "a_refund_is_found_by_our_own_id": Otherwise(because=_NO_MEMORY, saying="it is not found"),
    "the_intents_of_a_payment_are_found_at_once": Otherwise(because=_NO_MEMORY, saying="they are not found"),
    "a_charge_adds_up_its_refunds": Otherwise(because=_NO_MEMORY, saying="the refund is not counted"),
    "intents_are_listed_with_our_ids": Otherwise(because=_NO_MEMORY, saying="it is not listed"),
    "refunds_are_listed_with_our_ids": Otherwise(because=_NO_MEMORY, saying="it is not listed"),
}


def shop_of(gateway: StripeGateway) -> Shop:
    async def confirm_setup(setup: SetupIntent, card: str) -> None:
        with suppress(stripe.CardError):  # whoever looks at the setup finds out
            await gateway._stripe.v1.setup_intents.confirm_async(setup.id, {"payment_method": card})

    return Shop(gateway=gateway, confirm_setup=confirm_setup)


@pytest.fixture
def stand_in(gateway: StripeGateway) -> Shop:
    return shop_of(gateway)


@pytest.fixture
async def fake(localstripe: LocalStripe) -> AsyncIterator[Shop]:
    gateway = gateway_to(localstripe.url)
    yield shop_of(gateway)
    await gateway.aclose()


@pytest.fixture
def simulated() -> Shop:
    async def confirm_setup(setup: SetupIntent, card: str) -> None:
        """Nobody asks for a card."""

    return Shop(gateway=SimulatedGateway(), confirm_setup=confirm_setup)


@pytest.mark.parametrize("name", CONTRACTS)
async def test_the_stand_in_keeps_every_contract(stand_in: Shop, name: str) -> None:
    await CONTRACTS[name](stand_in)


@pytest.mark.parametrize("name", [name for name in CONTRACTS if name not in LOCALSTRIPE])
async def test_localstripe_keeps(fake: Shop, name: str) -> None:
    await CONTRACTS[name](fake)


@pytest.mark.parametrize("name", LOCALSTRIPE)
async def test_localstripe_does_otherwise(fake: Shop, name: str) -> None:
    with pytest.raises(LOCALSTRIPE[name].raises, match=LOCALSTRIPE[name].saying):
        await CONTRACTS[name](fake)


@pytest.mark.parametrize("name", [name for name in CONTRACTS if name not in SIMULATED])
async def test_the_gateway_of_test_clients_keeps(simulated: Shop, name: str) -> None:
    await CONTRACTS[name](simulated)


@pytest.mark.parametrize("name", SIMULATED)
async def test_the_gateway_of_test_clients_does_otherwise(simulated: Shop, name: str) -> None:
    with pytest.raises(SIMULATED[name].raises, match=SIMULATED[name].saying):
        await CONTRACTS[name](simulated)


def test_nothing_unknown_is_said_to_be_otherwise() -> None:
    assert set(LOCALSTRIPE) < set(CONTRACTS)
    assert set(SIMULATED) < set(CONTRACTS)
