"""Waitlists: who is offered a time that has become free.

Who joined first is asked first, and is offered the earliest open slot in the wished range. A time that was offered to
somebody is not offered to them again, but to the next in line; they keep their place for other times. After three
offers without an answer the place is given up.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.booking.availability import Availability, Busy, earliest_slot
from rules.enums import AppointmentType

MOST_UNANSWERED = 3
LEAST_TIME_TO_ANSWER = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """One place in line. ``offered`` are the starts it was offered before, ``busy`` what its client has already."""

    place_id: str
    type: AppointmentType
    wished_from: datetime
    wished_until: datetime
    offered: frozenset[datetime]
    busy: tuple[Busy, ...]


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A time for the first in line who can have one; held for them until it expires."""

    place_id: str
    type: AppointmentType
    starts_at: datetime
    ends_at: datetime
    expires_at: datetime


def next_offer(
    *, line: Iterable[Waiting], availability: Availability, busy: Iterable[Busy], now: datetime, offer_ttl: timedelta
) -> Offer | None:
    """The next offer to make to this line, in its order, or None if there is nothing for anybody.

    ``busy`` counts the times that are offered to others at this moment.
    """
    taken = list(busy)
    for place in line:
        starts_at = earliest_slot(
            availability=availability,
            type=place.type,
            busy=taken,
            now=now,
            wished_from=max(place.wished_from, now + LEAST_TIME_TO_ANSWER),
            wished_until=place.wished_until,
            leave_out=place.offered,
            client_busy=place.busy,
        )
        if starts_at is not None:
            return Offer(
                place_id=place.place_id,
                type=place.type,
                starts_at=starts_at,
                ends_at=starts_at + timedelta(minutes=availability.settings[place.type].duration),
                expires_at=min(now + offer_ttl, starts_at),
            )
    return None


def counts_if_unanswered(*, starts_at: datetime, expires_at: datetime) -> bool:
    """Whether an offer that runs out counts against its place: not if there was less time to answer than usual."""
    return expires_at < starts_at


def is_given_up(unanswered: int) -> bool:
    """Whether a place ends after so many offers without an answer."""
    return unanswered >= MOST_UNANSWERED
