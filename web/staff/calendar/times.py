"""Times that are free, to choose from where something is booked or moved; and a date and time as they were typed."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from web.asking.api import part
from web.asking.problems import ApiRefused, wrong_field
from web.looks.words import day_of, instant, last_day, told
from web.page import Page
from web.sent import Sent

_DAYS = 5


async def free_times(page: Page, slug: str | None, kind: str, *, first: str | None = None) -> dict[str, Any]:
    """Some days from a day on, today without one; ``days`` is None where nobody could be booked, or it is no date."""
    try:
        start = date.fromisoformat(first) if first else None
        around = {"earlier": start - timedelta(days=_DAYS), "later": start + timedelta(days=_DAYS)} if start else {}
    except (ValueError, OverflowError):
        start, around = None, {}
    if not slug:
        return {"type": kind, "first": start, "days": None, **around}
    period = {"from": start.isoformat(), "to": (start + timedelta(days=_DAYS - 1)).isoformat()} if start else {}
    try:
        found = await page.api.get(f"/v1/therapists/{part(slug)}/slots", type=kind, time_zone=page.zone, **period)
    except ApiRefused as refused:
        if refused.status not in (404, 422):
            raise
        return {"type": kind, "first": start, "days": None, **around}
    days = found["days"][:_DAYS]
    if not around and days:  # from today on: those days first that have a time
        around = {"later": date.fromisoformat(days[-1]["date"]) + timedelta(days=1)}
    return {"type": kind, "first": start, "days": days, **around}


def chosen_start(sent: Sent, page: Page) -> str:
    """A free time that was chosen, else what was typed. Raises ApiRefused where there is neither."""
    if chosen := sent.get("starts_at"):
        return chosen
    for name in ("date", "time"):
        if not sent.get(name):
            raise wrong_field(name, "is needed, or choose a free time")
    return local_instant(sent.get("date"), sent.get("time"), page.zone)


def local_instant(day: str, time: str, zone: str) -> str:
    """``time`` may be ``24:00``, the end of the day. As it was typed where it is none, for the API to say so."""
    try:
        whole = timedelta(days=1) if time == "24:00" else timedelta()
        local = datetime.fromisoformat(f"{day}T{'00:00' if whole else time}") + whole
    except (ValueError, OverflowError):
        return f"{day} {time}".strip()
    return local.replace(tzinfo=ZoneInfo(zone)).isoformat()


def leave_words(leave: dict[str, Any], zone: str) -> str:
    """``Fri 4 December 2026``, or that and ``to Sun 6 December 2026``; with its times where it is of no whole days."""
    start, end = (instant(leave[name]).astimezone(ZoneInfo(zone)) for name in ("starts_at", "ends_at"))
    if any(one.time().isoformat() != "00:00:00" for one in (start, end)):
        return f"{told(start, zone)} to {told(end, zone)}"
    first, last = day_of(start, zone), last_day(end, zone)
    return first if end - start <= timedelta(hours=25) else f"{first} to {last}"
