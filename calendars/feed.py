"""All that takes a therapist's time as one file that calendar programs subscribe to and fetch again and again:
appointments, what is held or offered, days off and the practice's closures.

It names nobody but the therapist: a client is their short opaque reference. The same calendar always gives the same
bytes, so that whoever fetches it can be told that nothing has changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from icalendar import Event, vText

from calendars.parts import address, check_instants, new_calendar, new_event
from calendars.zones import zone_description
from rules.plain_text import one_line

REFRESH_EVERY = timedelta(minutes=15)
_END = b"END:VCALENDAR\r\n"


@dataclass(frozen=True, kw_only=True)
class FeedEvent:
    """A time that is taken. ``stamped_at`` is when it was last changed, never the time of the asking.

    All instants are aware. ``mode`` is a `rules.words.Mode`, and None where nobody meets; ``about`` is a line for the
    description. ``tentative``: nothing is booked yet. ``away``: the therapist is not there.
    """

    id: str
    sequence: int
    starts_at: datetime
    ends_at: datetime
    stamped_at: datetime
    mode: str | None
    join_url: str | None
    about: str
    summary: str = "Appointment"
    tentative: bool = False
    away: bool = False


@dataclass(frozen=True, kw_only=True)
class FeedDay:
    """A whole day of the therapist's calendar on which the practice is closed."""

    id: str
    day: date
    name: str
    stamped_at: datetime


@dataclass(frozen=True, kw_only=True)
class Feed:
    """``made_at`` (aware) is when the feed was set up; ``events`` come in the order in which they are written, and
    ``days`` behind them."""

    owner: str
    time_zone: str
    organizer_email: str
    made_at: datetime
    events: Sequence[FeedEvent]
    days: Sequence[FeedDay] = ()


def feed_file(feed: Feed) -> bytes:
    """The file's bytes: UTF-8, CRLF line ends, one event for each time and day.

    Raises ValueError for naive instants or an end not after the start, ``ZoneInfoNotFoundError`` for an
    unknown zone.
    """
    calendar = new_calendar("PUBLISH")
    name = " - ".join(part for part in ("Appointments", one_line(feed.owner)) if part)
    calendar.add("NAME", name)
    calendar.add("X-WR-CALNAME", vText(name))  # the library would leave the text of an unknown name as it is
    calendar.add("REFRESH-INTERVAL", REFRESH_EVERY, parameters={"VALUE": "DURATION"})
    calendar.add("X-PUBLISHED-TTL", f"PT{REFRESH_EVERY // timedelta(minutes=1)}M")
    times = [instant for event in feed.events for instant in (event.starts_at, event.ends_at)] or [feed.made_at]
    empty = not feed.events and not feed.days
    if feed.time_zone != "UTC" or empty:  # a calendar with nothing at all in it is not well-formed
        calendar.add_component(zone_description(feed.time_zone, min(times), max(times)))
    frame: bytes = calendar.to_ical()
    events = [_event(event, feed.time_zone, feed.organizer_email, feed.owner) for event in feed.events]
    return b"".join((frame.removesuffix(_END), *events, *map(_day, feed.days), _END))


@lru_cache(maxsize=20_000)
def _event(entry: FeedEvent, time_zone: str, organizer_email: str, owner: str) -> bytes:
    """One event's lines. Kept, because a feed is asked for all day long and little of it changes in between."""
    check_instants(starts_at=entry.starts_at, ends_at=entry.ends_at, stamped_at=entry.stamped_at)
    event = new_event(
        id=entry.id,
        sequence=entry.sequence,
        starts_at=entry.starts_at,
        ends_at=entry.ends_at,
        stamped_at=entry.stamped_at,
        time_zone=time_zone,
        mode=entry.mode,
        join_url=entry.join_url,
        about=entry.about,
        summary=entry.summary,
    )
    event.add("LAST-MODIFIED", entry.stamped_at.astimezone(UTC))
    event.add("STATUS", "TENTATIVE" if entry.tentative else "CONFIRMED")
    event.add("TRANSP", "OPAQUE")
    if entry.tentative or entry.away:
        event.add("X-MICROSOFT-CDO-BUSYSTATUS", "TENTATIVE" if entry.tentative else "OOF")
    if entry.mode is not None:
        event.add("ORGANIZER", address(organizer_email, owner))
    content: bytes = event.to_ical()
    return content


@lru_cache(maxsize=2_000)
def _day(closed: FeedDay) -> bytes:
    """A day is a date, without a zone: it is that day wherever the calendar is looked at."""
    event = Event()
    event.add("UID", f"{closed.id}@care-journeys")
    event.add("SEQUENCE", 0)
    event.add("DTSTAMP", closed.stamped_at.astimezone(UTC))
    event.add("DTSTART", closed.day)
    event.add("DTEND", closed.day + timedelta(days=1))
    event.add("LAST-MODIFIED", closed.stamped_at.astimezone(UTC))
    event.add("SUMMARY", f"Practice closed: {one_line(closed.name)}")
    event.add("CLASS", "PRIVATE")
    event.add("STATUS", "CONFIRMED")
    event.add("TRANSP", "OPAQUE")
    event.add("X-MICROSOFT-CDO-BUSYSTATUS", "OOF")
    content: bytes = event.to_ical()
    return content
