import pytest

from tests.activities.money.approvals.ceiling import Ceilinged
from tests.care.client_money import ClientMoney
from tests.care.practice import Practice


@pytest.fixture
def ceiling(practice: Practice, money: ClientMoney) -> Ceilinged:
    return Ceilinged.of(practice, money)
