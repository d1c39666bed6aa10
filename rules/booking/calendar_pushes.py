"""Channels by which a vendor says that a calendar has changed: how long they last, and how often they are heard."""

from datetime import datetime, timedelta

PUSHES = "/v1/calendar-pushes"  # of the API
CHANNEL_TTL = timedelta(days=7)
RENEWED_BEFORE = timedelta(days=1)
HEARD_EVERY = timedelta(seconds=30)  # for each calendar
_LOOKED_AT_AGAIN = timedelta(minutes=1)


def is_due(until: datetime | None, *, now: datetime) -> bool:
    """Whether a channel is to be opened: there is none, or it ends soon."""
    return until is None or until - now < RENEWED_BEFORE


def look_after_push(usual: datetime, *, pushed_at: datetime | None, now: datetime) -> datetime:
    """When a calendar is looked at again. What was pushed within `HEARD_EVERY` of the push that was heard woke nobody:
    one more look, once that is over, sees it."""
    again = pushed_at + _LOOKED_AT_AGAIN if pushed_at is not None else usual
    return min(usual, again) if now < again else usual
