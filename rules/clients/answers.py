"""What the matching form asked: the answers that a match is made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from rules.local_time import WEEKDAYS

PARTS: Mapping[str, tuple[int, int]] = {
    "morning": (6 * 60, 12 * 60),
    "afternoon": (12 * 60, 17 * 60),
    "evening": (17 * 60, 22 * 60),
}
"""Parts of a day: minutes of the therapist's local day, from and to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PreferredTime:
    """A part (``morning``, ``afternoon``, ``evening``) of a weekday (``mon`` to ``sun``)."""

    weekday: str
    part: str

    def __post_init__(self) -> None:
        if self.weekday not in WEEKDAYS or self.part not in PARTS:
            message = f"not a part of a week: {self.weekday} {self.part}"
            raise ValueError(message)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """What the matching form asked. Words compare without case and outer spaces; the note is not scored."""

    state: str
    modality: str
    concerns: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()  # best first
    therapist_gender: str | None = None
    insurance: str | None = None
    preferred_times: tuple[PreferredTime, ...] = ()
    note: str = ""

    @classmethod
    def of_document(cls, said: Mapping[str, Any]) -> Self:
        """The answers as they were sent and are kept with the client."""
        return cls(
            state=said["state"],
            modality=said["modality"],
            concerns=tuple(said.get("concerns") or ()),
            languages=tuple(said.get("languages") or ()),
            therapist_gender=said.get("therapist_gender"),
            insurance=said.get("insurance"),
            preferred_times=tuple(
                PreferredTime(weekday=wish["weekday"], part=wish["part"]) for wish in said.get("preferred_times") or ()
            ),
            note=said.get("note") or "",
        )
