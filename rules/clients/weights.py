"""What each factor of a match is worth."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Self


@dataclass(frozen=True, kw_only=True, slots=True)
class Weights:
    """By the names of the factors; together 1. A change gets a new version."""

    version: str = "2026-1"
    concerns: float = 0.40
    preferred_times: float = 0.25
    insurance: float = 0.15
    first_language: float = 0.10
    caseload: float = 0.10

    def __post_init__(self) -> None:
        if min(self.shares) < 0 or sum(self.shares) != 1:
            message = "weights are shares of one: none below zero, together exactly 1"
            raise ValueError(message)

    @property
    def shares(self) -> tuple[Fraction, ...]:
        """In the order of the factors, exactly: what was written (0.4), not the nearest binary number."""
        return tuple(Fraction(str(weight)) for weight in self.to_document().values())

    def to_document(self) -> dict[str, float]:
        """The factors with their weights, in order, without the version."""
        return {
            "concerns": self.concerns,
            "preferred_times": self.preferred_times,
            "insurance": self.insurance,
            "first_language": self.first_language,
            "caseload": self.caseload,
        }

    @classmethod
    def of_document(cls, version: str, document: Mapping[str, float]) -> Self:
        return cls(version=version, **document)


CURRENT_WEIGHTS = Weights()
