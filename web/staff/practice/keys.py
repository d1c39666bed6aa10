"""Keys of programs: what each may, when it was last used; made, changed and ended. A key is shown once."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.page import Page, StaffPage
from web.sent import Sent

router = APIRouter()

ROLES = (("booking_site", "Booking site"), ("care_team", "The care team"), ("admin", "An owner"))
SCOPES = (
    ("start_journeys", "Begin journeys"),
    ("hold_slots", "Hold times"),
    ("book", "Book"),
    ("portal", "The client's portal"),
    ("read", "Read"),
)


@router.get("/keys")
async def keys(page: StaffPage) -> Response:
    return await _show(page)


async def _show(
    page: Page, *, sent: Sent | None = None, refused: ApiRefused | None = None, new: dict[str, Any] | None = None
) -> Response:
    await page.me()
    found = await page.api.get("/v1/keys", limit=100, cursor=page.query.get("cursor"))
    return page.show(
        "staff/practice/keys.html",
        keys=found["items"],
        cursor=found["next_cursor"],
        new=new,
        roles=ROLES,
        scopes=SCOPES,
        triples_of_scopes=[(code, words, "") for code, words in SCOPES],
        sent=sent,
        refused=refused,
    )


@router.post("/keys")
async def make(page: StaffPage) -> Response:
    sent = await page.form()
    body: dict[str, Any] = {"name": sent.get("name"), "role": sent.get("role")}
    if sent.all("scopes"):
        body["scopes"] = sent.all("scopes")
    try:
        new = await page.api.post("/v1/keys", body, once=sent.get("once") or None)
    except ApiRefused as refused:
        return await _show(page, sent=sent, refused=refused)
    return await _show(page, new=new)


@router.post("/keys/{key_id}/{act}")
async def act(key_id: str, act: str, page: StaffPage) -> Response:
    """``rotate``: a new one, the old one holds for a day; ``revoke``: it ends at once."""
    sent = await page.form()
    path = f"/v1/keys/{part(key_id)}"
    if act == "rotate":
        return await _show(page, new=await page.api.post(f"{path}/rotate", once=sent.get("once") or None))
    if act != "revoke":
        return page.show("not_found.html", status=404)
    await page.api.delete(path)
    return page.go("/keys?revoked=yes")
