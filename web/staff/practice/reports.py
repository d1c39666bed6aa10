"""Totals by month: a picture, and the table it is drawn from."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from web.clock import now
from web.looks.words import amount
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
    return page.show("staff/practice/reports.html", report=report, wanted=wanted, currencies=_paid(report["items"]))


def _paid(months: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """By currency, what each month brought by card, in hundredths; 0 where it brought none."""
    found: dict[str, list[int]] = {}
    for number, month in enumerate(months):
        for line in month["money"]:
            hundredths = Decimal(amount({"amount": line["card_net"], "currency": line["currency"]})) * 100
            found.setdefault(line["currency"], [0] * len(months))[number] = max(int(hundredths), 0)
    return [{"code": code, "paid": paid} for code, paid in sorted(found.items())]
