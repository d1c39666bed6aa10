"""Two records of one person: seen side by side, and put together."""

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.page import Page, StaffPage
from web.sent import Sent

router = APIRouter()

_SHOWN = 20


@router.get("/clients/{client_id}/join")
async def choose(client_id: str, page: StaffPage) -> Response:
    return await _show(page, client_id, into=page.query.get("into"))


async def _show(
    page: Page, client_id: str, *, into: str | None, sent: Sent | None = None, refused: ApiRefused | None = None
) -> Response:
    """``into``: the record that would stay; without one it is looked for by name, e-mail or reference."""
    await page.me()
    client = await page.api.get(f"/v1/clients/{part(client_id)}")
    other = await page.api.find(f"/v1/clients/{part(into)}") if into else None
    wanted = page.query.get("q") or client["last_name"] or ""
    found = []
    if other is None:
        found = (await page.api.get("/v1/clients", q=wanted or None, limit=_SHOWN))["items"]
    return page.show(
        "staff/desk/join.html",
        client=client,
        other=other,
        q=wanted,
        found=[one for one in found if one["id"] != client_id],
        sent=sent,
        refused=refused,
    )


@router.post("/clients/{client_id}/join")
async def join(client_id: str, page: StaffPage) -> Response:
    """This record goes into another of the same person."""
    sent = await page.form()
    into = sent.get("into")
    try:
        await page.api.post(f"/v1/clients/{part(client_id)}/join", {"into": into}, once=sent.get("once") or None)
    except ApiRefused as refused:
        return await _show(page, client_id, into=into, sent=sent, refused=refused)
    return page.go(f"/clients/{part(into)}?joined=yes")
