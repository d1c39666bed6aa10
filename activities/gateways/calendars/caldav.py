"""Calendars of an account by CalDAV (RFC 4791): the library speaks the protocol, and everything it asks goes out
through the door."""

import base64
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any
from urllib.parse import urljoin

from caldav.aio import AsyncDAVClient
from caldav.lib.error import DAVError
from caldav.response import DAVResponse

from activities.gateways.calendars.parsing import busy_in_file
from activities.gateways.calendars.port import BusySpans, CalendarAccount, NotChanged, SourceRefused
from activities.gateways.calendars.reaching import asked, refuse_status
from activities.gateways.outbound.door import Answer, Door
from rules.booking.outside import MOST_BYTES, Window
from rules.enums import CalendarTrouble

_REDIRECTS = 3
_MOST_CALENDARS = 20
_TYPE, _TAG = "{DAV:}resourcetype", "{http://calendarserver.org/ns/}getctag"
_TOKEN = "{DAV:}sync-token"  # noqa: S105 - a property
_HOLDS = "{urn:ietf:params:xml:ns:caldav}supported-calendar-component-set"
_COUNTS = "{urn:ietf:params:xml:ns:caldav}schedule-calendar-transp"
_PROPERTIES = [_TYPE, _TAG, _TOKEN, _HOLDS, _COUNTS]

logging.getLogger("caldav").setLevel(logging.CRITICAL)  # it would log what servers answer, titles and all


class CaldavSource:
    def __init__(self, door: Door) -> None:
        self._door = door

    async def read(
        self, account: CalendarAccount, window: Window, known: Mapping[str, Any] | None
    ) -> NotChanged | BusySpans:
        client = _ThroughTheDoor(self._door, account)
        try:
            found = await _collections(client, account.access["address"])
            tags = {each.url: each.tag for each in found}
            if known and known.get("tags") == tags and all(tags.values()):
                return NotChanged()
            files = [file for each in found for file in await _files(client, each.url, window)]
        except (DAVError, SyntaxError, ValueError, KeyError, TypeError, AttributeError) as problem:
            # What the library makes of a server that answers something else than CalDAV.
            raise SourceRefused(type(problem).__name__, trouble=CalendarTrouble.NOT_A_CALENDAR) from problem
        spans = await busy_in_file("\n".join(files).encode(), window, account) if files else ()
        return BusySpans(spans=spans, known={"tags": tags})


@dataclass(frozen=True, kw_only=True)
class _Collection:
    """One calendar of the account. ``tag`` is another whenever something in it is; None where the server has none."""

    url: str
    tag: str | None
    is_calendar: bool
    counts: bool


async def _collections(client: "_ThroughTheDoor", address: str) -> list[_Collection]:
    """The calendar at the address, or those of whom the account there belongs to: what holds events, and counts."""
    here = await _look(client, address)
    if here is not None and here.is_calendar:
        return [here]
    listed = [urljoin(address, str(calendar.url)) for calendar in await client.get_calendars()]
    if not listed:
        raise SourceRefused("there is no calendar", trouble=CalendarTrouble.NOT_A_CALENDAR)
    if len(listed) > _MOST_CALENDARS:
        raise SourceRefused("there are too many calendars", trouble=CalendarTrouble.TOO_LARGE)
    seen = [each for url in listed if (each := await _look(client, url)) is not None]
    return [each for each in seen if each.is_calendar and each.counts]


async def _look(client: "_ThroughTheDoor", url: str) -> _Collection | None:
    answer = await client.propfind(url, props=_PROPERTIES, depth=0)
    for result in answer.results or ():
        told: dict[str, Any] = getattr(result, "properties", {})
        holds = _words(told.get(_HOLDS))
        return _Collection(
            url=url,
            tag=told.get(_TAG) or told.get(_TOKEN),
            is_calendar=any("calendar" in word.rpartition("}")[2] for word in _words(told.get(_TYPE))),
            counts=(not holds or "VEVENT" in holds)
            and not any(word.endswith("transparent") for word in _words(told.get(_COUNTS))),
        )
    return None


def _words(value: Any) -> list[str]:
    """What stands in a property, in the shapes that the library gives it."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else [str(each) for each in value]


async def _files(client: "_ThroughTheDoor", url: str, window: Window) -> list[str]:
    """The files of all events that touch the window; of one that repeats the whole series."""
    answer = await client.calendar_query(
        url, start=window.starts_at.astimezone(UTC), end=window.ends_at.astimezone(UTC), event=True
    )
    found = (getattr(result, "calendar_data", None) for result in answer.results or ())
    return [file for file in found if file]


@dataclass(frozen=True)
class _AsHttpx:
    """An answer in the shape in which the library takes one."""

    answer: Answer
    reason: str = ""

    @property
    def status_code(self) -> int:
        return self.answer.status

    @property
    def headers(self) -> dict[str, str]:
        """It reads XML of whatever type; what should be some and is none it would log, titles and all."""
        return {"Content-Type": "application/octet-stream"}

    @property
    def content(self) -> bytes:
        return self.answer.body

    @property
    def text(self) -> str:
        return self.answer.body.decode(errors="replace")


class _ThroughTheDoor(AsyncDAVClient):
    """The library's client without a network of its own."""

    def __init__(self, door: Door, account: CalendarAccount) -> None:
        super().__init__(url=account.access["address"], enable_rfc6764=False)
        self._door = door
        secret = f"{account.access['user']}:{account.access['password']}".encode()
        self._authorization = f"Basic {base64.b64encode(secret).decode()}"
        self._left = MOST_BYTES  # that may come in all of its answers together

    def _create_session(self) -> None:
        """None: nothing is asked but through the door."""

    async def request(
        self,
        url: str,
        method: str = "GET",
        body: str = "",
        headers: Mapping[str, str] | None = None,
        rate_limit_time_slept: float = 0,  # noqa: ARG002 - the library's signature
    ) -> DAVResponse:
        """Raises SourceRefused and SourceUnavailable."""
        sent = {"Authorization": self._authorization, "Accept": "text/xml, application/xml", **(headers or {})}
        url = urljoin(str(self.url), str(url))
        answer = await asked(self._door, method, url, headers=sent, content=body.encode(), redirects=_REDIRECTS)
        refuse_status(answer.status)
        self._left -= len(answer.body)
        if self._left < 0:
            raise SourceRefused("too much was answered", trouble=CalendarTrouble.TOO_LARGE)
        if answer.body and not answer.body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            raise SourceRefused("what was answered is no XML", trouble=CalendarTrouble.NOT_A_CALENDAR)
        return DAVResponse(_AsHttpx(answer), self)
