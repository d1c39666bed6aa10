"""Leave: first who is touched, then the leave itself, with mails to them if asked; whom it still touches; and its end.

Its days are those of the therapist's own time zone, wherever they look from.
"""

from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.page import StaffPage
from web.staff.calendar.hours import show_hours, whose_hours
from web.staff.calendar.times import leave_words, local_instant

router = APIRouter()


@router.post("/hours/leave")
async def take(page: StaffPage) -> Response:
    sent = await page.form()
    slug = await whose_hours(page)
    sure = bool(sent.get("confirm"))
    zone = (await page.api.get(f"/v1/therapists/{part(slug)}/availability"))["time_zone"]
    body = {
        "starts_at": sent.get("starts_at") or local_instant(sent.get("first"), "00:00", zone),
        "ends_at": sent.get("ends_at") or local_instant(sent.get("last") or sent.get("first"), "24:00", zone),
        "dry_run": not sure,
        **sent.given("reason"),
        **({"notify": True} if sent.get("notify") else {}),
    }
    try:
        answer = await page.api.post(
            f"/v1/therapists/{part(slug)}/leaves", body, once=(sent.get("once") or None) if sure else None
        )
    except ApiRefused as refused:
        return await show_hours(page, sent=sent, refused=refused.renamed({"starts_at": "first", "ends_at": "last"}))
    if sure:
        query = urlencode({"therapist": slug, "taken": "yes"})
        return page.go(f"/hours/leave/{part(answer['id'])}?{query}")
    return page.show(
        "staff/calendar/leave.html", slug=slug, leave=body | answer, sent=sent, whole=leave_words, own_zone=zone
    )


@router.get("/hours/leave/{leave_id}")
async def one(leave_id: str, page: StaffPage) -> Response:
    """Whom it still touches, each with the way to another time."""
    slug = await whose_hours(page)
    leave = await page.api.get(f"/v1/therapists/{part(slug)}/leaves/{part(leave_id)}")
    zone = (await page.api.get(f"/v1/therapists/{part(slug)}/availability"))["time_zone"]
    return page.show("staff/calendar/leave_taken.html", slug=slug, leave=leave, whole=leave_words, own_zone=zone)


@router.post("/hours/leave/{leave_id}/end")
async def give_back(leave_id: str, page: StaffPage) -> Response:
    await page.form()
    slug = await whose_hours(page)
    await page.api.delete(f"/v1/therapists/{part(slug)}/leaves/{part(leave_id)}")
    return page.go(f"/hours?{urlencode({'therapist': slug, 'leave': 'given_back'})}")
