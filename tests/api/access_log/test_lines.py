"""Who looked at what: which lines there are, what they say, and what they do not."""

import asyncio
import base64
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from api.problems import refuse
from models.database import Sessions
from models.tables import AccessRepeat, Document, DocumentContent, DocumentShare
from models.writes.accounts.access_chain import chain_accesses
from models.writes.accounts.accesses import write_accesses
from rules.accounts.accesses import Access, AccessEvent, AccessKind
from rules.accounts.openings import OpeningKind
from rules.enums import Role
from rules.refusals import Problem
from tests.api.access_log.log import lines, seen
from tests.api.accounts.test_password_resets import OLD, member
from tests.api.callers import Callers
from tests.api.conftest import DESK, OFFICE, ROOT, SITE, StandingClock, problem_of
from tests.care.owner import Owner
from tests.care.rows import NOW, Rows
from tests.statements import statements


async def read(api: httpx.AsyncClient, path: str, by: dict[str, str], status: int = 200, **headers: str) -> Any:
    answer = await api.get(path, headers=by | headers)
    assert answer.status_code == status, answer.text
    return answer


async def log_of(api: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    return list((await api.get("/v1/accesses", params=query, headers=ROOT)).json()["items"])


async def looked_at(api: httpx.AsyncClient, people: Callers, who: str = "sara") -> list[dict[str, Any]]:
    """What a client is shown."""
    client = people.sara if who == "sara" else people.tom
    return list((await read(api, f"/v1/clients/{client.id}/accesses", people.by(who))).json()["items"])


# ---------------------------------------------------------------- which lines there are


async def test_a_read_says_who_under_which_role_from_where_and_whose(
    api: httpx.AsyncClient, people: Callers, rows: Rows
) -> None:
    maria = await rows.staff("maria-root", Role.CARE_TEAM, Role.ADMIN)
    by = await rows.session_of(maria)
    answer = await read(api, f"/v1/clients/{people.sara.id}/forms", by)
    [line] = await log_of(api, client=str(people.sara.id))
    assert line.pop("visitor")
    assert line == {
        "id": line["id"], "at": f"{NOW:%Y-%m-%dT%H:%M:%SZ}", "event": "read", "who": "maria-root",
        "name": "Maria-Root", "role": "care_team", "about": None, "token_by": None, "kind": "forms",
        "whose": [str(people.sara.id)], "count": 1,
        "network": "127.0.0.0/24", "request_id": answer.headers["Request-Id"], "signed": True,
    }  # fmt: skip


async def test_a_list_is_one_line_with_the_ids_that_it_shows(
    api: httpx.AsyncClient, people: Callers, sessions: Sessions
) -> None:
    await read(api, "/v1/clients", DESK)
    [line] = await lines(sessions, AccessEvent.READ)
    assert set(line.whose) == {people.sara.id, people.tom.id}
    await read(api, "/v1/clients?q=nobody", DESK)
    await read(api, "/v1/clients?limit=1", DESK)
    assert await seen(sessions) == [("read", "desk", "care_team", "record", n) for n in (2, 1)]


async def test_what_is_refused_shows_nothing(api: httpx.AsyncClient, people: Callers, sessions: Sessions) -> None:
    await read(api, f"/v1/clients/{people.sara.id}", people.by("ben"), status=404)
    await read(api, f"/v1/clients/{people.sara.id}/timeline", people.by("sara"), status=403)
    assert await seen(sessions) == []


async def test_a_change_that_changes_nothing_is_a_read(
    api: httpx.AsyncClient, people: Callers, sessions: Sessions, engine: Any
) -> None:
    """Whoever is answered the record has seen it, whatever the method."""
    engine.answers_to["change_details"] = None
    answer = await api.patch(f"/v1/clients/{people.sara.id}", json={}, headers=DESK)
    assert answer.status_code == 200, answer.text
    assert await seen(sessions) == [("read", "desk", "care_team", "record", 1)]


async def test_what_is_answered_once_more_is_a_read_once_more(
    api: httpx.AsyncClient, people: Callers, clock: StandingClock
) -> None:
    """By an answer that was kept for its Idempotency-Key."""
    asked = {"client_ids": [str(people.sara.id)], "dry_run": True}
    for replayed in (None, "true"):
        answer = await api.post("/v1/archives", json=asked, headers=DESK | {"Idempotency-Key": "the-same"})
        assert (answer.status_code, answer.headers.get("Idempotent-Replayed")) == (200, replayed)
        clock.advance(minutes=16)
    found = [line for line in await log_of(api, client=str(people.sara.id)) if line["event"] == "read"]
    assert [(line["who"], line["kind"], line["count"]) for line in found] == [("desk", "record", 1)] * 2


async def test_a_clients_own_reads_leave_no_line(api: httpx.AsyncClient, people: Callers, sessions: Sessions) -> None:
    for path in ("", "/forms", "/notes", "/payments", "/documents", "/accesses"):
        await read(api, f"/v1/clients/{people.sara.id}{path}", people.by("sara"))
    assert await seen(sessions) == []


async def test_a_person_of_several_roles_reads_in_one(api: httpx.AsyncClient, people: Callers, rows: Rows) -> None:
    """And is one person in all of them: the therapist who is the care team too."""
    both = await rows.session_of(await rows.staff("ana-s", Role.CARE_TEAM, Role.THERAPIST, therapist=people.ana))
    await read(api, f"/v1/clients/{people.sara.id}", both)
    await read(api, f"/v1/clients/{people.sara.id}", both | {"Acting-As": "therapist"})
    assert {(line["who"], line["role"]) for line in await log_of(api, who="ana-s")} == {
        ("ana-s", "care_team"),
        ("ana-s", "therapist"),
    }


# ---------------------------------------------------------------- one line for what is the same


async def test_the_same_within_a_quarter_of_an_hour_is_one_line_with_a_count(
    api: httpx.AsyncClient, people: Callers, clock: StandingClock
) -> None:
    path = f"/v1/clients/{people.sara.id}"
    for _ in range(3):
        await read(api, f"{path}/payments", DESK)
        clock.advance(minutes=4)
    await asyncio.gather(*(read(api, f"{path}/payments", DESK) for _ in range(5)))
    [line] = await log_of(api, client=str(people.sara.id))
    assert (line["kind"], line["count"]) == ("payments", 8)
    clock.advance(minutes=4)
    await read(api, f"{path}/payments", DESK)
    assert [line["count"] for line in await log_of(api, client=str(people.sara.id))] == [1, 8]


async def test_another_person_record_kind_or_place_is_another_line(
    api: httpx.AsyncClient, people: Callers, app: FastAPI
) -> None:
    sara, tom = f"/v1/clients/{people.sara.id}", f"/v1/clients/{people.tom.id}"
    paid, others = f"{sara}/payments", f"{tom}/payments"
    for path, by in ((paid, DESK), (paid, OFFICE), (others, DESK), (f"{sara}/forms", DESK)):
        await read(api, path, by)
    elsewhere = httpx.ASGITransport(app=app, client=("203.0.113.9", 1))
    async with httpx.AsyncClient(transport=elsewhere, base_url="http://api") as other:
        await read(other, paid, DESK)
    found = [line for line in await log_of(api) if line["event"] == "read"]
    assert [line["count"] for line in found] == [1] * 5
    assert {line["network"] for line in found} == {"127.0.0.0/24", "203.0.113.0/24"}


# ---------------------------------------------------------------- what it costs, and that nobody waits


@pytest.mark.parametrize("path", ["", "/notes", "/forms", "/payments", "/timeline", "/documents"])
async def test_a_read_costs_one_statement_more(
    api: httpx.AsyncClient, people: Callers, rows: Rows, database: AsyncEngine, path: str
) -> None:
    for what in (OpeningKind.SHARED_NOTES, OpeningKind.DOCUMENTS):
        await rows.opening(people.sara, what)
    await read(api, "/v1/clients", DESK)  # that the key was used is noted
    for _ in range(2):  # the first time, and once more
        with statements(database) as asked:
            await read(api, f"/v1/clients/{people.sara.id}{path}", DESK)
        assert [statement.split("(")[0].strip() for statement in asked].count("WITH given AS") == 1
        assert sum("access_" in statement for statement in asked) == 1


async def test_nobody_waits_for_another_ones_line_or_for_the_chain(
    api: httpx.AsyncClient, people: Callers, sessions: Sessions
) -> None:
    """While one is being written, and another is being chained, for as long as that takes."""
    written = Access(at=NOW, event=AccessEvent.READ, kind=AccessKind.RECORD, who="slow", whose=(str(people.sara.id),))
    async with sessions() as writing, sessions() as chaining:
        await write_accesses(writing, [written])
        await read(api, f"/v1/clients/{people.sara.id}", DESK)
        assert await chain_accesses(chaining, at=NOW) > 0
        async with asyncio.timeout(5):
            await asyncio.gather(*(read(api, f"/v1/clients/{people.sara.id}", by) for by in (DESK, OFFICE, SITE)))
            async with sessions() as other:
                assert await chain_accesses(other, at=NOW) == 0  # another server leaves it to the first


async def test_a_thousand_lines_by_twenty_callers_await_no_lock(sessions: Sessions, database: AsyncEngine) -> None:
    done, waits = False, 0

    async def reads(who: str) -> None:
        for number in range(50):
            line = Access(
                at=NOW + timedelta(seconds=number * 20), event=AccessEvent.READ, kind=AccessKind.RECORD, who=who,
                whose=("00000000-0000-4000-8000-000000000001",),
            )  # fmt: skip
            async with sessions() as session:
                await write_accesses(session, [line])
                await session.commit()

    async def looks() -> None:
        nonlocal waits
        asked = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype NOT IN ('extend')")
        while not done:
            async with database.connect() as connection:
                waits += (await connection.execute(asked)).scalar_one()
            await asyncio.sleep(0.01)

    looking = asyncio.create_task(looks())
    async with asyncio.timeout(60):
        await asyncio.gather(*(reads(f"caller-{number}") for number in range(20)))
    done = True
    await looking
    assert waits == 0
    async with sessions() as session:
        assert await chain_accesses(session, at=NOW) == 40  # at two quarters of an hour, of each caller
        await session.rollback()


async def test_what_cannot_be_written_down_is_not_answered(
    api: httpx.AsyncClient, people: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any) -> None:
        raise OperationalError("INSERT", {}, Exception("the disk is full"))

    monkeypatch.setattr("api.access_log.lines.write_accesses", fails)
    answer = await read(api, f"/v1/clients/{people.sara.id}", DESK, status=503)
    assert problem_of(answer) == "engine-unavailable"
    assert "Sara" not in answer.text
    await read(api, f"/v1/clients/{people.sara.id}", people.by("sara"))  # their own is theirs


# ---------------------------------------------------------------- exports, decoding, keys


async def test_files_and_feeds_are_exports(
    api: httpx.AsyncClient, people: Callers, rows: Rows, sessions: Sessions
) -> None:
    appointment = await rows.appointment(people.sara, people.ana)
    await rows.payment(appointment, due_at=NOW)
    document = Document(
        id=people.sara.id, title="Plan", filename="plan.txt", content_type="text/plain", size=4,
        sha256="0" * 64, uploaded_by="care_team:desk", uploaded_at=NOW,
    )  # fmt: skip
    await rows.add(document)
    share: Any = {"shared_by": "care_team:desk", "shared_at": NOW}
    await rows.add(
        DocumentContent(document_id=document.id, number=0, content=b"plan"),
        DocumentShare(id=people.tom.id, document_id=document.id, client_id=people.sara.id, **share),
    )
    await read(api, f"/v1/appointments/{appointment.id}/calendar.ics", DESK)
    await read(api, f"/v1/documents/{document.id}/content", DESK)
    await read(api, "/v1/payments", DESK, Accept="text/csv")
    await read(api, "/v1/payments/totals", DESK, Accept="text/csv")
    made = await api.post("/v1/therapists/ana/feed", headers=people.by("ana"))
    await read(api, made.json()["url"].removeprefix("http://api"), {})
    assert await seen(sessions) == [
        ("export", "desk", "care_team", "record", 1),
        ("export", "desk", "care_team", "documents", 1),
        ("export", "desk", "care_team", "payments", 1),
        ("export", "desk", "care_team", "payments", 0),
        ("export", "ana", "therapist", "record", 1),
    ]


async def test_a_token_that_is_not_good_hides_nobody_who_needs_none(
    api: httpx.AsyncClient, people: Callers, rows: Rows, sessions: Sessions
) -> None:
    """A feed's address is its key: whatever is sent beside it, it is read."""
    await rows.appointment(people.sara, people.ana)
    made = await api.post("/v1/therapists/ana/feed", headers=people.by("ana"))
    feed = made.json()["url"].removeprefix("http://api")
    for count, beside in enumerate(("Authorization", "On-Behalf-Of"), start=1):
        await read(api, feed, {beside: "Bearer nonsense"})
        [line] = await log_of(api, client=str(people.sara.id))
        assert (line["event"], line["who"], line["role"]) == ("export", "ana", "therapist")
        assert line["count"] == count


async def test_every_page_of_a_file_is_written_down(
    api: httpx.AsyncClient, people: Callers, rows: Rows, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.routes.money.ledger._ROWS_AT_A_TIME", 1)
    for number, client in enumerate((people.sara, people.tom)):
        appointment = await rows.appointment(client, people.ana, starts_at=NOW - timedelta(days=number + 1))
        await rows.payment(appointment, due_at=NOW - timedelta(days=number))
    await read(api, "/v1/payments", DESK, Accept="text/csv")
    found = await lines(sessions, AccessEvent.EXPORT)
    assert [line.whose for line in found] == [[people.tom.id], [people.sara.id]]


async def test_decoding_is_written_down_with_whose_it_was(
    api: httpx.AsyncClient, people: Callers, rows: Rows, sessions: Sessions
) -> None:
    ivo = await rows.session_of(await rows.staff("ivo", Role.CARE_TEAM))
    said = json.dumps({"order": [{"client_id": str(people.sara.id)}, {"client_id": "no id"}]}).encode()
    encoding = base64.b64encode(b"json/plain").decode()
    plain = {"payloads": [{"metadata": {"encoding": encoding}, "data": base64.b64encode(said).decode()}]}
    sealed = (await api.post("/codec/encode", json=plain, headers=ivo)).json()
    assert await seen(sessions) == []
    assert (await api.post("/codec/decode", json=sealed, headers=ivo)).json() == plain
    assert await seen(sessions) == [("decode", "ivo", "care_team", "record", 1)]
    assert [line["kind"] for line in await looked_at(api, people)] == ["record"]


async def test_a_key_that_is_used_is_written_down_once(
    api: httpx.AsyncClient, people: Callers, sessions: Sessions
) -> None:
    """With the line of what it read, or alone; also where it is refused."""
    for _ in range(3):
        await read(api, "/v1/therapists", SITE)
        await read(api, "/v1/tasks", people.by("ana"), status=403)
    used = await lines(sessions, AccessEvent.KEY_USE)
    assert {(line.who, line.role) for line in used} >= {("site", "booking_site"), ("ana", "therapist")}
    assert len(used) == len({line.who for line in used})
    [line] = await log_of(api, who="site")
    assert (line["event"], line["count"], line["kind"], line["whose"]) == ("key_use", None, None, [])


async def test_signing_in_and_failing_to(api: httpx.AsyncClient, rows: Rows, sessions: Sessions) -> None:
    """An address stands nowhere in clear; who knows it, and may see the log, finds what failed at it."""
    email = "sara@mail.example"
    sara, account = await member(rows, email)
    await rows.staff("maria", Role.CARE_TEAM, password=OLD)

    async def signs_in(email: str, password: str, side: str = "client") -> int:
        body = {"email": email, "password": password, "side": side}
        return (await api.post("/v1/sessions", json=body)).status_code

    assert await signs_in(email, OLD) == 201
    assert await signs_in("maria@practice.example", OLD, "staff") == 201
    assert [await signs_in(f" {email.upper()}", "wrong one") for _ in range(3)] == [401] * 3
    assert await signs_in("nobody@practice.example", "wrong one", "staff") == 401
    ins = await lines(sessions, AccessEvent.SIGN_IN)
    assert [(line.who, line.role, line.network, line.kind, line.whose) for line in ins] == [
        (str(sara.id), "client", "127.0.0.0/24", None, []),
        ("maria", "care_team", "127.0.0.0/24", None, []),
    ]
    [failed] = await log_of(api, who=email)
    assert (failed["event"], failed["count"]) == ("failed_sign_in", 3)
    assert [line["event"] for line in await log_of(api, who="nobody@practice.example")] == ["failed_sign_in"]
    told = "".join(map(str, await lines(sessions))).lower()
    assert not [word for word in ("sara@", "nobody@", "wrong", OLD) if word in told]
    shown = await api.get(f"/v1/clients/{sara.id}/accesses", headers=await rows.session_of(account))
    assert shown.json()["items"] == []  # it was nobody's data


# ---------------------------------------------------------------- what is shown of it


async def test_a_client_is_shown_who_looked(api: httpx.AsyncClient, people: Callers, rows: Rows) -> None:
    maria = await rows.session_of(await rows.staff("maria", Role.CARE_TEAM))
    await read(api, f"/v1/clients/{people.sara.id}/forms", maria)
    await read(api, f"/v1/clients/{people.sara.id}/notes", people.by("ana"))
    await read(api, "/v1/clients", DESK)
    at = f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
    expected = [
        {"at": at, "name": "Maria", "role": "care_team", "kind": "forms"},
        {"at": at, "name": people.ana.name, "role": "therapist", "kind": "notes"},
        {"at": at, "name": "desk", "role": "care_team", "kind": "record"},
    ]
    found = await looked_at(api, people)
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert [line["kind"] for line in await looked_at(api, people, "tom")] == ["record"]


async def test_s37_the_client_is_shown_nothing_that_an_archive_caused(
    api: httpx.AsyncClient, people: Callers, rows: Rows, sessions: Sessions
) -> None:
    sara = f"/v1/clients/{people.sara.id}"
    await read(api, f"{sara}/archive", DESK)
    dry = {"client_ids": [str(people.sara.id)], "dry_run": True}
    assert (await api.post("/v1/archives", json=dry, headers=DESK)).status_code == 200
    await read(api, "/v1/clients?status=archived", DESK)
    assert await looked_at(api, people) == []
    assert len(await log_of(api, client=str(people.sara.id))) == 1  # the admin is shown it
    await read(api, sara, DESK)  # within the same quarter of an hour: neither hides the other
    [line] = await looked_at(api, people)
    assert (line["kind"], "archiv" in str(line).lower()) == ("record", False)
    await read(api, f"{sara}/archive", DESK)
    assert await looked_at(api, people) == [line]


async def test_the_list_of_the_archived_is_not_shown_either(
    api: httpx.AsyncClient, people: Callers, rows: Rows, owner: Owner, sessions: Sessions
) -> None:
    await owner.writes("UPDATE client SET status = 'archived', stage = 'archived' WHERE id = :id", id=people.sara.id)
    await read(api, "/v1/clients?status=archived", DESK)
    await read(api, "/v1/clients?stage=archived", DESK)
    assert len(await lines(sessions, AccessEvent.READ)) == 1
    assert await looked_at(api, people) == []


async def test_a_line_that_was_made_up_is_not_shown_to_the_client(
    api: httpx.AsyncClient, people: Callers, owner: Owner
) -> None:
    await read(api, f"/v1/clients/{people.sara.id}", DESK)
    await owner.writes("UPDATE access_line SET who = 'her-husband'")
    assert await looked_at(api, people) == []
    assert {line["signed"] for line in await log_of(api)} == {False}


async def test_the_log_has_pages_and_filters(
    api: httpx.AsyncClient, people: Callers, clock: StandingClock, sessions: Sessions
) -> None:
    for number in range(5):
        await read(api, f"/v1/clients/{people.sara.id}", DESK)
        await read(api, f"/v1/clients/{people.tom.id}", DESK)
        clock.advance(days=1)
        if number == 2:
            async with sessions() as session:
                assert await chain_accesses(session, at=clock.time) > 0
                await session.commit()
    found, cursor = [], None
    while True:
        page = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        answer = await api.get("/v1/accesses", params={"client": str(people.sara.id), **page}, headers=ROOT)
        found += answer.json()["items"]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            break
    assert [line["at"][:10] for line in found] == [f"{NOW + timedelta(days=n):%Y-%m-%d}" for n in (4, 3, 2, 1, 0)]
    day = f"{NOW + timedelta(days=1):%Y-%m-%d}"
    assert len(await log_of(api, **{"from": day, "to": day, "who": "desk"})) == 2
    assert await log_of(api, who="maria") == []
    for wrong in ({"from": "soon"}, {"client": "x"}, {"kind": "notes"}):
        assert (await api.get("/v1/accesses", params=wrong, headers=ROOT)).status_code == 422


def test_a_repeat_says_no_more_than_that_it_was() -> None:
    assert AccessRepeat.model_fields.keys() == {"line", "number", "at"}


async def test_a_refusal_that_tells_staff_whose_an_address_is_is_a_read(
    api: httpx.AsyncClient, people: Callers, sessions: Sessions, engine: Any
) -> None:
    told = {"client_id": str(people.tom.id), "ref": people.tom.ref}
    in_use = refuse(Problem.EMAIL_IN_USE, "Email in use.", **told)
    engine.answers_to["change_details"] = in_use
    answer = await api.patch(f"/v1/clients/{people.sara.id}", json={"email": "tom@mail.example"}, headers=DESK)
    assert problem_of(answer) == "email-in-use"
    [line] = await lines(sessions, AccessEvent.READ)
    assert line.whose == [people.tom.id]
    engine.answers_to["change_details"] = refuse(Problem.EMAIL_IN_USE, "Email in use.")
    assert (await api.patch(f"/v1/clients/{people.tom.id}", json={"email": "x@mail.example"}, headers=SITE)).is_error
    assert len(await lines(sessions, AccessEvent.READ)) == 1


async def test_nobody_is_told_of_a_blast_that_left_them_out(
    api: httpx.AsyncClient, people: Callers, owner: Owner, sessions: Sessions, engine: Any
) -> None:
    """S37: it left them out because of the archive."""
    await owner.writes("UPDATE client SET status = 'archived', stage = 'archived' WHERE id = :id", id=people.sara.id)
    body = {"text": "Hello", "client_ids": [str(people.sara.id)]}
    answer = await api.post("/v1/blasts", json=body, headers=people.by("ana"))
    assert answer.json()["left_out"], answer.text
    assert await looked_at(api, people) == []
