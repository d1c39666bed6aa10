"""Post-session notes over the API: who writes one and when, who reads it, and sharing it."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from models.database import Sessions
from models.tables import Appointment, Client
from models.writes.locks import lock_client
from rules.enums import AppointmentStatus, ClientStatus
from tests.api.callers import Callers
from tests.api.care.test_documents import change, facts
from tests.api.conftest import StandingClock, fields_of, problem_of
from tests.care.rows import NOW, Rows

TEXT = "We spoke of <b>sleep</b>.\nNext week: the diary."


class Notes:
    """The calls on notes."""

    def __init__(self, api: httpx.AsyncClient, people: Callers) -> None:
        self.api, self.people = api, people

    async def write(self, appointment: Appointment, *, by: str = "ana", key: str = "", **body: Any) -> httpx.Response:
        headers = self.people.by(by) | ({"Idempotency-Key": key} if key else {})
        path = f"/v1/appointments/{appointment.id}/note"
        return await self.api.post(path, json={"text": TEXT, "shared": False, **body}, headers=headers)

    async def patch(self, note: str, *, by: str = "ana", **body: Any) -> httpx.Response:
        return await self.api.patch(f"/v1/notes/{note}", json=body, headers=self.people.by(by))

    async def of(self, client: Client, *, by: str) -> httpx.Response:
        return await self.api.get(f"/v1/clients/{client.id}/notes", headers=self.people.by(by))

    async def ids_of(self, client: Client, *, by: str) -> list[str]:
        answer = await self.of(client, by=by)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    async def status_of(self, appointment: Appointment, *, by: str) -> int:
        path = f"/v1/appointments/{appointment.id}/note"
        return (await self.api.get(path, headers=self.people.by(by))).status_code


@pytest.fixture
def notes(api: httpx.AsyncClient, people: Callers) -> Notes:
    return Notes(api, people)


@pytest.fixture
async def session(rows: Rows, people: Callers) -> Appointment:
    """Sara's session with ana, begun this minute."""
    return await rows.appointment(people.sara, people.ana, starts_at=NOW)


async def test_a_note_is_its_therapists_alone_until_it_is_shared(
    people: Callers, notes: Notes, session: Appointment, sessions: Sessions, clock: StandingClock
) -> None:
    answer = await notes.write(session)
    assert answer.status_code == 201, answer.text
    note = answer.json()
    assert (note["text"], note["shared"], note["therapist"]) == (TEXT, False, "ana")
    assert note["appointment_id"] == str(session.id)

    async def readers() -> dict[str, list[str]]:
        found = {}
        for who in ("ana", "sara", "site"):
            found[who] = await notes.ids_of(people.sara, by=who)
            assert await notes.status_of(session, by=who) == (200 if found[who] else 404)
        for who in ("desk", "admin"):  # who would have to open it
            assert (await notes.of(people.sara, by=who)).status_code == 403
            assert await notes.status_of(session, by=who) == 403
        for who in ("ben", "tom"):
            assert (await notes.of(people.sara, by=who)).status_code == 404
            assert await notes.status_of(session, by=who) == 404
        return found

    nobody_else = {"ana": [note["id"]], "sara": [], "site": []}
    assert await readers() == nobody_else
    assert await facts(sessions, people.sara) == []

    clock.advance(hours=1)
    shared = (await notes.patch(note["id"], shared=True)).json()
    assert (shared["shared"], shared["changed_at"]) == (True, None)
    assert shared["shared_at"] == clock.time.isoformat().replace("+00:00", "Z")
    assert await readers() == {who: [note["id"]] for who in nobody_else}
    [read] = (await notes.of(people.sara, by="sara")).json()["items"]
    assert read["text"] == TEXT
    assert "shared" not in read
    assert (await notes.patch(note["id"], shared=True)).json() == shared
    changed = (await notes.patch(note["id"], text="Better.", shared=False)).json()
    assert (changed["text"], changed["shared"], changed["shared_at"]) == ("Better.", False, None)
    assert await readers() == nobody_else
    known = await facts(sessions, people.sara)
    assert [fact.kind for fact in known] == ["note_shared", "note_unshared"]
    for fact in known:
        assert fact.data == {"note_id": note["id"], "appointment_id": str(session.id)}
        assert "sleep" not in fact.text


async def test_one_note_for_each_appointment(
    people: Callers, notes: Notes, session: Appointment, rows: Rows, clock: StandingClock
) -> None:
    first = await notes.write(session, key="k")
    again = await notes.write(session, key="k")
    same = await notes.write(session)
    assert first.json() == again.json() == same.json()
    other = await notes.write(session, text="Something else")
    assert fields_of(other) == ["text"]
    assert other.json()["note_id"] == first.json()["id"]
    assert first.json()["id"] in other.json()["detail"]
    assert "PATCH" in other.json()["detail"]
    clock.advance(days=1)
    later = await rows.appointment(people.sara, people.ana, starts_at=clock.time, status=AppointmentStatus.NO_SHOW)
    missed = await notes.write(later, shared=True)
    assert await notes.ids_of(people.sara, by="ana") == [missed.json()["id"], first.json()["id"]]
    assert await notes.ids_of(people.sara, by="site") == [missed.json()["id"]]


