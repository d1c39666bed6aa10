"""One appointment as a file that mail programs and calendars understand: an invitation, or its cancellation.

It says nothing but that there is an appointment, when, and how to join it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from icalendar import vText

from calendars.parts import address, check_instants, new_calendar, new_event
from calendars.zones import zone_description
from rules.enums import AppointmentStatus, Mode


@dataclass(frozen=True, kw_only=True)
class Attendee:
    """Whom the file is for; without a name the address is shown."""

    email: str
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class CalendarEntry:
    """What the file tells.

    ``id`` is the appointment's, and stays through every change, while ``sequence`` must grow with each.
    ``starts_at``, ``ends_at`` and ``stamped_at`` (when this version was made) are aware. ``time_zone`` is
    the therapist's IANA zone, in which a weekly series keeps its wall time. ``mode`` is a `rules.words.Mode`;
    ``join_url`` is left out for calls by phone.
    """

    id: str
    sequence: int
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    mode: str
    organizer_email: str
    organizer_name: str
    attendee: Attendee | None
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
        """The file's type; mail programs show an invitation only when it names the method."""
        return f"text/calendar; method={self.method}; charset=utf-8"


class BookedTime(Protocol):
    """As much of an appointment as a calendar needs."""

    @property
    def id(self) -> UUID: ...
    @property
    def status(self) -> AppointmentStatus: ...
    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime: ...
    @property
    def mode(self) -> Mode: ...
    @property
    def join_url(self) -> str | None: ...
    @property
    def sequence(self) -> int: ...


class Host(Protocol):
    """As much of a therapist as a calendar needs."""

    @property
    def name(self) -> str: ...
    @property
    def time_zone(self) -> str: ...


def entry_of(
    appointment: BookedTime, therapist: Host, *, organizer_email: str, attendee: Attendee | None, stamped_at: datetime
) -> CalendarEntry:
    """The present state of an appointment: the same whether it is mailed or downloaded."""
    return CalendarEntry(
        id=str(appointment.id),
        sequence=appointment.sequence,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        time_zone=therapist.time_zone,
        mode=appointment.mode,
        join_url=appointment.join_url,
        organizer_email=organizer_email,
        organizer_name=therapist.name,
        attendee=attendee,
        cancelled=appointment.status in (AppointmentStatus.CANCELLED, AppointmentStatus.LATE_CANCELLED),
        stamped_at=stamped_at,
    )


def calendar_file(entry: CalendarEntry) -> bytes:
    """The file's bytes: UTF-8, CRLF line ends, exactly one event.

    Raises ValueError for naive instants or an end not after the start, ``ZoneInfoNotFoundError`` for an
    unknown zone.
    """
    check_instants(starts_at=entry.starts_at, ends_at=entry.ends_at, stamped_at=entry.stamped_at)
    calendar = new_calendar(entry.method)
    if entry.time_zone != "UTC":
        calendar.add_component(zone_description(entry.time_zone, entry.starts_at, entry.ends_at))
    event = new_event(
        id=entry.id,
        sequence=entry.sequence,
        starts_at=entry.starts_at,
        ends_at=entry.ends_at,
        stamped_at=entry.stamped_at,
        time_zone=entry.time_zone,
        mode=entry.mode,
        join_url=entry.join_url,
    )
    event.add("STATUS", "CANCELLED" if entry.cancelled else "CONFIRMED")
    event.add("TRANSP", "TRANSPARENT" if entry.cancelled else "OPAQUE")
    event.add("ORGANIZER", address(entry.organizer_email, entry.organizer_name))
    if entry.attendee is not None:
        attendee = address(entry.attendee.email, entry.attendee.name or entry.attendee.email)
        attendee.params["ROLE"] = vText("REQ-PARTICIPANT")
        attendee.params["PARTSTAT"] = vText("ACCEPTED")
        attendee.params["RSVP"] = vText("FALSE")
        event.add("ATTENDEE", attendee)
    calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content
