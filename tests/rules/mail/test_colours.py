"""Contrast as WCAG 2 reckons it, and the colour that a practice may have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.mail.colours import DARK_SHEET, HOUSE, READABLE, WHITE, colour, contrast, palette_of

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#767676", "#ffffff", 4.54),  # the lightest grey that AA takes on white, and the next
        ("#777777", "#ffffff", 4.47),
        ("#ff0000", "#ffffff", 3.99),
        ("#0000ff", "#ffffff", 8.59),
    ],
)
def test_the_ratios_are_those_of_the_standard(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == contrast(other, one) == pytest.approx(ratio, abs=0.01)


@pytest.mark.parametrize(("given", "ratio"), [("#777777", "4.47"), ("#FFEE00", "1.20"), ("#ffffff", "1.00")])
def test_what_white_text_cannot_be_read_on_is_refused_with_the_ratio(given: str, ratio: str) -> None:
    with pytest.raises(
        ValueError, match=rf"white text on {given.lower()} has a contrast of {ratio}:1, and needs 4.5:1"
    ):
        colour(given)


@pytest.mark.parametrize("given", ["", "red", "#fff", "#12345g", "1f6a5d", "#1f6a5d;"])
def test_what_is_no_colour_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="not a colour such as"):
        colour(given)


def test_one_that_can_be_read_is_taken() -> None:
    assert colour(" #7A1F3D ") == "#7a1f3d"
    assert colour(HOUSE) == HOUSE


@given(COLOURS)
def test_all_that_is_drawn_with_a_colour_can_be_read(any_colour: str) -> None:
    if contrast(any_colour, WHITE) < READABLE:
        return
    palette = palette_of(any_colour)
    assert contrast(palette.main, palette.on_main) >= READABLE
    assert contrast(palette.dark_main, DARK_SHEET) >= READABLE
    assert contrast(palette.dark_main, palette.on_dark_main) >= READABLE
