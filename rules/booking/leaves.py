"""A therapist's leave: which one can be taken, and what lies in it."""

from datetime import datetime

from rules.booking.availability_document import LONGEST_TIME_OFF


def wrong_leave(*, starts_at: datetime, ends_at: datetime, now: datetime) -> list[tuple[str, str]]:
    """What is wrong with it, by field. One that has begun can be taken, and one that is over cannot."""
    if ends_at <= starts_at:
        return [("ends_at", "must be after starts_at")]
    if ends_at - starts_at > LONGEST_TIME_OFF:
        return [("ends_at", "must be at most five years after starts_at")]
    return [("ends_at", "must lie ahead")] if ends_at <= now else []
