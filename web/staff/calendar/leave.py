"""Leave: first who is touched, then the leave itself, with mails to them if asked; and its end."""

from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.page import StaffPage
from web.staff.calendar.appointments import local_instant
from web.staff.calendar.hours import show_hours, whose_hours

router = APIRouter()


@router.post("/hours/leave")
async def take(page: StaffPage) -> Response:
    sent = await page.form()
    slug = await whose_hours(page)
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
        return await show_hours(page, sent=sent, refused=refused)
    if sure:
        return page.go(f"/hours?{urlencode({'therapist': slug, 'leave': 'taken'})}")
    return page.show("staff/calendar/leave.html", slug=slug, leave=body | answer, sent=sent)


@router.post("/hours/leave/{leave_id}/end")
async def give_back(leave_id: str, page: StaffPage) -> Response:
    await page.form()
    slug = await whose_hours(page)
    await page.api.delete(f"/v1/therapists/{part(slug)}/leaves/{part(leave_id)}")
    return page.go(f"/hours?{urlencode({'therapist': slug, 'leave': 'given_back'})}")
