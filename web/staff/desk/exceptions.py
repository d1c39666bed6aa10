"""Every time somebody went past a rule: who, when and why."""

from datetime import timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from web.clock import now
from web.page import StaffPage

router = APIRouter()

_DAYS = 30


@router.get("/exceptions")
async def exceptions(page: StaffPage) -> Response:
    await page.me()
    today = (await now(page.api, page.settings)).astimezone(ZoneInfo(page.settings.practice_time_zone)).date()
    wanted = {
        "from": page.query.get("from") or (today - timedelta(days=_DAYS)).isoformat(),
        "to": page.query.get("to") or today.isoformat(),
        "kind": page.query.get("kind") or None,
    }
    found = await page.api.get("/v1/exceptions", limit=50, cursor=page.query.get("cursor"), **wanted)
    return page.show(
        "staff/desk/exceptions.html",
        lines=found["items"],
        cursor=found["next_cursor"],
        wanted=wanted,
        path=f"{page.base}/exceptions?{urlencode({name: value for name, value in wanted.items() if value})}",
    )
