"""Times in words."""

from datetime import UTC, datetime

import pytest

from rules import time_words

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
    assert time_words.local_time(NOON, zone) == words


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    first, second = (datetime(2026, 11, 1, hour, 30, tzinfo=UTC) for hour in (5, 6))
    assert time_words.local_time(first, "America/New_York").endswith("01:30 (New York time, EDT)")
    assert time_words.local_time(second, "America/New_York").endswith("01:30 (New York time, EST)")


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        time_words.local_date(NOON.replace(tzinfo=None), "UTC")
