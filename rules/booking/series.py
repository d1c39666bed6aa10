"""A series: how many appointments, how many weeks apart; which of them "this and all after it" means, and when they
would be.

A series keeps its rhythm: moved together, the following appointments lie whole weeks after the new time of the first,
at its wall time, also those that had been moved by themselves before. Its weeks are those of the calendar, counted from
0: of a series every 2 weeks the appointments are in weeks 0, 2, 4.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from rules.booking.availability import week_of_series
from rules.enums import AppointmentStatus

EVERY = (1, 2, 4)
"""How many weeks the appointments of a series may lie apart."""
MOST_WEEKS = 52
"""As many appointments has the longest series."""
DEFAULT_WEEKS = 4
RECOMMENDED_WEEKS = (4, 6)
"""How many a booking page offers at first; from how many to how many are recommended."""


def weeks_of(*, count: int, every: int) -> range:
    """The weeks in which a series has an appointment."""
    return range(0, count * every, every)


def how_often(every: int) -> str:
    """In the words of a sentence: every week, or every 2 weeks."""
    return "every week" if every == 1 else f"every {every} weeks"


@dataclass(frozen=True, kw_only=True)
class Member:
    """One appointment of a series; ``week`` counts from 0, and stays when the appointment moves."""

    id: str
    week: int
    status: AppointmentStatus
    starts_at: datetime


def this_and_following(*, first: Member, series: Iterable[Member], now: datetime) -> list[Member]:
    """The appointment that was named, and those of later weeks that are still ahead, in the order of weeks."""
    later = [
        member
        for member in series
        if member.week > first.week and member.status is AppointmentStatus.SCHEDULED and member.starts_at > now
    ]
    return [first, *sorted(later, key=lambda member: member.week)]


def moved_together(*, members: Sequence[Member], starts_at: datetime, time_zone: str) -> list[datetime]:
    """When each begins if the first is moved to ``starts_at``, in the therapist's zone."""
    return [
        week_of_series(first=starts_at, week=member.week - members[0].week, time_zone=time_zone) for member in members
    ]
