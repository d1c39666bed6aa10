"""Groups of clients: made, renamed, and archived as a whole."""

import asyncio

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.page import Page, StaffPage
from web.sent import Sent

router = APIRouter()

_SHOWN = 50  # of each kind; the list has all of them, page by page


@router.get("/groups")
async def groups(page: StaffPage) -> Response:
    return await _list(page)


async def _list(page: Page, sent: Sent | None = None, refused: ApiRefused | None = None) -> Response:
    await page.me()
    found = await page.api.get("/v1/groups", limit=200)
    return page.show("staff/clients/groups.html", groups=found["items"], sent=sent, refused=refused)


@router.post("/groups")
async def make(page: StaffPage) -> Response:
    sent = await page.form()
    try:
        made = await page.api.post("/v1/groups", {"name": sent.get("name")}, once=sent.get("once") or None)
    except ApiRefused as refused:
        return await _list(page, sent, refused)
    return page.go(f"/groups/{part(made['id'])}")


@router.get("/groups/{group_id}")
async def one(group_id: str, page: StaffPage) -> Response:
    return await _one(page, group_id)


async def _one(page: Page, group_id: str, sent: Sent | None = None, refused: ApiRefused | None = None) -> Response:
    await page.me()
    group = await page.api.get(f"/v1/groups/{part(group_id)}")
    active, archived = await asyncio.gather(
        page.api.get("/v1/clients", group=group_id, status="active", limit=_SHOWN),
        page.api.get("/v1/clients", group=group_id, status="archived", limit=_SHOWN),
    )
    return page.show(
        "staff/clients/group.html",
        group=group,
        active=active["items"],
        archived=archived["items"],
        sent=sent,
        refused=refused,
    )


@router.post("/groups/{group_id}")
async def rename(group_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    try:
        await page.api.patch(f"/v1/groups/{part(group_id)}", {"name": sent.get("name")})
    except ApiRefused as refused:
        return await _one(page, group_id, sent, refused)
    return page.go(f"/groups/{part(group_id)}")
