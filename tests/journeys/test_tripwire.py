"""Marked words in every field in which people write: where they must not be, none is ever found.

Looked at: every table, column by column; the histories of all workflows, decoded; what the engine lists of them; mails,
Stripe, logs and metrics. Names and addresses are clear at rest, and are not marked.
"""

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import SQLModel
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest

from engine.codec import EncryptionCodec
from engine.key_use import payloads_of
from tests.care.defaults import Json
from tests.care.house import KEYS
from tests.care.story import Care, Person
from tests.journeys.archive.bulk import archive_many
from tests.journeys.booking.waitlists.waitlist import comes
from tests.journeys.care.test_chats import starts, writes
from tests.journeys.forms.test_requested_forms import DIARY
from workflows.messages import appointment_workflow_id, bulk_archive_id, journey_id

WEEK = timedelta(days=7)
PASSWORD_HASH = "$argon2id$"  # how every one begins


class Marks:
    """Words that stand nowhere else, one for each field."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def __call__(self, field: str) -> str:
        mark = f"zq{len(self.made):02}x{field}"
        self.made.append(mark)
        return mark

    def found_in(self, *texts: str) -> list[str]:
        """Also as the bytes of a column are shown."""
        return [mark for mark in self.made if any(mark in each or mark.encode().hex() in each for each in texts)]


async def _told(care: Care, mark: Marks) -> tuple[Person, Person]:
    """A story in which everybody writes wherever they can."""
    await care.therapist("ana", concerns=["anxiety"])
    await care.therapist("ben")
    away = {"starts_at": "2035-01-01T00:00:00Z", "ends_at": "2035-01-02T00:00:00Z", "reason": mark("away")}
    hours = await care.get("/v1/therapists/ana/availability")
    saved = {name: hours[name] for name in ("weekly", "overrides", "settings")} | {"time_off": [away]}
    await care.call("PUT", "/v1/therapists/ana/availability", saved, by="ana", expect=200)
    assert (await care.get("/v1/therapists/ana/availability"))["time_off"][0]["reason"] == away["reason"]

    sara = await care.client_in_care(sessions=3)
    await _written_between_sessions(care, sara, mark)
    await _decided(care, sara, mark)
    tina = await _matched(care, mark)
    return sara, tina


async def _written_between_sessions(care: Care, sara: Person, mark: Marks) -> None:
    consultation = {
        "reason": mark("consultation"),
        "goals": mark("wishes"),
        "history": mark("history"),
        "emergency_contact": {"name": mark("contact"), "phone": "+12125550101"},
    }
    await sara.fills_in("initial_consultation", answers=consultation, signature=mark("signature"))
    fields = [
        {"name": "why", "label": "Why?", "type": "long_text", "required": True},
        {"name": "scan", "label": "Scan", "type": "file"},
    ]
    await care.post("/v1/form-templates", DIARY | {"fields": fields}, by="ana")
    await care.post(f"/v1/clients/{sara.id}/forms", {"kind": "mood_diary"}, by="ana")
    scan = {"file": (f"{mark('scanname')}.txt", mark("scanned").encode())}
    for_diary = {"kind": "mood_diary", "field": "scan"}
    path = f"/v1/clients/{sara.id}/uploads"
    kept = (await care.call("POST", path, by="ana", files=scan, data=for_diary, expect=201)).json()
    diary = {"answers": {"why": mark("diary"), "scan": [kept["id"]]}, "signature": "Sara Lind"}
    await care.call("PUT", f"/v1/clients/{sara.id}/forms/mood_diary", diary, by="ana", expect=200)
    draft = {"answers": {"reason": mark("draft")}}
    await care.call("PUT", f"/v1/clients/{sara.id}/forms/initial_consultation/draft", draft, by="ana", expect=200)

    goal = await care.post(f"/v1/clients/{sara.id}/goals", {"text": mark("goal"), "remind": None}, by="ana")
    await care.call("PATCH", f"/v1/goals/{goal['id']}", {"text": mark("changed")}, by="ana", expect=200)
    direct = await starts(care, "ana", "direct", [sara])
    await writes(care, "ana", direct, mark("message"))
    await writes(care, "desk", await starts(care, "desk", "care_team", [sara]), mark("scheduling"))
    await starts(care, "ana", "group", [sara], title=mark("title"))
    await care.post("/v1/blasts", {"text": mark("blast"), "client_ids": [sara.id]}, by="ana")
    file = (f"{mark('filename')}.txt", mark("content").encode())
    document = (await care.call("POST", "/v1/documents", by="ana", files={"file": file}, expect=201)).json()
    await care.post(f"/v1/documents/{document['id']}/shares", {"client_id": sara.id}, by="ana")
    await care.rest()


async def _decided(care: Care, sara: Person, mark: Marks) -> None:
    """Where somebody gives a reason."""
    first, second, third = sara.session(1), sara.session(2), sara.session(3)
    await care.post(
        f"/v1/appointments/{third.id}/reschedule",
        {"starts_at": (third.starts_at + WEEK).isoformat(), "reason": mark("moved")},
        by="desk",
        expect=200,
    )
    await second.cancelled(by="desk", reason=mark("cancelled"))
    await care.until(first.ends_at)
    await first.marked("no_show", by="ana", reason=mark("noshow"))
    await care.post(f"/v1/appointments/{first.id}/note", {"text": mark("note"), "shared": True}, by="ana")
    await care.pass_time(days=3)
    [paid] = [payment for payment in await sara.payments() if payment["status"] == "paid"]
    refund = {"amount": 500, "to": "card", "reason": mark("refund")}
    await care.post(f"/v1/payments/{paid['id']}/refund", refund, by="desk")
    too_much = {"amount": 10_000_000, "to": "card", "reason": mark("toomuch")}
    await care.call("POST", f"/v1/payments/{paid['id']}/refund", too_much, by="desk", expect=409)
    credit = {"amount": 100, "currency": "USD", "reason": mark("credit")}
    await care.post(f"/v1/clients/{sara.id}/credits", credit, by="desk")
    [late] = await sara.books("session", after=timedelta(days=1), by="desk", reason=mark("booked"))
    waived = {"requested_by": "client", "waive_fee": True, "waive_reason": mark("waived")}
    await late.cancelled(by="desk", reason=mark("late"), **waived)
    match = {"therapist": "ben", "reason": mark("rematched")}
    await care.call("PUT", f"/v1/clients/{sara.id}/match", match, by="desk", expect=200)
    await sara.is_archived(reason=mark("archived"))
    await care.rest()


async def _matched(care: Care, mark: Marks) -> Person:
    """By a form that fits somebody, by one that fits nobody, and by hand."""
    answers: Json = {
        "state": "NY",
        "modality": "individual",
        "concerns": ["anxiety"],
        "languages": ["en"],
        "insurance": "Aetna",
        "note": mark("formnote"),
    }
    await care.arrives("matching_form", name="Mia", answers=answers)
    lost = await care.arrives("matching_form", name="Lost", answers=answers | {"state": "WY"})
    # What is none of the form's words is refused, and stays nowhere either.
    wrong = answers | {"concerns": [mark("concern")], "languages": [mark("language")], "insurance": mark("insurance")}
    await care.call("POST", "/v1/journeys", {"source": "matching_form", "answers": wrong}, expect=422)
    await care.arrives("care_team", by="desk", name="Hand", note=mark("handnote"), therapist="ana")
    [task] = [task for task in await care.tasks() if task["client_id"] == lost.id]
    await care.post(f"/v1/tasks/{task['id']}/resolve", {"note": mark("resolved")}, by="desk", expect=200)
    tina = await comes(care, "Tina")
    await archive_many(care, [tina], reason=mark("many"))
    await care.rest()
    return tina


# ---------------------------------------------------------------- where nothing may be found


async def _tables(care: Care) -> dict[str, str]:
    """Everything that each table has, as text; bytes as hexadecimal digits."""
    async with care.house.sessions() as session:
        connection = await session.connection()
        return {
            name: "\n".join((await connection.execute(text(f'SELECT t::text FROM "{name}" t'))).scalars())  # noqa: S608
            for name in SQLModel.metadata.tables
        }


async def _ids(care: Care) -> list[str]:
    async with care.house.sessions() as session:
        connection = await session.connection()
        tables = {"client": journey_id, "appointment": appointment_workflow_id, "bulk_archive": bulk_archive_id}
        return [
            of(str(id))
            for table, of in tables.items()
            for id in (await connection.execute(text(f"SELECT id FROM {table}"))).scalars()  # noqa: S608
        ]


async def _history(care: Care, workflow_id: str) -> str:
    """Every event, with what the engine keeps encrypted in the clear, and what it lists of the workflow."""
    handle = care.house.engine.get_workflow_handle(workflow_id)
    codec, told = EncryptionCodec(KEYS), []
    async for event in handle.fetch_history_events():
        told.append(str(event))
        told += [str(plain.data) for plain in await codec.decode(list(payloads_of(event)))]
    asked = DescribeWorkflowExecutionRequest(
        namespace=care.house.engine.namespace, execution=WorkflowExecution(workflow_id=workflow_id)
    )
    described = await care.house.engine.workflow_service.describe_workflow_execution(asked)
    assert len(told) > 3
    return "\n".join([*told, str(described)])


def _as_text(documents: Iterable[Any]) -> str:
    return json.dumps(list(documents), ensure_ascii=False, default=str)


async def test_nothing_that_people_wrote_is_found_where_it_must_not_be(
    care: Care, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    mark = Marks()
    sara, tina = await _told(care, mark)
    assert len(mark.made) > 30

    tables = await _tables(care)
    for name, dump in tables.items():
        assert mark.found_in(dump) == [], name
    assert [name for name, dump in tables.items() if PASSWORD_HASH in dump] == ["account"]
    for workflow_id in await _ids(care):
        history = await _history(care, workflow_id)
        assert mark.found_in(history) == [], workflow_id
        assert PASSWORD_HASH not in history, workflow_id
    assert mark.found_in(_as_text(await care.mails())) == []
    assert mark.found_in(_as_text([await care.stripe()])) == []
    assert mark.found_in((await care.call("GET", "/metrics", by=None)).text) == []
    said = capfd.readouterr()
    assert mark.found_in(said.out, said.err, caplog.text) == []

    # And yet whoever may read it does.
    timeline = _as_text([*await sara.timeline(), *await tina.timeline()])
    given = {name for name in mark.made if name[5:] in _REASONS}
    assert set(mark.found_in(timeline)) == given
    texts = [fact["text"] + json.dumps(fact["data"]) for fact in (*await sara.timeline(), *await tina.timeline())]
    assert mark.found_in(*texts) == []


_REASONS = {
    "moved", "cancelled", "noshow", "refund", "toomuch", "credit", "booked", "waived", "late", "rematched", "archived",
    "many",
}  # fmt: skip
