"""A client who called: added by hand. Somebody whose address is known is named, with the way to make them active."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused, wrong_field
from web.page import Page, StaffPage
from web.sent import Sent

router = APIRouter()

WHO_FITS = "?"
"""Chosen in the place of a therapist: the best who is licensed there, until somebody has said more."""

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
        who_fits=None if own else WHO_FITS,
        states=words["states"],
        sent=sent,
        refused=refused,
    )


@router.post("/clients/new")
async def add(page: StaffPage) -> Response:
    sent = await page.form()
    body: dict[str, Any] = {
        "source": "care_team",
        "therapist": sent.get("therapist") or None,
        "test": bool(sent.get("test")),
        "client": sent.under("client", *_DETAILS),
        **sent.given("note"),
    }
    wanted = sent.get("therapist") == WHO_FITS
    if wanted and not sent.get("client.state"):
        needed = "is needed to find who fits: a therapist must be licensed where the client lives"
        return await _show(page, sent, wrong_field("client.state", needed))
    if wanted:
        answers = {"state": sent.get("client.state"), "modality": "individual", **sent.given("note")}
        body = {name: body[name] for name in ("test", "client")} | {"source": "matching_form", "answers": answers}
    try:
        begun = await page.api.post("/v1/journeys", body, once=sent.get("once") or None)
    except ApiRefused as refused:
        return await _show(page, sent, refused)
    return page.go(f"/clients/{part(begun['client_id'])}{'/match' if wanted else ''}?added=yes")
