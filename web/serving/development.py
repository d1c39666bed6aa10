"""What is there in development alone: where to begin on a local stack, and every part of the pages with its states."""

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from web.asking.problems import ApiRefused
from web.clock import now
from web.edge.cookies import CLIENT, STAFF
from web.looks.bars import bars
from web.page import AnyPage, ClientPage

_parts, _start = APIRouter(), APIRouter()
FOR_DEVELOPMENT: Mapping[str, tuple[APIRouter, ...]] = {CLIENT: (_parts, _start), STAFF: (_parts,)}

_HOURS = {"1": "One hour", "24": "One day", "168": "One week"}
_MONTHS = ("Nov 2026", "Dec 2026", "Jan 2027")
_WRONG = {"wrong": "is not an address", "wrong_choice": "is needed", "wrong_text": "is longer than 2,000 characters"}


@_parts.get("/styleguide")
async def styleguide(page: AnyPage) -> Response:
    lines = [{"field": name, "message": message} for name, message in _WRONG.items()]
    wrong = ApiRefused(200, {"type": "validation-failed", "detail": "As an example.", "errors": lines})
    values = [(value, str(value)) for value in (3, 0, 7)]
    pictures = [bars("Numbers by month", _MONTHS, values), bars("Where there is none", _MONTHS, [(0, "0")] * 3)]
    return page.show("styleguide.html", pictures=pictures, refused=wrong)


@_start.get("/start")
async def start(page: ClientPage) -> Response:
    if not page.settings.demo_people:
        raise HTTPException(404)
    time = await now(page.api, page.settings)
    return page.show("start.html", now=time, hours=_HOURS)


@_start.post("/start/clock")
async def advance(page: ClientPage) -> Response:
    """Moves the clock of a stack that has a movable one."""
    sent = await page.form()
    if not page.settings.time_travel or sent.get("hours") not in _HOURS:
        raise HTTPException(404)
    await page.api.post("/dev/clock/advance", {"seconds": int(sent.get("hours")) * 3600})
    return page.go("/start")
