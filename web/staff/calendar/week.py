"""The calendar of a week: a list on the phone, columns from there on."""

from datetime import date, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from web.clock import now
from web.looks.words import instant
from web.page import StaffPage

router = APIRouter()


@router.get("/calendar")
async def week(page: StaffPage) -> Response:
    """Of one therapist, or of all for the care team."""
    me = await page.me()
    zone = ZoneInfo(page.zone)
    time = await now(page.api, page.settings)
    today = time.astimezone(zone).date()
    try:
        wanted = date.fromisoformat(page.query.get("from", ""))
    except ValueError:
        wanted = today
    monday = wanted - timedelta(days=wanted.weekday())
    slug = me.get("therapist") if "care_team" not in me["roles"] else page.query.get("therapist")
    found = await page.api.get(
        "/v1/appointments",
        therapist=slug,
        time_zone=page.zone,
        limit=200,
        **{"from": monday.isoformat(), "to": (monday + timedelta(days=6)).isoformat()},
    )
    days = [monday + timedelta(days=number) for number in range(7)]
    by_day: dict[date, list[dict[str, object]]] = {day: [] for day in days}
    for one in found["items"]:
        by_day.setdefault(instant(one["starts_at"]).astimezone(zone).date(), []).append(one)
    therapists = (await page.api.get("/v1/therapists", limit=200))["items"] if "care_team" in me["roles"] else []
    return page.show(
        "staff/calendar/week.html",
        days=days,
        by_day=by_day,
        today=today,
        now=time,
        slug=slug,
        therapists=therapists,
        more=found["next_cursor"],
        link=lambda start: (
            f"{page.base}/calendar?" + urlencode({"from": start, **({"therapist": slug} if slug else {})})
        ),
        earlier=monday - timedelta(days=7),
        later=monday + timedelta(days=7),
    )
