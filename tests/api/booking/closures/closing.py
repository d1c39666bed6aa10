"""What tests of closures say and look for."""

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import httpx

from models.tables import Client, FormRequest
from rules.enums import FormStatus
from rules.forms.intake import INTAKE_FORMS
from tests.api.booking.calls import TEN
from tests.api.conftest import ROOT
from tests.care.rows import NOW, Rows

Json = dict[str, Any]
WEEK = timedelta(weeks=1)
THIRD_WEEK = (TEN + 2 * WEEK).date()  # 17 March 2026, a Tuesday, when New York's clocks have gone forward
ST_PATRICK = {"date": THIRD_WEEK.isoformat(), "name": "Saint Patrick's Day"}


async def closes(api: httpx.AsyncClient, *days: Json, by: Any = ROOT) -> list[Json]:
    answer = await api.post("/v1/closures", json={"closures": list(days)}, headers=by)
    assert answer.status_code == 201, answer.text
    made: list[Json] = answer.json()["closures"]
    return made


def closed(day: date, name: str = "A day off") -> Json:
    return {"date": day.isoformat(), "name": name}


async def after_intake(rows: Rows, client: Client) -> Client:
    """The client has booked once, and has nothing left to fill in."""
    asked: Json = {"client_id": client.id, "version": 1, "requested_at": NOW, "requested_by": "system"}
    await rows.add(
        *(
            FormRequest(id=uuid4(), kind=kind, status=FormStatus.COMPLETE, completed_at=NOW, **asked)
            for kind in INTAKE_FORMS
        )
    )
    await rows.change(client, first_booked_at=NOW)
    return client
