"""Busy times by Google's ``freeBusy``: Google itself works out who is busy when (what repeats, takes whole days, is
shown as free, was declined or cancelled), and tells the times alone. No title, place or person ever arrives here."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from activities.gateways.calendars.port import (
    BusySpans,
    CalendarAccount,
    NotChanged,
    SourceRefused,
    SourceUnavailable,
)
from activities.gateways.calendars.vendor import VendorDesk, not_connected
from activities.gateways.outbound.door import Door
from rules.booking.calendar_vendors import CalendarVendor
from rules.booking.outside import MOST_SPANS, BusySpan, Window, digest_of
from rules.enums import CalendarTrouble

_LONGEST = timedelta(days=60)  # of a question: Google refuses those of more than ninety days
_CALENDAR = "primary"
_ANY = digest_of("google")  # which event it is Google does not tell: it joins what touches, and cuts at the window


class GoogleSource:
    """Implements ``CalendarSource``."""

    def __init__(self, vendor: CalendarVendor, door: Door) -> None:
        self._desk = VendorDesk(vendor, door)

    async def read(
        self, account: CalendarAccount, window: Window, known: Mapping[str, Any] | None
    ) -> NotChanged | BusySpans:
        opened = await self._desk.open(account.access)
        spans: list[BusySpan] = []
        for part in _parts(window):
            asked = {
                "timeMin": part.starts_at.isoformat(),
                "timeMax": part.ends_at.isoformat(),
                "items": [{"id": _CALENDAR}],
            }
            spans += _spans(await self._desk.ask("POST", self._desk.vendor.busy, opened, body=asked))
            if len(spans) > MOST_SPANS:
                raise SourceRefused("too many busy times", trouble=CalendarTrouble.TOO_LARGE)
        return compared(_joined(spans), known, access=opened.access)


def compared(
    spans: tuple[BusySpan, ...], known: Mapping[str, Any] | None, *, access: Mapping[str, Any] | None
) -> NotChanged | BusySpans:
    """A vendor's whole answer, told as unchanged where it is what it was."""
    digest = sha256(repr([asdict(span) for span in spans]).encode()).hexdigest()
    if known is not None and known.get("digest") == digest:
        return NotChanged(access=access)
    return BusySpans(spans=spans, known={"digest": digest}, access=access)


def instant(written: object) -> datetime:
    """Raises SourceUnavailable for what is none: a vendor whose answer cannot be read is taken for one that is away."""
    try:
        at = datetime.fromisoformat(str(written))
    except ValueError as error:
        raise SourceUnavailable("a time in the answer cannot be read") from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _parts(window: Window) -> Iterator[Window]:
    start = window.starts_at
    while start < window.ends_at:
        end = min(start + _LONGEST, window.ends_at)
        yield Window(starts_at=start, ends_at=end)
        start = end


def _spans(answer: Mapping[str, Any]) -> Iterator[BusySpan]:
    calendars = answer.get("calendars")
    mine = calendars.get(_CALENDAR) if isinstance(calendars, dict) else None
    if not isinstance(mine, dict):
        raise SourceUnavailable("Google tells of another calendar")
    if errors := mine.get("errors"):
        reasons = {str(error.get("reason")) for error in errors if isinstance(error, dict)}
        if "notFound" in reasons:
            raise not_connected("Google does not find the calendar")
        raise SourceUnavailable("Google could not work out the busy times")
    busy = mine.get("busy")
    if not isinstance(busy, list) or not all(isinstance(one, dict) for one in busy):
        raise SourceUnavailable("Google tells no busy times")
    for one in busy:
        starts, ends = instant(one.get("start")), instant(one.get("end"))
        if starts < ends:
            yield BusySpan(starts_at=starts, ends_at=ends, event=_ANY)


def _joined(spans: list[BusySpan]) -> tuple[BusySpan, ...]:
    """What was cut where one question ended and the next began is one again."""
    joined: list[BusySpan] = []
    for span in sorted(spans):
        before = joined[-1] if joined else None
        if before is not None and span.starts_at <= before.ends_at:
            ends = max(before.ends_at, span.ends_at)
            joined[-1] = BusySpan(starts_at=before.starts_at, ends_at=ends, event=before.event)
        else:
            joined.append(span)
    return tuple(joined)
