"""Saved cards: until when one works.

It runs inside workflows: docs/changing-a-workflow.md says how it is changed.
"""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, kw_only=True)
class SavedCard:
    """The card that payments are made with. ``id`` is opaque, and another one for each card that was ever saved."""

    id: str
    exp_year: int
    exp_month: int  # 1 to 12; the card works to its end

    @property
    def stops_working_at(self) -> datetime:
        """The first instant, in UTC, at which the card no longer works."""
        over = self.exp_month == 12
        return datetime(self.exp_year + over, 1 if over else self.exp_month + 1, 1, tzinfo=UTC)

    @property
    def key(self) -> str:
        """Another one for each card, and for each month it is good until: ``2027-03:pm_1``."""
        return f"{self.exp_year:04}-{self.exp_month:02}:{self.id}"
