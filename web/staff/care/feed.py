"""A therapist's feed: what happened with their clients, read one by one or all at once."""

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.page import StaffPage

router = APIRouter()


@router.get("/feed")
async def feed(page: StaffPage) -> Response:
    await page.me()
    found = await page.api.get("/v1/notifications", limit=50, cursor=page.query.get("cursor"))
    return page.show("staff/care/feed.html", news=found["items"], cursor=found["next_cursor"])


@router.post("/feed/read")
async def read_all(page: StaffPage) -> Response:
    await page.form()
    await page.api.post("/v1/notifications/read")
    return page.go("/feed")


@router.post("/feed/{notification_id}/read")
async def read(notification_id: str, page: StaffPage) -> Response:
    await page.form()
    await page.api.post(f"/v1/notifications/{part(notification_id)}/read")
    return page.go("/feed")
