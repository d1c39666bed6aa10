"""Who fits best: musts that rule therapists out, factors that are scored, and a sentence for every step.

Scores are compared as exact fractions, so that the same input gives the same order on any machine; they are
rounded only when written down.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

from rules.booking.hours import WeeklyWindow
from rules.clients.answers import PARTS, Answers
from rules.clients.candidates import Candidate
from rules.clients.weights import CURRENT_WEIGHTS, Weights

MOST_RUNNERS_UP = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Factor:
    """One scored factor: its weight and its score (0 to 1), and why in a sentence."""

    factor: str
    weight: float
    score: float
    because: str

    def to_document(self) -> dict[str, Any]:
        return {"factor": self.factor, "weight": self.weight, "score": self.score, "because": self.because}


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranked:
    """A therapist who fits, with the whole score (0 to 1, four decimals) and what it is made of."""

    slug: str
    name: str
    score: float
    factors: tuple[Factor, ...]

    def to_document(self) -> dict[str, Any]:
        factors = [factor.to_document() for factor in self.factors]
        return {"therapist": self.slug, "name": self.name, "score": self.score, "factors": factors}


@dataclass(frozen=True, kw_only=True, slots=True)
class RuledOut:
    """A therapist who fails a must: every must that failed, in sentences."""

    therapist: str
    because: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchResult:
    """The answer to one matching form. ``therapist`` is None where nobody fits.

    ``earliest_slots`` holds what broke ties on the score, so that the match can be replayed from its record.
    """

    therapist: str | None
    score: float | None
    weights: Weights = CURRENT_WEIGHTS
    factors: tuple[Factor, ...] = ()
    ranked: tuple[Ranked, ...] = ()
    ruled_out: tuple[RuledOut, ...] = ()
    tie: str | None = None
    earliest_slots: Mapping[str, datetime | None] = field(default_factory=dict)

    @property
    def runners_up(self) -> tuple[Ranked, ...]:
        return self.ranked[1:]

    def to_document(self) -> dict[str, Any]:
        """The match as JSON: scores as numbers, instants as RFC 3339 text."""
        return {
            "therapist": self.therapist,
            "score": self.score,
            "weights_version": self.weights.version,
            "weights": self.weights.to_document(),
            "factors": [factor.to_document() for factor in self.factors],
            "runners_up": [ranked.to_document() for ranked in self.runners_up],
            "ruled_out": [{"therapist": out.therapist, "because": out.because} for out in self.ruled_out],
            "tie": self.tie,
            "earliest_slots": {slug: slot.isoformat() if slot else None for slug, slot in self.earliest_slots.items()},
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """Everybody scored, ties not yet broken.

    ``tied`` are the slugs that share a score which decides something: only their earliest open slots are needed.
    """

    answers: Answers
    weights: Weights
    groups: tuple[tuple[Fraction, tuple[Candidate, ...]], ...]  # by score, best first; no more than can be named
    ruled_out: tuple[RuledOut, ...]

    @property
    def tied(self) -> tuple[str, ...]:
        return tuple(candidate.slug for _, group in self.groups if len(group) > 1 for candidate in group)


def match(
    *,
    answers: Answers,
    candidates: Iterable[Candidate],
    weights: Weights = CURRENT_WEIGHTS,
    earliest_slot: Callable[[str], datetime | None],
) -> MatchResult:
    """Who fits best, who came next, and who was ruled out by what.

    ``earliest_slot`` gives a therapist's first open slot (intro call, or session where intro calls are off)
    by slug; it is asked only about therapists who share a score that decides something.
    """
    scored = score(answers=answers, candidates=candidates, weights=weights)
    return decide(scored, earliest={slug: earliest_slot(slug) for slug in scored.tied})


def score(
    *,
    answers: Answers,
    candidates: Iterable[Candidate],
    weights: Weights = CURRENT_WEIGHTS,
    most: int | None = MOST_RUNNERS_UP,
) -> Scored:
    """The first half of a match: rule out, and score the rest. Sentences come later, for those who are named: the
    first, and ``most`` others at most; None names everybody. An empty state or modality rules out nobody.
    """
    asked = _Asked(answers, weights)
    ruled_out: list[RuledOut] = []
    alike: dict[Shares, list[Candidate]] = defaultdict(list)
    for candidate in sorted(candidates, key=lambda candidate: candidate.slug):
        failed = _failed_musts(answers, asked, candidate)
        if failed:
            ruled_out.append(RuledOut(therapist=candidate.slug, because=" ".join(failed)))
        else:
            alike[_shares(asked, candidate)].append(candidate)
    by_score: dict[Fraction, list[Candidate]] = defaultdict(list)
    for shares, those in alike.items():
        by_score[asked.total(shares)] += those
    groups: list[tuple[Fraction, tuple[Candidate, ...]]] = []
    named = 0
    for total in sorted(by_score, reverse=True):
        if most is not None and named > most:
            break
        groups.append((total, tuple(sorted(by_score[total], key=lambda candidate: candidate.slug))))
        named += len(by_score[total])
    return Scored(answers=answers, weights=weights, groups=tuple(groups), ruled_out=tuple(ruled_out))


def decide(
    scored: Scored, *, earliest: Mapping[str, datetime | None], most: int | None = MOST_RUNNERS_UP
) -> MatchResult:
    """The second half: break ties by the earliest open slots of ``scored.tied``, and explain. Where those of some who
    share a score are not in ``earliest``, slots decide nothing among these."""
    ranking: list[tuple[Fraction, Candidate]] = []
    tie: str | None = None
    for total, group in scored.groups:
        tied = list(group)
        if len(tied) > 1:
            known = earliest if all(candidate.slug in earliest for candidate in group) else {}
            tied.sort(key=partial(_tie_order, known))
            if not ranking:
                tie = _why_first(tied[0], tied[1], known)
        ranking += [(total, candidate) for candidate in tied]
    named = [
        Ranked(
            slug=candidate.slug,
            name=candidate.name,
            score=_rounded(total),
            factors=_factors(scored.answers, candidate, scored.weights),
        )
        for total, candidate in (ranking if most is None else ranking[: 1 + most])
    ]
    best = named[0] if named else None
    return MatchResult(
        therapist=best.slug if best else None,
        score=best.score if best else None,
        weights=scored.weights,
        factors=best.factors if best else (),
        ranked=tuple(named),
        ruled_out=scored.ruled_out,
        tie=tie,
        earliest_slots={slug: earliest[slug] for slug in scored.tied if slug in earliest},
    )


class _Asked:
    """The answers as they are compared: normalised once, not once per candidate."""

    def __init__(self, answers: Answers, weights: Weights) -> None:
        self.state = _plain(answers.state)
        self.modality = _plain(answers.modality)
        self.gender = _plain(answers.therapist_gender or "")
        self.insurance = _plain(answers.insurance or "")
        self.concerns = {_plain(name) for name in _once(answers.concerns)}
        self.languages = _all_plain(answers.languages)
        self.first_language = next((_plain(name) for name in _once(answers.languages)), "")
        self.times = [(time.weekday, *PARTS[time.part]) for time in dict.fromkeys(answers.preferred_times)]
        self._weights = weights.shares

    def total(self, shares: "Shares") -> Fraction:
        """The weighted sum, exactly."""
        return sum((weight * Fraction(*share) for weight, share in zip(self._weights, shares, strict=True)), Fraction())


Share = tuple[int, int]  # so many of so many
Shares = tuple[Share, Share, Share, Share, Share]  # concerns, times, insurance, first language, caseload
_ALL: Share = (1, 1)
_NONE: Share = (0, 1)


def _shares(asked: _Asked, candidate: Candidate) -> Shares:
    """The bare scores, in the order of the weights; `_factors` says the same in sentences."""
    covered = len(asked.concerns & _all_plain(candidate.concerns)) if asked.concerns else 0
    met = sum(_works(candidate.weekly, day, begin, end) for day, begin, end in asked.times)
    limit = candidate.caseload_limit
    insured = not asked.insurance or asked.insurance in _all_plain(candidate.insurances)
    spoken = not asked.first_language or asked.first_language in _all_plain(candidate.languages)
    return (
        (covered, len(asked.concerns)) if asked.concerns else _ALL,
        (met, len(asked.times)) if asked.times else _ALL,
        _ALL if insured else _NONE,
        _ALL if spoken else _NONE,
        _ALL if limit is None else (min(limit, limit - candidate.active_clients), limit),
    )


def _works(weekly: Iterable[WeeklyWindow], day: str, begin: int, end: int) -> bool:
    """Whether hours of that weekday overlap a stretch of it."""
    for window in weekly:
        if window.weekday == day and window.start < end and begin < window.end and window.start < window.end:
            return True
    return False


def _failed_musts(answers: Answers, asked: _Asked, candidate: Candidate) -> list[str]:
    failed = []
    if not candidate.accepting_clients:
        failed.append("Is not accepting clients.")
    if asked.state and asked.state not in _all_plain(candidate.licensed_in):
        failed.append(f"Is not licensed in {answers.state.strip()}.")
    if asked.modality and asked.modality not in _all_plain(candidate.modalities):
        failed.append(f"Does not offer the modality {answers.modality.strip()}.")
    if asked.languages and not asked.languages & _all_plain(candidate.languages):
        failed.append(f"Does not speak a shared language ({', '.join(_once(answers.languages))}).")
    if candidate.caseload_limit is not None and candidate.active_clients >= candidate.caseload_limit:
        failed.append(f"Is at the caseload limit of {candidate.caseload_limit}.")
    if asked.gender and asked.gender != _plain(candidate.gender or ""):
        failed.append(f"Is not of the therapist gender asked for ({asked.gender}).")
    return failed


def _factors(answers: Answers, candidate: Candidate, weights: Weights) -> tuple[Factor, ...]:
    parts = (
        _concerns(answers, candidate),
        _times(answers, candidate),
        _insurance(answers, candidate),
        _first_language(answers, candidate),
        _caseload(candidate),
    )
    return tuple(
        Factor(factor=name, weight=weight, score=_rounded(share), because=because)
        for (name, weight), (share, because) in zip(weights.to_document().items(), parts, strict=True)
    )


def _concerns(answers: Answers, candidate: Candidate) -> tuple[Fraction, str]:
    asked = _once(answers.concerns)
    if not asked:
        return Fraction(1), "No concerns were named."
    covers = _all_plain(candidate.concerns)
    return _share_of(asked, [name for name in asked if _plain(name) in covers], "Covers", "concerns")


def _times(answers: Answers, candidate: Candidate) -> tuple[Fraction, str]:
    asked = list(dict.fromkeys(answers.preferred_times))
    if not asked:
        return Fraction(1), "No preferred times were named."
    met = []
    for time in asked:
        begin, end = PARTS[time.part]
        if _works(candidate.weekly, time.weekday, begin, end):
            met.append(f"{time.weekday} {time.part}")
    return _share_of([f"{time.weekday} {time.part}" for time in asked], met, "Works at", "preferred times")


def _share_of(asked: list[str], met: list[str], verb: str, things: str) -> tuple[Fraction, str]:
    missed = [name for name in asked if name not in met]
    parts = [", ".join(met)] if met else []
    if missed:
        parts.append(f"not {', '.join(missed)}")
    return Fraction(len(met), len(asked)), f"{verb} {len(met)} of {len(asked)} {things}: {'; '.join(parts)}."


def _insurance(answers: Answers, candidate: Candidate) -> tuple[Fraction, str]:
    named = (answers.insurance or "").strip()
    if not named:
        return Fraction(1), "No insurance was named."
    if _plain(named) in _all_plain(candidate.insurances):
        return Fraction(1), f"Accepts {named}."
    return Fraction(0), f"Does not accept {named}."


def _first_language(answers: Answers, candidate: Candidate) -> tuple[Fraction, str]:
    asked = _once(answers.languages)
    if not asked:
        return Fraction(1), "No language was named."
    if _plain(asked[0]) in _all_plain(candidate.languages):
        return Fraction(1), f"Speaks {asked[0]}, the first language named."
    return Fraction(0), f"Does not speak {asked[0]}, the first language named."


def _caseload(candidate: Candidate) -> tuple[Fraction, str]:
    limit = candidate.caseload_limit
    if limit is None:
        return Fraction(1), "Has no caseload limit."
    free = min(limit, limit - candidate.active_clients)
    return Fraction(free, limit), f"Has {free} of {limit} places free."


def _tie_order(earliest: Mapping[str, datetime | None], candidate: Candidate) -> tuple[bool, float, int, str]:
    slot = earliest.get(candidate.slug)
    return (slot is None, slot.timestamp() if slot else 0.0, candidate.active_clients, candidate.slug)


def _why_first(first: Candidate, second: Candidate, earliest: Mapping[str, datetime | None]) -> str:
    if earliest.get(first.slug) != earliest.get(second.slug):
        because = "the earliest open slot"
    elif first.active_clients != second.active_clients:
        because = "the fewest active clients"
    else:
        because = "the first slug in the alphabet"
    unknown = "" if earliest else " (their earliest open slots were not kept)"
    return f"Shares the score with {second.slug}; chosen for {because}{unknown}."


def _rounded(share: Fraction) -> float:
    return float(round(share, 4))


def _plain(name: str) -> str:
    return name.strip().casefold()


@lru_cache(maxsize=4096)
def _all_plain(names: tuple[str, ...] | frozenset[str]) -> frozenset[str]:
    """All normalised. Many therapists say the same."""
    return frozenset(map(_plain, names)) - {""}


def _once(names: Iterable[str]) -> list[str]:
    """Names without blanks and repetitions, as first written."""
    return list({_plain(name): name.strip() for name in reversed(list(names)) if name.strip()}.values())[::-1]
