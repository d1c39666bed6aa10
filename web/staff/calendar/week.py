"""The calendar of a week: a list on the phone, columns from there on."""

from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.clock import now
from web.looks.words import instant
from web.page import Page, StaffPage

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
    slug = page.query.get("therapist") if "care_team" in me["roles"] else me.get("therapist")
    found = await page.api.get(
        "/v1/appointments",
        therapist=slug,
        time_zone=page.zone,
        limit=100,
        **{"from": monday.isoformat(), "to": (monday + timedelta(days=6)).isoformat()},
    )
    days = [monday + timedelta(days=number) for number in range(7)]
    by_day: dict[date, list[dict[str, object]]] = {day: [] for day in days}
    for one in found["items"]:
        by_day.setdefault(instant(one["starts_at"]).astimezone(zone).date(), []).append(one)
    therapists = (await page.api.get("/v1/therapists", limit=200))["items"] if "care_team" in me["roles"] else []
    away = await _away(page, slug, days, zone) if slug else set()
    busy = await _busy(page, slug, days, zone) if slug else {}
    return page.show(
        "staff/calendar/week.html",
        away=away,
        busy=busy,
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


async def _away(page: Page, slug: str, days: list[date], zone: ZoneInfo) -> set[date]:
    """The days of a leave, even where it takes only a part of one."""
    leaves = (await page.api.get(f"/v1/therapists/{part(slug)}/leaves", limit=50))["items"]
    spans = [(instant(one["starts_at"]).astimezone(zone), instant(one["ends_at"]).astimezone(zone)) for one in leaves]
    midnights = {day: datetime.combine(day, time_of_day.min, zone) for day in days}
    return {
        day
        for day in days
        for start, end in spans
        if start < midnights[day] + timedelta(days=1) and end > midnights[day]
    }


async def _busy(page: Page, slug: str, days: list[date], zone: ZoneInfo) -> dict[date, list[tuple[datetime, datetime]]]:
    """When the therapist is busy in calendars kept elsewhere, day by day: from when until when on each, what meets put
    together."""
    # A day in this zone lies inside three of the therapist's.
    around = {"from": f"{days[0] - timedelta(days=1)}", "to": f"{days[-1] + timedelta(days=1)}"}
    found = (await page.api.get(f"/v1/therapists/{part(slug)}/busy", **around))["busy"]
    spans = [(instant(one["starts_at"]).astimezone(zone), instant(one["ends_at"]).astimezone(zone)) for one in found]
    told: dict[date, list[tuple[datetime, datetime]]] = {}
    for day in days:
        begins = datetime.combine(day, time_of_day.min, zone)
        ends = datetime.combine(day + timedelta(days=1), time_of_day.min, zone)
        together: list[tuple[datetime, datetime]] = []
        for start, end in sorted((max(start, begins), min(end, ends)) for start, end in spans):
            if start >= end:
                continue
            if together and start <= together[-1][1]:
                together[-1] = (together[-1][0], max(together[-1][1], end))
            else:
                together.append((start, end))
        told[day] = together
    return told
