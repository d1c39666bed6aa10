"""Times, money and names in words."""

from datetime import UTC, datetime

import pytest

from activities.mail import wording
from rules.enums import TaskKind

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("America/New_York", "Tuesday 1 December 2026, 07:00 (New York time, EST)"),
        ("Europe/London", "Tuesday 1 December 2026, 12:00 (London time, GMT)"),
        ("Australia/Lord_Howe", "Tuesday 1 December 2026, 23:00 (Lord Howe time, UTC+11:00)"),
        ("America/Argentina/Buenos_Aires", "Tuesday 1 December 2026, 09:00 (Buenos Aires time, UTC-03:00)"),
        ("Asia/Kathmandu", "Tuesday 1 December 2026, 17:45 (Kathmandu time, UTC+05:45)"),
        ("Pacific/Kiritimati", "Wednesday 2 December 2026, 02:00 (Kiritimati time, UTC+14:00)"),
        ("UTC", "Tuesday 1 December 2026, 12:00 (UTC)"),
        ("Etc/GMT+5", "Tuesday 1 December 2026, 07:00 (UTC-05:00)"),
    ],
)
def test_local_time_names_the_zone(zone: str, words: str) -> None:
    assert wording.local_time(NOON, zone) == words


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    first, second = (datetime(2026, 11, 1, hour, 30, tzinfo=UTC) for hour in (5, 6))
    assert wording.local_time(first, "America/New_York").endswith("01:30 (New York time, EDT)")
    assert wording.local_time(second, "America/New_York").endswith("01:30 (New York time, EST)")


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        wording.local_date(NOON.replace(tzinfo=None), "UTC")


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
