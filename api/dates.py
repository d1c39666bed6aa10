"""Where a range begins and ends: said as dates of some zone, or as instants."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Depends, Query

from api.problems import wrong_fields
from rules.local_time import find_zone

MOST_DAYS = 92


def _asked_zone(
    time_zone: Annotated[str, Query(max_length=64, description="In which dates and days are meant.")] = "UTC",
) -> ZoneInfo:
    if find_zone(time_zone) is None:
        raise wrong_fields([("time_zone", "must be an IANA time zone such as America/New_York")])
    return ZoneInfo(time_zone)


AskedZone = Annotated[ZoneInfo, Depends(_asked_zone)]


def edge(field: str, text: str, zone: ZoneInfo, *, days_on: int) -> datetime:
    """An instant; a date stands for its first, or (``days_on`` 1) for the first of the next. Raises Refused."""
    try:
        if "T" not in text.upper():
            day = date.fromisoformat(text) + timedelta(days=days_on)
            return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
        # A plus sign in a query arrives as a space.
        instant = datetime.fromisoformat(text.replace(" ", "+"))
        if instant.utcoffset() is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise wrong_fields([(field, "must be a date, or a time with its offset")])


_DEFAULT_DAYS = 31


def days_asked(first: date | None, last: date | None, *, today: date, most: int) -> tuple[date, date]:
    """The first and the last day, ``most`` of them: the last 31 if nothing is said. Raises Refused."""
    end = last or (today if first is None or first <= today else first)
    begin = first or end - min(timedelta(days=_DEFAULT_DAYS - 1), end - date.min)
    if begin.year < 2000 or end.year >= 2200:
        raise wrong_fields([("from", "must lie between 2000 and 2200")])
    if end < begin:
        raise wrong_fields([("to", "must not be before from")])
    if (end - begin).days >= most:
        raise wrong_fields([("to", f"must be at most {most} days from the first, both counted")])
    return begin, end
