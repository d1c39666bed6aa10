"""CSV files: readable by RFC 4180, harmless in a spreadsheet, and only for whoever asks for them."""

import csv
import io
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.routes.money import csv_file

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def test_cells_of_every_kind() -> None:
    row = [
        None,
        'say "no", twice',
        "two\r\nlines",
        -120,
        Decimal("-1.20"),
        True,
        date(2026, 3, 2),
        datetime(2026, 3, 2, 12, tzinfo=UTC),
        datetime(2026, 3, 2, 12, tzinfo=timezone(timedelta(hours=-5))),
        UUID(int=7),
    ]
    text = csv_file.lines([["a"], row])
    assert text.startswith("a\r\n")
    assert text.endswith("\r\n")
    assert '"say ""no"", twice","two\r\nlines",-120,-1.20,true,2026-03-02,2026-03-02T12:00:00Z,' in text
    assert read(text)[1][-2:] == ["2026-03-02T12:00:00-05:00", str(UUID(int=7))]


@given(st.lists(st.lists(TEXT, min_size=2), min_size=1))
def test_whatever_people_wrote_comes_back_and_is_no_formula(rows: list[list[str]]) -> None:
    for wrote, found in zip(rows, read(csv_file.lines(rows)), strict=True):
        for text, cell in zip(wrote, found, strict=True):
            assert cell in (text, f"'{text}")
            assert not cell.strip().startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
            assert not cell.startswith(("\t", "\r", "\n"))


@pytest.mark.parametrize("nasty", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1", "\uff1d1", "\x0b=1"])
def test_a_formula_is_made_text(nasty: str) -> None:
    assert read(csv_file.lines([["x", nasty]])) == [["x", f"'{nasty}"]]


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (None, False),
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("text/csv", True),
        ("TEXT/CSV; charset=utf-8; header=present", True),
        ("text/*", True),
        ("text/csv, application/json", False),  # as welcome as JSON
        ("text/csv, application/json;q=0.9", True),
        ("text/csv;q=0.5, application/json", False),
        ("text/csv, */*;q=0.1", True),
        ("text/html,application/xhtml+xml,*/*;q=0.8", False),  # a browser
        ("text/csv;q=0", False),
        ("text/csv;q=never", False),
        ("text/*, text/csv;q=0, */*;q=0.1", False),  # the most exact word counts
    ],
)
def test_who_gets_a_file(accept: str | None, wanted: bool) -> None:
    assert csv_file.is_wanted(accept) == wanted
