"""Days on which the practice is closed: public holidays are proposed, and closed only by a person."""

from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.clock import now
from web.looks.words import countries
from web.page import Page, StaffPage
from web.sent import Sent

router = APIRouter()

_PLANNED_FROM = 11  # November


@router.get("/closures")
async def closures(page: StaffPage) -> Response:
    return await _show(page)


async def _show(
    page: Page,
    *,
    sent: Sent | None = None,
    refused: ApiRefused | None = None,
    made: list[dict[str, Any]] | None = None,
) -> Response:
    await page.me()
    today = (await now(page.api, page.settings)).astimezone(ZoneInfo(page.settings.practice_time_zone)).date()
    wanted = {name: page.query.get(name, "").strip().upper() for name in ("country", "state", "year")}
    if not wanted["country"]:
        wanted |= await _where_the_practice_is(page)
    # At the end of a year the next one is what is planned.
    wanted["year"] = wanted["year"] or str(today.year + (today.month >= _PLANNED_FROM))
    proposals = None
    try:
        country, state, year = (wanted[name] or None for name in ("country", "state", "year"))
        proposals = await page.api.get("/v1/closures/proposals", country=country, state=state, year=year)
    except ApiRefused as refusal:
        refused = refused or refusal
    found = await page.api.get(
        "/v1/closures", limit=100, cursor=page.query.get("cursor"), **{"from": today.isoformat()}
    )
    return page.show(
        "staff/practice/closures.html",
        closures=found["items"],
        cursor=found["next_cursor"],
        proposals=proposals,
        wanted=wanted,
        countries=countries(),
        years=(today.year, today.year + 1),
        today=today.isoformat(),
        made=made,
        sent=sent,
        refused=refused,
    )


async def _where_the_practice_is(page: Page) -> dict[str, str]:
    named = {one["name"]: one["value"] for one in (await page.api.get("/v1/settings"))["items"]}
    return {"country": named.get("PRACTICE_COUNTRY") or "US", "state": named.get("PRACTICE_STATE") or ""}


@router.post("/closures")
async def close(page: StaffPage) -> Response:
    """Those that were ticked, or the one that was typed. What is booked on them stays, and is named."""
    sent = await page.form()
    ticked = [one.partition(" ") for one in sent.all("proposed")]
    days = [{"date": day, "name": name} for day, _, name in ticked]
    if not days:
        days = [{"date": sent.get("date"), "name": sent.get("name")}]
    try:
        answer = await page.api.post("/v1/closures", {"closures": days}, once=sent.get("once") or None)
    except ApiRefused as refused:
        return await _show(page, sent=sent, refused=refused)
    return await _show(page, made=answer["closures"])


@router.post("/closures/{closure_id}/open")
async def open_again(closure_id: str, page: StaffPage) -> Response:
    await page.form()
    await page.api.delete(f"/v1/closures/{part(closure_id)}")
    return page.go("/closures?opened=yes")
