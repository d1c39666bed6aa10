"""Form templates: what a form may be called, and which names are taken by the forms that every practice has."""

import re
import unicodedata
from hashlib import sha256

from rules.forms.intake import FEE_POLICY, INTAKE_FORMS

LONGEST_KIND = 80

_KIND = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*")


def kind_of(title: str) -> str:
    """The kind of a form that has none of its own: its title in small letters, such as ``sleep_diary``."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = "_".join(re.findall(r"[a-z0-9]+", plain))[:LONGEST_KIND].strip("_")
    return words or f"form_{sha256(title.encode()).hexdigest()[:12]}"


def check_kind(kind: str) -> str | None:
    """What is wrong with a kind, or None."""
    if len(kind) > LONGEST_KIND or not _KIND.fullmatch(kind):
        return f"must be small letters and digits, joined by _ or -, {LONGEST_KIND} characters at most"
    if kind in INTAKE_FORMS:
        return "is that of an intake form; please choose another"
    if kind == FEE_POLICY:
        return "is that of the fee policy; please choose another"
    return None