async def test_when_and_by_whom_a_note_is_written(
    people: Callers, notes: Notes, session: Appointment, rows: Rows
) -> None:
    for who, status in (("desk", 403), ("admin", 403), ("sara", 403), ("site", 403), ("ben", 404)):
        assert (await notes.write(session, by=who)).status_code == status
    ahead = await rows.appointment(people.sara, people.ana, starts_at=NOW + timedelta(seconds=1, days=1))
    assert problem_of(await notes.write(ahead)) == "appointment-not-started"
    for how in (AppointmentStatus.CANCELLED, AppointmentStatus.LATE_CANCELLED):
        off = await rows.appointment(people.sara, people.ana, starts_at=NOW - timedelta(days=1), status=how)
        assert problem_of(await notes.write(off)) == "appointment-not-open"
    for wrong in ({"text": ""}, {"text": "  "}, {"text": "x" * 20_001}, {"text": "a\0b"}, {"text": 1}, {"text": None}):
        assert fields_of(await notes.write(session, **wrong)) == ["text"]
    assert fields_of(await notes.write(session, shared="yes")) == ["shared"]
    assert await notes.ids_of(people.sara, by="ana") == []

    note = (await notes.write(session, shared=True)).json()["id"]
    for who, status in (("desk", 403), ("admin", 403), ("sara", 403), ("site", 403), ("ben", 404)):
        assert (await notes.patch(note, by=who, shared=False)).status_code == status
    assert fields_of(await notes.patch(note, text="")) == ["text"]
    assert (await notes.patch(str(uuid4()), shared=False)).status_code == 404
    assert await notes.ids_of(people.sara, by="sara") == [note]


async def test_a_former_therapist_keeps_the_notes_of_their_own_appointments(
    people: Callers, notes: Notes, session: Appointment, rows: Rows
) -> None:
    private = (await notes.write(session)).json()["id"]
    earlier = await rows.appointment(people.sara, people.ana, starts_at=NOW - timedelta(days=7))
    open_note = (await notes.write(earlier, shared=True)).json()["id"]
    await change(rows, people.sara, therapist_id=people.ben.id)
    # The next therapist reads what the client reads, and changes nothing of it.
    assert await notes.ids_of(people.sara, by="ben") == [open_note]
    assert await notes.status_of(session, by="ben") == 403
    assert problem_of(await notes.patch(open_note, by="ben", shared=False)) == "not-allowed"
    assert problem_of(await notes.write(session, by="ben")) == "not-allowed"
    # The former one has the note with the appointment, not the client.
    assert (await notes.of(people.sara, by="ana")).status_code == 404
    assert await notes.status_of(session, by="ana") == 200
    assert (await notes.patch(private, text="As I said.")).json()["text"] == "As I said."
    assert problem_of(await notes.patch(private, shared=True)) == "not-allowed"
    assert (await notes.patch(open_note, shared=False)).json()["shared"] is False
    # A new one of an old appointment is theirs to write, and not to share.
    oldest = await rows.appointment(people.sara, people.ana, starts_at=NOW - timedelta(days=14))
    assert problem_of(await notes.write(oldest, shared=True)) == "not-allowed"
    assert await notes.status_of(oldest, by="ana") == 404
    assert (await notes.write(oldest)).status_code == 201
    assert await notes.ids_of(people.sara, by="sara") == []


async def test_what_is_joined_or_cancelled_meanwhile_is_seen_by_the_note(
    people: Callers, notes: Notes, session: Appointment, rows: Rows
) -> None:
    later = await rows.appointment(people.sara, people.ana, starts_at=NOW - timedelta(days=1))
    record = await rows.client(people.ana)
    async with rows.sessions() as other:
        sara = await lock_client(other, people.sara.id)
        sara.closed_at, sara.joined_into = NOW, record.id
        (await other.get_one(Appointment, session.id)).client_id = record.id
        (await other.get_one(Appointment, later.id)).status = AppointmentStatus.CANCELLED
        await other.flush()
        writing = [asyncio.create_task(notes.write(each, shared=True)) for each in (session, later)]
        assert not (await asyncio.wait(writing, timeout=0.3))[0]
        await other.commit()
    written, refused = await asyncio.gather(*writing)
    assert written.json()["client_id"] == str(record.id)
    assert problem_of(refused) == "appointment-not-open"
    assert await notes.ids_of(record, by="site") == [written.json()["id"]]


async def test_s40_s52_no_note_is_newly_shared_with_an_archived_client(
    people: Callers, notes: Notes, session: Appointment, rows: Rows
) -> None:
    earlier = await rows.appointment(people.sara, people.ana, starts_at=NOW - timedelta(days=7))
    before = (await notes.write(earlier, shared=True)).json()["id"]
    await change(rows, people.sara, status=ClientStatus.ARCHIVED)
    assert problem_of(await notes.write(session, shared=True)) == "client-archived"
    assert await notes.status_of(session, by="ana") == 404  # nothing of it was written
    private = (await notes.write(session)).json()["id"]
    assert problem_of(await notes.patch(private, text="Other", shared=True)) == "client-archived"
    [kept] = [n for n in (await notes.of(people.sara, by="ana")).json()["items"] if n["id"] == private]
    assert kept["text"] == TEXT
    assert await notes.ids_of(people.sara, by="sara") == [before]
    assert (await notes.patch(before, shared=False)).status_code == 200
    assert await notes.ids_of(people.sara, by="sara") == []


async def test_documents_switched_off_close_the_notes_too(
    people: Callers, notes: Notes, session: Appointment, rows: Rows
) -> None:
    await notes.write(session, shared=True)
    await change(rows, people.sara, portal_settings={**people.sara.portal_settings, "documents": False})
    for who in ("sara", "site"):
        assert problem_of(await notes.of(people.sara, by=who)) == "not-allowed"
        assert await notes.status_of(session, by=who) == 403
    assert len(await notes.ids_of(people.sara, by="ana")) == 1
