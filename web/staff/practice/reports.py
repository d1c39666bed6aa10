"""Totals by month: pictures, the table they are drawn from, and that table as a file."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from fastapi import APIRouter
from starlette.responses import Response

from web.asking.problems import ApiRefused
from web.clients.care.shared import as_download
from web.clock import now
from web.looks.bars import Bars, bars
from web.looks.words import amount, money
from web.page import Page, StaffPage

router = APIRouter()

_MONEY = (("card_net", "Paid by card, less refunds"), ("owed", "Owed"))
_COUNTS = (("sessions_held", "Sessions held"), ("no_shows", "No-shows"))


@router.get("/reports")
async def reports(page: StaffPage) -> Response:
    return await _show(page)


async def _show(page: Page, refused: ApiRefused | None = None) -> Response:
    await page.me()
    wanted = await _wanted(page)
    months: list[dict[str, Any]] = []
    zone = page.settings.practice_time_zone
    try:
        report = await page.api.get("/v1/reports", by="month", **wanted)
        months, zone = report["items"], report["time_zone"]
    except ApiRefused as wrong:
        refused = wrong
    return page.show(
        "staff/practice/reports.html",
        months=months,
        report_zone=zone,
        named=[_month(one["month"]) for one in months],
        wanted=wanted,
        pictures=_pictures(months),
        currencies=_currencies(months),
        refused=refused,
    )


async def _wanted(page: Page) -> dict[str, str]:
    """A year of months, unless others are asked for."""
    today = (await now(page.api, page.settings)).astimezone(ZoneInfo(page.settings.practice_time_zone)).date()
    first = (today.replace(day=1) - timedelta(days=334)).replace(day=1)
    return {
        "from": page.query.get("from") or first.isoformat(),
        "to": page.query.get("to") or today.isoformat(),
    }


@router.get("/reports.csv")
async def as_file(page: StaffPage) -> Response:
    page.must_be_signed_in()
    return as_download(await page.api.csv("/v1/reports", by="month", **await _wanted(page)))


def _pictures(months: list[dict[str, Any]]) -> list[Bars]:
    names = [_month(one["month"]) for one in months]
    drawn = [bars(title, names, [(one[what], str(one[what])) for one in months]) for what, title in _COUNTS]
    for code in _currencies(months):
        for what, title in _MONEY:
            lines = [_line(month, code) for month in months]
            values = [(_cents(line, what), money(_sum(line, what))) for line in lines]
            drawn.append(bars(f"{title}, {code}", names, values))
    return drawn


def _currencies(months: list[dict[str, Any]]) -> list[str]:
    return sorted({line["currency"] for month in months for line in month["money"]})


def _line(month: dict[str, Any], code: str) -> dict[str, Any]:
    nothing = {"currency": code, "card_net": 0, "owed": {"amount": 0}}
    return next((line for line in month["money"] if line["currency"] == code), nothing)


def _sum(line: dict[str, Any], what: str) -> dict[str, Any]:
    found = line[what]
    return {"amount": found["amount"] if isinstance(found, dict) else found, "currency": line["currency"]}


def _cents(line: dict[str, Any], what: str) -> int:
    """As high as it is drawn: what was given back beyond what came in is no height."""
    return max(int(Decimal(amount(_sum(line, what))) * 100), 0)


def _month(text: str) -> str:
    """``Nov 2026``, of ``2026-11``."""
    return format_date(date.fromisoformat(f"{text}-01"), "MMM y", locale="en")
