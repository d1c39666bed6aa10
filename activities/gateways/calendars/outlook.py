"""Busy times by Microsoft Graph's ``calendarView``: each date of each event, of which times and state alone are asked
for (``$select``). Titles stay at Microsoft."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from typing import Any
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

from activities.gateways.calendars.google import compared, instant
from activities.gateways.calendars.port import (
    BusySpans,
    CalendarAccount,
    NotChanged,
    SourceRefused,
    SourceUnavailable,
)
from activities.gateways.calendars.vendor import VendorDesk
from activities.gateways.outbound.door import Door
from rules.booking.calendar_vendors import CalendarVendor
from rules.booking.outside import MOST_SPANS, BusySpan, Window, digest_of
from rules.enums import CalendarTrouble

_FIELDS = "start,end,isAllDay,isCancelled,showAs,responseStatus"
_PAGE = 500  # events; a thousand is the most
_IN_UTC = {"Prefer": 'outlook.timezone="UTC"'}
_FREE = ("free", "workingElsewhere")


class OutlookSource:
    """Implements ``CalendarSource``."""

    def __init__(self, vendor: CalendarVendor, door: Door) -> None:
        self._desk = VendorDesk(vendor, door)

    async def read(
        self, account: CalendarAccount, window: Window, known: Mapping[str, Any] | None
    ) -> NotChanged | BusySpans:
        opened = await self._desk.open(account.access)
        zone = ZoneInfo(account.time_zone)
        asked = {
            "startDateTime": window.starts_at.isoformat(),
            "endDateTime": window.ends_at.isoformat(),
            "$select": _FIELDS,
            "$top": str(_PAGE),
        }
        url: str | None = f"{self._desk.vendor.busy}?{urlencode(asked)}"
        spans: set[BusySpan] = set()
        for _ in range(2 * MOST_SPANS // _PAGE):  # what is free counts as well
            if url is None:
                break
            answer = await self._desk.ask("GET", url, opened, more=_IN_UTC)
            spans.update(_spans(answer, zone))
            url = self._next(answer)
        if url is not None or len(spans) > MOST_SPANS:
            raise SourceRefused("too many events", trouble=CalendarTrouble.TOO_LARGE)
        return compared(tuple(sorted(spans)), known, access=opened.access)

    def _next(self, answer: Mapping[str, Any]) -> str | None:
        """The next page, at the same place as this one: the token is shown nowhere else."""
        url = answer.get("@odata.nextLink")
        if url is None:
            return None
        if not isinstance(url, str) or urlsplit(url)[:2] != urlsplit(self._desk.vendor.busy)[:2]:
            raise SourceUnavailable("the next page is somewhere else")
        return url


def _spans(answer: Mapping[str, Any], zone: ZoneInfo) -> Iterator[BusySpan]:
    events = answer.get("value")
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise SourceUnavailable("Outlook tells no events")
    for event in events:
        response = event.get("responseStatus")
        declined = isinstance(response, dict) and response.get("response") == "declined"
        if event.get("isCancelled") is True or declined or event.get("showAs") in _FREE:
            continue
        all_day = event.get("isAllDay") is True
        starts, ends = (_at(event.get(name), zone, all_day=all_day) for name in ("start", "end"))
        if starts < ends:
            yield BusySpan(
                starts_at=starts,
                ends_at=ends,
                event=digest_of(f"outlook {event.get('id')}"),
                all_day=all_day,
                tentative=event.get("showAs") == "tentative",
            )


def _at(given: object, zone: ZoneInfo, *, all_day: bool) -> datetime:
    """A whole day comes as midnight, whatever zone was asked for: it is the therapist's. One that comes at another time
    of day was moved into UTC already."""
    if not isinstance(given, dict) or given.get("timeZone", "UTC") != "UTC":
        raise SourceUnavailable("a time in the answer has another zone than was asked for")
    at = instant(given.get("dateTime"))
    if all_day and at.time() == time():
        return datetime.combine(at.date(), time(), zone).astimezone(UTC)
    return at
