"""Budgets (rate limits): how often something may be done within how long, and for whom it is counted."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256


class BudgetKind(StrEnum):
    RESETS_OF_ADDRESS = "resets_of_address"


@dataclass(frozen=True, kw_only=True)
class Budget:
    """At most ``most`` uses in any time of length ``within``. ``key`` names what is counted, and by a hash for whom."""

    key: str
    most: int
    within: timedelta


def budget(kind: BudgetKind, whom: str, *, most: int, within: timedelta) -> Budget:
    return Budget(key=f"{kind}:{sha256(whom.encode()).hexdigest()}", most=most, within=within)
