"""The busy times of a calendar file."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, tzinfo
from itertools import chain
from zoneinfo import ZoneInfo

from icalendar import Event

from calendars.outside.events import FREE, STATE, TENTATIVE, ends_of, event_of, series_of
from calendars.outside.expanding import dates_of
from calendars.outside.lines import EVENT, FREE_BUSY, ZONE, FilePart
from calendars.outside.refusing import NotACalendar, TooMuch
from calendars.outside.values import Line, line_of, moments
from calendars.outside.zones import Zones, known_zone
from rules.booking.outside import MOST_SPANS, BusySpan, Window, digest_of


def busy_in(
    calendars: Sequence[FilePart], window: Window, *, time_zone: str, owner: str | None = None
) -> list[BusySpan]:
    """The busy times that touch the window, in order, each once.

    ``time_zone`` (IANA) is whose clocks are meant where the file names none; ``owner`` the address by which an
    invitation that its owner declined is known. Raises NotACalendar and TooMuch: a file that cannot be read as a whole
    is not read at all.
    """
    found: set[BusySpan] = set()
    for calendar in calendars:
        for span in _spans(calendar, window, time_zone=time_zone, owner=owner):
            if span.starts_at < window.ends_at and window.starts_at < span.ends_at and span.starts_at < span.ends_at:
                found.add(span)
                if len(found) > MOST_SPANS:
                    raise TooMuch("It has more busy times than are read.")
    return sorted(found)


def _spans(calendar: FilePart, window: Window, *, time_zone: str, owner: str | None) -> Iterator[BusySpan]:
    floating: tzinfo = ZoneInfo(time_zone)
    for line in map(line_of, calendar.lines):
        if line.name == "X-WR-TIMEZONE":
            floating = known_zone(line.value) or floating
        if line.name == "CALSCALE" and line.value.upper() != "GREGORIAN":
            raise NotACalendar("Its dates are not of the Gregorian calendar.")
    zones = Zones(calendar.named(ZONE), floating=floating)
    events = [event_of(part, zones, owner=owner) for part in calendar.named(EVENT)]
    once, repeating = series_of(events)
    for event in chain(once, dates_of(repeating, window)):
        if event[STATE] != FREE:
            yield _span(event, floating)
    for part in calendar.named(FREE_BUSY):
        yield from _told(part, zones)


def _span(event: Event, floating: tzinfo) -> BusySpan:
    starts, ends = ends_of(event)
    return BusySpan(
        starts_at=_instant(starts, floating),
        ends_at=_instant(ends, floating),
        event=digest_of(str(event.get("UID", ""))),
        all_day=not isinstance(starts, datetime),
        tentative=event[STATE] == TENTATIVE,
    )


def _told(part: FilePart, zones: Zones) -> Iterator[BusySpan]:
    """What a VFREEBUSY tells: stretches, and how each of them is taken."""
    lines: list[Line] = [line_of(text) for text in part.lines]
    uid = next((line.value for line in lines if line.name == "UID"), "")
    for line in lines:
        kind = line.params.get("FBTYPE", "BUSY").upper()
        if line.name != "FREEBUSY" or kind == "FREE":
            continue
        for stretch in moments(line, zones):
            if not isinstance(stretch, tuple):
                raise NotACalendar("A busy time of it has no end.")
            first, last = (_instant(end, zones.floating) for end in stretch)
            yield BusySpan(starts_at=first, ends_at=last, event=digest_of(uid), tentative=kind == "BUSY-TENTATIVE")


def _instant(moment: date | datetime, zone: tzinfo) -> datetime:
    """In UTC. A date begins at its local midnight; where the clocks skip that, when they have changed."""
    try:
        if not isinstance(moment, datetime):
            moment = datetime.combine(moment, time.min, zone)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError as error:
        raise NotACalendar("A time in it is out of all bounds.") from error
