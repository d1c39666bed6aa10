"""Google's ``freeBusy``: when an account is busy, and nothing else. Google itself leaves out what is shown as free, was
declined or cancelled, and joins what touches."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.calendars.events import Events, Occurrence
from sandbox.calendars.vendors import GOOGLE, api_error
from sandbox.store import Document

_LONGEST = timedelta(days=90)


def free_busy(events: Events, account: str, asked: Mapping[str, Any]) -> Document:
    """Raises VendorError."""
    try:
        start, end = (datetime.fromisoformat(str(asked[name])).astimezone(UTC) for name in ("timeMin", "timeMax"))
        wanted = [str(item["id"]) for item in asked["items"]]
    except (KeyError, TypeError, ValueError) as problem:
        raise api_error(400, "INVALID_ARGUMENT", "Bad Request") from problem
    if end <= start:
        raise api_error(400, "INVALID_ARGUMENT", "The specified time range is empty.")
    if end - start > _LONGEST:
        raise api_error(400, "INVALID_ARGUMENT", "The requested time range is too long.")
    calendars = {
        id_: {"busy": _busy(events.between(GOOGLE, account, start, end), start, end)}
        if id_ in ("primary", account)
        else {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}
        for id_ in wanted
    }
    return {
        "kind": "calendar#freeBusy",
        "timeMin": _written(start),
        "timeMax": _written(end),
        "calendars": calendars,
    }


def _busy(found: Iterable[Occurrence], start: datetime, end: datetime) -> list[Document]:
    """Cut to the window."""
    spans: list[tuple[datetime, datetime]] = []
    for one in found:
        event = one.event
        if event["cancelled"] or event["declined"] or event["shown"] in ("free", "elsewhere"):
            continue
        begins, until = max(one.starts, start), min(one.ends, end)
        if spans and begins <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(until, spans[-1][1])
        else:
            spans.append((begins, until))
    return [{"start": _written(begins), "end": _written(until)} for begins, until in spans]


def _written(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
