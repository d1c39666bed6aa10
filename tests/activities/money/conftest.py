from collections.abc import AsyncIterator

import pytest

from tests.care.client_money import ClientMoney
from tests.care.practice import Practice
from tests.care.reconciler import Reconciler


@pytest.fixture
async def money(practice: Practice) -> AsyncIterator[ClientMoney]:
    """The money of a client with a good card; at the end every sum must be right."""
    money = await ClientMoney.of(practice)
    yield money
    await money.adds_up()


@pytest.fixture
def reconciler(practice: Practice) -> Reconciler:
    return Reconciler(practice)
