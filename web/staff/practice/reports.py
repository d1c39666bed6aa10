"""Totals by month: a picture, and the table it is drawn from."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from web.clock import now
from web.page import StaffPage

router = APIRouter()

_DAYS = 365


@router.get("/reports")
async def reports(page: StaffPage) -> Response:
    await page.me()
    today = (await now(page.api, page.settings)).astimezone(ZoneInfo(page.settings.practice_time_zone)).date()
    wanted = {
        "from": page.query.get("from") or (today - timedelta(days=_DAYS)).isoformat(),
        "to": page.query.get("to") or today.isoformat(),
    }
    report = await page.api.get("/v1/reports", by="month", **wanted)
    return page.show("staff/practice/reports.html", report=report, wanted=wanted)
