"""A time zone described inside a calendar file, and the instants that are told by it.

Each file carries its zone's real changes around what is in it, so that a calendar which has never heard of the zone, or
knows older rules of it, still shows the right moment.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from icalendar import Event, Timezone, TimezoneDaylight, TimezoneStandard, vRecur

from calendars.zone_rules import YearlyChange, ZoneRule, rule_of

_AROUND = timedelta(days=400)  # more than a year on both sides: the change before and the change after are inside
_DAY = timedelta(days=1)
_MONTH = timedelta(days=31)
_SECOND = timedelta(seconds=1)
_BOTH = 2  # changes of a rule


def add_times(event: Event, starts_at: datetime, ends_at: datetime, *, tzid: str) -> None:
    """Add DTSTART and DTEND to ``event``, as wall times of the IANA zone ``tzid``.

    A wall time that comes twice means its first reading in such a file. The second can only be said in UTC; then both
    ends are, because some calendars want the two in one form.
    """
    zone = ZoneInfo(tzid)
    ends = {"DTSTART": starts_at.astimezone(zone), "DTEND": ends_at.astimezone(zone)}
    in_utc = tzid == "UTC" or any(local.fold for local in ends.values())
    for name, local in ends.items():
        if in_utc:
            event.add(name, local.astimezone(UTC))
        else:
            event.add(name, local.replace(tzinfo=None), parameters={"TZID": tzid})


def zone_description(tzid: str, earliest: datetime, latest: datetime) -> Timezone:
    """The zone's offsets from before ``earliest`` until after ``latest`` (aware).

    Where the zone changes by a rule, its two observances are told with it, since some programs (Outlook) are reported
    to look at no others; what the rule does not explain is told as it is, one observance for each change. Written by
    hand, because the onset of an observance must be told in the wall time *before* the change; the library's own
    generator tells it in the wall time after, which is an hour late in spring. Raises ``ZoneInfoNotFoundError`` for an
    unknown zone.
    """
    return _description(tzid, _month(earliest - _AROUND), _month(latest + _AROUND + _MONTH))


@lru_cache(maxsize=256)
def _description(tzid: str, first: datetime, last: datetime) -> Timezone:
    """Of whole months, so that it is made once for many files. Nobody changes it."""
    zone = ZoneInfo(tzid)
    start, *later = _all_changes(zone, first, last)
    rule = rule_of(tzid)
    expected = _expected(rule, first, last) if rule is not None else []
    held = _held(later, [change for change, _ in expected])
    ruled = expected[len(expected) - held :][:_BOTH]
    dated = [start, *later[: len(later) - held]]
    if rule is not None and held == len(later) == len(expected):  # it held before, too: nothing else need be told
        ruled, dated = _year_before(rule, expected[0][0].onset.year), []
    description = Timezone()
    description.add("TZID", tzid)
    for change in dated:
        description.add_component(_observance(change, zone))
    for change, recurs in ruled:
        observance = _observance(change, zone)
        observance.add("RRULE", vRecur(recurs.recurrence()))
        description.add_component(observance)
    return description


def _month(at: datetime) -> datetime:
    """The beginning of the month."""
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


@dataclass(frozen=True, kw_only=True)
class _Change:
    """``onset`` is the wall time before it."""

    onset: datetime
    before: timedelta
    to: timedelta

    @property
    def instant(self) -> datetime:
        return (self.onset - self.before).replace(tzinfo=UTC)


Ruled = list[tuple[_Change, YearlyChange]]


def _all_changes(zone: ZoneInfo, first: datetime, last: datetime) -> list[_Change]:
    """All from ``first`` to ``last``, behind one that says how the clocks stand at ``first``."""
    before = _offset(first, zone)
    changes = [_Change(onset=(first + before).replace(tzinfo=None), before=before, to=before)]
    for instant in _changes(zone, first, last):
        to = _offset(instant, zone)
        changes.append(_Change(onset=(instant + before).replace(tzinfo=None), before=before, to=to))
        before = to
    return changes


def _expected(rule: ZoneRule, first: datetime, last: datetime) -> Ruled:
    """What the rule says of the same time."""
    onsets = rule.onsets(first.year - 1, last.year + 1)
    all_of_it = [(_Change(onset=onset, before=by.before, to=by.to), by) for onset, by in onsets]
    return [(change, by) for change, by in all_of_it if first < change.instant <= last]


def _held(changes: list[_Change], expected: list[_Change]) -> int:
    """How many changes, counted from the last one, are just those that the rule says. Fewer than both are no rule."""
    held = 0
    for change, by_rule in zip(reversed(changes), reversed(expected), strict=False):
        if change != by_rule:
            break
        held += 1
    return held if held >= _BOTH else 0


def _year_before(rule: ZoneRule, year: int) -> Ruled:
    return [(_Change(onset=onset, before=by.before, to=by.to), by) for onset, by in rule.onsets(year - 1, year - 1)]


def _observance(change: _Change, zone: ZoneInfo) -> TimezoneDaylight | TimezoneStandard:
    """Summer time is what is ahead, also where the law calls winter the exception (Dublin): so programs expect it."""
    local = change.instant.astimezone(zone)
    is_ahead = change.to > change.before if change.to != change.before else bool(local.dst())
    observance = TimezoneDaylight() if is_ahead else TimezoneStandard()
    observance.DTSTART = change.onset
    observance.TZOFFSETFROM = change.before
    observance.TZOFFSETTO = change.to
    observance.add("TZNAME", local.tzname() or zone.key)
    return observance


def _changes(zone: ZoneInfo, first: datetime, last: datetime) -> Iterator[datetime]:
    """Every instant after ``first`` and not after ``last`` at which the zone's offset becomes another."""
    days = [first + _DAY * count for count in range((last - first) // _DAY + 1)]
    for early, late in pairwise([*days, last]):
        if _offset(early, zone) == _offset(late, zone):
            continue
        low, high = early, late
        while high - low > _SECOND:
            middle = low + (high - low) // (2 * _SECOND) * _SECOND
            low, high = (middle, high) if _offset(middle, zone) == _offset(early, zone) else (low, middle)
        yield high


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()
