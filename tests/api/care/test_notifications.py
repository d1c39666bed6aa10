"""A therapist's feed: all of it is read at once."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from models.tables import Client, Notification, Therapist
from rules.enums import ClientStatus, Stage
from tests.api.callers import Callers
from tests.api.conftest import DESK, problem_of
from tests.care.rows import NOW, Rows


async def _news(rows: Rows, therapist: Therapist, client: Client, *, at: datetime = NOW) -> None:
    told: dict[str, Any] = {"kind": "form_completed", "text": "Somebody completed a form.", "at": at}
    await rows.add(Notification(id=uuid4(), therapist_id=therapist.id, client_id=client.id, **told))


async def _unread(api: httpx.AsyncClient, people: Callers, who: str) -> int:
    answer = await api.get("/v1/notifications", params={"unread": "true"}, headers=people.by(who))
    return len(answer.json()["items"])


async def test_all_is_read_at_once_up_to_where_the_reader_saw(
    api: httpx.AsyncClient, rows: Rows, people: Callers
) -> None:
    for minutes in (0, 1, 2, 3):
        await _news(rows, people.ana, people.sara, at=NOW - timedelta(minutes=minutes))
    await _news(rows, people.ben, people.tom)
    until = {"until": (NOW - timedelta(minutes=2)).isoformat()}
    answer = await api.post("/v1/notifications/read", json=until, headers=people.by("ana"))
    assert answer.json() == {"read": 2}
    assert await _unread(api, people, "ana") == 2
    assert (await api.post("/v1/notifications/read", headers=people.by("ana"))).json() == {"read": 2}
    assert (await api.post("/v1/notifications/read", headers=people.by("ana"))).json() == {"read": 0}
    assert (await _unread(api, people, "ana"), await _unread(api, people, "ben")) == (0, 1)
    assert problem_of(await api.post("/v1/notifications/read", headers=DESK)) == "not-allowed"


async def test_what_is_in_no_feed_meanwhile_stays_unread(api: httpx.AsyncClient, rows: Rows, people: Callers) -> None:
    await _news(rows, people.ana, people.sara)
    await rows.change(people.sara, status=ClientStatus.ARCHIVED, stage=Stage.ARCHIVED)
    assert (await api.post("/v1/notifications/read", headers=people.by("ana"))).json() == {"read": 0}
    await rows.change(people.sara, status=ClientStatus.ACTIVE, stage=Stage.IN_CARE)
    assert await _unread(api, people, "ana") == 1
