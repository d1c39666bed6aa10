"""A match with its reasons, as it is answered."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, Field

from models.reads.clients.matches import MatchRow
from rules.enums import Source


class FactorScoreView(BaseModel):
    """One factor: what it is worth and how far it holds, both from 0 to 1, and why in a sentence."""

    factor: str
    weight: float
    score: float
    because: str


class ScoredView(BaseModel):
    """A therapist who fits as well, and how well."""

    therapist: str
    name: str
    score: float
    factors: list[FactorScoreView]


class FailedMustView(BaseModel):
    """A therapist who could not be chosen, and every reason for it."""

    therapist: str
    because: str


class MatchView(BaseModel):
    """``therapist`` is null where nobody fits. One that was made by hand has no score and says ``reason``;
    ``unreadable`` says why the explanation is not there."""

    therapist: str | None
    score: float | None = None
    weights_version: str | None = None
    weights: dict[str, float] | None = None
    factors: list[FactorScoreView] = Field(default_factory=list)
    runners_up: list[ScoredView] = Field(default_factory=list)
    ruled_out: list[FailedMustView] = Field(default_factory=list)
    tie: str | None = None
    earliest_slots: dict[str, datetime | None] | None = None
    unreadable: str | None = None
    how: Source | None = None
    reason: str | None = None
    made_by: str | None = None
    made_at: datetime | None = None

    @classmethod
    def of_document(cls, explanation: Mapping[str, Any], **more: Any) -> Self:
        """Of the explanation as it is stored."""
        return cls(**{"therapist": None, **explanation}, **more)

    @classmethod
    def of(cls, row: MatchRow) -> Self:
        """The explained match, with who made it and how. A form that nobody fitted says why."""
        made = row.match or row.form
        assert made is not None
        return cls(
            **({"therapist": row.therapist, **row.form.explanation} if row.form else _by_hand(row.therapist)),
            how=row.match.how if row.match is not None else Source.MATCHING_FORM,
            reason=row.match.reason if row.match is not None else None,
            made_by=made.made_by,
            made_at=made.made_at,
        )


def _by_hand(therapist: str | None) -> dict[str, Any]:
    return {"therapist": therapist, "score": None, "factors": [], "runners_up": [], "ruled_out": []}
