"""A text's wording: its numbers stand in it by name, and are read as those of the terms it was published with.

``{notice_window}`` in a body becomes ``48 hours``. A name that is none of these is a fault of the body, told by
``check_body`` before it is published.
"""

import re
from collections.abc import Mapping
from datetime import timedelta

from rules.money.terms import Terms

_PLACE = re.compile(r"\{([a-z_]*)\}")
_UNITS = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1)))
_MOST_HOURS = timedelta(hours=72)  # up to here people count hours: 48 hours, not 2 days


def numbers_of(terms: Terms) -> Mapping[str, str]:
    """Every name that a body may use, as it is read."""
    return {
        "notice_window": in_words(terms.notice_window),
        "charge_after": in_words(terms.charge_after),
        "charge_deadline": in_words(terms.charge_deadline),
    }


def worded(body: str, terms: Terms) -> str:
    """The body as people read it."""
    numbers = numbers_of(terms)
    return _PLACE.sub(lambda place: numbers.get(place[1], place[0]), body)


def check_body(body: str) -> str | None:
    """What is wrong with a body, or None."""
    known = _NAMES
    unknown = sorted({name for name in _PLACE.findall(body) if name not in known})
    return f"there is no number called {', '.join(unknown)}; there are {', '.join(known)}" if unknown else None


def in_words(time: timedelta) -> str:
    """``48 hours``, ``90 minutes``, ``5 days``: exactly, in the largest unit that leaves no rest; hours up to 72."""
    for unit, length in _UNITS:
        if unit == "day" and time <= _MOST_HOURS:
            continue
        if time and time % length == timedelta():
            return _count(time // length, unit)
    return _count(time // timedelta(seconds=1), "second")


def _count(number: int, unit: str) -> str:
    return f"1 {unit}" if number == 1 else f"{number} {unit}s"


_NAMES = ("notice_window", "charge_after", "charge_deadline")
