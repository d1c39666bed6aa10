"""Budgets (rate limits): how often something may be done within how long, and for whom it is counted."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256


class BudgetKind(StrEnum):
    RESETS_OF_ADDRESS = "resets_of_address"
    RESETS_OF_VISITOR = "resets_of_visitor"
    ADDRESSES_OF_ACCOUNT = "addresses_of_account"
    SIGN_INS_OF_VISITOR = "sign_ins_of_visitor"
    SIGN_INS_OF_ADDRESS = "sign_ins_of_address"
    SIGN_INS_OF_DEVICE = "sign_ins_of_device"
    PASSWORDS_OF_ACCOUNT = "passwords_of_account"
    CODES_OF_ACCOUNT = "codes_of_account"
    WARNINGS_OF_ACCOUNT = "warnings_of_account"
    TURN = "turn"  # of a visitor who waits at an address


@dataclass(frozen=True, kw_only=True)
class Budget:
    """At most ``most`` uses in any time of length ``within``. ``key`` names what is counted, and by a hash for whom."""

    key: str
    most: int
    within: timedelta


def counted_for(kind: BudgetKind, *whom: str) -> str:
    """The key under which it is counted for these, who do not show in it."""
    return f"{kind}:{sha256(chr(10).join(whom).encode()).hexdigest()}"


def budget(kind: BudgetKind, whom: str, *, most: int, within: timedelta) -> Budget:
    return Budget(key=counted_for(kind, whom), most=most, within=within)
