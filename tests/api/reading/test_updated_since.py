"""``updated_since``: a program that polls misses nothing, whatever the order in which others end, and learns of nothing
that it is not shown."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from models.database import Sessions
from models.tables import Appointment, FormRequest, Task
from rules.enums import AppointmentStatus, ClientStatus, FormStatus, Stage, TaskKind
from tests.api.callers import Callers
from tests.api.conftest import problem_of
from tests.care.rows import NOW, Rows

Headers = dict[str, str]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def changed(api: httpx.AsyncClient, path: str, headers: Headers, since: Any, **more: Any) -> dict[str, Any]:
    asked = since if isinstance(since, str) else since.isoformat()
    answer = await api.get(path, headers=headers, params={"updated_since": asked, **more})
    assert answer.status_code == 200, answer.text
    view: dict[str, Any] = answer.json()
    return view


def ids(view: dict[str, Any]) -> list[str]:
    return [item["id"] for item in view["items"]]


async def test_what_has_changed_in_the_order_of_its_change(api: httpx.AsyncClient, people: Callers, rows: Rows) -> None:
    desk = people.headers["desk"]
    days = [NOW + timedelta(days=day) for day in (1, 2, 3)]
    first, second, third = [await rows.appointment(people.sara, people.ana, starts_at=day) for day in days]
    everything = await changed(api, "/v1/appointments", desk, LONG_AGO)
    assert ids(everything) == [str(one.id) for one in (first, second, third)]
    as_of = everything["as_of"]
    assert ids(await changed(api, "/v1/appointments", desk, as_of)) == []
    await rows.payment(second)  # an appointment is answered with its payment
    await rows.change(first, status=AppointmentStatus.CANCELLED, cancelled_at=NOW)
    again = await changed(api, "/v1/appointments", desk, as_of)
    assert ids(again) == [str(second.id), str(first.id)]
    assert ids(await changed(api, "/v1/appointments", desk, as_of, status="cancelled")) == [str(first.id)]
    assert (await changed(api, "/v1/appointments", desk, again["as_of"]))["items"] == []


async def test_pages_go_on_behind_each_other(api: httpx.AsyncClient, people: Callers, rows: Rows) -> None:
    made = [
        str((await rows.appointment(people.sara, people.ana, starts_at=NOW + timedelta(days=day))).id)
        for day in range(1, 6)
    ]
    found: list[str] = []
    more: dict[str, Any] = {"limit": 2}
    while True:
        page = await changed(api, "/v1/appointments", people.headers["desk"], LONG_AGO, **more)
        found += ids(page)
        if page["next_cursor"] is None:
            break
        more["cursor"] = page["next_cursor"]
    assert found == made


async def test_who_commits_late_is_not_missed(
    api: httpx.AsyncClient, people: Callers, rows: Rows, sessions: Sessions
) -> None:
    """One begins first and ends last; between, another is told, and the time for the next poll waits for the first."""
    desk = people.headers["desk"]
    slow = await rows.appointment(people.sara, people.ana, starts_at=NOW + timedelta(days=1))
    quick = await rows.appointment(people.tom, people.ben, starts_at=NOW + timedelta(days=1))
    as_of = (await changed(api, "/v1/appointments", desk, LONG_AGO))["as_of"]
    async with sessions() as session:
        row = await session.get_one(Appointment, slow.id)
        row.sequence += 1
        await session.flush()
        await rows.change(quick, sequence=1)
        poll = await changed(api, "/v1/appointments", desk, as_of)
        assert ids(poll) == [str(quick.id)]
        await session.commit()
    after = await changed(api, "/v1/appointments", desk, poll["as_of"])
    assert str(slow.id) in ids(after)
    assert set(ids(after)) <= {str(slow.id), str(quick.id)}  # told twice is no harm
    assert (await changed(api, "/v1/appointments", desk, after["as_of"]))["items"] == []


async def test_clients_and_tasks(api: httpx.AsyncClient, people: Callers, rows: Rows) -> None:
    desk = people.headers["desk"]
    assert set(ids(await changed(api, "/v1/clients", desk, LONG_AGO))) == {str(people.sara.id), str(people.tom.id)}
    as_of = (await changed(api, "/v1/clients", desk, LONG_AGO))["as_of"]
    await rows.change(people.tom, first_name="Thomas")
    assert ids(await changed(api, "/v1/clients", desk, as_of)) == [str(people.tom.id)]
    assert ids(await changed(api, "/v1/clients", people.headers["ana"], as_of)) == []
    await rows.appointment(people.sara, people.ana)
    assert ids(await changed(api, "/v1/clients", desk, as_of)) == [str(people.tom.id), str(people.sara.id)]

    task = Task(id=people.sara.id, key="k", client_id=people.sara.id, kind=TaskKind.NO_FIRST_SESSION, text="x",
                opened_at=NOW)  # fmt: skip
    await rows.add(task)
    [told] = (await changed(api, "/v1/tasks", desk, as_of))["items"]
    assert told["id"] == str(task.id)
    since = (await changed(api, "/v1/tasks", desk, as_of))["as_of"]
    await rows.change(task, resolved_at=NOW, resolved_by="care_team:desk")
    assert ids(await changed(api, "/v1/tasks", desk, since)) == []  # the open ones, unless asked
    assert ids(await changed(api, "/v1/tasks", desk, since, resolved="true")) == [str(task.id)]


@pytest.mark.parametrize("who", ["sara", "via-sara", "sara-pass"])
async def test_the_client_side_learns_nothing_of_an_archive(
    api: httpx.AsyncClient, people: Callers, rows: Rows, who: str
) -> None:
    headers, path = people.headers[who], "/v1/appointments" if who == "sara-pass" else "/v1/clients"
    form = FormRequest(
        id=uuid4(), client_id=people.sara.id, kind="informed_consent", version=1, requested_at=NOW, requested_by="x"
    )
    await rows.add(form)
    as_of = (await changed(api, path, headers, LONG_AGO))["as_of"]
    await rows.change(people.sara, status=ClientStatus.ARCHIVED, stage=Stage.ARCHIVED, archived_at=NOW)
    await rows.change(form, status=FormStatus.SUSPENDED)
    assert (await changed(api, path, headers, as_of))["items"] == []
    assert ids(await changed(api, "/v1/clients", people.headers["desk"], as_of)) == [str(people.sara.id)]


async def test_what_does_not_go_together_is_refused(api: httpx.AsyncClient, people: Callers) -> None:
    desk = people.headers["desk"]
    for path in (
        "/v1/clients?sort=name&updated_since=2026-01-01T00:00:00Z",
        "/v1/appointments?newest_first=true&updated_since=2026-01-01T00:00:00Z",
        "/v1/appointments?updated_since=yesterday",
        "/v1/tasks?updated_since=2026-01-01T00:00:00",  # without an offset
    ):
        assert problem_of(await api.get(path, headers=desk)) == "validation-failed", path
