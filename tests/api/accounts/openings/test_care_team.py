"""Least sight and break glass: what the care team's role does not show is seen through one's own opening alone."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from models.tables import (
    FormAnswer,
    FormRequest,
)
from rules.accounts.openings import OpeningKind
from rules.enums import AppointmentStatus, FormStatus, Role
from tests.api.accounts.openings.house import WHY, House, every_kind
from tests.api.callers import Headers
from tests.api.conftest import DESK, StandingClock, ToldEngine, problem_of
from tests.care.rows import NOW
from workflows.messages import OUTBOX_FILLED


@every_kind
async def test_the_care_team_sees_each_kind_through_an_opening_of_just_that(
    house: House, maria: Headers, what: OpeningKind
) -> None:
    assert await house.seen(maria) == set()
    opening = await house.opened(what, maria)
    assert (opening["what"], opening["reason"], opening["opened_by"]) == (what, WHY, "care_team:maria")
    assert (opening["role"], opening["in_force"], opening["closed_at"]) == ("care_team", True, None)
    assert await house.seen(maria) == {what}


@every_kind
async def test_it_is_over_after_an_hour(house: House, maria: Headers, clock: StandingClock, what: OpeningKind) -> None:
    await house.opened(what, maria)
    clock.advance(minutes=60, seconds=-1)
    assert await house.seen(maria) == {what}
    clock.advance(seconds=1)
    assert await house.seen(maria) == set()


@every_kind
async def test_it_is_over_when_it_was_ended(house: House, maria: Headers, what: OpeningKind) -> None:
    opening = await house.opened(what, maria)
    for _ in range(2):
        answer = await house.api.delete(f"/v1/openings/{opening['id']}", headers=maria)
        assert answer.status_code == 204
    assert await house.seen(maria) == set()
    assert [fact.kind for fact in await house.facts()] == ["opening_begun", "opening_ended"]


@every_kind
async def test_another_persons_opening_or_another_clients_does_not_help(
    house: House, maria: Headers, what: OpeningKind
) -> None:
    nina = await house.person("nina", Role.CARE_TEAM)
    await house.opened(what, nina)
    await house.opened(what, maria, whose=house.people.tom.id)
    assert await house.seen(maria) == set()
    assert await house.seen(DESK) == set()
    assert await house.seen(nina) == {what}


async def test_what_stays_visible_without_one(house: House, maria: Headers, engine: ToldEngine) -> None:
    """The status of forms, the signed consent and billing info, and what the care team keeps itself."""
    sara = house.people.sara
    for kind in ("informed_consent", "billing_info"):
        form = FormRequest(
            id=uuid4(),
            client_id=sara.id,
            kind=kind,
            version=1,
            status=FormStatus.COMPLETE,
            requested_at=NOW,
            requested_by="system",
            completed_at=NOW,
        )
        said: Any = {"signature": "Sara", "answered_by": f"client:{sara.id}", "answered_at": NOW}
        await house.rows.add(form, FormAnswer(id=uuid4(), request_id=form.id, answers={"agrees": True}, **said))
        one = await house.api.get(f"/v1/clients/{sara.id}/forms/{kind}", headers=maria)
        assert one.json()["answers"] == {"agrees": True}
    listed = (await house.api.get(f"/v1/clients/{sara.id}/forms", headers=maria)).json()["items"]
    assert {form["kind"]: form["status"] for form in listed}["initial_consultation"] == "complete"
    assert all("answers" not in form for form in listed)
    files = {"file": ("house.txt", b"how to park", "text/plain")}
    own = (await house.api.post("/v1/documents", files=files, headers=maria)).json()["id"]
    engine.answers_to[OUTBOX_FILLED] = None
    shared = await house.api.post(f"/v1/documents/{own}/shares", json={"client_id": str(sara.id)}, headers=maria)
    assert shared.status_code == 201
    assert (await house.api.get(f"/v1/documents/{own}/content", headers=maria)).content == b"how to park"


async def test_lists_of_many_clients_leave_out_what_is_closed(house: House, maria: Headers) -> None:
    async def listed(path: str) -> list[str]:
        return [item["id"] for item in (await house.api.get(path, headers=maria)).json()["items"]]

    sara = house.people.sara.id
    for path, what, id in (
        ("/v1/documents", OpeningKind.DOCUMENTS, house.ids["document"]),
        ("/v1/chats", OpeningKind.DIRECT_CHAT, house.ids["chat"]),
        (f"/v1/chats?client_id={sara}", OpeningKind.DIRECT_CHAT, house.ids["chat"]),
    ):
        assert await listed(path) == ([] if path != f"/v1/chats?client_id={sara}" else [id])
        await house.opened(what, maria)
        assert await listed(path) == [id]


async def test_lists_of_one_client_are_refused(house: House, maria: Headers) -> None:
    sara = house.people.sara.id
    for path, what in (
        (f"/v1/clients/{sara}/documents", OpeningKind.DOCUMENTS),
        (f"/v1/chats?client_id={sara}&kind=direct", OpeningKind.DIRECT_CHAT),
        (f"/v1/clients/{sara}/goals", OpeningKind.GOALS),
    ):
        refused = await house.api.get(path, headers=maria)
        assert (problem_of(refused), refused.json()["what"]) == ("opening-required", what)
        await house.opened(what, maria)
        assert len((await house.api.get(path, headers=maria)).json()["items"]) == 1


async def test_the_notes_of_a_client_are_those_that_are_open(house: House, maria: Headers) -> None:
    path = f"/v1/clients/{house.people.sara.id}/notes"
    assert problem_of(await house.api.get(path, headers=maria)) == "opening-required"

    async def listed() -> list[str]:
        return [note["id"] for note in (await house.api.get(path, headers=maria)).json()["items"]]

    await house.opened("private_notes", maria)
    assert await listed() == [house.ids["private"]]
    await house.opened("shared_notes", maria)
    assert await listed() == [house.ids["shared"], house.ids["private"]]


async def test_whether_there_is_a_private_note_is_not_told(house: House, maria: Headers) -> None:
    none = await house.rows.appointment(
        house.people.sara, house.people.ana, status=AppointmentStatus.OCCURRED, starts_at=NOW - timedelta(days=3)
    )
    answers = [
        await house.api.get(path, headers=maria)
        for path in (f"/v1/appointments/{none.id}/note", house.paths[OpeningKind.PRIVATE_NOTES])
    ]
    one, other = (answer.json() | {"request_id": ""} for answer in answers)
    assert one == other
    await house.opened("private_notes", maria)
    assert problem_of(await house.api.get(f"/v1/appointments/{none.id}/note", headers=maria)) == "not-found"


async def test_an_opening_lets_nobody_change_anything(house: House, maria: Headers) -> None:
    for what in OpeningKind:
        await house.opened(what, maria)
    ids = house.ids
    for method, path, body in (
        ("POST", f"/v1/chats/{ids['chat']}/messages", {"text": "Hello"}),
        ("POST", f"/v1/chats/{ids['chat']}/read", {}),
        ("PATCH", f"/v1/notes/{ids['private']}", {"text": "Other"}),
        ("PATCH", f"/v1/goals/{ids['goal']}", {"status": "completed"}),
    ):
        answer = await house.api.request(method, path, json=body, headers=maria)
        assert answer.status_code in (403, 404), (path, answer.text)


async def test_a_document_that_was_shared_by_mistake_is_taken_back_without_one(house: House, maria: Headers) -> None:
    path = f"/v1/documents/{house.ids['document']}/shares"
    again = await house.api.post(path, json={"client_id": str(house.people.tom.id)}, headers=maria)
    assert problem_of(again) == "opening-required"
    assert (await house.api.delete(f"{path}/{house.people.sara.id}", headers=maria)).status_code == 204
