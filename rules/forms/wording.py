"""A text's wording: its numbers stand in it by name, and are read as those of the terms it was published with.

``{notice_window}`` in a body becomes ``48 hours``. A name that is none of these is a fault of the body, told by
``check_body`` before it is published. A body is plain text: paragraphs between blank lines, headings that begin with
``# ``, and items of a list that begin with ``- ``.
"""

import re
from collections.abc import Mapping

from rules.money.terms import Terms
from rules.time_words import in_words

_PLACE = re.compile(r"\{([^{}\n]*)\}")
_NAMES = ("notice_window", "charge_after", "charge_deadline", "charge_tries")
_OFTEN = {1: "once", 2: "twice"}


def numbers_of(terms: Terms) -> Mapping[str, str]:
    """Every name that a body may use, as it is read."""
    tries = 1 + len(terms.charge_retries)
    return {
        "notice_window": in_words(terms.notice_window),
        "charge_after": in_words(terms.charge_after),
        "charge_deadline": in_words(terms.charge_deadline),
        "charge_tries": _OFTEN.get(tries, f"{tries} times"),
    }


def worded(body: str, terms: Terms) -> str:
    """The body as people read it."""
    numbers = numbers_of(terms)
    return _PLACE.sub(lambda place: numbers.get(place[1], place[0]), body)


def numbers_in(body: str) -> frozenset[str]:
    """The names of the numbers that stand in a body."""
    return frozenset(_PLACE.findall(body))


def check_body(body: str) -> str | None:
    """What is wrong with a body, or None."""
    unknown = sorted(numbers_in(body) - set(_NAMES))
    if not unknown:
        return None
    return f"there is no number called {', '.join(unknown) or '{}'}; there are {', '.join(_NAMES)}"


def unwrapped(source: str) -> str:
    """A body of what is written with its lines broken at any width: each paragraph, heading and item in a line."""
    blocks = re.split(r"\n\s*\n", source.strip())
    return "\n\n".join("\n".join(_lines_of(block)) for block in blocks)


def _lines_of(block: str) -> list[str]:
    lines: list[str] = []
    for line in block.splitlines():
        if lines and not line.startswith("- "):
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line.strip())
    return lines
