"""Archiving several clients: what it would do to each, one confirmation, progress, and the result of each."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.page import StaffPage
from web.staff.clients.lists import TABS, all_that_match

router = APIRouter()

_FILTERS = ("q", "stage", "group", "therapist")


@router.post("/clients/several")
async def several(page: StaffPage) -> Response:
    """What was ticked, or all that the filter finds: archived, or moved to a group."""
    sent = await page.form()
    await page.me()
    tab = sent.get("tab") if sent.get("tab") in TABS else "active"
    if sent.get("all"):
        wanted = {name: sent.get(name) or None for name in _FILTERS}
        ids = await all_that_match(page, tab, wanted)
    else:
        ids = sent.all("tick")
    if not ids:
        return page.go(f"/clients?tab={tab}&none=yes")
    if sent.get("do") == "move":
        return await _move(page, ids, sent.get("to_group"), tab)
    would = await page.api.post("/v1/archives", {"client_ids": ids, "dry_run": True})
    return page.show("staff/clients/archive_several.html", would=would, ids=ids, group_id=None)


async def _move(page: StaffPage, ids: list[str], group_id: str, tab: str) -> Response:
    """One after the other; where one fails, the others go on and it is named."""
    failed = []
    for client_id in ids:
        try:
            await page.api.patch(f"/v1/clients/{part(client_id)}", {"group": group_id or None})
        except ApiRefused as refused:
            failed.append({"client_id": client_id, "because": refused.detail})
    if failed:
        return page.show("staff/clients/moved.html", failed=failed, moved=len(ids) - len(failed), group_id=group_id)
    return page.go(f"/clients?tab={tab}&moved={len(ids)}")


@router.post("/groups/{group_id}/archive")
async def of_group(group_id: str, page: StaffPage) -> Response:
    await page.form()
    await page.me()
    would = await page.api.post("/v1/archives", {"group_id": group_id, "dry_run": True})
    return page.show("staff/clients/archive_several.html", would=would, ids=[], group_id=group_id)


@router.post("/archives")
async def begin(page: StaffPage) -> Response:
    sent = await page.form()
    await page.me()
    body: dict[str, Any] = {"notify": bool(sent.get("notify")), **sent.given("reason")}
    body |= {"group_id": sent.get("group_id")} if sent.get("group_id") else {"client_ids": sent.all("tick")}
    begun = await page.api.post("/v1/archives", body, once=sent.get("once") or None)
    return page.go(f"/archives/{part(begun['archive_id'])}")


@router.get("/archives/{archive_id}")
async def progress(archive_id: str, page: StaffPage) -> Response:
    await page.me()
    archive = await page.api.get(f"/v1/archives/{part(archive_id)}")
    order = {"failed": 0, "pending": 1, "archived": 2, "skipped": 3}
    results = sorted(archive["results"], key=lambda one: order.get(one["result"], 9))
    return page.show("staff/clients/archive_progress.html", archive=archive, results=results)
