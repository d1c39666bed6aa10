"""Open slots."""

import httpx
import pytest

from models.database import Sessions
from models.writes.booking.seed import add_demo_therapists
from tests.api.conftest import fields_of
from tests.care.rows import NOW, Rows

TUESDAY = "2026-03-03"  # 15:00Z is 10:00 in New York


async def test_slots_are_grouped_by_the_askers_date(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist()
    asked = {"type": "session", "from": TUESDAY, "to": "2026-03-04", "time_zone": "Asia/Tokyo"}
    told = (await api.get("/v1/therapists/ana/slots", params=asked)).json()
    assert told["time_zone"] == "Asia/Tokyo"
    assert [day["date"] for day in told["days"]] == ["2026-03-03", "2026-03-04"]
    assert told["days"][0]["slots"][0] == {
        "starts_at": "2026-03-03T00:00:00+09:00",
        "ends_at": "2026-03-03T00:50:00+09:00",
    }


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"type": "party"}, "type"),
        ({"from": "soon"}, "from"),
        ({"from": TUESDAY, "to": "2026-03-02"}, "to"),
        ({"from": "2026-03-01", "to": "2026-06-01"}, "to"),
        ({"from": "2026-03-01", "to": "2036-03-01"}, "to"),
        ({"from": "0001-01-01", "to": "0001-01-01"}, "from"),
        ({"from": "9999-12-31"}, "from"),
        ({"time_zone": "Mars"}, "time_zone"),
        ({"hold_id": "x"}, "hold_id"),
    ],
)
async def test_bad_questions(api: httpx.AsyncClient, rows: Rows, query: dict[str, str], field: str) -> None:
    await rows.therapist()
    answer = await api.get("/v1/therapists/ana/slots", params={"type": "session", **query})
    assert fields_of(answer) == [field]


async def test_ninety_two_days_are_enough(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist()
    asked = {"type": "session", "from": "2026-03-01", "to": "2026-05-31"}
    assert (await api.get("/v1/therapists/ana/slots", params=asked)).status_code == 200


async def test_the_demo_therapists_are_added_once_and_can_be_booked(api: httpx.AsyncClient, sessions: Sessions) -> None:
    await add_demo_therapists(sessions, NOW)
    await add_demo_therapists(sessions, NOW)
    listed = (await api.get("/v1/therapists")).json()["items"]
    assert len(listed) == 5
    assert {therapist["intro_calls"] for therapist in listed} == {"required", "optional", "off"}
    for therapist in listed:
        asked = {"type": "session", "from": TUESDAY, "to": "2026-03-16"}
        days = (await api.get(f"/v1/therapists/{therapist['slug']}/slots", params=asked)).json()["days"]
        assert days, therapist["slug"]
