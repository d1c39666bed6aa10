"""One appointment for the practice: how it went, with the way back while there is one; moving and cancelling it."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused, wrong_field
from web.clock import now
from web.looks.words import instant
from web.page import Page, StaffPage, own_path
from web.sent import Sent

router = APIRouter()


@router.get("/appointments/{appointment_id}")
async def one(appointment_id: str, page: StaffPage) -> Response:
    return await _one(page, appointment_id)


async def _one(
    page: Page, appointment_id: str, *, sent: Sent | None = None, refused: ApiRefused | None = None
) -> Response:
    await page.me()
    appointment = await page.api.get(f"/v1/appointments/{part(appointment_id)}")
    note = None
    if "therapist" in (await page.me())["roles"]:
        try:
            note = await page.api.get(f"/v1/appointments/{part(appointment_id)}/note")
        except ApiRefused as none:
            if none.status not in (403, 404):
                raise
    time = await now(page.api, page.settings)
    return page.show(
        "staff/calendar/one.html",
        one=appointment,
        note=note,
        has_begun=instant(appointment["starts_at"]) <= time,
        sent=sent,
        refused=refused,
    )


@router.post("/appointments/{appointment_id}/outcome")
async def mark(appointment_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    body: dict[str, Any] = {"outcome": sent.get("outcome")}
    if sent.get("waive_reason"):
        body |= {"waive_fee": True, "waive_reason": sent.get("waive_reason")}
    try:
        await page.api.post(f"/v1/appointments/{part(appointment_id)}/outcome", body, once=sent.get("once") or None)
    except ApiRefused as refused:
        return await _one(page, appointment_id, sent=sent, refused=refused)
    return _back(page, sent, f"/appointments/{part(appointment_id)}?marked={part(sent.get('outcome'))}")


@router.post("/appointments/{appointment_id}/unmark")
async def unmark(appointment_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    try:
        await page.api.delete(f"/v1/appointments/{part(appointment_id)}/outcome")
    except ApiRefused as refused:
        return await _one(page, appointment_id, refused=refused)
    return _back(page, sent, f"/appointments/{part(appointment_id)}?marked=undone")


@router.post("/appointments/{appointment_id}/cancel")
async def cancel(appointment_id: str, page: StaffPage) -> Response:
    """First what it would mean; then the change."""
    sent = await page.form()
    await page.me()
    body: dict[str, Any] = {
        "requested_by": sent.get("requested_by") or "practice",
        "scope": sent.get("scope") or "one",
        "confirm": bool(sent.get("confirm")),
        **sent.given("reason"),
    }
    if sent.get("waive_reason"):
        body |= {"waive_fee": True, "waive_reason": sent.get("waive_reason")}
    try:
        answer = await page.api.post(
            f"/v1/appointments/{part(appointment_id)}/cancel", body, once=sent.get("once") if body["confirm"] else None
        )
    except ApiRefused as refused:
        return await _one(page, appointment_id, sent=sent, refused=refused)
    if not body["confirm"]:
        return page.show("staff/calendar/cancel.html", would=answer, one=answer["appointment"], body=body, sent=sent)
    return page.go(f"/appointments/{part(appointment_id)}?cancelled=yes")


@router.post("/appointments/{appointment_id}/move")
async def move(appointment_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    await page.me()
    try:
        starts_at = sent.get("starts_at") or local_start(sent, page)
        body = {"starts_at": starts_at, "scope": sent.get("scope") or "one", **sent.given("reason")}
        await page.api.post(f"/v1/appointments/{part(appointment_id)}/reschedule", body, once=sent.get("once") or None)
    except ApiRefused as refused:
        return await _one(page, appointment_id, sent=sent, refused=refused.renamed({"starts_at": "date"}))
    return page.go(f"/appointments/{part(appointment_id)}?moved=yes")


@router.post("/appointments/{appointment_id}/note")
async def write_note(appointment_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    body = {"text": sent.get("text"), "shared": bool(sent.get("shared"))}
    try:
        if sent.get("note_id"):
            await page.api.patch(f"/v1/notes/{part(sent.get('note_id'))}", body)
        else:
            await page.api.post(f"/v1/appointments/{part(appointment_id)}/note", body, once=sent.get("once") or None)
    except ApiRefused as refused:
        return await _one(page, appointment_id, sent=sent, refused=refused)
    return page.go(f"/appointments/{part(appointment_id)}?noted=yes")


def local_start(sent: Sent, page: Page) -> str:
    """Of a date and a time as they were typed, in the zone that the page shows; as typed where they are none.
    Raises ApiRefused where one is missing."""
    for name in ("date", "time"):
        if not sent.get(name):
            raise wrong_field(name, "is required")
    return local_instant(sent.get("date"), sent.get("time"), page)


def local_instant(day: str, time: str, page: Page) -> str:
    """``time`` may be ``24:00``, the end of the day."""
    try:
        whole = timedelta(days=1) if time == "24:00" else timedelta()
        local = datetime.fromisoformat(f"{day}T{'00:00' if whole else time}") + whole
    except ValueError:
        return f"{day} {time}".strip()
    return local.replace(tzinfo=ZoneInfo(page.zone)).isoformat()


def _back(page: Page, sent: Sent, otherwise: str) -> Response:
    """To the page that the button was on."""
    there = own_path(sent.get("back"), otherwise=f"{page.base}{otherwise}")
    return page.go(there.removeprefix(page.base)) if there.startswith(page.base) else page.go(otherwise)
