"""How values are told."""

import re
from pathlib import Path

import pytest

from web.looks import words
from web.looks.colour import contrast, readable_on
from web.looks.prose import prose
from web.looks.qr import picture
from web.serving.files import of_the_practice

NOON = "2026-12-03T14:00:00Z"
SHEET = (Path(__file__).parents[4] / "web/static/style.css").read_text()


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("America/New_York", "Thu 3 December 2026, 09:00, New York time"),
        ("Asia/Kathmandu", "Thu 3 December 2026, 19:45, Kathmandu time"),
        ("Pacific/Auckland", "Fri 4 December 2026, 03:00, Auckland time"),
        ("UTC", "Thu 3 December 2026, 14:00, UTC"),
    ],
)
def test_a_time_is_told_with_its_day_and_zone(zone: str, told: str) -> None:
    assert words.told(NOON, zone) == told
    assert told.startswith(words.short(NOON, zone))
    assert words.clock_time(NOON, zone) in told


def test_clocks_that_are_set_back_tell_the_same_hour_twice() -> None:
    assert words.clock_time("2026-11-01T05:30:00Z", "America/New_York") == "01:30"
    assert words.clock_time("2026-11-01T06:30:00Z", "America/New_York") == "01:30"


def test_days_durations_and_zones() -> None:
    assert words.day("2026-12-03") == "Thu 3 December 2026"
    assert words.day_of("2026-12-03T23:30:00Z", "Asia/Tokyo") == "Fri 4 December 2026"
    assert words.last_day("2027-01-01T00:00:00Z", "UTC") == "Thu 31 December 2026"
    assert words.minutes_between(NOON, "2026-12-03T14:50:00Z") == "50 minutes"
    assert words.minutes_between(NOON, "2026-12-03T14:01:00Z") == "1 minute"
    assert words.known_zone("Mars/Olympus") is None
    assert words.known_zone(None) is None
    assert "America/New_York" in words.zones()
    assert all(words.known_zone(zone) for zone in words.zones())


@pytest.mark.parametrize(
    ("amount", "currency", "told"),
    [
        (12000, "USD", "120.00 USD"),
        (123456789, "EUR", "1,234,567.89 EUR"),
        (5, "USD", "0.05 USD"),
        (-1250, "USD", "-12.50 USD"),
        (1500, "JPY", "1,500 JPY"),
        (1500, "KWD", "1.500 KWD"),
        (0, "USD", "0.00 USD"),
    ],
)
def test_money_has_its_currency_and_its_places(amount: int, currency: str, told: str) -> None:
    value: dict[str, object] = {"amount": amount, "currency": currency}
    assert words.money(value) == told
    assert words.amount(value) == told.rsplit(" ", 1)[0].replace(",", "")


def test_no_money_is_nothing() -> None:
    assert words.money(None) == ""


def test_in_a_text_nothing_is_markup_but_headings_lists_and_paragraphs() -> None:
    assert prose("# Fees\n\nOne\ntwo\n\n- a\n- b") == "<h2>Fees</h2>\n<p>One<br>two</p>\n<ul><li>a</li><li>b</li></ul>"
    evil = '<script>alert("1")</script>'
    for text in (evil, f"# {evil}", f"- {evil}\n- {evil}", f"# a\n{evil}", f"words\n{evil}"):
        assert "<script" not in prose(text)
        assert "&lt;script&gt;" in prose(text)
    assert prose("") == ""
    assert prose("####### deep").startswith("<h4>")


def test_a_qr_code_is_a_picture_without_style() -> None:
    drawn = picture("otpauth://totp/x?secret=a")
    assert drawn.startswith("<svg")
    assert "style" not in drawn


# ---------------------------------------------------------------- colours

# Text on what it stands on, by the rules of the sheet; main also where it is the ground of a button.
TEXT = [
    *((ink, ground) for ink in ("ink", "quiet", "main", "bad") for ground in ("paper", "card")),
    *((ink, "card") for ink in ("info", "good", "warn")),
    *((ink, "paper") for ink in ("good", "warn")),
    ("on-main", "main"),
]
CONTROLS = [(line, ground) for line in ("edge", "main", "info", "good", "warn", "bad") for ground in ("paper", "card")]


def tokens(sheet: str, scheme: str) -> dict[str, str]:
    light, _, dark = sheet.partition("@media (prefers-color-scheme: dark)")
    found = re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", light if scheme == "light" else dark)
    return dict(found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_pair_of_colours_can_be_told_apart(scheme: str) -> None:
    known = tokens(SHEET, scheme)
    poor = {pair: contrast(known[pair[0]], known[pair[1]]) for pair in TEXT}
    poor |= {pair: contrast(known[pair[0]], known[pair[1]]) * 1.5 for pair in CONTROLS if pair not in TEXT}
    assert {pair: ratio for pair, ratio in poor.items() if ratio < 4.5} == {}


def test_both_schemes_have_the_same_colours_and_each_one_is_looked_at() -> None:
    light, dark = tokens(SHEET, "light"), tokens(SHEET, "dark")
    assert light.keys() == dark.keys()
    assert {name for pair in (*TEXT, *CONTROLS) for name in pair} == light.keys() - {"line"}  # a line only divides
    used = set(re.findall(r"(?<![-\w])(?:color|fill): (?:var\(--([a-z-]+)\))", SHEET))
    assert used <= {ink for ink, _ in TEXT}
    assert not re.search(r"#[0-9a-f]{3,6}\b", re.sub(r"--[a-z-]+: #[0-9a-f]{6};|(?s:@media print.*)", "", SHEET))


@pytest.mark.parametrize("colour", ["#1f6a5d", "#000000", "#767676", "#b00020", "#0000ff", "#4b0082"])
def test_the_practices_colour_can_be_read_on_all_it_stands_on(colour: str) -> None:
    own = of_the_practice(SHEET, colour)
    for scheme in ("light", "dark"):
        known = tokens(SHEET, scheme)
        main = tokens(own, scheme)["main"]
        for ground in ("paper", "card", "on-main"):
            assert contrast(main, known[ground]) >= 4.5, (scheme, ground, main)


def test_a_colour_that_can_be_read_stays_as_it_is() -> None:
    assert readable_on("#ffffff", "#1f6a5d") == "#1f6a5d"
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


def test_the_style_sheet_and_the_script_are_small() -> None:
    static = Path(__file__).parents[4] / "web/static"
    assert len(SHEET.encode()) < 20_000
    assert (static / "site.js").stat().st_size < 13_000
