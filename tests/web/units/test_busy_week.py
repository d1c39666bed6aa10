"""When a therapist is busy elsewhere, in the week that is shown: by day, and what meets put together."""

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from web.staff.calendar.week import _busy

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 10, 19)
DAYS = [MONDAY + timedelta(days=number) for number in range(7)]  # the last of which has 25 hours


class Api:
    def __init__(self, *spans: tuple[str, str]) -> None:
        self.busy = [{"starts_at": start, "ends_at": end} for start, end in spans]
        self.asked: list[Any] = []

    async def get(self, path: str, **query: str) -> Any:
        self.asked.append((path, query))
        return {"time_zone": "Europe/Berlin", "busy": self.busy}


async def told(api: Api) -> dict[str, list[str]]:
    page: Any = SimpleNamespace(api=api)
    found = await _busy(page, "ana", DAYS, BERLIN)
    return {
        f"{day:%a}": [f"{start:%H:%M}-{end:%H:%M}" for start, end in spans] for day, spans in found.items() if spans
    }


async def test_what_lies_over_midnight_is_told_on_both_days_and_what_meets_together() -> None:
    api = Api(
        ("2026-10-20T07:00:00Z", "2026-10-20T08:00:00Z"),
        ("2026-10-20T08:00:00Z", "2026-10-20T09:30:00Z"),
        ("2026-10-22T20:00:00Z", "2026-10-23T04:00:00Z"),
        ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
    )
    assert await told(api) == {
        "Tue": ["09:00-11:30"],
        "Thu": ["22:00-00:00"],
        "Fri": ["00:00-06:00"],
        "Sun": ["00:00-00:00"],
    }
    assert api.asked == [("/v1/therapists/ana/busy", {"from": "2026-10-18", "to": "2026-10-26"})]


async def test_a_week_without_any_says_nothing() -> None:
    assert await told(Api()) == {}
