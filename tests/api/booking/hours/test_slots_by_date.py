"""A date has the same open slots asked alone or with its neighbours: what is booked around it counts all the same."""

from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from tests.care.rows import NOW, Rows

DATES = [NOW.date() + timedelta(days=n) for n in range(14)]


async def slots(api: httpx.AsyncClient, first: date, last: date, zone: str) -> dict[str, Any]:
    query = {"type": "session", "from": first.isoformat(), "to": last.isoformat(), "time_zone": zone}
    days = (await api.get("/v1/therapists/ana/slots", params=query)).json()["days"]
    return {day["date"]: day["slots"] for day in days}


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize(
    "settings",
    [{"buffer_before": 1440, "buffer_after": 1440}, {"max_per_day": 1}],
    ids=["a day of buffer", "one a day"],
)
async def test_asked_date_by_date_or_all_at_once(
    api: httpx.AsyncClient, rows: Rows, settings: dict[str, int], zone: str
) -> None:
    ana = await rows.therapist(settings={"session": {"minimum_notice": 0, "duration": 480, "step": 10, **settings}})
    sara = await rows.client(ana)
    for days in (2, 6, 11):
        await rows.appointment(sara, ana, starts_at=NOW + timedelta(days=days, hours=6, minutes=30))
    together = await slots(api, DATES[0], DATES[-1], zone)
    alone = [await slots(api, day, day, zone) for day in DATES]
    assert {day: listed for one in alone for day, listed in one.items()} == together
    assert 0 < len(together) <= len(DATES) - 3
