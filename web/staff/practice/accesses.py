"""The access log: who looked, at what, when."""

from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.responses import Response

from web.page import StaffPage

router = APIRouter()

_FILTERS = ("client", "who", "event", "from", "to")


@router.get("/accesses")
async def accesses(page: StaffPage) -> Response:
    await page.me()
    wanted = {name: value for name in _FILTERS if (value := page.query.get(name))}
    found = await page.api.get(
        "/v1/accesses", limit=100, cursor=page.query.get("cursor"), time_zone=page.zone, **wanted
    )
    return page.show(
        "staff/practice/accesses.html",
        lines=found["items"],
        cursor=found["next_cursor"],
        wanted=dict.fromkeys(_FILTERS, "") | wanted,
        path=f"{page.base}/accesses?{urlencode(wanted)}",
    )
