"""A message to many, each in their own chat: who gets it and who is left out is said before and after."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.problems import ApiRefused
from web.page import Page, StaffPage
from web.sent import Sent

router = APIRouter()


@router.get("/blasts")
async def form(page: StaffPage) -> Response:
    return await _show(page)


async def _show(page: Page, sent: Sent | None = None, refused: ApiRefused | None = None) -> Response:
    await page.me()
    groups = await page.api.get("/v1/groups", limit=200)
    return page.show("staff/care/blast.html", groups=groups["items"], answer=None, sent=sent, refused=refused)


@router.post("/blasts")
async def send(page: StaffPage) -> Response:
    sent = await page.form()
    await page.me()
    body: dict[str, Any] = {"text": sent.get("text")}
    body |= {"group_id": sent.get("group_id")} if sent.get("group_id") else {"all": True}
    try:
        answer = await page.api.post("/v1/blasts", body, once=sent.get("once") or None)
    except ApiRefused as refused:
        return await _show(page, sent, refused)
    left = {one["client_id"] for one in answer["left_out"]}
    names = {}
    if left:
        of_group = {"group": sent.get("group_id")} if sent.get("group_id") else {}
        found = (await page.api.get("/v1/clients", limit=200, **of_group))["items"]
        names = {one["id"]: one["first_name"] or one["ref"] for one in found if one["id"] in left}
    return page.show("staff/care/blast.html", groups=[], answer=answer, names=names)
