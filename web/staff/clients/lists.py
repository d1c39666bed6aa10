"""The lists of clients: active and archived, searched and ticked; what is done to several begins here."""

import asyncio

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.problems import ApiRefused
from web.page import Page, StaffPage
from web.staff.clients.choosing import place_of

router = APIRouter()

STAGES = ("matching", "first_booking", "activation", "intake", "intro_call", "scheduling", "in_care")
_SHOWN = 40  # with as many groups to choose from as there may be, the page stays light


@router.get("/clients")
async def clients(page: StaffPage) -> Response:
    """Filter, page and ticks stand in the address, so that Back finds them again."""
    ticks = page.request.query_params.getlist("tick")
    return await show_clients(page, place_of(page.query.get), ticks)


async def show_clients(
    page: Page, place: dict[str, str], ticks: list[str], *, refused: ApiRefused | None = None
) -> Response:
    """``refused``: what was not done to those who were chosen."""
    await page.me()
    query = {name: value for name, value in place.items() if name != "tab"}
    found, groups = await asyncio.gather(
        page.api.get("/v1/clients", status=place["tab"], limit=_SHOWN, **query),
        page.api.get("/v1/groups", limit=200),
    )
    shown = {client["id"] for client in found["items"]}
    return page.show(
        "staff/clients/list.html",
        tab=place["tab"],
        clients=found["items"],
        cursor=found["next_cursor"],
        totals=found.get("totals") or {},
        groups=groups["items"],
        place=place,
        wanted={name: place.get(name) for name in ("q", "stage", "group", "sort", "therapist")},
        stages=STAGES,
        ticked=set(ticks),
        elsewhere=[one for one in ticks if one not in shown],
        refused=refused,
    )
