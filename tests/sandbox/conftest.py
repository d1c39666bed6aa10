from collections.abc import Iterator

import httpx
import pytest

from tests.sandbox.process import Sandbox, running_sandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
def http(sandbox: Sandbox) -> Iterator[httpx.Client]:
    """Bare HTTP to the Stripe stand-in, with a secret key."""
    with httpx.Client(
        base_url=sandbox.stripe, headers={"Authorization": "Bearer sk_test_x"}, trust_env=False, timeout=10
    ) as client:
        yield client
