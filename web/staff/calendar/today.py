"""A therapist's day: what comes, what is to be marked, what is new."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from web.clock import now
from web.looks.words import instant
from web.page import StaffPage
from web.staff.care.feed import about

router = APIRouter()

_LOOKS_BACK = _LOOKS_AHEAD = timedelta(days=14)


@router.get("/today")
async def today(page: StaffPage) -> Response:
    me = await page.me()
    time = await now(page.api, page.settings)
    day = time.astimezone(ZoneInfo(page.zone)).date()
    found = await page.api.get(
        "/v1/appointments",
        therapist=me.get("therapist"),
        time_zone=page.zone,
        limit=200,
        **{"from": (day - _LOOKS_BACK).isoformat(), "to": (day + _LOOKS_AHEAD).isoformat()},
    )
    items = found["items"]
    of_day = [one for one in items if instant(one["starts_at"]).astimezone(ZoneInfo(page.zone)).date() == day]
    unmarked = [
        one for one in items if one["status"] == "scheduled" and instant(one["ends_at"]) <= time and one not in of_day
    ]
    ahead = (one for one in items if one["status"] == "scheduled" and instant(one["starts_at"]) > time)
    news = await page.api.get("/v1/notifications", unread="true", limit=10) if me.get("therapist") else {"items": []}
    return page.show(
        "staff/calendar/today.html",
        day=day,
        appointments=of_day,
        unmarked=unmarked,
        following=next((one for one in ahead if one not in of_day), None),
        news=news["items"],
        about=about,
        now=time,
    )
