"""Reconciliation: comparing the ledger with Stripe."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rules.journey.stage import JourneyFacts
from rules.money.discrepancies import Discrepancy


class ComparisonPart(StrEnum):
    """The parts of a comparison with Stripe, in their order."""

    PAYMENTS = "payments"  # what either side has from the time compared
    UNFINISHED_PAYMENTS = "unfinished_payments"  # however old
    REFUNDS = "refunds"
    UNFINISHED_REFUNDS = "unfinished_refunds"
    DISPUTES = "disputes"
    OPEN_DISPUTES = "open_disputes"


@dataclass(frozen=True, kw_only=True)
class ReconciliationOrder:
    """Compare the ledger with Stripe; the last thirty days, unless ``since`` and ``until`` say otherwise."""

    id: str
    asked_by: str
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Reconciling:
    """A comparison that was begun: of what happened from ``since`` to ``until``, both included, in whole seconds.
    ``time_zone``: the practice's, in which it is shown."""

    id: str
    since: datetime
    until: datetime
    time_zone: str = "UTC"


@dataclass(frozen=True, kw_only=True)
class ComparisonCursor:
    """Where to go on: Stripe's lists run back in time from ``until``, the ledger's by id from behind ``after``."""

    part: ComparisonPart
    until: datetime | None = None
    after: str | None = None


@dataclass(frozen=True, kw_only=True)
class ComparisonOrder:
    reconciling: Reconciling
    place: ComparisonCursor


@dataclass(frozen=True, kw_only=True)
class ComparisonPage:
    """What a part of it has shown. ``compared`` counts lines; ``place`` is where to go on, None at the end."""

    findings: tuple[Discrepancy, ...]
    compared: dict[str, int]
    place: ComparisonCursor | None


@dataclass(frozen=True, kw_only=True)
class DiscrepanciesOrder:
    """Discrepancies that a comparison has shown, to be looked at again, and healed or handed to a person."""

    reconciling: Reconciling
    findings: tuple[Discrepancy, ...]


@dataclass(frozen=True, kw_only=True)
class JourneyNews:
    """What a client's journey must hear: a stored event to look at, or fresh facts."""

    client_id: str
    event_id: str | None = None
    facts: JourneyFacts | None = None


@dataclass(frozen=True, kw_only=True)
class DiscrepanciesSettled:
    """``left_out`` counts discrepancies beyond what one comparison lists."""

    news: tuple[JourneyNews, ...] = ()
    left_out: int = 0


@dataclass(frozen=True, kw_only=True)
class OldDiscrepanciesOrder:
    """Look again at the tasks of discrepancies found before, by id from behind ``after``."""

    reconciling: Reconciling
    after: str | None = None


@dataclass(frozen=True, kw_only=True)
class OldDiscrepancies:
    """Tasks that were closed bring ``news``. ``after`` is where to go on, None at the end."""

    news: tuple[JourneyNews, ...] = ()
    after: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReconciliationEnd:
    """``compared`` counts everything that was looked at, ``left_out`` the discrepancies that were not listed."""

    id: str
    compared: dict[str, int]
    left_out: int = 0
    stopped: bool = False


@dataclass(frozen=True, kw_only=True)
class Reconciled:
    """How many discrepancies were healed, and how many wait for a person."""

    healed: int
    differences: int
    stopped: bool = False
