"""A client who called: added by hand. Somebody whose address is known is named, with the way to make them active."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.page import Page, StaffPage
from web.sent import Sent

router = APIRouter()

_DETAILS = ("first_name", "last_name", "email", "phone", "time_zone", "state")


@router.get("/clients/new")
async def form(page: StaffPage) -> Response:
    return await _show(page)


async def _show(page: Page, sent: Sent | None = None, refused: ApiRefused | None = None) -> Response:
    me = await page.me()
    therapists = (await page.api.get("/v1/therapists", limit=200))["items"]
    words = await page.api.get("/v1/matching-form")
    own = me.get("therapist") if "care_team" not in me["roles"] else None
    zones = {one["slug"]: one["time_zone"] for one in therapists}
    return page.show(
        "staff/clients/new.html",
        therapists=[one for one in therapists if own in (None, one["slug"])],
        own=own,
        zone_there=zones.get(own, page.settings.practice_time_zone),
        states=words["states"],
        sent=sent,
        refused=refused,
    )


@router.post("/clients/new")
async def add(page: StaffPage) -> Response:
    sent = await page.form()
    body: dict[str, Any] = {
        "source": "care_team",
        "therapist": sent.get("therapist"),
        "test": bool(sent.get("test")),
        "client": sent.under("client", *_DETAILS),
        **sent.given("note"),
    }
    try:
        begun = await page.api.post("/v1/journeys", body, once=sent.get("once") or None)
    except ApiRefused as refused:
        return await _show(page, sent, refused)
    return page.go(f"/clients/{part(begun['client_id'])}?added=yes")
