"""The rule by which a zone's clocks change from now on: the last line of its file in the zone database (RFC 9636), in
the words of POSIX, such as ``EST5EDT,M3.2.0,M11.1.0``.

A calendar file tells it as two observances with an RRULE, which is what calendar programs know how to read.
"""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import TZPATH, ZoneInfo, ZoneInfoNotFoundError

_NAME = r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)"
_OFFSET = r"[+-]?\d{1,3}(?::\d{2}(?::\d{2})?)?"
_DATE = rf"M(\d{{1,2}})\.(\d)\.(\d)(?:/({_OFFSET}))?"
_RULE = re.compile(rf"{_NAME}({_OFFSET}){_NAME}({_OFFSET})?,{_DATE},{_DATE}")
_HOUR, _DAY, _WEEK = timedelta(hours=1), timedelta(days=1), 7
_DAYS = ("SU", "MO", "TU", "WE", "TH", "FR", "SA")
_AT_TWO = "2"
_LAST = 5
_FEBRUARY = 2
_COMMON_YEAR = 2001


@dataclass(frozen=True, kw_only=True)
class YearlyChange:
    """On which day of each year, and at which wall time before the change, the offset becomes ``to``. The weekday
    ``day`` (0: Sunday) is the ``week``-th of its month, the fifth meaning the last; ``at`` is counted from its
    midnight, and may lie on another day."""

    month: int
    week: int
    day: int
    at: timedelta
    before: timedelta
    to: timedelta

    def onset(self, year: int) -> datetime:
        """As the wall time before the change."""
        return datetime.combine(self._named_day(year), datetime.min.time()) + self.at

    def recurrence(self) -> dict[str, Any] | None:
        """As the parts of an RRULE; None where none can say it: the day that is meant may lie in either of two
        months."""
        shift = self.at // _DAY
        weekday = _DAYS[(self.day + shift) % _WEEK]
        if not shift:
            number = -1 if self.week == _LAST else self.week
            return {"FREQ": "YEARLY", "BYMONTH": self.month, "BYDAY": f"{number}{weekday}"}
        length = calendar.monthrange(_COMMON_YEAR, self.month)[1]
        last = length if self.week == _LAST else self.week * _WEEK
        days = [last - back + shift for back in range(_WEEK - 1, -1, -1)]
        if not 1 <= days[0] <= days[-1] <= length or (self.month == _FEBRUARY and self.week == _LAST):
            return None
        return {"FREQ": "YEARLY", "BYMONTH": self.month, "BYMONTHDAY": days, "BYDAY": weekday}

    def _named_day(self, year: int) -> date:
        first = date(year, self.month, 1)
        until = (self.day - first.isoweekday()) % _WEEK
        day = first + _DAY * (until + _WEEK * (self.week - 1))
        return day if day.month == self.month else day - _DAY * _WEEK


@dataclass(frozen=True, kw_only=True)
class ZoneRule:
    """Two changes a year, for as long as nobody changes the law."""

    changes: tuple[YearlyChange, YearlyChange]

    def onsets(self, first: int, last: int) -> Iterator[tuple[datetime, YearlyChange]]:
        """Every change of these years, in order, as the wall time before it and what it is."""
        for year in range(first, last + 1):
            yield from sorted(((change.onset(year), change) for change in self.changes), key=lambda one: one[0])


@cache
def rule_of(tzid: str) -> ZoneRule | None:
    """The rule of a zone; None for a zone without one: whose clocks do not change, or by no rule that a calendar file
    can tell. Raises ``ZoneInfoNotFoundError``."""
    rule = read_rule(_last_line(tzid))
    if rule is None or any(change.recurrence() is None for change in rule.changes):
        return None
    return rule


def read_rule(line: str) -> ZoneRule | None:
    found = _RULE.fullmatch(line)
    if found is None:
        return None
    standard, summer, *days = found.groups()
    offset = -_duration(standard)  # POSIX counts to the west
    in_summer = -_duration(summer) if summer is not None else offset + _HOUR
    begins = _change(*days[:4], before=offset, to=in_summer)
    ends = _change(*days[4:], before=in_summer, to=offset)
    return ZoneRule(changes=(begins, ends))


def _change(month: str, week: str, day: str, at: str | None, *, before: timedelta, to: timedelta) -> YearlyChange:
    at_time = _duration(at or _AT_TWO)
    return YearlyChange(month=int(month), week=int(week), day=int(day), at=at_time, before=before, to=to)


def _duration(written: str) -> timedelta:
    hours, minutes, seconds = (int(part) for part in [*written.lstrip("+-").split(":"), "0", "0"][:3])
    length = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return -length if written.startswith("-") else length


def _last_line(tzid: str) -> str:
    """From where the standard library has the zone itself."""
    _ = ZoneInfo(tzid)  # looks at the name, which is no path until then
    for folder in TZPATH:
        path = Path(folder, tzid)
        if path.is_file():
            return _footer(path.read_bytes())
    package, _, name = f"tzdata.zoneinfo.{tzid.replace('/', '.')}".rpartition(".")
    try:
        return _footer(resources.files(package).joinpath(name).read_bytes())
    except (FileNotFoundError, ModuleNotFoundError):
        raise ZoneInfoNotFoundError(f"no file of the zone {tzid}") from None


def _footer(content: bytes) -> str:
    return content.rsplit(b"\n", 2)[-2].decode("ascii", errors="replace")
