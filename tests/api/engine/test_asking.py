"""What the API asks of the engine, and what becomes of the answer."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from activities.snapshots import appointment_facts
from activities.types.booking import Booked, Changed, FollowingChanged, WouldCancel
from activities.types.clients import Done, Matched, Opened
from api.engine import GONE
from models.database import Sessions
from models.tables import Task
from models.writes.timeline import tell
from rules.enums import AppointmentStatus, ClientStatus, TaskKind
from rules.journey.stage import JourneyFacts
from rules.refusals import Problem, Refusal
from rules.timeline import FactKind
from tests.api.conftest import DESK, SITE, ToldEngine, fields_of, problem_of
from tests.care.rows import NOW, Rows
from workflows.messages import ARCHIVE

MATCHING = {
    "source": "matching_form",
    "answers": {"state": "NY", "modality": "individual", "preferred_times": [{"weekday": "mon", "part": "morning"}]},
    "client": {"first_name": "Sara", "email": "sara@mail.example", "phone": "+1 (555) 0100"},
}


def _facts(**more: Any) -> JourneyFacts:
    return JourneyFacts(version=1, ref="ABCDEFGHJK", archived=False, created_at=NOW, **more)


# ---------------------------------------------------------------- journeys


async def test_a_match_is_told_with_the_way_on(api: httpx.AsyncClient, engine: ToldEngine, rows: Rows) -> None:
    match = {"therapist": "ana", "score": 0.9, "factors": []}
    engine.answers_to["begin"] = Opened(facts=_facts(therapist="ana"), therapist="ana", match=match)
    answer = await api.post("/v1/journeys", json=MATCHING, headers=SITE)
    assert answer.status_code == 201
    told = answer.json()
    assert told == {
        "client_id": engine.asked[0].order.client_id,
        "ref": "ABCDEFGHJK",
        "test": False,
        "stage": "first_booking",
        "match": match,
        "booking_url": "https://care.example/book/ana",
        "not_offered": [  # by no therapist of these rows
            {"field": "answers.state", "code": "NY", "name": "New York"},
            {"field": "answers.modality", "code": "individual", "name": "Individual"},
        ],
    }
    order = engine.asked[0].order
    assert order.answers is None  # it stands in the database, and goes through no engine
    said = await rows.handed_in(order)
    assert said["answers"]["preferred_times"] == [{"weekday": "mon", "part": "morning"}]
    assert order.details.phone == "+15550100"
    assert order.by.actor == "booking_site:site"


async def test_nobody_fits(api: httpx.AsyncClient, engine: ToldEngine) -> None:
    engine.answers_to["begin"] = Opened(facts=_facts(), contact_required=True)
    answer = await api.post("/v1/journeys", json=MATCHING, headers=SITE)
    assert answer.status_code == 202
    assert answer.json()["match"] is None
    assert answer.json()["contact_required"] is True
    assert answer.json()["stage"] == "matching"


async def test_staff_are_told_exactly_who_has_an_address(api: httpx.AsyncClient, engine: ToldEngine) -> None:
    data = {"client_id": str(uuid4()), "ref": "SARA", "name": "Sara Lind", "client_status": "archived"}
    engine.answers_to["begin"] = Opened(refusal=Refusal(name=Problem.EMAIL_IN_USE, detail="Email in use.", data=data))
    answer = await api.post("/v1/journeys", json=MATCHING, headers=DESK)
    assert answer.status_code == 409
    assert problem_of(answer) == "email-in-use"
    assert answer.json()["detail"] == "Email in use."
    assert answer.json().items() >= data.items()


async def test_only_the_practice_begins_by_hand(api: httpx.AsyncClient, rows: Rows, engine: ToldEngine) -> None:
    await rows.therapist()
    body = {"source": "care_team", "therapist": "ana", "note": "called on Monday"}
    assert problem_of(await api.post("/v1/journeys", json=body, headers=SITE)) == "not-allowed"
    engine.answers_to["begin"] = Opened(facts=_facts(therapist="ana"), therapist="ana", match={"therapist": "ana"})
    assert (await api.post("/v1/journeys", json=body, headers=DESK)).status_code == 201


async def test_a_match_by_hand(api: httpx.AsyncClient, rows: Rows, engine: ToldEngine) -> None:
    ana, ben = await rows.therapist("ana"), await rows.therapist("ben")
    sara = await rows.client(ben)
    stands, gone = (
        await rows.appointment(sara, ana),
        await rows.appointment(sara, ana, starts_at=NOW + timedelta(days=9)),
    )
    former, cancelled = (appointment_facts(row, sara, ana, None) for row in (stands, gone))
    engine.answers_to["match_by_hand"] = Matched(
        facts=_facts(therapist="ben"), former_appointments=(former, cancelled), cancelled=(cancelled,)
    )
    body = {"therapist": "ben", "reason": "asked for it", "cancel_appointments": True}
    path = f"/v1/clients/{sara.id}/match"
    told = (await api.put(path, json=body, headers=DESK)).json()
    assert told["match"]["therapist"] == "ben"
    assert [line["id"] for line in told["open_appointments"]] == [str(stands.id)]
    assert [line["id"] for line in told["cancelled"]] == [str(gone.id)]
    assert fields_of(await api.put(path, json={"therapist": "nobody", "reason": "x"}, headers=DESK)) == ["therapist"]
    assert fields_of(await api.put(path, json={"therapist": "ben"}, headers=DESK)) == ["reason"]
    assert (await api.put(path, json=body, headers=SITE)).status_code == 403


# ---------------------------------------------------------------- details


async def test_details_and_settings(api: httpx.AsyncClient, rows: Rows, engine: ToldEngine) -> None:
    sara = await rows.client()
    path = f"/v1/clients/{sara.id}"
    engine.answers_to["change_details"] = Done()
    body = {"portal_settings": {"schedule_appointments": False}, "unsubscribed": True, "first_name": "Sara"}
    assert (await api.patch(path, json=body, headers=DESK)).status_code == 200
    assert engine.asked[0].order.portal_settings == {"schedule_appointments": False}
    assert (await api.patch(path, json={"unsubscribed": True}, headers=SITE)).status_code == 200
    assert problem_of(await api.patch(path, json=body, headers=SITE)) == "not-allowed"
    assert fields_of(await api.patch(path, json={"portal_settings": {"tea": True}}, headers=DESK)) == [
        "portal_settings"
    ]
    assert fields_of(await api.patch(path, json={"status": "active"}, headers=DESK)) == ["status"]


async def test_a_closed_journey_is_not_found(api: httpx.AsyncClient, rows: Rows, engine: ToldEngine) -> None:
    sara = await rows.client()
    engine.answers_to["change_details"] = GONE
    answer = await api.patch(f"/v1/clients/{sara.id}", json={"first_name": "Sara"}, headers=DESK)
    assert problem_of(answer) == "not-found"


# ---------------------------------------------------------------- appointments


async def test_booked_appointments_come_back_whole(api: httpx.AsyncClient, rows: Rows, engine: ToldEngine) -> None:
    ana = await rows.therapist()
    sara = await rows.client(ana)
    row = await rows.appointment(sara, ana)
    facts = appointment_facts(row, sara, ana, None)
    engine.answers_to["book"] = Booked(facts=_facts(), appointments=(facts,), unarchived=True)
    body = {"type": "session", "starts_at": "2026-03-09T08:00:00-04:00", "mode": "video", "weeks": 4}
    answer = await api.post(f"/v1/clients/{sara.id}/appointments", json=body, headers=SITE)
    assert answer.status_code == 201
    assert set(answer.json()) == {"appointments", "series_id", "skipped"}
    assert answer.json()["appointments"][0]["id"] == str(row.id)
    assert engine.asked[0].order.starts_at == NOW + timedelta(days=7)
    assert engine.asked[0].order.weeks == 4
    practice = await api.post(f"/v1/clients/{sara.id}/appointments", json=body, headers=DESK)
    assert practice.json()["unarchived"] is True


@pytest.mark.parametrize(
    ("name", "data"),
    [
        (Problem.SLOT_TAKEN, {"alternatives": []}),
        (Problem.BOOKING_DISABLED, {}),
        (Problem.CLIENT_DETAILS_REQUIRED, {"missing": ["email"]}),
    ],
)
async def test_refusals_keep_their_name_and_data(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine, name: Problem, data: dict[str, Any]
) -> None:
    sara = await rows.client()
    engine.answers_to["book"] = Booked(refusal=Refusal(name=name, detail="No.", data=data))
    body = {"type": "session", "starts_at": "2026-03-09T12:00:00Z", "mode": "phone"}
    answer = await api.post(f"/v1/clients/{sara.id}/appointments", json=body, headers=SITE)
    assert problem_of(answer) == name
    assert data.items() <= answer.json().items()


async def _cancel(api: httpx.AsyncClient, id: UUID, headers: Any, **body: Any) -> httpx.Response:
    return await api.post(f"/v1/appointments/{id}/cancel", json=body, headers=headers)


async def test_what_a_cancellation_would_cost(api: httpx.AsyncClient, rows: Rows, engine: ToldEngine) -> None:
    """The workflow answers: by the same policy as the cancellation itself."""
    ana = await rows.therapist()
    row = await rows.appointment(await rows.client(ana), ana)
    told: dict[str, Any] = {"appointment_id": str(row.id), "starts_at": row.starts_at, "currency": "USD"}
    engine.answers_to["cancel"] = Changed(would=(WouldCancel(late=True, fee=15000, **told),))
    asked = (await _cancel(api, row.id, DESK, confirm=False, requested_by="client")).json()
    assert (asked["late"], asked["fee"]) == (True, {"amount": 15000, "currency": "USD"})
    assert engine.asked[-1].order.confirm is False
    two = (WouldCancel(late=True, fee=15000, **told), WouldCancel(late=False, fee=0, **told))
    engine.answers_to["cancel_following"] = FollowingChanged(would=two)
    both = (await _cancel(api, row.id, DESK, confirm=False, scope="following")).json()
    assert (both["late"], both["fee"]) == (True, {"amount": 15000, "currency": "USD"})
    assert [line["fee"] for line in both["appointments"]] == [{"amount": 15000, "currency": "USD"}, None]


async def test_who_may_waive_and_for_whom_one_cancels(api: httpx.AsyncClient, rows: Rows) -> None:
    ana = await rows.therapist()
    row = await rows.appointment(await rows.client(ana), ana)
    assert fields_of(await _cancel(api, row.id, DESK, waive_fee=True)) == ["waive_reason"]
    assert fields_of(await _cancel(api, row.id, DESK, waive_fee=True, waive_reason="  ")) == ["waive_reason"]
    assert fields_of(await _cancel(api, row.id, DESK, waive_reason="x")) == ["waive_fee"]
    assert problem_of(await _cancel(api, row.id, SITE, waive_fee=True, waive_reason="x")) == "not-allowed"
    assert problem_of(await _cancel(api, row.id, SITE, requested_by="practice")) == "not-allowed"
    assert fields_of(await _cancel(api, row.id, DESK, scope="some")) == ["scope"]


async def test_a_workflow_that_ended_answers_with_what_stands(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine
) -> None:
    ana = await rows.therapist()
    row = await rows.appointment(
        await rows.client(ana), ana, status=AppointmentStatus.OCCURRED, starts_at=NOW - timedelta(days=3)
    )
    engine.answers_to |= {"record_outcome": GONE, "cancel": GONE, "reschedule": GONE}
    path = f"/v1/appointments/{row.id}"
    same = await api.post(f"{path}/outcome", json={"outcome": "occurred"}, headers=DESK)
    assert (same.status_code, same.json()["status"]) == (200, "occurred")
    other = await api.post(f"{path}/outcome", json={"outcome": "no_show"}, headers=DESK)
    assert problem_of(other) == "appointment-not-open"
    assert problem_of(await _cancel(api, row.id, DESK)) == "appointment-not-open"
    moved = await api.post(f"{path}/reschedule", json={"starts_at": "2026-04-01T12:00:00Z"}, headers=DESK)
    assert problem_of(moved) == "appointment-not-open"
    assert (await api.post(f"{path}/outcome", json={"outcome": "occurred"}, headers=SITE)).status_code == 403


async def test_a_workflow_that_is_about_to_start_is_waited_for(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine
) -> None:
    ana = await rows.therapist()
    sara = await rows.client(ana)
    row = await rows.appointment(sara, ana)
    facts = appointment_facts(row, sara, ana, None)
    answers: list[Any] = [GONE, GONE, Changed(appointment=facts, journey=_facts(), changed=True)]
    engine.answers_to["reschedule"] = lambda order: answers.pop(0)
    body = {"starts_at": "2026-03-10T12:00:00Z", "reason": "holiday"}
    answer = await api.post(f"/v1/appointments/{row.id}/reschedule", json=body, headers=DESK)
    assert answer.status_code == 200
    assert len({asked.request_id for asked in engine.asked}) == 1


# ---------------------------------------------------------------- forms


@pytest.mark.parametrize(
    ("kind", "body", "fields"),
    [
        ("informed_consent", {"answers": {"agrees": False}, "signature": "Sara"}, ["answers.agrees"]),
        ("informed_consent", {"answers": {"agrees": True}}, ["signature"]),
        ("informed_consent", {"answers": {"agrees": True}, "signature": " "}, ["signature"]),
        ("informed_consent", {"answers": [], "signature": "Sara"}, ["answers"]),
        ("initial_consultation", {"answers": {"reason": "x\0"}, "signature": "Sara"}, ["answers"]),
        ("initial_consultation", {"answers": {"reason": "x"}, "signature": "Sara"}, ["answers.emergency_contact"]),
        (
            "billing_info",
            {"answers": {"billing_name": "Sara", "accepts_fee_policy": True}, "signature": "Sara"},
            ["setup_intent"],
        ),
    ],
)
async def test_forms_that_are_not_complete(
    *, api: httpx.AsyncClient, rows: Rows, engine: ToldEngine, kind: str, body: Any, fields: list[str]
) -> None:
    sara = await rows.client()
    answer = await api.put(f"/v1/clients/{sara.id}/forms/{kind}", json=body, headers=SITE)
    assert fields_of(answer) == fields
    assert engine.asked == []


async def test_a_form_nobody_knows_or_of_nobody(api: httpx.AsyncClient, rows: Rows) -> None:
    sara = await rows.client()
    body = {"answers": {"agrees": True}, "signature": "Sara"}
    assert (await api.put(f"/v1/clients/{sara.id}/forms/diary", json=body, headers=SITE)).status_code == 404
    other = await api.put(f"/v1/clients/{uuid4()}/forms/informed_consent", json=body, headers=DESK)
    assert problem_of(other) == "not-found"


async def test_card_setup(api: httpx.AsyncClient, rows: Rows, engine: ToldEngine) -> None:
    sara = await rows.client()
    document = {"customer": "cus_1", "setup_intent": "seti_1", "client_secret": "s"}
    engine.answers_to["set_up_card"] = Done(document=document)
    answer = await api.post(f"/v1/clients/{sara.id}/card-setup", headers=SITE)
    assert answer.status_code == 201
    assert answer.json().items() >= document.items()


# ---------------------------------------------------------------- archive


async def test_an_archive_answers_with_what_was_done(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine, sessions: Sessions
) -> None:
    sara = await rows.client()

    async def archive(signal: Any) -> None:
        async with sessions() as session:
            client = await session.get_one(type(sara), sara.id)
            record = {"request_id": signal.request_id, "forms": [{"kind": "informed_consent"}]}
            client.status, client.archive_record = ClientStatus.ARCHIVED, record
            tell(session, client, FactKind.ARCHIVED, at=NOW, by=signal.by, text="Archived.", data=record)
            await session.commit()

    async def unarchive(signal: Any) -> None:
        async with sessions() as session:
            client = await session.get_one(type(sara), sara.id)
            client.status, client.archive_record = ClientStatus.ACTIVE, None
            await session.commit()

    engine.answers_to["archive"] = archive
    engine.answers_to["unarchive"] = unarchive
    path = f"/v1/clients/{sara.id}"
    told = await api.post(f"{path}/archive", headers=DESK)
    assert told.status_code == 200
    assert told.json()["forms"] == [{"kind": "informed_consent"}]
    again = await api.post(f"{path}/archive", json={"reason": "twice"}, headers=DESK)
    assert again.json()["forms"] == [{"kind": "informed_consent"}]
    assert len(engine.asked) == 1
    back = await api.post(f"{path}/unarchive", json={}, headers=DESK)
    assert (back.status_code, back.json()["status"]) == (200, "active")
    assert fields_of(await api.post(f"{path}/archive", json={"notify": "no"}, headers=DESK)) == ["notify"]
    assert (await api.post(f"{path}/archive", headers=SITE)).status_code == 403


async def test_an_archive_that_takes_longer_is_202(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.routes.archive.archives._WAIT_AT_MOST", 0.2)
    sara = await rows.client()
    engine.answers_to["archive"] = None
    answer = await api.post(f"/v1/clients/{sara.id}/archive", headers=DESK)
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")


# ---------------------------------------------------------------- tasks


async def test_tasks_are_resolved_with_a_note(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine, sessions: Sessions
) -> None:
    sara = await rows.client()
    task = Task(id=uuid4(), key="k", client_id=sara.id, kind=TaskKind.CARD_MISSING, text="No card.", opened_at=NOW)
    await rows.add(task)

    async def resolve(order: Any) -> Done:
        async with sessions() as session:
            row = await session.get_one(Task, task.id)
            said = await rows.handed_in(order)
            row.resolved_at, row.resolved_by, row.note = NOW, order.by.actor, said["note"]
            await session.commit()
        return Done()

    engine.answers_to["resolve_task"] = resolve
    assert [row["id"] for row in (await api.get("/v1/tasks", headers=DESK)).json()["items"]] == [str(task.id)]
    told = (await api.post(f"/v1/tasks/{task.id}/resolve", json={"note": "called"}, headers=DESK)).json()
    assert (told["resolved_by"], told["note"]) == ("care_team:desk", "called")
    assert (await api.get("/v1/tasks", headers=DESK)).json()["items"] == []
    assert (await api.post(f"/v1/tasks/{task.id}/resolve", json={"note": "again"}, headers=DESK)).json() == told
    assert len(engine.asked) == 1
    assert (await api.post(f"/v1/tasks/{uuid4()}/resolve", json={"note": "x"}, headers=DESK)).status_code == 404


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ("closed", "because nobody booked"),
        ("joined", "joined into another one of the same person"),
        ("lost", "does not run in the engine any more"),
    ],
)
async def test_why_there_is_no_journey_to_archive(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine, state: str, why: str
) -> None:
    ana = await rows.therapist()
    own = await rows.client(ana)
    more: dict[str, Any] = {"closed_at": None if state == "lost" else NOW}
    if state == "joined":
        more["joined_into"] = own.id
    gone = await rows.client(ana, **more)
    engine.answers_to[ARCHIVE] = GONE
    answer = await api.post(f"/v1/clients/{gone.id}/archive", headers=DESK)
    assert problem_of(answer) == "not-found"
    assert why in answer.json()["detail"]
