"""Archiving several clients: what it would do to each, one confirmation, progress, and the result of each."""

from contextlib import suppress
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.page import Page, StaffPage
from web.sent import Sent
from web.staff.clients.choosing import MOST_TICKED, address_of, chosen, place_of, ticks_of
from web.staff.clients.lists import show_clients

router = APIRouter()

_SHOWN = 50
_RESULTS = ("failed", "pending", "archived", "skipped")


@router.post("/clients/several")
async def several(page: StaffPage) -> Response:
    """What was ticked, or all that the filter finds: archived, moved to a group, or kept while others are looked at."""
    sent = await page.form()
    place, ticks = place_of(sent.get), ticks_of(sent)
    if len(ticks) > MOST_TICKED and not sent.get("all"):
        return page.go(address_of(place, ticks[:MOST_TICKED], many="yes"))
    if sent.get("first"):
        return page.go(address_of({name: value for name, value in place.items() if name != "cursor"}, ticks))
    if sent.get("next"):
        return page.go(address_of(place | {"cursor": sent.get("next")}, ticks))
    whom = await _failed(page, sent.get("again")) if sent.get("again") else chosen(sent)
    if not whom:
        return page.go(address_of(place, [], none="yes"))
    try:
        if sent.get("do") == "move":
            return await _move(page, sent, whom, place)
        return await _preview(page, sent, whom)
    except ApiRefused as refused:
        if not refused.fields:
            raise
        return await show_clients(page, place, ticks, refused=refused)


async def _failed(page: Page, archive_id: str) -> dict[str, Any]:
    """Those whom an archive could not archive, as many as can be ticked."""
    archive = await page.api.get(f"/v1/archives/{part(archive_id)}", result="failed", limit=MOST_TICKED)
    failed = [one["client_id"] for one in archive["results"]]
    return {"client_ids": failed} if failed else {}


async def _move(page: Page, sent: Sent, whom: dict[str, Any], place: dict[str, str]) -> Response:
    """Who is not moved stops nobody else, and is named."""
    group_id = sent.get("to_group") or None
    done = await page.api.post("/v1/group-moves", {"group": group_id, **whom}, once=sent.get("once") or None)
    left_out = [one for one in done["results"] if one["result"] == "left_out"]
    if left_out:
        await page.me()
        return page.show("staff/clients/moved.html", done=done, left_out=left_out[:_SHOWN], group_id=group_id)
    # The first page: whoever was moved may not be in the list any more.
    first = {name: value for name, value in place.items() if name != "cursor"}
    return page.go(address_of(first, [], moved=str(done["moved"]), already=str(done["already"])))


@router.post("/groups/{group_id}/archive")
async def of_group(group_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    return await _preview(page, sent, {"group_id": group_id})


async def _preview(
    page: Page, sent: Sent, whom: dict[str, Any], refused: ApiRefused | None = None, *, again: bool = False
) -> Response:
    """Each with credit and debts, some at a time, and what all of it comes to. ``again``: others may match by now."""
    await page.me()
    offset = 0
    with suppress(ValueError):
        offset = max(int(sent.get("offset") or 0), 0)
    ticked = "client_ids" in whom
    asked = {name: value for name, value in whom.items() if not (again and name == "expected")}
    shown = {"limit": MOST_TICKED, "offset": 0} if ticked else {"limit": _SHOWN, "offset": offset}
    would = await page.api.post("/v1/archives", {**asked, **shown, "dry_run": True})
    place = place_of(sent.get)
    return page.show(
        "staff/clients/archive_several.html",
        would=would,
        shown=shown,
        place=place,
        group_id=whom.get("group_id"),
        ticked=ticked,
        back=f"/groups/{part(whom['group_id'])}" if "group_id" in whom else address_of(place, ticks_of(sent)),
        sent=sent,
        refused=refused,
    )


@router.post("/archives")
async def begin(page: StaffPage) -> Response:
    sent = await page.form()
    whom = chosen(sent)
    if not whom:
        return page.go(address_of(place_of(sent.get), [], none="yes"))
    body: dict[str, Any] = {**whom, "notify": bool(sent.get("notify")), **sent.given("reason")}
    try:
        begun = await page.api.post("/v1/archives", body, once=sent.get("once") or None)
    except ApiRefused as refused:
        if not refused.fields:
            raise
        return await _preview(page, sent, whom, refused, again=True)
    return page.go(f"/archives/{part(begun['archive_id'])}")


@router.get("/archives/{archive_id}")
async def progress(archive_id: str, page: StaffPage) -> Response:
    """Numbers, which renew themselves, and who became what, those who failed first."""
    await page.me()
    result = page.query.get("result") if page.query.get("result") in _RESULTS else None
    archive = await page.api.get(
        f"/v1/archives/{part(archive_id)}", limit=_SHOWN, cursor=page.query.get("cursor"), result=result
    )
    waiting = archive["total"] - archive["done"]
    numbers = {name: archive.get(name, waiting) for name in _RESULTS}
    return page.show(
        "staff/clients/archive_progress.html", archive=archive, result=result, numbers=numbers, most=MOST_TICKED
    )
