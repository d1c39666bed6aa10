"""Calendar files as the programs of the world write them, each with the times that are busy in it, over two changes of
the clocks.

They are made up after the shapes that Google, Outlook, Exchange, Apple, Fastmail and Nextcloud write, with their
oddities; ``<name>.busy`` has a line for each busy time: from, until, and what else is told of it.
"""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from calendars.outside.lines import calendars_in, fingerprint
from calendars.outside.reading import busy_in
from calendars.outside.refusing import NotACalendar
from rules.booking.outside import BusySpan, Window

FILES = Path(__file__).parent / "files"
NAMES = sorted(path.stem for path in FILES.glob("*.ics"))
WINDOW = Window(starts_at=datetime(2026, 9, 1, tzinfo=UTC), ends_at=datetime(2027, 5, 1, tzinfo=UTC))


def read(file: bytes) -> list[BusySpan]:
    """As Ana's, who is in Berlin."""
    return busy_in(calendars_in(file), WINDOW, time_zone="Europe/Berlin", owner="ana@practice.example")


def told(span: BusySpan) -> str:
    flags = [" all-day"] * span.all_day + [" tentative"] * span.tentative
    return f"{span.starts_at:%Y-%m-%dT%H:%M:%SZ} {span.ends_at:%Y-%m-%dT%H:%M:%SZ}" + "".join(flags)


def test_there_are_fifty_and_more() -> None:
    assert len(NAMES) >= 50
    assert {path.stem for path in FILES.glob("*.busy")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_read_to_the_right_times(name: str) -> None:
    found = read((FILES / f"{name}.ics").read_bytes())
    assert [told(span) for span in found] == (FILES / f"{name}.busy").read_text().splitlines()


@pytest.mark.parametrize("name", NAMES)
def test_cut_off_anywhere_it_is_no_calendar(name: str) -> None:
    file = (FILES / f"{name}.ics").read_bytes()
    whole = fingerprint(calendars_in(file))
    last = file.rstrip().rfind(b"END") if not file.startswith(b"\xff\xfe") else len(file) // 2
    for end in (last // 3, last // 2, last - 1):
        assert not _is_read(file[:end], whole)


def _is_read(file: bytes, whole: str) -> bool:
    try:
        return fingerprint(calendars_in(file)) == whole
    except NotACalendar:
        return False
