"""Reencryption: everything that is sealed with an older key, sealed anew."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SealingPlace:
    """How far a round has come: the table, and the key of the last row that was looked at."""

    table: str
    after: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SealingOrder:
    id: str
    place: SealingPlace


@dataclass(frozen=True, kw_only=True)
class SealingBegun:
    """``place`` is where to begin."""

    place: SealingPlace


@dataclass(frozen=True, kw_only=True)
class SealingLook:
    """``place`` is the next, None behind the last."""

    looked_at: int
    sealed: int
    unreadable: int
    place: SealingPlace | None


@dataclass(frozen=True, kw_only=True)
class SealingEnd:
    id: str
    sealed: int
    unreadable: int
