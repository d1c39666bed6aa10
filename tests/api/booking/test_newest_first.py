"""The list of appointments from its end: of many years, what comes next is there at once."""

from datetime import timedelta
from typing import Any

import httpx

from tests.api.conftest import DESK
from tests.care.rows import NOW, Rows


async def test_the_last_appointment_comes_first_and_pages_go_on_from_there(api: httpx.AsyncClient, rows: Rows) -> None:
    ana = await rows.therapist("ana")
    sara = await rows.client(ana)
    for days in (3, -4, 10, -11):
        await rows.appointment(sara, ana, starts_at=NOW + timedelta(days=days))

    async def listed(**query: Any) -> dict[str, Any]:
        answer = await api.get("/v1/appointments", headers=DESK, params={"client": str(sara.id), **query})
        found: dict[str, Any] = answer.json()
        return found

    in_order = [one["id"] for one in (await listed())["items"]]
    first = await listed(newest_first="true", limit=3)
    rest = await listed(newest_first="true", limit=3, cursor=first["next_cursor"])
    assert [one["id"] for one in first["items"] + rest["items"]] == in_order[::-1]
    assert rest["next_cursor"] is None
