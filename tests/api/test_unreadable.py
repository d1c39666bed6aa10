"""What does not open, of all that is sealed: an entry says so in words, and whatever stands around it is shown."""

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import SQLModel, col, select

from models.sealed import UNREADABLE, Sealed
from models.sealing import found_unreadable
from models.tables import (
    Appointment,
    Approval,
    BulkArchiveRecord,
    ChatMessage,
    Client,
    Credit,
    FormAnswer,
    FormRequest,
    Goal,
    Payment,
    Refund,
    Task,
    TimeOffPeriod,
)
from models.tables.clients.match import FormMatch, Match
from models.writes.locks import lock_client
from models.writes.timeline import tell
from rules.enums import CreditSource, FormStatus, RefundStatus
from rules.timeline import FactKind
from tests.api.accounts.test_roles import CALLS, Walk, walk
from tests.care.owner import Owner
from tests.care.rows import NOW, Rows

__all__ = ["walk"]

OPENED_ALONE = (
    "document_content",
    "form_upload_content",
)  # what does not open is not downloaded, and nothing else is kept back by it
NO_CALL_READS = {"blast.text", "calendar_consent.verifier", "handed_in.said", "outside_calendar.channel"}
SAY_SO = {
    "GET /v1/appointments",
    "GET /v1/appointments/{appointment_id}",
    "GET /v1/appointments/{appointment_id}/note",
    "GET /v1/approvals",
    "GET /v1/archives",
    "GET /v1/archives/{archive_id}",
    "GET /v1/chats",
    "GET /v1/chats/{chat_id}",
    "GET /v1/chats/{chat_id}/messages",
    "GET /v1/clients",
    "GET /v1/clients/{client_id}",
    "GET /v1/clients/{client_id}/candidates",
    "GET /v1/clients/{client_id}/credits",
    "GET /v1/clients/{client_id}/documents",
    "GET /v1/clients/{client_id}/forms/{kind}",
    "GET /v1/clients/{client_id}/forms/{kind}/draft",
    "GET /v1/clients/{client_id}/match",
    "GET /v1/clients/{client_id}/goals",
    "GET /v1/clients/{client_id}/notes",
    "GET /v1/clients/{client_id}/openings",
    "GET /v1/clients/{client_id}/timeline",
    "GET /v1/documents",
    "GET /v1/documents/{document_id}",
    "GET /v1/payments/{payment_id}/refunds",
    "GET /v1/tasks",
    "GET /v1/tasks/{task_id}",
    "GET /v1/therapists/{slug}/availability",
    "GET /v1/therapists/{slug}/calendars",
    "GET /v1/webhooks",
    "GET /v1/webhooks/{webhook_id}",
}


async def _words_everywhere(walk: Walk, rows: Rows) -> None:
    """In the columns in which one of everything has none."""
    ids, sara, ana = walk.world.ids, walk.people.sara, walk.people.ana
    payment, request = UUID(ids["payment_id"]), await _form_and_match(rows, sara)
    by = f"therapist:{ana.slug}"
    money: Any = {"currency": "USD", "reason": "a fault of ours"}
    asked: Any = {"asked_by": by, "asked_at": NOW, "status": RefundStatus.SUCCEEDED}
    given: Any = {"given_by": by, "given_at": NOW, "source": CreditSource.GRANTED}
    await rows.add(
        TimeOffPeriod(id=uuid4(), therapist_id=ana.id, starts_at=NOW, ends_at=NOW + timedelta(days=1), reason="ill"),
        Refund(id=uuid4(), payment_id=payment, client_id=sara.id, card_amount=1, credit_amount=0, **asked, **money),
        Credit(id=uuid4(), client_id=sara.id, amount=1, remaining=1, **given, **money),
        FormAnswer(
            id=uuid4(), request_id=request, answers={"why": "x"}, signature="Sara", answered_by=by, answered_at=NOW
        ),
        Goal(id=uuid4(), client_id=sara.id, text="Sleep", made_by=by, made_at=NOW),
    )
    for chat in walk.world.chats.values():
        message: Any = {"chat_id": UUID(chat), "author": by, "written_at": NOW}
        await rows.add(*(ChatMessage(id=uuid4(), seq=seq, text=f"number {seq}", **message) for seq in (1, 2)))
    written: list[tuple[Any, str, dict[str, str]]] = [
        (Appointment, "appointment_id", {"cancel_reason": "ill"}),
        (Payment, "payment_id", {"exception_why": "a fault of ours"}),
        (Approval, "approval_id", {"answer": "no"}),
        (Task, "task_id", {"note": "done"}),
        (BulkArchiveRecord, "archive_id", {"reason": "moved away"}),
    ]
    for table, name, words in written:
        async with rows.sessions() as session:
            row = await session.get_one(table, UUID(ids[name]))
        await rows.change(row, **words)
    async with rows.sessions() as session:
        client = await lock_client(session, sara.id)
        client.note, client.archive_record = "from the form", {"stage": "new"}
        tell(
            session,
            client,
            FactKind.REMATCHED,
            at=NOW,
            by=by,
            text="Somebody else.",
            data={"therapist": ana.slug, "how": "direct_booking"},
            words="asked for",
        )
        await session.commit()


