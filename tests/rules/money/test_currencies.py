from decimal import Decimal

import pytest

from rules.money.currencies import decimal_places, in_units
from rules.money.fees import CHARGEABLE


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        (12000, "USD", "120.00"),
        (5, "EUR", "0.05"),
        (0, "usd", "0.00"),
        (-9007199254740993, "USD", "-90071992547409.93"),  # no float has these digits
        (1200, "JPY", "1200"),
        (1250, "KWD", "1.250"),
    ],
)
def test_an_amount_is_written_as_its_currency_counts(amount: int, currency: str, written: str) -> None:
    assert f"{in_units(amount, currency):f}" == written
    assert isinstance(in_units(amount, currency), Decimal)


def test_no_fee_is_in_a_currency_of_thousandths() -> None:
    assert {decimal_places(currency) for currency in CHARGEABLE} == {0, 2}
