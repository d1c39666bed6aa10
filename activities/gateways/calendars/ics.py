"""A calendar that is a file at a private address, as most programs publish one."""

import asyncio
from collections.abc import Mapping
from typing import Any

from activities.gateways.calendars.parsing import busy_in_file
from activities.gateways.calendars.port import (
    BusySpans,
    CalendarAccount,
    NotChanged,
    SourceRefused,
)
from activities.gateways.calendars.reaching import asked, refuse_status
from activities.gateways.outbound.door import Door
from calendars.outside.lines import calendars_in, fingerprint
from calendars.outside.refusing import NotACalendar
from rules.booking.outside import Window
from rules.enums import CalendarTrouble

_REDIRECTS = 5
_SENT = (("etag", "If-None-Match"), ("last_modified", "If-Modified-Since"))
_TOLD = (("etag", "ETag"), ("last_modified", "Last-Modified"))


class IcsSource:
    def __init__(self, door: Door) -> None:
        self._door = door

    async def read(
        self, account: CalendarAccount, window: Window, known: Mapping[str, Any] | None
    ) -> NotChanged | BusySpans:
        known = known or {}
        headers = {header: str(known[name]) for name, header in _SENT if known.get(name)}
        answer = await asked(
            self._door, "GET", account.access["address"], headers=headers, redirects=_REDIRECTS, password=True
        )
        if answer.status == 304 and known:
            return NotChanged()
        refuse_status(answer.status)
        try:
            print_ = fingerprint(await asyncio.to_thread(calendars_in, answer.body), account.owner or "")
        except NotACalendar as problem:
            raise SourceRefused(str(problem), trouble=CalendarTrouble.NOT_A_CALENDAR) from problem
        if known.get("print") == print_:
            return NotChanged()  # but for the time of the asking, which many write into it
        return BusySpans(
            spans=await busy_in_file(answer.body, window, account),
            known={
                **{name: _sendable(answer.headers.get(header)) for name, header in _TOLD},
                "print": print_,
            },
        )


def _sendable(header: str | None) -> str | None:
    """Some servers make an ETag of a file's name; what is no ASCII cannot be sent back."""
    return header if header is not None and header.isascii() else None
