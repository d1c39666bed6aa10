"""A therapist's hours: by the week, dates that differ, settings of each kind of appointment, leave; with a preview."""

import json
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.page import Page, StaffPage
from web.sent import Sent
from web.staff.calendar.appointments import local_instant

router = APIRouter()

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TYPES = ("intro_call", "session")
_NUMBERS = ("duration", "step", "buffer_before", "buffer_after", "minimum_notice", "horizon_days", "max_per_day")
_SPARE = 2  # empty windows that a day shows, for more


@router.get("/hours")
async def hours(page: StaffPage) -> Response:
    return await _show(page)


async def _show(
    page: Page,
    *,
    typed: dict[str, Any] | None = None,
    preview: dict[str, Any] | None = None,
    outside: list[dict[str, Any]] | None = None,
    leave: dict[str, Any] | None = None,
    sent: Sent | None = None,
    refused: ApiRefused | None = None,
) -> Response:
    slug = await _slug(page)
    availability = typed or await page.api.get(f"/v1/therapists/{part(slug)}/availability")
    return page.show(
        "staff/calendar/hours.html",
        slug=slug,
        availability=availability,
        by_day=_by_day(availability["weekly"]),
        spare=_SPARE,
        numbers=_NUMBERS,
        types=TYPES,
        rest=json.dumps({name: availability[name] for name in ("overrides", "time_off")}),
        preview=preview,
        outside=outside,
        leave=leave,
        sent=sent,
        refused=refused,
    )


@router.post("/hours")
async def save(page: StaffPage) -> Response:
    """Look at what these hours would give, or save them. What is not on the page stays as it is."""
    sent = await page.form()
    slug = await _slug(page)
    typed = _availability(sent)
    try:
        if sent.get("do") == "preview":
            preview = await page.api.post(
                f"/v1/therapists/{part(slug)}/slots/preview",
                {"availability": typed, "type": sent.get("preview_type") or "session", "time_zone": page.zone},
            )
            return await _show(page, typed=typed, preview=preview)
        saved = await page.api.put(f"/v1/therapists/{part(slug)}/availability", typed)
    except ApiRefused as refused:
        return await _show(page, typed=typed, sent=sent, refused=refused)
    return await _show(page, typed=typed, outside=saved["outside_hours"])


@router.post("/hours/leave")
async def take_leave(page: StaffPage) -> Response:
    """First who is touched; then the leave, with mails to them if asked."""
    sent = await page.form()
    slug = await _slug(page)
    sure = bool(sent.get("confirm"))
    body = {
        "starts_at": sent.get("starts_at") or local_instant(sent.get("first"), "00:00", page),
        "ends_at": sent.get("ends_at") or local_instant(sent.get("last"), "24:00", page),
        "dry_run": not sure,
        **sent.given("reason"),
        **({"notify": True} if sent.get("notify") else {}),
    }
    try:
        answer = await page.api.post(
            f"/v1/therapists/{part(slug)}/leaves", body, once=(sent.get("once") or None) if sure else None
        )
    except ApiRefused as refused:
        return await _show(page, sent=sent, refused=refused)
    if sure:
        return page.go("/hours?leave=taken")
    return await _show(page, leave=body | answer, sent=sent)


async def _slug(page: Page) -> str:
    """Their own; the care team names whose."""
    me = await page.me()
    return str(page.query.get("therapist") or me.get("therapist") or "")


def _by_day(weekly: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    days: dict[str, list[dict[str, Any]]] = {day: [] for day in WEEKDAYS}
    for window in weekly:
        days[window["weekday"]].append(window)
    return days


def _availability(sent: Sent) -> dict[str, Any]:
    """The document as the page has it."""
    weekly = []
    for day in WEEKDAYS:
        for number in range(20):
            start, end = sent.get(f"{day}.{number}.from"), sent.get(f"{day}.{number}.to")
            types = [kind for kind in TYPES if sent.get(f"{day}.{number}.{kind}")] or list(TYPES)
            if start or end:
                weekly.append({"weekday": day, "from": start, "to": end, "types": types})
    settings = {kind: {name: _whole(sent.get(f"settings.{kind}.{name}")) for name in _NUMBERS} for kind in TYPES}
    return {"weekly": weekly, "settings": settings, **json.loads(sent.get("rest") or "{}")}


def _whole(text: str) -> int | str | None:
    """A number where it is one; else as it was typed, for the API to say what is wrong."""
    return int(text) if text.isdigit() else text or None
