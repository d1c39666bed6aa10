"""What a single invitation and a whole feed have in common."""

from datetime import UTC, datetime

from icalendar import Calendar, Event, vCalAddress, vText

from calendars.zones import add_times
from rules.enums import Mode
from rules.plain_text import is_web_address, one_line

_WAYS = {
    Mode.PHONE: "By phone. The call may come from a withheld number.",
    Mode.VIDEO: "Video call",
    Mode.ZOOM: "Zoom call",
}


def new_calendar(method: str) -> Calendar:
    calendar = Calendar()
    calendar.add("PRODID", "-//Care Journeys//Appointments//EN")
    calendar.add("VERSION", "2.0")
    calendar.add("CALSCALE", "GREGORIAN")
    calendar.add("METHOD", method)
    return calendar


def check_instants(*, starts_at: datetime, ends_at: datetime, stamped_at: datetime) -> None:
    """Raises ValueError for naive instants, or an end not after the start."""
    if any(instant.tzinfo is None for instant in (starts_at, ends_at, stamped_at)):
        raise ValueError("a calendar file is made from aware instants only")
    if ends_at <= starts_at:
        raise ValueError("an appointment ends after it starts")


def new_event(
    *,
    id: str,
    sequence: int,
    starts_at: datetime,
    ends_at: datetime,
    stamped_at: datetime,
    time_zone: str,
    mode: str | None,
    join_url: str | None,
    about: str = "",
    summary: str = "Appointment",
) -> Event:
    """One appointment: when it is and how to join it. ``about`` is a line that the description ends with. Without a
    ``mode`` it is some other time, at which nobody meets."""
    event = Event()
    event.add("UID", f"{id}@care-journeys")
    event.add("SEQUENCE", sequence)
    event.add("DTSTAMP", stamped_at.astimezone(UTC))
    add_times(event, starts_at, ends_at, tzid=time_zone)
    event.add("SUMMARY", summary)
    event.add("CLASS", "PRIVATE")
    if mode is None:
        if about:
            event.add("DESCRIPTION", about)
        return event
    way = _WAYS[Mode(mode)]
    if join_url is not None and is_web_address(join_url):
        event.add("LOCATION", join_url)
        event.add("URL", join_url)
        way = f"{way}: {join_url}"
    else:
        event.add("LOCATION", way.split(".")[0])
    event.add("DESCRIPTION", f"{way}\n{about}" if about else way)
    return event


def address(email: str, name: str) -> vCalAddress:
    """A person in a calendar file; neither part can end its line or its quotes."""
    person = vCalAddress(f"mailto:{''.join(one_line(email).split())}")
    shown = one_line(name).replace('"', "'")
    if shown:
        person.params["CN"] = vText(shown)
    return person
