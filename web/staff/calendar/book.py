"""From a day of the calendar to a booking: for whom."""

from fastapi import APIRouter
from starlette.responses import Response

from web.page import StaffPage

router = APIRouter()


@router.get("/calendar/book")
async def whom(page: StaffPage) -> Response:
    """The client is looked for; the time is chosen on their page."""
    me = await page.me()
    q = page.query.get("q", "").strip()
    slug = page.query.get("therapist") or (None if "care_team" in me["roles"] else me.get("therapist"))
    found = await page.api.get("/v1/clients", status="active", therapist=slug, q=q or None, sort="name", limit=50)
    return page.show(
        "staff/calendar/book.html", clients=found["items"], more=found["next_cursor"], q=q, day=page.query.get("date")
    )
