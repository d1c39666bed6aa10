"""A therapist's feed: what happened with their clients, read one by one or all at once."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.page import StaffPage

router = APIRouter()


def about(news: dict[str, Any]) -> str:
    """Where that is read which an entry tells of."""
    data, record = news["data"], f"/clients/{news['client_id']}"
    if "chat_id" in data:
        return f"/chats/{part(data['chat_id'])}"
    if len(data.get("appointment_ids", ())) == 1:
        return f"/appointments/{part(data['appointment_ids'][0])}"
    if "appointment_ids" in data:
        return f"{record}/sessions"
    if "calendar_id" in data:
        return "/calendars"
    if "payment_id" in data:
        return f"{record}/money"
    return f"{record}/forms" if "form" in data else record


@router.get("/feed")
async def feed(page: StaffPage) -> Response:
    await page.me()
    found = await page.api.get("/v1/notifications", limit=50, cursor=page.query.get("cursor"))
    return page.show("staff/care/feed.html", news=found["items"], about=about, cursor=found["next_cursor"])


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
