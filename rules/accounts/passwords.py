"""What a password must be, on either side of the house (password policy).

Two keyboards may write one letter in two ways, so a password is compared as Unicode's NFKC form of it, and its length
is that form's. Nothing is demanded of its letters, digits and signs: length, and not being one that everybody tries
first, is what helps.
"""

import unicodedata
from collections.abc import Collection, Mapping
from types import MappingProxyType

from rules.accounts.sides import AccountSide

SHORTEST: Mapping[AccountSide, int] = MappingProxyType({AccountSide.CLIENT: 8, AccountSide.STAFF: 12})
LONGEST = 128
_SHORTEST_KNOWN = 4
LONGEST_TYPED = 1024  # in any form: what is more is not looked at


def normal_password(typed: str) -> str:
    return unicodedata.normalize("NFKC", typed)


def wrong_with_password(
    typed: str, *, side: AccountSide, common: Collection[str], around: Collection[str] = ()
) -> str | None:
    """Why this may not be somebody's password, or None. ``common`` has the usual ones, case-folded; ``around`` what
    whoever guesses at this one knows, the practice's name say, in any spelling."""
    password = normal_password(typed)
    if len(password) < SHORTEST[side]:
        return f"must have at least {SHORTEST[side]} characters"
    if len(password) > LONGEST:
        return f"must have at most {LONGEST} characters"
    if password.casefold() in common:
        return "is one of the passwords that are tried first; please choose another"
    written = _letters(password)
    if any(known in written for known in map(_letters, around) if len(known) >= _SHORTEST_KNOWN):
        return "has your address or the practice's name in it, which is tried first; please choose another"
    return None


def known_around(address: str, practice: str) -> tuple[str, ...]:
    """What a password must not have in it: what stands before the @ of its owner's address, and the practice's name."""
    return (address.partition("@")[0], practice)


def _letters(text: str) -> str:
    """Letters and digits alone, case-folded: ``Maria.Lopez`` is ``marialopez``."""
    return "".join(letter for letter in normal_password(text).casefold() if letter.isalnum())
