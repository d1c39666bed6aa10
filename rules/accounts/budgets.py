"""Budgets (rate limits): how often something may be done within how long, and for whom it is counted."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from math import ceil

from rules.refusals import Problem, Refusal


class BudgetKind(StrEnum):
    RESETS_OF_ADDRESS = "resets_of_address"
    RESETS_OF_VISITOR = "resets_of_visitor"
    ADDRESSES_OF_ACCOUNT = "addresses_of_account"
    SIGN_INS_OF_VISITOR = "sign_ins_of_visitor"
    SIGN_INS_OF_ADDRESS = "sign_ins_of_address"
    SIGN_INS_OF_DEVICE = "sign_ins_of_device"
    OIDC_SIGN_INS_OF_VISITOR = "oidc_sign_ins_of_visitor"
    PASSWORDS_OF_ACCOUNT = "passwords_of_account"
    JOURNEYS_OF_VISITOR = "journeys_of_visitor"
    REQUEST = "request"  # one that may be sent again, and counts once
    MAILS_OF_ADDRESS = "mails_of_address"
    CODES_OF_ACCOUNT = "codes_of_account"
    WARNINGS_OF_ACCOUNT = "warnings_of_account"
    CHALLENGES_OF_VISITOR = "challenges_of_visitor"
    TURN = "turn"  # of a visitor who waits at an address


@dataclass(frozen=True, kw_only=True)
class Budget:
    """At most ``most`` uses in any time of length ``within``. ``key`` names what is counted, and by a hash for whom."""

    key: str
    most: int
    within: timedelta


@dataclass(frozen=True, kw_only=True)
class CountedFor:
    """For whom it is counted, in marks that do not tell who it is. ``who``: a person or a visitor; None for a program
    that names no visitor. ``network``: from which more of them may come; None for a person."""

    who: str | None = None
    network: str | None = None


NETWORKS_MOST = 20  # times what one visitor may: as many share a network, and no more of them can be made up there


def shared_budgets(kind: BudgetKind, whom: CountedFor, *, most: int, within: timedelta) -> tuple[Budget, ...]:
    """What each use comes out of: the visitor's own budget, and that of their network."""
    own = [budget(kind, whom.who, most=most, within=within)] if whom.who is not None else []
    if whom.network is not None:
        own.append(budget(kind, whom.network, most=most * NETWORKS_MOST, within=within))
    return tuple(own)


def refuse_above(ends: Collection[datetime], *, most: int, what: str, now: datetime) -> Refusal | None:
    """Whether one more is too many of those that end at these instants; they free their places by themselves."""
    if len(ends) < most:
        return None
    free_at = sorted(ends)[len(ends) - most]
    return Refusal(
        name=Problem.RATE_LIMITED,
        detail=f"At most {most} {what}.",
        data={"retry_after": max(1, ceil((free_at - now).total_seconds()))},
    )


def counted_under(kind: BudgetKind, *whom: str) -> str:
    """The key under which it is counted for these, who do not show in it."""
    return f"{kind}:{sha256(chr(10).join(whom).encode()).hexdigest()}"


def budget(kind: BudgetKind, whom: str, *, most: int, within: timedelta) -> Budget:
    return Budget(key=counted_under(kind, whom), most=most, within=within)
