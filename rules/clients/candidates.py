"""Who could be a client's therapist: what is known of each when a form is matched, and the record it is read from."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rules.booking.hours import WeeklyWindow
from rules.enums import AppointmentType, IntroCalls


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """What is known of a therapist when a client is matched. No caseload limit (None) is always free."""

    slug: str
    name: str
    accepting_clients: bool
    licensed_in: frozenset[str]
    concerns: frozenset[str]
    languages: frozenset[str]
    modalities: frozenset[str]
    gender: str | None = None
    insurances: frozenset[str] = frozenset()
    intro_calls: IntroCalls = IntroCalls.OPTIONAL
    caseload_limit: int | None = None
    active_clients: int = 0
    weekly: tuple[WeeklyWindow, ...] = ()


def candidates_of(record: Iterable[Mapping[str, Any]]) -> list[Candidate]:
    """Candidates from their record, a JSON list: each with the names of `Candidate`, lists for sets, and ``weekly`` as
    ``[weekday, start, end, types]``. Each list may stand there as JSON text instead. The record is kept with the match,
    so that it can be replayed."""
    # Therapists share their words and hours: what is written the same is one value, read once.
    words: dict[str, frozenset[str]] = {}
    hours: dict[str, tuple[WeeklyWindow, ...]] = {}

    def words_in(listed: str | Sequence[str]) -> frozenset[str]:
        if not isinstance(listed, str):
            return frozenset(listed)
        found = words.get(listed)
        if found is None:
            found = words[listed] = frozenset(json.loads(listed))
        return found

    def windows_in(listed: str | Sequence[Sequence[Any]]) -> tuple[WeeklyWindow, ...]:
        if not isinstance(listed, str):
            return tuple(map(_window, listed))
        found = hours.get(listed)
        if found is None:
            found = hours[listed] = tuple(map(_window, json.loads(listed)))
        return found

    return [
        Candidate(
            slug=line["slug"],
            name=line["name"],
            accepting_clients=line["accepting_clients"],
            licensed_in=words_in(line["licensed_in"]),
            concerns=words_in(line["concerns"]),
            languages=words_in(line["languages"]),
            modalities=words_in(line["modalities"]),
            gender=line["gender"],
            insurances=words_in(line["insurances"]),
            intro_calls=IntroCalls(line["intro_calls"]),
            caseload_limit=line["caseload_limit"],
            active_clients=line["active_clients"],
            weekly=windows_in(line["weekly"]),
        )
        for line in record
    ]


def _window(line: Sequence[Any]) -> WeeklyWindow:
    weekday, start, end, types = line
    return WeeklyWindow(weekday=weekday, start=start, end=end, types=frozenset(map(AppointmentType, types)))
