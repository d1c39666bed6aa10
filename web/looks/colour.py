"""The practice's colour: taken where white can be read on it, and made readable on what else it stands on (WCAG 2.2,
1.4.3: 4.5 to 1)."""

import re

_HEX = re.compile(r"#([0-9a-fA-F]{6})")
_LEAST = 4.5


def readable_colour(value: str | None) -> str | None:
    """Raises ValueError, with the ratio, for a colour on which white text fails."""
    if value is None:
        return None
    if not _HEX.fullmatch(value):
        raise ValueError("it must be a colour such as #1f6a5d")
    ratio = contrast(value, "#ffffff")
    if ratio < _LEAST:
        raise ValueError(f"white text on {value} has a contrast of {ratio:.2f} to 1, which needs {_LEAST}")
    return value.lower()


def readable_on(background: str, colour: str) -> str:
    """The colour, or the nearest to it towards black or white that can be read there."""
    towards = 0 if _luminance(background) > 0.5 else 255
    parts = _parts(colour)
    for step in range(101):
        mixed = "#" + "".join(f"{round(part + (towards - part) * step / 100):02x}" for part in parts)
        if contrast(mixed, background) >= _LEAST:
            return mixed
    raise ValueError(f"nothing can be read on {background}")


def contrast(one: str, other: str) -> float:
    """Between 1 and 21; https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _parts(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[start : start + 2], 16) for start in (1, 3, 5))


def _luminance(colour: str) -> float:
    red, green, blue = (part / 255 for part in _parts(colour))
    return 0.2126 * _linear(red) + 0.7152 * _linear(green) + 0.0722 * _linear(blue)


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
