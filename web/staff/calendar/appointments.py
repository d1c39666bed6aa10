"""One appointment for the practice: how it went, with the way back while there is one; moving and cancelling it."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.clock import now
from web.looks.words import instant
from web.page import Page, StaffPage, own_path
from web.sent import Sent
from web.staff.calendar.times import chosen_start, free_times

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
    ahead = instant(appointment["starts_at"]) > time
    free = None
    if appointment["status"] == "scheduled":
        first = page.query.get("date") or (appointment["starts_at"][:10] if ahead else None)
        free = await free_times(page, appointment["therapist"], appointment["type"], first=first)
    return page.show(
        "staff/calendar/one.html",
        one=appointment,
        note=note,
        now=time,
        has_begun=not ahead,
        free=free,
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
    """At once, but for a time outside the rules: first why it is."""
    sent = await page.form()
    await page.me()
    path = f"/v1/appointments/{part(appointment_id)}/reschedule"
    try:
        body = {"starts_at": chosen_start(sent, page), "scope": sent.get("scope") or "one", **sent.given("reason")}
        if not sent.get("starts_at"):  # typed: it may lie where no client could go
            would = await page.api.post(path, body | {"confirm": False})
            if would["exceptions"]:
                return page.show("staff/calendar/move.html", would=would, one=would["appointment"], body=body)
        moved = await page.api.post(path, body, once=sent.get("once") or None)
    except ApiRefused as refused:
        return await _one(page, appointment_id, sent=sent, refused=refused.renamed({"starts_at": "time"}))
    aside = "&aside=yes" if moved.get("exceptions") else ""
    return page.go(f"/appointments/{part(appointment_id)}?moved=yes{aside}")


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


def _back(page: Page, sent: Sent, otherwise: str) -> Response:
    """To the page that the button was on."""
    there = own_path(sent.get("back"), otherwise=f"{page.base}{otherwise}")
    return page.go(there.removeprefix(page.base)) if there.startswith(page.base) else page.go(otherwise)
