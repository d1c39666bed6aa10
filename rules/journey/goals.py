"""Weekly reminders of goals: a weekday and a wall time, read in the client's own time zone.

It runs inside workflows: docs/changing-a-workflow.md says how it is changed.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from rules.local_time import WEEKDAYS, find_zone, from_micros, local_to_instant

_WEEK = timedelta(days=7)
_LATE = timedelta(days=1)  # a weekly reminder that could not go out is worth nothing after a day
_AT = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")

SAME_WEEK = timedelta(days=3)
"""A change of the time zone moves a reminder by little more than a day. So soon after one went out, it is that one."""


@dataclass(frozen=True, kw_only=True)
class WeeklyTime:
    """``weekday`` is ``mon`` to ``sun``, ``at`` a local time such as ``09:00``."""

    weekday: str
    at: str


@dataclass(frozen=True, kw_only=True)
class GoalReminder:
    """The reminder of one open goal, as it stands ``since`` an instant.

    ``weekday`` is 0 (Monday) to 6, ``minute`` the minute of the local day. ``reminded_at``: the last instant that was
    acted on.
    """

    id: str
    weekday: int
    minute: int
    since: datetime
    reminded_at: datetime | None = None


def read_weekly(remind: WeeklyTime) -> tuple[int, int] | None:
    """The weekday's number and the minute of the day; None for what is no weekday or no time."""
    at = _AT.fullmatch(remind.at)
    if at is None or remind.weekday not in WEEKDAYS:
        return None
    return WEEKDAYS.index(remind.weekday), int(at[1]) * 60 + int(at[2])


def write_weekly(weekday: int, minute: int) -> WeeklyTime:
    return WeeklyTime(weekday=WEEKDAYS[weekday], at=f"{minute // 60:02}:{minute % 60:02}")


def next_reminder(reminder: GoalReminder, *, time_zone: str, after: datetime) -> datetime:
    """The first instant after ``after`` at which the reminder is due, in UTC.

    A wall time that the clocks skip is due at the moment of the change, one that they show twice the first time.
    """
    zone = find_zone(time_zone)
    local = after.astimezone(zone or UTC).date() - timedelta(days=1)
    wall = datetime.combine(local, time()) + timedelta(
        days=(reminder.weekday - local.weekday()) % 7, minutes=reminder.minute
    )
    while True:
        instant = from_micros(local_to_instant(wall, zone, later=False)) if zone else wall.replace(tzinfo=UTC)
        if instant > after:
            return instant
        wall += _WEEK


def due_reminder(reminder: GoalReminder, *, time_zone: str, since: datetime, now: datetime) -> datetime:
    """The instant of the reminder that is to be acted on next: the newest that has come within the last day, else the
    next one. None before ``since``, and none twice in a week."""
    after = since
    if reminder.reminded_at is not None and reminder.reminded_at > since:
        after = reminder.reminded_at + SAME_WEEK
    return next_reminder(reminder, time_zone=time_zone, after=max(after, now - _LATE))
