"""What people wrote, made harmless before it is shown: one line of plain text, and what may be a link or kept."""

import re
import unicodedata
from typing import TypeGuard

_WEB_ADDRESS = re.compile(r"https?://[^\s\"'<>]+\Z", re.IGNORECASE)
_TURNS = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


def one_line(value: str) -> str:
    """One line, single spaces, no control characters and none that turn the reading direction."""
    kept = (
        " " if unicodedata.category(sign) in ("Cc", "Zl", "Zp") else sign
        for sign in value
        if unicodedata.bidirectional(sign) not in _TURNS
    )
    return " ".join("".join(kept).split())


def is_web_address(value: str) -> bool:
    """Only such a value may become a link; anything else is shown as text."""
    return bool(_WEB_ADDRESS.match(value))


def is_storable(value: object) -> TypeGuard[str]:
    """Whether this is text that a database takes: whole characters, no NUL."""
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
