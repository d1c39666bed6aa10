"""Money and names in words."""

import pytest

from activities.mail import wording
from rules.enums import TaskKind


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        (12000, "usd", "120.00 USD"),
        (5, "EUR", "0.05 EUR"),
        (0, "usd", "0.00 USD"),
        (1200, "jpy", "1200 JPY"),
        (1250, "KWD", "1.250 KWD"),
        (123456789012, "usd", "1234567890.12 USD"),
    ],
)
def test_money(amount: int, currency: str, words: str) -> None:
    assert wording.money(amount, currency) == words


@pytest.mark.parametrize("name", ["Sara", "Sara Lind", "O'Neil", "J. R. Smith", "José María", "李 明"])
def test_people_are_greeted_by_name(name: str) -> None:
    assert wording.greeting(name) == f"Hello {name},"


@pytest.mark.parametrize("name", ["", "  ", "win at evil.example", "https://evil.example", "a@b.example", "x" * 81])
def test_an_address_is_not_greeted(name: str) -> None:
    assert wording.greeting(name) == "Hello,"


@pytest.mark.parametrize(
    ("items", "words"), [(("NY",), "NY"), (("NY", "NJ"), "NY and NJ"), (("a", "b", "c"), "a, b and c")]
)
def test_lists(items: tuple[str, ...], words: str) -> None:
    assert wording.listed(items) == words


def test_every_kind_of_task_can_be_mailed() -> None:
    assert all(kind.label for kind in TaskKind)
