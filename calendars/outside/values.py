"""What the lines of a component say: dates, instants, lengths and rules, each in its zone."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from icalendar import vDDDTypes, vRecur
from icalendar.parser import Contentline

from calendars.outside.refusing import NotACalendar
from calendars.outside.zones import Zones

Moment = date | datetime
_END_OF_DAY = time(23, 59, 59)
_UNQUOTED = re.compile("TZID=tzone://Microsoft/Utc", re.IGNORECASE)  # as Exchange writes it, with a colon in its name


@dataclass(frozen=True)
class Line:
    """One property: its name and the names of its parameters in capitals."""

    name: str
    params: dict[str, str]
    value: str


def line_of(text: str) -> Line:
    """Raises NotACalendar."""
    text = _UNQUOTED.sub("TZID=UTC", text)
    try:
        name, params, value = Contentline(text).raw_parts()  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise NotACalendar("A line of it cannot be read.") from error
    said = {key.upper(): each if isinstance(each, str) else ",".join(map(str, each)) for key, each in params.items()}
    return Line(name.upper(), said, value.strip())


def moments(line: Line, zones: Zones) -> list[Moment | tuple[Moment, Moment]]:
    """The dates, instants and stretches of a property. Raises NotACalendar."""
    zone = zones.find(line.params["TZID"]) if line.params.get("TZID") else zones.floating
    date_alone = line.params.get("VALUE", "").upper() == "DATE"
    found: list[Moment | tuple[Moment, Moment]] = []
    for text in filter(None, (each.strip() for each in line.value.split(","))):
        begins, slash, ends = text.partition("/")
        start = _moment(begins, zone, date_alone=date_alone)
        if not slash:
            found.append(start)
        elif ends[:1] in ("P", "+", "-"):
            found.append((start, later(start, length_of(ends))))
        else:
            found.append((start, _moment(ends, zone)))
    return found


def moment_of(line: Line, zones: Zones) -> Moment:
    found = moments(line, zones)
    if len(found) != 1 or isinstance(found[0], tuple):
        raise NotACalendar(f"{line.name} of an event is not one time.")
    return found[0]


def later(start: Moment, length: timedelta) -> Moment:
    """Whole days by the calendar, the rest by a clock that nobody sets."""
    days = timedelta(days=length.days)
    try:
        if not isinstance(start, datetime) or length == days:
            return start + length
        return ((start + days).astimezone(UTC) + (length - days)).astimezone(start.tzinfo)
    except OverflowError as error:
        raise NotACalendar("A time in it is out of all bounds.") from error


def length_of(text: str) -> timedelta:
    found = _read(text)
    if not isinstance(found, timedelta):
        raise NotACalendar("A length in it is none.")
    return found


def rule_of(text: str, starts: Moment) -> vRecur:
    """A rule by which what ``starts`` then repeats. Its last date is brought into the form of the first, a date where
    that is one and an instant else, as the format asks and not all programs write."""
    try:
        rule: vRecur = vRecur.from_ical(text)
    except (ValueError, KeyError, OverflowError) as error:
        raise NotACalendar("A rule by which an event repeats cannot be read.") from error
    if not rule.get("FREQ"):
        raise NotACalendar("A rule by which an event repeats does not say how often.")
    if rule.get("UNTIL"):
        last = rule["UNTIL"][0] if isinstance(rule["UNTIL"], list) else rule["UNTIL"]
        if not isinstance(last, date):
            raise NotACalendar("A rule by which an event repeats does not end at a time.")
        rule["UNTIL"] = [_as(starts, last)]
    return rule


def _as(starts: Moment, last: Moment) -> Moment:
    if not isinstance(starts, datetime):
        return last.date() if isinstance(last, datetime) else last
    if not isinstance(last, datetime):
        last = datetime.combine(last, _END_OF_DAY)
    return (last if last.tzinfo is not None else last.replace(tzinfo=starts.tzinfo)).astimezone(UTC)


def _moment(text: str, zone: tzinfo, *, date_alone: bool = False) -> Moment:
    found = _read(text)
    if isinstance(found, datetime):
        if date_alone:
            return found.date()
        return found if found.tzinfo is not None else found.replace(tzinfo=zone)
    if isinstance(found, date):
        return found
    raise NotACalendar("A time in it is none.")


def _read(text: str) -> Any:
    try:
        return vDDDTypes.from_ical(text)  # type: ignore[no-untyped-call]
    except (ValueError, OverflowError, TypeError) as error:
        raise NotACalendar("A time in it is none.") from error
