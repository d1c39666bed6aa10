"""``ETag`` and ``If-None-Match``: what a look costs that finds nothing new, whose a mark is, and when it ends."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from models.database import Sessions
from models.tables import Appointment, Epoch, RowChange
from rules.changes import ChangedKind
from rules.enums import ClientStatus, Stage
from tests.api.access_log.log import seen
from tests.api.callers import Callers
from tests.api.conftest import ROOT, StandingClock
from tests.care.rows import NOW, Rows
from tests.statements import statements

Headers = dict[str, str]


@pytest.fixture(autouse=True)
async def booked(people: Callers, rows: Rows) -> Appointment:
    """Of Sara, with her pass."""
    return await rows.appointment(people.sara, people.ana, booked_by=f"client:{people.sara.id} by pass")


async def look(api: httpx.AsyncClient, path: str, headers: Headers, tag: str | None = None) -> httpx.Response:
    return await api.get(path, headers={**headers, **({"If-None-Match": tag} if tag else {})})


async def marked(api: httpx.AsyncClient, path: str, headers: Headers) -> str:
    answer = await look(api, path, headers)
    assert answer.status_code == 200, answer.text
    return str(answer.headers["etag"])


# ---------------------------------------------------------------- what it costs


@pytest.mark.parametrize(
    ("who", "written"),
    [
        ("sara", 0),  # a client looks at their own: nothing is written
        ("via-sara", 0),  # the same through the booking site, whose key stands in the settings
        ("sara-pass", 0),
        ("ana", 1),  # a look by anybody else is a line of the access log
        ("desk", 1),
        ("maria", 1),
    ],
)
async def test_a_look_that_finds_nothing_new_is_one_statement(
    api: httpx.AsyncClient, people: Callers, database: AsyncEngine, who: str, written: int
) -> None:
    """And the line of the access log, where the same look would have one."""
    people.headers["maria"] = {"Authorization": people.headers["via-maria"]["On-Behalf-Of"]}
    headers = people.headers[who]
    listed = await look(api, "/v1/appointments", headers)
    one = listed.json()["items"][0]["id"]
    for path in (f"/v1/clients/{people.sara.id}", "/v1/appointments", f"/v1/appointments/{one}"):
        tag = await marked(api, path, headers)
        assert tag.startswith('W/"v')
        await look(api, path, headers)  # that a key was used is written once in a while
        with statements(database) as told:
            answer = await look(api, path, headers, tag)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == tag
        assert [each.split()[0] for each in told] == ["SELECT"] + ["WITH"] * written, (path, told)


async def test_a_key_that_an_admin_made_is_a_second_statement_beside_a_persons_token(
    api: httpx.AsyncClient, people: Callers, database: AsyncEngine
) -> None:
    made = await api.post("/v1/keys", json={"name": "second-site", "role": "booking_site"}, headers=ROOT)
    key = {"Authorization": f"Bearer {made.json()['key']}"}
    headers = key | {"On-Behalf-Of": people.headers["sara"]["Authorization"]}
    path = f"/v1/clients/{people.sara.id}"
    tag = await marked(api, path, headers)
    with statements(database) as told:
        assert (await look(api, path, headers, tag)).status_code == 304
    assert len(told) == 2
    public = await marked(api, "/v1/therapists", key)
    with statements(database) as told:
        assert (await look(api, "/v1/therapists", key, public)).status_code == 304
    assert len(told) == 1


async def test_a_look_is_written_down_as_the_answer_would_be(
    api: httpx.AsyncClient, people: Callers, sessions: Sessions
) -> None:
    headers = people.headers["desk"]
    for path in (f"/v1/clients/{people.sara.id}", "/v1/clients", "/v1/payments", "/v1/tasks"):
        answer = await look(api, path, headers)
        first = await seen(sessions)
        again = await look(api, path, headers, answer.headers["etag"])
        assert again.status_code == 304, path
        lines = await seen(sessions)
        assert lines[len(first) :] == first[len(first) - (len(lines) - len(first)) :], path


# ---------------------------------------------------------------- whose it is


async def test_a_mark_is_its_callers_and_its_places_alone(api: httpx.AsyncClient, people: Callers) -> None:
    path = f"/v1/clients/{people.sara.id}"
    tag = await marked(api, path, people.headers["sara"])
    assert (await look(api, path, people.headers["sara"], tag)).status_code == 304
    assert (await look(api, path, people.headers["desk"], tag)).status_code == 200
    assert (await look(api, path, people.headers["ana"], tag)).status_code == 200
    assert (await look(api, path, people.headers["tom"], tag)).status_code == 404
    assert (await look(api, path, {}, tag)).status_code == 401
    assert (await look(api, "/v1/clients", people.headers["sara"], tag)).status_code == 200
    assert (await look(api, f"/v1/clients/{people.tom.id}", people.headers["sara"], tag)).status_code == 404
    appointments = await marked(api, "/v1/appointments", people.headers["sara"])
    assert (await look(api, "/v1/appointments?limit=5", people.headers["sara"], appointments)).status_code == 200
    assert str(people.sara.id) not in tag


async def test_a_mark_lets_nobody_in(api: httpx.AsyncClient, people: Callers, rows: Rows, clock: StandingClock) -> None:
    """Neither with a token that has ended, nor where anybody may look, with one that is none."""
    path, headers = f"/v1/clients/{people.sara.id}", people.headers["sara"]
    tag, public = await marked(api, path, headers), await marked(api, "/v1/therapists", {})
    assert (await look(api, "/v1/therapists", {}, public)).status_code == 304
    assert (await look(api, "/v1/therapists", {"Authorization": "Bearer cj_nonsense"}, public)).status_code == 401
    clock.advance(hours=13)  # longer than a sign-in may lie idle
    assert (await look(api, path, headers, tag)).status_code == 401


@pytest.mark.parametrize("tag", ['W/"v"', 'W/"vAAAA"', '"v"', "W/", "nonsense", 'W/"vé"', 'W/"d"', "," * 50])
async def test_what_is_no_mark_of_ours_counts_for_nothing(api: httpx.AsyncClient, people: Callers, tag: str) -> None:
    headers = {name.encode(): value.encode() for name, value in people.headers["sara"].items()}
    answer = await api.get("/v1/appointments", headers={**headers, b"If-None-Match": tag.encode()})
    assert answer.status_code == 200


async def test_a_mark_that_was_changed_counts_for_nothing(api: httpx.AsyncClient, people: Callers) -> None:
    tag = await marked(api, "/v1/appointments", people.headers["sara"])
    for at in range(4, len(tag) - 1, 9):
        other = "A" if tag[at] != "A" else "B"
        changed = tag[:at] + other + tag[at + 1 :]
        assert (await look(api, "/v1/appointments", people.headers["sara"], changed)).status_code == 200
    for same in (f'"x", {tag}', f'{tag} , W/"y"', "*"):
        assert (await look(api, "/v1/appointments", people.headers["sara"], same)).status_code == 304


# ---------------------------------------------------------------- when it ends


async def test_what_changes_by_time_alone_ends_it(
    api: httpx.AsyncClient, people: Callers, rows: Rows, clock: StandingClock
) -> None:
    soon = await rows.appointment(people.sara, people.ana, starts_at=NOW + timedelta(hours=5))
    path, headers = f"/v1/clients/{people.sara.id}", people.headers["sara"]
    tag = await marked(api, path, headers)
    clock.time = soon.starts_at - timedelta(seconds=1)
    assert (await look(api, path, headers, tag)).status_code == 304
    clock.time = soon.starts_at
    answer = await look(api, path, headers, tag)
    assert answer.status_code == 200
    assert datetime.fromisoformat(answer.json()["next_appointment_at"]) > soon.starts_at


async def test_two_that_end_in_another_order_than_they_began(
    api: httpx.AsyncClient, people: Callers, rows: Rows, sessions: Sessions, booked: Appointment
) -> None:
    """A change that was begun before the look, and is committed after a later one: no number could tell."""
    path, headers = f"/v1/clients/{people.sara.id}", people.headers["sara"]
    async with sessions() as slow:
        mine = await slow.get_one(type(people.sara), people.sara.id)
        mine.phone = "+12125550199"
        await slow.flush()
        await rows.payment(booked)  # begun later, and over first
        tag = await marked(api, path, headers)
        assert (await look(api, path, headers, tag)).status_code == 304
        await slow.commit()
    answer = await look(api, path, headers, tag)
    assert (answer.status_code, answer.json()["phone"]) == (200, "+12125550199")


async def test_numbers_of_the_cluster_that_a_database_was_copied_from(
    api: httpx.AsyncClient, people: Callers, rows: Rows, database: AsyncEngine
) -> None:
    usual: Any = {"client_id": people.sara.id, "kind": ChangedKind.CLIENT, "item": people.sara.id, "shown": True}
    await rows.add(RowChange(xid=2**62, at=NOW, **usual))
    path, headers = f"/v1/clients/{people.sara.id}", people.headers["sara"]
    tag = await marked(api, path, headers)
    with statements(database) as told:
        assert (await look(api, path, headers, tag)).status_code == 304
    assert len(told) == 1
    await rows.change(people.sara, phone="+12125550198")
    assert (await look(api, path, headers, tag)).status_code == 200


async def test_another_life_of_the_database_ends_it(api: httpx.AsyncClient, people: Callers, rows: Rows) -> None:
    path, headers = "/v1/payments", people.headers["desk"]
    tag = await marked(api, path, headers)
    began = dict.fromkeys(("began_at", "missing_since", "told_at", "compared_at"), NOW)
    await rows.add(Epoch(number=2, epoch=uuid4(), place="here", **began))
    answer = await look(api, path, headers, tag)
    assert answer.status_code == 304  # the same answer
    assert answer.headers["etag"] != tag  # but it was made again


async def test_what_a_client_is_not_shown_leaves_their_answer_the_same(
    api: httpx.AsyncClient, people: Callers, rows: Rows
) -> None:
    """An archive changes rows, and nothing that its client sees: so does the answer to a look."""
    path = f"/v1/clients/{people.sara.id}"
    client, desk = people.headers["sara"], people.headers["desk"]
    tags = await marked(api, path, client), await marked(api, path, desk)
    await rows.change(people.sara, status=ClientStatus.ARCHIVED, stage=Stage.ARCHIVED, archived_at=NOW)
    assert (await look(api, path, client, tags[0])).status_code == 304
    assert (await look(api, path, desk, tags[1])).status_code == 200


async def test_anothers_change_leaves_a_record_alone(
    api: httpx.AsyncClient, people: Callers, rows: Rows, database: AsyncEngine
) -> None:
    path, headers = f"/v1/clients/{people.sara.id}", people.headers["sara"]
    tag = await marked(api, path, headers)
    await rows.change(people.tom, first_name="Thomas")
    with statements(database) as told:
        assert (await look(api, path, headers, tag)).status_code == 304
    assert len(told) == 1


async def test_what_has_no_version_has_a_digest(api: httpx.AsyncClient, people: Callers, rows: Rows) -> None:
    """It saves sending, and nothing else: the therapist's notes, which an opening shows for an hour."""
    path, headers = f"/v1/clients/{people.sara.id}/notes", people.headers["ana"]
    tag = await marked(api, path, headers)
    assert tag.startswith('W/"d')
    assert (await look(api, path, headers, tag)).status_code == 304
    assert (await look(api, path, people.headers["desk"], tag)).status_code == 403
