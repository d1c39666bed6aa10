from collections.abc import AsyncIterator

import pytest

from tests.activities.money.crashes.steps import PaymentSteps
from tests.care.practice import Practice


@pytest.fixture
async def steps(practice: Practice) -> AsyncIterator[PaymentSteps]:
    steps = PaymentSteps(practice)
    yield steps
    await steps.aclose()
