"""The dates of a series, before it is booked: the same hour of the therapist's wall clock, as the API books it."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from web.looks.words import instant

EVERY = {1: "Every week", 2: "Every two weeks", 4: "Every four weeks"}
MOST = 12  # as many as can be chosen here; the practice books longer ones


def dates_of(starts_at: str, *, zone: str) -> dict[int, list[datetime]]:
    """By how many weeks lie between two of them. ``zone``: the therapist's."""
    first = instant(starts_at).astimezone(ZoneInfo(zone))
    return {every: [first + timedelta(weeks=every * place) for place in range(MOST)] for every in EVERY}
