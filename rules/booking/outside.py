"""Calendars that therapists keep elsewhere: what is taken from them, how far they are read, and how often."""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

MOST_BYTES = 5_000_000  # of one calendar
MOST_CALENDARS = 10  # of one therapist
MOST_SPANS = 5_000  # busy times of one calendar within its window
_PAST, _AHEAD = timedelta(days=1), timedelta(days=7)
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_JITTER = 0.2  # of the interval, spread over the calendars by their ids


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """The stretch of time that is read; the end is not part of it."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class BusySpan:
    """Busy time, in UTC; the end is not part of it. ``event``: the `digest_of` the event's id, the same for each date
    of one that repeats. ``tentative``: not yet sure, and taken as busy all the same."""

    starts_at: datetime
    ends_at: datetime
    event: str
    all_day: bool = False
    tentative: bool = False


def digest_of(uid: str) -> str:
    """What is kept of an event's id, which may hold names: 64 hex digits."""
    return hashlib.sha256(uid.encode(errors="surrogatepass")).hexdigest()


def within_bounds(span: BusySpan) -> BusySpan:
    """Some calendars have times that never begin, or never end: at the edge of what dates can say they would be beyond
    it in another zone."""
    return replace(span, starts_at=max(span.starts_at, _FIRST), ends_at=min(span.ends_at, _LAST))


def window_at(now: datetime, *, horizon_end: datetime) -> Window:
    """What is read: from yesterday, for what still runs, to a week behind the horizon up to which can be booked. So
    what was read once holds for a week if nothing has changed there."""
    return Window(starts_at=now - _PAST, ends_at=horizon_end + _AHEAD)


def next_read(id: str, *, after: datetime, interval: timedelta) -> datetime:
    """When the calendar of this id is looked at again. Always as late after the last look for one calendar, and not at
    once for all of them."""
    share = int.from_bytes(hashlib.sha256(id.encode()).digest()[:4], "big") / 2**32
    return after + interval * (1 - _JITTER / 2 + _JITTER * share)


def fetched_from(address: str) -> str:
    """The address that is asked: programs name a calendar file by a scheme of its own, which is HTTP."""
    address = address.strip()
    scheme, colon, rest = address.partition("://")
    return f"https://{rest}" if colon and scheme.lower() in ("webcal", "webcals") else address


def place_of(address: str | None) -> str | None:
    """Of a secret address what may be shown: the machine that it names."""
    return urlsplit(address).hostname if address else None
