"""A therapist's hours: by the week, dates that differ, settings of each kind of appointment; with a preview."""

import re
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.page import Page, StaffPage
from web.sent import Sent
from web.staff.calendar.times import leave_words

router = APIRouter()

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TYPES = ("intro_call", "session")
_NUMBERS = ("duration", "step", "buffer_before", "buffer_after", "minimum_notice", "horizon_days", "max_per_day")
_SPARE = 1  # empty windows that a day shows, for more
_MOST = 20  # windows of a day that are read
_MOST_DATES = 200
_WEEKLY = re.compile(r"weekly\[\d+\]")


@router.get("/hours")
async def hours(page: StaffPage) -> Response:
    return await show_hours(page)


async def show_hours(
    page: Page,
    *,
    typed: dict[str, Any] | None = None,
    zone: str | None = None,
    preview: dict[str, Any] | None = None,
    outside: list[dict[str, Any]] | None = None,
    sent: Sent | None = None,
    refused: ApiRefused | None = None,
) -> Response:
    slug = await whose_hours(page)
    availability = typed or await page.api.get(f"/v1/therapists/{part(slug)}/availability")
    return page.show(
        "staff/calendar/hours.html",
        slug=slug,
        availability=availability,
        whole=leave_words,
        own_zone=zone or availability["time_zone"],
        by_day=_by_day(availability["weekly"]),
        spare=_SPARE,
        numbers=_NUMBERS,
        types=TYPES,
        leaves=(await page.api.get(f"/v1/therapists/{part(slug)}/leaves", limit=50))["items"],
        preview=preview,
        outside=outside,
        sent=sent,
        refused=refused,
    )


@router.post("/hours")
async def save(page: StaffPage) -> Response:
    """Look at what these hours would give, or save them. Time off is not on the page, and stays as it is."""
    sent = await page.form()
    slug = await whose_hours(page)
    kept = await page.api.get(f"/v1/therapists/{part(slug)}/availability")
    zone = kept["time_zone"]
    typed = _availability(sent) | {"time_off": kept["time_off"]}
    try:
        if sent.get("do") == "preview":
            preview = await page.api.post(
                f"/v1/therapists/{part(slug)}/slots/preview",
                typed | {"type": sent.get("preview_type") or "session", "time_zone": zone},
            )
            return await show_hours(page, typed=typed, zone=zone, preview=preview, sent=sent)
        saved = await page.api.put(f"/v1/therapists/{part(slug)}/availability", typed)
    except ApiRefused as refused:
        return await show_hours(page, typed=typed, zone=zone, sent=sent, refused=_by_place(refused, sent))
    return await show_hours(page, typed=typed, zone=zone, outside=saved["outside_hours"])


async def whose_hours(page: Page) -> str:
    """Their own; the care team and admins name whose."""
    me = await page.me()
    return str(page.query.get("therapist") or me.get("therapist") or "")


def _by_day(weekly: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    days: dict[str, list[dict[str, Any]]] = {day: [] for day in WEEKDAYS}
    for window in weekly:
        days[window["weekday"]].append(window)
    return days


def _availability(sent: Sent) -> dict[str, Any]:
    """The document as the page has it, but for time off."""
    weekly = [{"weekday": day, **window} for day in WEEKDAYS for window in _windows(sent, day)]
    overrides = []
    for number in range(_MOST_DATES):
        name = f"dates.{number}"
        if sent.get(name):
            overrides.append({"date": sent.get(name), "windows": _windows(sent, name)})
    settings = {kind: {name: _whole(sent.get(f"settings.{kind}.{name}")) for name in _NUMBERS} for kind in TYPES}
    return {"weekly": weekly, "overrides": overrides, "settings": settings}


def _windows(sent: Sent, name: str) -> list[dict[str, Any]]:
    """Of a weekday, or of a date that differs."""
    windows = []
    for number in _filled(sent, name):
        types = [kind for kind in TYPES if sent.get(f"{name}.{number}.{kind}")] or list(TYPES)
        window = {"from": sent.get(f"{name}.{number}.from"), "to": sent.get(f"{name}.{number}.to")}
        windows.append(window | {"types": types})
    return windows


def _filled(sent: Sent, name: str) -> list[int]:
    """Which of its lines have something in them."""
    return [number for number in range(_MOST) if sent.get(f"{name}.{number}.from") or sent.get(f"{name}.{number}.to")]


def _whole(text: str) -> int | str | None:
    """A number where it is one; else as it was typed, for the API to say what is wrong."""
    return int(text) if text.isdecimal() else text or None


def _by_place(refused: ApiRefused, sent: Sent) -> ApiRefused:
    """The lines of the weekly hours by the fields that they were typed in, so that an error leads to its field."""
    places = [f"{day}.{number}" for day in WEEKDAYS for number in _filled(sent, day)]
    named = {f"weekly[{index}]": place for index, place in enumerate(places)}
    errors = [
        line | {"field": _WEEKLY.sub(lambda found: named.get(found[0], found[0]), line["field"])}
        for line in refused.document.get("errors", ())
    ]
    return ApiRefused(refused.status, refused.document | {"errors": errors})
