"""Simple pictures of numbers by month, as a template draws them by attributes: no style, no script."""

from collections.abc import Sequence
from dataclasses import dataclass

_STEP, _LEFT, _TOP, _HIGH = 64, 8, 24, 96
_FOOT = 40  # for the month and the year below it


@dataclass(frozen=True, kw_only=True)
class Bar:
    """In the picture's own measure. ``month`` and ``year`` stand below, ``told`` above."""

    x: int
    y: float
    height: float
    middle: int
    told: str
    month: str
    year: str


@dataclass(frozen=True, kw_only=True)
class Bars:
    title: str
    width: int
    height: int
    line: int  # on which they stand
    wide: int  # of each bar
    bars: tuple[Bar, ...]
    empty: bool


def bars(title: str, months: Sequence[str], values: Sequence[tuple[int, str]]) -> Bars:
    """``months``: ``Nov 2026``. ``values``: how high, and as it is told."""
    most = max((value for value, _ in values), default=0)
    line = _TOP + _HIGH
    drawn = []
    before = ""
    for number, (name, (value, told)) in enumerate(zip(months, values, strict=True)):
        high = round(_HIGH * value / most, 1) if most else 0.0
        month, _, year = name.partition(" ")
        left = _LEFT + _STEP * number
        drawn.append(
            Bar(
                x=left,
                y=round(line - high, 1),
                height=high,
                middle=left + (_STEP - 16) // 2,
                told=told.rpartition(" ")[0] if " " in told else told,
                month=month,
                year=year if year != before else "",
            )
        )
        before = year
    return Bars(
        title=title,
        width=_STEP * max(len(months), 1) + _LEFT,
        height=line + _FOOT,
        line=line,
        wide=_STEP - 16,
        bars=tuple(drawn),
        empty=most == 0,
    )
