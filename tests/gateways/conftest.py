from collections.abc import AsyncIterator, Iterator

import pytest
import stripe

from activities.gateways.stripe import StripeGateway, Transport
from tests.gateways.localstripe import LocalStripe, running_localstripe
from tests.sandbox.process import Sandbox, running_sandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as running:
        yield running


@pytest.fixture(scope="session")
def localstripe() -> Iterator[LocalStripe]:
    with running_localstripe() as running:
        yield running


@pytest.fixture
async def gateway(sandbox: Sandbox) -> AsyncIterator[StripeGateway]:
    gateway = StripeGateway(api_key="sk_test_tests", api_base=sandbox.stripe)
    yield gateway
    await gateway.aclose()


@pytest.fixture
async def vendor(sandbox: Sandbox) -> AsyncIterator[stripe.StripeClient]:
    """Stripe's own client, bare: what the gateway does not offer, and the part of the browser."""
    http = Transport(timeout=10)
    yield stripe.StripeClient(
        "sk_test_tests", base_addresses={"api": sandbox.stripe}, max_network_retries=0, http_client=http
    )
    await http.close_async()  # type: ignore[no-untyped-call]