async def _form_and_match(rows: Rows, sara: Client) -> UUID:
    async with rows.sessions() as session:
        match = (await session.exec(select(Match).where(col(Match.client_id) == sara.id))).one()
        form = (await session.exec(select(FormRequest).where(col(FormRequest.client_id) == sara.id))).one()
    await rows.change(form, status=FormStatus.COMPLETE, completed_at=NOW)
    await rows.change(match, reason="asked for")
    found: Any = {"answers": {"state": "NY"}, "explanation": {"score": 1}, "considered": b"x"}
    made: Any = {"made_by": "booking_site:site", "made_at": NOW}
    await rows.add(FormMatch(id=uuid4(), client_id=sara.id, match_id=match.id, **found, **made))
    return form.id


async def _damage(owner: Owner) -> set[str]:
    """All that is sealed. The columns that are opened with their row."""
    found = set()
    for table in SQLModel.metadata.tables.values():
        for column in table.c:
            if isinstance(column.type, Sealed) and table.name not in OPENED_ALONE:
                forge = f"UPDATE {table.name} SET {column.key} = 'forged' WHERE {column.key} IS NOT NULL"  # noqa: S608
                await owner.writes(forge.replace(" order ", ' "order" '))
                found |= {f"{table.name}.{column.name}"} if column.type.with_row else set()
    return found


async def test_no_call_fails_because_something_does_not_open(
    walk: Walk, rows: Rows, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.sealing.found_unreadable", shown := Counter[str]())
    await _words_everywhere(walk, rows)
    sealed = await _damage(owner)
    ids = walk.world.ids | {"chat_id": walk.world.chats["group"]}
    told = set()
    for call, line in CALLS.items():
        for who in line.opens if call.startswith("GET") and "content" not in call else ():
            answer = await walk.ask(who, call, line, ids)
            assert answer.status_code < 500, (call, who, answer.text)
            told |= {call} if UNREADABLE in answer.text else set()
    assert (told - SAY_SO, SAY_SO - told) == (set(), set())
    assert sealed - shown.keys() == NO_CALL_READS


async def test_what_stands_around_it_is_shown_and_nothing_is_written_over_it(
    walk: Walk, rows: Rows, owner: Owner
) -> None:
    found_unreadable.clear()
    sara, api, by = walk.people.sara, walk.api, walk.people.headers["ana"]
    other = Goal(id=uuid4(), client_id=sara.id, text="Sleep", made_by="therapist:ana", made_at=NOW)
    await rows.add(other)
    id = walk.world.ids["goal_id"]
    await owner.writes("UPDATE goal SET text = 'forged' WHERE id = :id", id=id)
    listed = (await api.get(f"/v1/clients/{sara.id}/goals", headers=by)).json()["items"]
    assert {goal["id"]: goal["text"] for goal in listed} == {id: UNREADABLE, str(other.id): "Sleep"}
    assert 'values_unreadable_total{column="goal.text"} 1.0' in (await api.get("/metrics")).text
    # Whoever sends back what they were shown is refused: it would stand in its place.
    off = {"starts_at": "2035-01-01T00:00:00Z", "ends_at": "2035-01-02T00:00:00Z", "reason": UNREADABLE}
    for method, path, body in (
        ("PATCH", f"/v1/goals/{other.id}", {"text": UNREADABLE}),
        ("PUT", f"/v1/therapists/{walk.people.ana.slug}/availability", {"time_off": [off]}),
    ):
        refused = await api.request(method, path, json=body, headers=by)
        assert (refused.status_code, "cannot be read" in refused.text) == (422, True), refused.text
    stored = (await rows.snapshot("goal"))["goal"]
    assert [b"forged".hex() in row for row in stored].count(True) == 1
