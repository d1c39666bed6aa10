"""Events as a file tells them, with their times in zones: what `recurring_ical_events` works out dates from."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any, cast

from icalendar import Event, vDDDTypes

from calendars.outside.lines import FilePart
from calendars.outside.refusing import NotACalendar
from calendars.outside.values import Line, Moment, later, length_of, line_of, moment_of, moments, rule_of
from calendars.outside.zones import Zones

STATE = "X-BUSY"  # how an event takes its time, beside the properties of the format: one of the next three
BUSY, TENTATIVE, FREE = "busy", "tentative", "free"
_FREE_IN_OUTLOOK = ("FREE", "WORKINGELSEWHERE")
_A_DAY = timedelta(days=1)
_REPEATS = ("RRULE", "RDATE", "RECURRENCE-ID")


def event_of(part: FilePart, zones: Zones, *, owner: str | None) -> Event:
    """Raises NotACalendar for one without a beginning, or with a time that is none."""
    lines = [line_of(text) for text in part.lines]
    said = {line.name: line for line in lines}
    if "DTSTART" not in said:
        raise NotACalendar("An event of it has no beginning.")
    starts = moment_of(said["DTSTART"], zones)
    event = Event()
    event["DTSTART"] = vDDDTypes(starts)
    event["DTEND"] = vDDDTypes(_end(starts, said, zones))
    event[STATE] = _state(lines, said, owner)
    if "UID" in said:
        event["UID"] = said["UID"].value
    if "SEQUENCE" in said and said["SEQUENCE"].value.isdigit():
        event["SEQUENCE"] = int(said["SEQUENCE"].value)
    if "RECURRENCE-ID" in said:
        moved: Any = vDDDTypes(moment_of(said["RECURRENCE-ID"], zones))
        if said["RECURRENCE-ID"].params.get("RANGE", "").upper() == "THISANDFUTURE":
            moved.params["RANGE"] = "THISANDFUTURE"
        event["RECURRENCE-ID"] = moved
    _add_dates(event, lines, starts, zones)
    return event


def series_of(events: Iterable[Event]) -> tuple[list[Event], list[Event]]:
    """Those that happen once, and those that repeat or belong to one that does."""
    once: list[Event] = []
    repeating: list[Event] = []
    for event in events:
        (repeating if any(key in event for key in _REPEATS) else once).append(event)
    return once, repeating


def ends_of(event: Event) -> tuple[Moment, Moment]:
    starts: Any = event["DTSTART"]
    ends: Any = event["DTEND"]
    return starts.dt, ends.dt


def _add_dates(event: Event, lines: Iterable[Line], starts: Moment, zones: Zones) -> None:
    for line in lines:
        if line.name == "EXDATE":
            event.add("EXDATE", [each[0] if isinstance(each, tuple) else each for each in moments(line, zones)])
        elif line.name == "RDATE":
            event.add("RDATE", moments(line, zones))
        elif line.name == "RRULE":
            event.add("RRULE", rule_of(line.value, starts))


def _state(lines: Iterable[Line], said: dict[str, Line], owner: str | None) -> str:
    """Free is what anything says is free; Outlook's own word is more exact than the format's."""
    status, transparent, outlook = (
        said[name].value.upper() if name in said else "" for name in ("STATUS", "TRANSP", "X-MICROSOFT-CDO-BUSYSTATUS")
    )
    answer = next((line.params.get("PARTSTAT", "").upper() for line in lines if _is_of(line, owner)), "")
    if "CANCELLED" in status or transparent == "TRANSPARENT" or answer == "DECLINED" or outlook in _FREE_IN_OUTLOOK:
        return FREE
    unsure = "TENTATIVE" in (status, outlook, answer) or answer == "NEEDS-ACTION"
    return TENTATIVE if unsure else BUSY


def _is_of(line: Line, owner: str | None) -> bool:
    return line.name == "ATTENDEE" and owner is not None and line.value.lower().removeprefix("mailto:") == owner.lower()


def _end(starts: Moment, said: dict[str, Line], zones: Zones) -> Moment:
    """An event that ends before it begins has no length, like one that says nothing of its end; but a date is a day."""
    if "DTEND" not in said:
        alone = timedelta(0) if isinstance(starts, datetime) else _A_DAY
        length = max(length_of(said["DURATION"].value), timedelta(0)) if "DURATION" in said else alone
        if not isinstance(starts, datetime) and length % _A_DAY:
            raise NotACalendar("An event of whole days has a length in hours.")
        return later(starts, length)
    ends = moment_of(said["DTEND"], zones)
    if isinstance(starts, datetime) and not isinstance(ends, datetime):
        ends = datetime.combine(ends, time.min, starts.tzinfo)
    elif isinstance(ends, datetime) and not isinstance(starts, datetime):
        ends = ends.date()
    return ends if cast("Any", ends) > starts else starts
