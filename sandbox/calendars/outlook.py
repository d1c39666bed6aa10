"""Graph's ``calendarView``: every occurrence in a window, page by page, with the fields that were selected."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from urllib.parse import urlencode

from sandbox.calendars.events import Events, Occurrence
from sandbox.calendars.vendors import OUTLOOK, api_error
from sandbox.store import Document

_SHOW_AS = {"busy": "busy", "free": "free", "tentative": "tentative", "oof": "oof", "elsewhere": "workingElsewhere"}
_DEFAULT_PAGE = 10
_LARGEST_PAGE = 1000


def calendar_view(events: Events, account: str, query: Mapping[str, str], *, url: str) -> Document:
    """``url``: of the call, without its query. Raises VendorError."""
    try:
        start, end = (_instant(query[name]) for name in ("startDateTime", "endDateTime"))
        top, skip = int(query.get("$top", _DEFAULT_PAGE)), int(query.get("$skip", 0))
    except (KeyError, ValueError) as problem:
        raise api_error(400, "ErrorInvalidParameter", "This request requires a time window.") from problem
    if not 1 <= top <= _LARGEST_PAGE or skip < 0 or end <= start:
        raise api_error(400, "ErrorInvalidParameter", "The value of a parameter is not valid.")
    found = events.between(OUTLOOK, account, start, end)
    selected = [name for name in query.get("$select", "").split(",") if name]
    page = [_event(one, selected) for one in found[skip : skip + top]]
    answer: Document = {"@odata.context": f"{url}/$metadata#events", "value": page}
    if len(found) > skip + top:
        answer["@odata.nextLink"] = f"{url}?{urlencode({**query, '$top': top, '$skip': skip + top})}"
    return answer


def _instant(written: str) -> datetime:
    """Without an offset it is UTC."""
    at = datetime.fromisoformat(written)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _event(one: Occurrence, selected: list[str]) -> Document:
    """A whole day is told as its dates, from midnight to midnight, whatever zone is asked for."""
    event = one.event
    starts, ends = one.starts, one.ends
    if one.days is not None:
        starts, ends = (datetime.combine(day, time()) for day in (one.days[0], one.days[1] + timedelta(days=1)))
    everything = {
        "subject": event["title"],
        "start": {"dateTime": _written(starts), "timeZone": "UTC"},
        "end": {"dateTime": _written(ends), "timeZone": "UTC"},
        "isAllDay": one.days is not None,
        "isCancelled": event["cancelled"],
        "showAs": _SHOW_AS[event["shown"]],
        "responseStatus": {"response": "declined" if event["declined"] else "organizer"},
    }
    chosen = {name: value for name, value in everything.items() if not selected or name in selected}
    return {"@odata.etag": f'W/"{event["id"]}"', "id": one.id, **chosen}


def _written(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.0000000")
