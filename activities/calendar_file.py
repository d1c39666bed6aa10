"""One appointment as a calendar file that mail programs and calendars understand (RFC 5545 and 5546).

The file carries its own time zone description, worked out from the zone's real changes around the
appointment, so that a calendar which has never heard of the zone still shows the right moment. It says
nothing but that there is an appointment, when, and how to join it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Timezone, TimezoneDaylight, TimezoneStandard, vCalAddress, vText

from activities.wording import is_web_address, one_line
from rules.words import Mode

_AROUND = timedelta(days=400)  # more than a year on both sides: the change before and the change after are inside
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_WAYS = {
    Mode.PHONE: "By phone. The call may come from a withheld number.",
    Mode.VIDEO: "Video call",
    Mode.ZOOM: "Zoom call",
}


@dataclass(frozen=True, kw_only=True)
class CalendarEntry:
    """What the file tells.

    ``id`` is the appointment's, and stays through every change, while ``sequence`` must grow with each.
    ``starts_at``, ``ends_at`` and ``stamped_at`` (when this version was made) are aware. ``time_zone`` is
    the attendee's IANA zone. ``mode`` is a `rules.words.Mode`; ``join_url`` is left out for calls by phone.
    """

    id: str
    sequence: int
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    mode: str
    organizer_email: str
    organizer_name: str
    attendee_email: str
    attendee_name: str
    stamped_at: datetime
    join_url: str | None = None
    cancelled: bool = False

    @property
    def method(self) -> str:
        return "CANCEL" if self.cancelled else "REQUEST"

    @property
    def filename(self) -> str:
        return "cancel.ics" if self.cancelled else "invite.ics"

    @property
    def content_type(self) -> str:
        """The attachment's type; mail programs show an invitation only when it names the method."""
        return f"text/calendar; method={self.method}; charset=utf-8"


def calendar_file(appointment: CalendarEntry) -> bytes:
    """The file's bytes: UTF-8, CRLF line ends, exactly one event.

    Raises ValueError for naive instants or an end not after the start, ``ZoneInfoNotFoundError`` for an
    unknown zone.
    """
    entry = appointment
    if any(instant.tzinfo is None for instant in (entry.starts_at, entry.ends_at, entry.stamped_at)):
        raise ValueError("a calendar file is made from aware instants only")
    if entry.ends_at <= entry.starts_at:
        raise ValueError("an appointment ends after it starts")
    calendar = Calendar()
    calendar.add("PRODID", "-//Care Journeys//Appointments//EN")
    calendar.add("VERSION", "2.0")
    calendar.add("CALSCALE", "GREGORIAN")
    calendar.add("METHOD", entry.method)
    zone = ZoneInfo(entry.time_zone)
    if entry.time_zone != "UTC":
        calendar.add_component(_zone_description(zone, entry.time_zone, entry.starts_at, entry.ends_at))
    calendar.add_component(_event(entry, zone))
    content: bytes = calendar.to_ical()
    return content


def _event(entry: CalendarEntry, zone: ZoneInfo) -> Event:
    event = Event()
    event.add("UID", f"{entry.id}@care-journeys")
    event.add("SEQUENCE", entry.sequence)
    event.add("DTSTAMP", entry.stamped_at.astimezone(UTC))
    _add_instant(event, "DTSTART", entry.starts_at, zone, entry.time_zone)
    _add_instant(event, "DTEND", entry.ends_at, zone, entry.time_zone)
    event.add("SUMMARY", "Appointment")
    event.add("STATUS", "CANCELLED" if entry.cancelled else "CONFIRMED")
    event.add("TRANSP", "TRANSPARENT" if entry.cancelled else "OPAQUE")
    event.add("CLASS", "PRIVATE")
    way = _WAYS[Mode(entry.mode)]
    if entry.join_url is not None and is_web_address(entry.join_url):
        event.add("LOCATION", entry.join_url)
        event.add("URL", entry.join_url)
        event.add("DESCRIPTION", f"{way}: {entry.join_url}")
    else:
        event.add("LOCATION", way.split(".")[0])
        event.add("DESCRIPTION", way)
    event.add("ORGANIZER", _address(entry.organizer_email, entry.organizer_name))
    attendee = _address(entry.attendee_email, entry.attendee_name)
    attendee.params["ROLE"] = vText("REQ-PARTICIPANT")
    attendee.params["PARTSTAT"] = vText("ACCEPTED")
    attendee.params["RSVP"] = vText("FALSE")
    event.add("ATTENDEE", attendee)
    return event


def _add_instant(event: Event, name: str, instant: datetime, zone: ZoneInfo, tzid: str) -> None:
    local = instant.astimezone(zone)
    # A wall time that comes twice means its first reading in such a file; the second can only be said in UTC.
    if tzid == "UTC" or local.fold:
        event.add(name, instant.astimezone(UTC))
    else:
        event.add(name, local.replace(tzinfo=None), parameters={"TZID": tzid})


def _address(email: str, name: str) -> vCalAddress:
    address = vCalAddress(f"mailto:{''.join(one_line(email).split())}")
    shown = one_line(name).replace('"', "'")
    if shown:
        address.params["CN"] = vText(shown)
    return address


def _zone_description(zone: ZoneInfo, tzid: str, starts_at: datetime, ends_at: datetime) -> Timezone:
    """The zone's offsets around the appointment, one observance for each change.

    Written by hand, because the onset of an observance must be told in the wall time *before* the change;
    the library's own generator tells it in the wall time after, which is an hour late in spring.
    """
    first = (starts_at - _AROUND).astimezone(UTC).replace(microsecond=0)
    last = (ends_at + _AROUND).astimezone(UTC).replace(microsecond=0)
    description = Timezone()
    description.add("TZID", tzid)
    before = _offset(first, zone)
    for onset in (first, *_changes(zone, first, last)):
        local = onset.astimezone(zone)
        observance = TimezoneDaylight() if local.dst() else TimezoneStandard()
        observance.DTSTART = (onset + before).replace(tzinfo=None)
        observance.TZOFFSETFROM = before
        observance.TZOFFSETTO = before = _offset(onset, zone)
        observance.add("TZNAME", local.tzname() or tzid)
        description.add_component(observance)
    return description


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
