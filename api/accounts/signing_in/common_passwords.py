"""The passwords that everybody tries first: those that leaks showed to be the most frequent (a deny list)."""

from functools import cache

from zxcvbn.frequency_lists import FREQUENCY_LISTS


@cache
def common_passwords() -> frozenset[str]:
    """Some thirty thousand, case-folded; of the package's scorer nothing is used."""
    return frozenset(password.casefold() for password in FREQUENCY_LISTS["passwords"])
