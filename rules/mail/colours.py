"""Colours that can be read: the practice's own one, and what is drawn with it (WCAG 2, contrast).

A colour is ``#rrggbb``. Two of them have a ratio from 1 (the same) to 21 (black and white); text needs 4.5 (level AA).
"""

import re
from dataclasses import dataclass
from functools import cache

READABLE = 4.5
WHITE, INK = "#ffffff", "#14181b"
HOUSE = "#1f6a5d"  # of a practice that has set none
DARK_SHEET = "#1f262a"  # behind what a mail says, in programs that show it dark
_DARK_ENOUGH = 7.0  # text on a dark sheet, where 4.5 is read by few with ease
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_STEPS = 20


@dataclass(frozen=True, kw_only=True)
class Palette:
    """The practice's colour, with white text on it; and the lighter one, with dark text on it, of dark programs."""

    main: str
    on_main: str
    dark_main: str
    on_dark_main: str


def contrast(one: str, other: str) -> float:
    """The ratio of two colours, whichever is lighter."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def colour(text: str) -> str:
    """The colour as it is written here. Raises ValueError for none, and for one on which white text cannot be read."""
    value = text.strip().lower()
    if not _COLOUR.fullmatch(value):
        raise ValueError("it is not a colour such as #1f5f57")
    ratio = contrast(WHITE, value)
    if ratio < READABLE:
        # Cut, not rounded: 4.49 must not read as 4.5.
        raise ValueError(
            f"white text on {value} has a contrast of {int(ratio * 100) / 100:.2f}:1, and needs {READABLE}:1 (WCAG AA)"
        )
    return value


@cache
def palette_of(main: str) -> Palette:
    """What goes with a colour that `colour` takes."""
    lighter = next(
        mixed
        for step in range(_STEPS + 1)
        if contrast(mixed := _mixed(main, WHITE, step / _STEPS), DARK_SHEET) >= _DARK_ENOUGH
    )
    return Palette(main=main, on_main=WHITE, dark_main=lighter, on_dark_main=INK)


def _channels(value: str) -> tuple[int, int, int]:
    return int(value[1:3], 16), int(value[3:5], 16), int(value[5:7], 16)


def _luminance(value: str) -> float:
    """The relative luminance of sRGB, 0 to 1."""
    shares = (channel / 255 for channel in _channels(value))
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _mixed(one: str, other: str, share: float) -> str:
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)
