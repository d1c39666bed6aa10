"""The lists of clients: active and archived, searched and ticked; what is done to several begins here."""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.responses import Response

from web.page import StaffPage

router = APIRouter()

TABS = ("active", "archived")
STAGES = ("matching", "first_booking", "activation", "intake", "intro_call", "scheduling", "in_care")
_KEPT = ("q", "stage", "group", "sort", "therapist")


@router.get("/clients")
async def clients(page: StaffPage) -> Response:
    """Filter, page and ticks stand in the address, so that Back finds them again."""
    await page.me()
    tab = page.query.get("tab") if page.query.get("tab") in TABS else "active"
    wanted = {name: page.query.get(name) or None for name in _KEPT}
    found = await page.api.get("/v1/clients", status=tab, limit=50, cursor=page.query.get("cursor"), **wanted)
    groups = await page.api.get("/v1/groups", limit=200)
    query = {"tab": tab} | {name: value for name, value in wanted.items() if value}
    return page.show(
        "staff/clients/list.html",
        tab=tab,
        clients=found["items"],
        cursor=found["next_cursor"],
        totals=found.get("totals") or {},
        groups=groups["items"],
        wanted=wanted,
        stages=STAGES,
        path=f"{page.base}/clients?{urlencode(query)}",
        ticked=set(page.request.query_params.getlist("tick")),
    )


async def all_that_match(page: StaffPage, tab: str, wanted: dict[str, Any]) -> list[str]:
    """The ids of every client that a filter finds, over all its pages."""
    ids: list[str] = []
    cursor: str | None = None
    while True:
        found = await page.api.get("/v1/clients", status=tab, limit=200, cursor=cursor, **wanted)
        ids += [client["id"] for client in found["items"]]
        cursor = found["next_cursor"]
        if cursor is None:
            return ids
