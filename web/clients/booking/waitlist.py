"""The waitlist: waiting for a time with a therapist, and what is offered."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.clients.whose import client_id_of, everything
from web.clock import now
from web.page import ClientPage, Page
from web.sent import Sent

router = APIRouter()


@router.get("/waitlist")
async def waitlist(page: ClientPage) -> Response:
    return await _show(page)


async def _show(page: Page, sent: Sent | None = None, refused: ApiRefused | None = None) -> Response:
    client_id = await client_id_of(page, pass_will_do=True)
    today = (await now(page.api, page.settings)).astimezone(ZoneInfo(page.zone)).date()
    return page.show(
        "clients/waitlist.html",
        places=await everything(page, f"/v1/clients/{client_id}/waitlist"),
        therapist=page.query.get("therapist") or (sent.get("therapist") if sent else None),
        type=page.query.get("type") or (sent.get("type") if sent else None) or "session",
        first=today,
        last=today + timedelta(days=28),
        refused=refused,
        sent=sent,
    )


@router.post("/waitlist")
async def join(page: ClientPage) -> Response:
    sent = await page.form()
    client_id = await client_id_of(page, pass_will_do=True)
    body = {"client_id": client_id, "time_zone": page.zone, **sent.given("type", "from", "to")}
    try:
        await page.api.post(
            f"/v1/therapists/{part(sent.get('therapist'))}/waitlist", body, once=sent.get("once") or None
        )
    except ApiRefused as refused:
        return await _show(page, sent, refused)
    return page.go("/waitlist")


@router.post("/waitlist/{place_id}/leave")
async def leave(place_id: str, page: ClientPage) -> Response:
    await page.form()
    await client_id_of(page, pass_will_do=True)
    await page.api.delete(f"/v1/waitlist/{part(place_id)}")
    return page.go("/waitlist")
