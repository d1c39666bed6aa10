"""A match again, from what was kept of it: the same, or what other weights would have made of it ("what if")."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rules.clients.answers import Answers
from rules.clients.candidates import candidates_of
from rules.clients.matching import MatchResult, decide, score
from rules.clients.weights import Weights

TRIED = "tried"
"""The version of weights that were only tried."""


def replay(
    *,
    answers: Answers,
    record: Iterable[Mapping[str, Any]],
    explanation: Mapping[str, Any],
    weights: Weights | None = None,
) -> MatchResult:
    """The same match again: equal to ``explanation``, or one of the two was changed; with ``weights``, what they give.

    ``explanation`` is the stored document: its weights and the slots that broke its ties are taken from it. Other
    weights may tie others, of whom no slots were kept: then these decide nothing, and the sentence says so.
    """
    slots = {slug: datetime.fromisoformat(at) if at else None for slug, at in explanation["earliest_slots"].items()}
    used = weights or Weights.of_document(explanation["weights_version"], explanation["weights"])
    return decide(score(answers=answers, candidates=candidates_of(record), weights=used), earliest=slots)


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchPlace:
    """Where a therapist stands: the place among those who are named, from 1, and the score."""

    place: int
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class MovedInRank:
    """A therapist who stands elsewhere than before; None: not among those who are named."""

    therapist: str
    before: MatchPlace | None
    after: MatchPlace | None


def moved(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[MovedInRank]:
    """Who stands elsewhere, or has another score, in the second of two matches (documents): by their new place, those
    who are no longer named last."""
    was, now = _standings(before), _standings(after)
    return [
        MovedInRank(therapist=slug, before=was.get(slug), after=now.get(slug))
        for slug in (*now, *(slug for slug in was if slug not in now))
        if was.get(slug) != now.get(slug)
    ]


def _standings(found: Mapping[str, Any]) -> dict[str, MatchPlace]:
    named = [found, *found["runners_up"]] if found["therapist"] is not None else []
    return {one["therapist"]: MatchPlace(place=place, score=one["score"]) for place, one in enumerate(named, start=1)}
