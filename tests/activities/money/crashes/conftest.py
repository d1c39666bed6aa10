from collections.abc import AsyncIterator

import pytest

from tests.activities.conftest import practice
from tests.activities.money.crashes.steps import Till
from tests.activities.practice import Practice

__all__ = ["practice", "till"]


@pytest.fixture
async def till(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Till]:
    till = Till(practice)
    till.take_over(monkeypatch)
    yield till
    await till.aclose()
