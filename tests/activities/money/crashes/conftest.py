from collections.abc import AsyncIterator

import pytest

from tests.activities.money.crashes.steps import PaymentSteps
from tests.care.practice import Practice


@pytest.fixture
async def steps(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PaymentSteps]:
    steps = PaymentSteps(practice)
    steps.take_over(monkeypatch)
    yield steps
    await steps.aclose()
