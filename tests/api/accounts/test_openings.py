"""Least sight and break glass: what a role does not show is seen through one's own opening alone."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select

from models.tables import (
    Account,
    ChatMember,
    ChatMessage,
    Document,
    DocumentContent,
    DocumentShare,
    Fact,
    FormAnswer,
    FormRequest,
    Goal,
    Opening,
    OutboxItem,
    SessionNote,
)
from models.tables.care.chat import Chat
from rules.accounts.accesses import AccessEvent, AccessKind
from rules.accounts.openings import OpeningKind
from rules.enums import AppointmentStatus, ChatKind, FormStatus, Role
from tests.api.access_log.log import lines
from tests.api.callers import Callers, Headers
from tests.api.conftest import DESK, ROOT, StandingClock, ToldEngine, fields_of, problem_of
from tests.care.rows import NOW, Rows
from tests.statements import statements
from workflows.messages import OUTBOX_FILLED, PRACTICE_MAIL_ID

WHY = "the client called, and ana is ill"
every_kind = pytest.mark.parametrize("what", list(OpeningKind))


@dataclass
class House:
    """Sara's record, with one of each kind, and people of the practice who have signed in."""

    api: httpx.AsyncClient
    people: Callers
    rows: Rows
    paths: dict[OpeningKind, str]
    ids: dict[str, str]

    async def person(self, handle: str, *roles: Role, **columns: Any) -> Headers:
        return await self.rows.session_of(await self.rows.staff(handle, *roles, **columns))

    async def look(self, what: OpeningKind, by: Headers) -> httpx.Response:
        return await self.api.get(self.paths[what], headers=by)

    async def open(self, what: str, by: Headers, *, whose: UUID | None = None, reason: str = WHY) -> httpx.Response:
        path = f"/v1/clients/{whose or self.people.sara.id}/openings"
        return await self.api.post(path, json={"what": what, "reason": reason}, headers=by)

    async def opened(self, what: str, by: Headers, *, whose: UUID | None = None) -> Any:
        answer = await self.open(what, by, whose=whose)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def seen(self, by: Headers) -> set[OpeningKind]:
        """What is shown; all else has to be refused by its name."""
        shown = set()
        for what in OpeningKind:
            answer = await self.look(what, by)
            if answer.status_code == 200:
                shown.add(what)
            else:
                assert problem_of(answer) == "opening-required", answer.text
                assert (answer.json()["what"], answer.json()["client_id"]) == (what, str(self.people.sara.id))
        return shown

    async def mails(self) -> list[tuple[str, str | None]]:
        """Who is mailed of openings, and about whose account."""
        async with self.rows.sessions() as session:
            rows = (await session.exec(select(OutboxItem).order_by(col(OutboxItem.seq)))).all()
        return [(row.reader, row.order.get("account_id")) for row in rows if row.template == "record_opened"]

    async def facts(self) -> list[Fact]:
        async with self.rows.sessions() as session:
            of_her = select(Fact).where(col(Fact.client_id) == self.people.sara.id).order_by(col(Fact.seq))
            return list((await session.exec(of_her)).all())


@pytest.fixture
async def house(api: httpx.AsyncClient, people: Callers, rows: Rows) -> House:
    ana, sara, by = people.ana, people.sara, "therapist:ana"
    ids = {name: uuid4() for name in ("private", "shared", "chat", "document", "form", "goal")}
    for name in ("private", "shared"):
        day = NOW - timedelta(days=1 if name == "shared" else 2)
        appointment = await rows.appointment(sara, ana, status=AppointmentStatus.OCCURRED, starts_at=day)
        ids[f"{name}_of"] = appointment.id
        written: Any = {"written_by": by, "written_at": day, "text": f"a {name} note"}
        about: Any = {"appointment_id": appointment.id, "client_id": sara.id, "therapist_id": ana.id}
        await rows.add(SessionNote(id=ids[name], shared=name == "shared", **about, **written))
    form = FormRequest(
        id=ids["form"],
        client_id=sara.id,
        kind="initial_consultation",
        version=1,
        status=FormStatus.COMPLETE,
        requested_at=NOW,
        requested_by="system",
        completed_at=NOW,
    )
    said: Any = {"signature": "Sara", "answered_by": f"client:{sara.id}", "answered_at": NOW}
    answers = FormAnswer(id=uuid4(), request_id=form.id, answers={"reason": "sleep"}, **said)
    chat = Chat(id=ids["chat"], kind=ChatKind.DIRECT, client_id=sara.id, therapist_id=ana.id, made_by=by, made_at=NOW)
    member = ChatMember(chat_id=chat.id, client_id=sara.id, joined_at=NOW, added_by=by)
    message = ChatMessage(id=uuid4(), chat_id=chat.id, seq=1, author=by, text="Hello", written_at=NOW)
    document = Document(
        id=ids["document"],
        therapist_id=ana.id,
        title="Plan",
        filename="plan.txt",
        content_type="text/plain",
        size=4,
        sha256="0" * 64,
        uploaded_by=by,
        uploaded_at=NOW,
    )
    content = DocumentContent(document_id=document.id, number=0, content=b"plan")
    share = DocumentShare(id=uuid4(), document_id=document.id, client_id=sara.id, shared_by=by, shared_at=NOW)
    goal = Goal(id=ids["goal"], client_id=sara.id, text="Walk", made_by=by, made_at=NOW)
    await rows.add(form, answers, chat, member, message, document, content, share, goal)
    paths = {
        OpeningKind.INTAKE_ANSWERS: f"/v1/clients/{sara.id}/forms/initial_consultation",
        OpeningKind.PRIVATE_NOTES: f"/v1/appointments/{ids['private_of']}/note",
        OpeningKind.SHARED_NOTES: f"/v1/appointments/{ids['shared_of']}/note",
        OpeningKind.DIRECT_CHAT: f"/v1/chats/{chat.id}/messages",
        OpeningKind.DOCUMENTS: f"/v1/documents/{document.id}/content",
        OpeningKind.GOALS: f"/v1/clients/{sara.id}/goals",
    }
    return House(api, people, rows, paths, {name: str(id) for name, id in ids.items()})


@pytest.fixture
async def maria(house: House) -> Headers:
    """Of the care team."""
    return await house.person("maria", Role.CARE_TEAM)


# ---------------------------------------------------------------- the care team


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


# ---------------------------------------------------------------- admins, therapists, clients, programs


@every_kind
async def test_an_admin_sees_none_of_it_and_has_no_opening(house: House, what: OpeningKind) -> None:
    olga = await house.person("olga", Role.ADMIN)
    for _ in range(2):
        assert problem_of(await house.look(what, olga)) == "not-allowed"
        assert problem_of(await house.open(what, olga)) == "not-allowed"


async def test_an_admin_opens_the_private_notes_of_a_therapist_who_has_left(house: House, clock: StandingClock) -> None:
    people, olga = house.people, await house.person("olga", Role.ADMIN)
    account = await house.rows.staff("ana", Role.THERAPIST, therapist=people.ana)
    assert problem_of(await house.open("private_notes", olga)) == "not-allowed"  # she is there
    await house.rows.change(account, deactivated_at=clock.time)
    bens = await house.rows.appointment(
        people.sara, people.ben, status=AppointmentStatus.OCCURRED, starts_at=NOW - timedelta(days=4)
    )
    written: Any = {"written_by": "therapist:ben", "written_at": NOW, "text": "ben's own"}
    about: Any = {"appointment_id": bens.id, "client_id": people.sara.id, "therapist_id": people.ben.id}
    await house.rows.add(SessionNote(id=uuid4(), **about, **written))
    path = f"/v1/clients/{people.sara.id}/notes"
    assert problem_of(await house.api.get(path, headers=olga)) == "opening-required"
    await house.opened("private_notes", olga)
    notes = (await house.api.get(path, headers=olga)).json()["items"]  # and none of ben's, who is there
    assert [(note["id"], note["text"]) for note in notes] == [(house.ids["private"], "a private note")]
    assert [line.kind for line in await lines(house.rows.sessions) if line.who == "olga"] == [AccessKind.NOTES] * 2
    assert problem_of(await house.look(OpeningKind.PRIVATE_NOTES, olga)) == "not-allowed"  # an appointment's
    for other in ("", "/timeline", "/forms", "/payments"):
        answer = await house.api.get(f"/v1/clients/{people.sara.id}{other}", headers=olga)
        assert problem_of(answer) == "not-allowed", other
    for what in set(OpeningKind) - {OpeningKind.PRIVATE_NOTES}:
        assert problem_of(await house.open(what, olga)) == "not-allowed"
    # Whoever takes the profile over is there again.
    await house.rows.staff("anna", Role.THERAPIST, therapist=people.ana)
    assert (await house.api.get(path, headers=olga)).json()["items"] == []


async def test_a_therapist_sees_all_of_their_own_clients_and_opens_a_former_ones_private_notes(house: House) -> None:
    people = house.people
    ana = await house.person("ana", Role.THERAPIST, therapist=people.ana)
    ben = await house.person("ben", Role.THERAPIST, therapist=people.ben)
    assert await house.seen(ana) == set(OpeningKind)
    assert problem_of(await house.open("private_notes", ben)) == "not-found"
    await house.rows.change(people.sara, therapist_id=people.ben.id)
    assert problem_of(await house.look(OpeningKind.PRIVATE_NOTES, ben)) == "opening-required"
    for what in set(OpeningKind) - {OpeningKind.PRIVATE_NOTES}:
        assert problem_of(await house.open(what, ben)) == "not-allowed"
    await house.opened("private_notes", ben)
    assert (await house.look(OpeningKind.PRIVATE_NOTES, ben)).json()["text"] == "a private note"
    # The former one has no way back to the record.
    assert problem_of(await house.open("private_notes", ana)) == "not-found"
    for what in (OpeningKind.INTAKE_ANSWERS, OpeningKind.DIRECT_CHAT, OpeningKind.GOALS):
        assert problem_of(await house.look(what, ana)) == "not-found"
    # And with the client goes what was opened.
    await house.rows.change(people.sara, therapist_id=people.ana.id)
    assert (await house.look(OpeningKind.PRIVATE_NOTES, ben)).status_code == 404


async def test_who_is_the_therapist_too_needs_none_for_their_own(house: House) -> None:
    both = await house.person("ana", Role.CARE_TEAM, Role.ADMIN, Role.THERAPIST, therapist=house.people.ana)
    assert await house.seen(both) == set(OpeningKind)
    tom = f"/v1/clients/{house.people.tom.id}/goals"
    assert problem_of(await house.api.get(tom, headers=both)) == "opening-required"  # and not what the other roles say
    assert (await house.opened("goals", both, whose=house.people.tom.id))["role"] == "care_team"
    assert (await house.api.get(tom, headers=both)).status_code == 200


async def test_an_opening_in_one_role_is_none_in_another(house: House) -> None:
    both = await house.person("olga", Role.CARE_TEAM, Role.ADMIN)
    await house.opened("private_notes", both)
    as_admin = both | {"Acting-As": "admin"}
    assert (await house.look(OpeningKind.PRIVATE_NOTES, both)).status_code == 200
    notes = f"/v1/clients/{house.people.sara.id}/notes"
    assert problem_of(await house.api.get(notes, headers=as_admin)) == "opening-required"


async def test_the_client_side_has_no_openings(house: House) -> None:
    for who, name in (("sara", "not-allowed"), ("tom", "not-allowed"), ("site", "not-allowed"), ("ben", "not-found")):
        assert problem_of(await house.open("goals", house.people.by(who))) == name
        path = f"/v1/clients/{house.people.sara.id}/openings"
        assert problem_of(await house.api.get(path, headers=house.people.by(who))) == name
    assert problem_of(await house.open("goals", {})) == "unauthenticated"


async def test_a_key_opens_only_where_there_are_no_persons(house: House) -> None:
    async with house.rows.sessions() as session:
        there = (await session.exec(select(Account).where(col(Account.handle).is_not(None)))).all()
    for account in there:
        assert (await house.api.delete(f"/v1/staff/{account.id}", headers=ROOT)).status_code == 204
    opening = await house.opened("goals", DESK)
    assert opening["opened_by"] == "care_team:desk"
    assert await house.seen(DESK) == {OpeningKind.GOALS}
    assert await house.mails() == [("therapist", None)]
    await house.rows.staff("invited", Role.ADMIN, activated_at=None)
    assert (await house.open("goals", DESK)).status_code == 201
    await house.rows.staff("maria", Role.CARE_TEAM)
    assert problem_of(await house.open("documents", DESK)) == "not-allowed"
    await house.rows.change(house.people.sara, therapist_id=house.people.ben.id)
    assert problem_of(await house.open("private_notes", house.people.by("ben"))) == "not-allowed"  # his program


async def test_a_person_who_was_ended_sees_nothing_more(house: House, maria: Headers) -> None:
    await house.opened("goals", maria)
    async with house.rows.sessions() as session:
        account = (await session.exec(select(Account).where(col(Account.handle) == "maria"))).one()
    assert (await house.api.delete(f"/v1/staff/{account.id}", headers=ROOT)).status_code == 204
    assert (await house.look(OpeningKind.GOALS, maria)).status_code == 401


# ---------------------------------------------------------------- ending and listing them


async def test_it_is_ended_by_who_began_it_or_an_admin(house: House, maria: Headers, clock: StandingClock) -> None:
    nina, olga = await house.person("nina", Role.CARE_TEAM), await house.person("olga", Role.ADMIN)
    opening = await house.opened("goals", maria)
    path = f"/v1/openings/{opening['id']}"
    for who, name in (
        (nina, "not-allowed"),
        (house.people.by("ana"), "not-allowed"),
        (house.people.by("ben"), "not-found"),
    ):
        assert problem_of(await house.api.delete(path, headers=who)) == name
    clock.advance(minutes=10)
    assert (await house.api.delete(path, headers=olga)).status_code == 204
    assert await house.seen(maria) == set()
    assert (await house.api.delete(path, headers=maria)).status_code == 204  # it is over: nothing changes
    listed = await house.api.get(f"/v1/clients/{house.people.sara.id}/openings", headers=nina)
    [ended] = listed.json()["items"]
    assert (ended["closed_by"], ended["in_force"]) == ("admin:olga", False)
    assert ended["closed_at"] == clock.time.isoformat().replace("+00:00", "Z")
    assert problem_of(await house.api.delete(f"/v1/openings/{uuid4()}", headers=olga)) == "not-found"


async def test_they_are_listed_newest_first_in_pages(house: House, maria: Headers, clock: StandingClock) -> None:
    ids: list[str] = []
    for what in ("goals", "documents", "goals"):
        ids.insert(0, (await house.opened(what, maria))["id"])
        clock.advance(minutes=45)
    path = f"/v1/clients/{house.people.sara.id}/openings"
    for by in (maria, house.people.by("ana"), ROOT):
        first = (await house.api.get(path, params={"limit": 2}, headers=by)).json()
        more = {"limit": 2, "cursor": first["next_cursor"]}
        second = (await house.api.get(path, params=more, headers=by)).json()
        items = first["items"] + second["items"]
        assert [item["id"] for item in items] == ids
        assert [item["in_force"] for item in items] == [True, False, False]


async def test_what_is_asked_has_to_be_said_right(house: House, maria: Headers) -> None:
    path = f"/v1/clients/{house.people.sara.id}/openings"
    for body, field in (
        ({"what": "goals"}, "reason"),
        ({"what": "goals", "reason": " "}, "reason"),
        ({"what": "all", "reason": WHY}, "what"),
        ({"reason": WHY}, "what"),
    ):
        assert fields_of(await house.api.post(path, json=body, headers=maria)) == [field]
    assert problem_of(await house.open("goals", maria, whose=uuid4())) == "not-found"


async def test_the_same_request_opens_once(house: House, maria: Headers) -> None:
    again = maria | {"Idempotency-Key": "one"}
    one, other = await house.opened("goals", again), await house.opened("goals", again)
    assert one == other
    assert len(await house.mails()) == 1


# ---------------------------------------------------------------- what is recorded, and who is told


async def test_the_therapist_is_told_by_mail_and_in_the_feed(house: House, maria: Headers, engine: ToldEngine) -> None:
    opening = await house.opened("private_notes", maria)
    assert await house.mails() == [("therapist", None)]
    assert engine.asked[-1].workflow_id == PRACTICE_MAIL_ID
    [news] = (await house.api.get("/v1/notifications", headers=house.people.by("ana"))).json()["items"]
    assert (news["kind"], news["data"]) == ("opening", {"opening_id": opening["id"], "what": "private_notes"})
    assert news["text"] == "Somebody opened the private notes of Sara for an hour."
    assert (await house.api.get("/v1/notifications", headers=house.people.by("ben"))).json()["items"] == []


async def test_the_admins_are_told_where_the_therapist_would_not_learn_of_it(house: House, maria: Headers) -> None:
    people, rows = house.people, house.rows
    olga = await rows.staff("olga", Role.ADMIN)
    await rows.staff("ended", Role.ADMIN, deactivated_at=NOW)
    told = [("account", str(olga.id))]
    await rows.change(people.sara, therapist_id=None)
    await house.opened("goals", maria)
    assert await house.mails() == told  # nobody is matched
    await rows.change(people.sara, therapist_id=people.ben.id)
    ben = await rows.staff("ben", Role.THERAPIST, Role.CARE_TEAM, therapist=people.ben)
    await house.opened("private_notes", (await rows.session_of(ben)) | {"Acting-As": "therapist"})
    assert await house.mails() == told * 2  # the therapist opens it
    await house.opened("private_notes", (await rows.session_of(ben)) | {"Acting-As": "care_team"})
    assert await house.mails() == told * 3  # the same person, as the care team
    await rows.change(ben, deactivated_at=NOW)
    await house.opened("documents", maria)
    assert await house.mails() == told * 4  # the therapist has left


async def test_the_care_team_is_told_where_there_is_nobody_else(house: House, maria: Headers) -> None:
    await house.rows.change(house.people.sara, therapist_id=None)
    await house.opened("goals", maria)
    assert await house.mails() == [("care_team", None)]


async def test_the_fact_names_the_row_and_the_reason_is_sealed(
    house: House, maria: Headers, database: AsyncEngine
) -> None:
    opening = await house.opened("goals", maria)
    [fact] = await house.facts()
    assert (fact.kind, fact.actor, fact.text) == ("opening_begun", "care_team:maria", "Opened for an hour: the goals.")
    assert fact.data == {"opening_id": opening["id"], "what": "goals"}
    told = await house.rows.snapshot("fact", "remark", "outbox", "notification", "access_line")
    assert WHY not in str(told)
    async with database.connect() as connection:
        stored = (await connection.execute(text("SELECT reason FROM opening"))).scalar_one()
    assert WHY.encode() not in stored
    async with house.rows.sessions() as session:
        assert (await session.get_one(Opening, UUID(opening["id"]))).reason == WHY


async def test_the_access_log_has_the_opening_and_each_read_through_it(
    house: House, maria: Headers, clock: StandingClock
) -> None:
    sara = house.people.sara
    assert problem_of(await house.look(OpeningKind.PRIVATE_NOTES, maria)) == "opening-required"
    assert problem_of(await house.open("private_notes", house.people.by("ana"))) == "not-allowed"  # a program
    assert [line for line in await lines(house.rows.sessions) if sara.id in line.whose] == []  # nothing was shown
    await house.opened("private_notes", maria)
    await house.look(OpeningKind.PRIVATE_NOTES, maria)
    seen = [line for line in await lines(house.rows.sessions) if sara.id in line.whose]
    assert [(line.event, line.kind, line.who, line.role) for line in seen] == [
        (AccessEvent.OPENING, AccessKind.NOTES, "maria", "care_team"),
        (AccessEvent.READ, AccessKind.NOTES, "maria", "care_team"),
    ]
    mine = await house.api.get(f"/v1/clients/{sara.id}/accesses", headers=house.people.by("sara"))
    assert [(item["name"], item["role"], item["kind"]) for item in mine.json()["items"]] == [
        ("Maria", "care_team", "notes")
    ]


async def test_what_cannot_be_written_down_is_not_opened(
    house: House, maria: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr("api.routes.accounts.openings.write_accesses", full)
    assert (await house.open("goals", maria)).status_code == 500
    assert await house.seen(maria) == set()
    assert (await house.facts(), await house.mails()) == ([], [])


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE opening SET ends_at = ends_at + interval '1 day'",
        "UPDATE opening SET opened_by = 'care_team:nina'",
        "UPDATE opening SET what = 'documents'",
        "UPDATE opening SET client_id = client_id",
        "DELETE FROM opening",
        "TRUNCATE opening",
    ],
)
async def test_the_programs_role_changes_nothing_but_the_end(
    house: House, maria: Headers, database: AsyncEngine, change: str
) -> None:
    await house.opened("goals", maria)
    with pytest.raises(DBAPIError, match="permission denied for table opening"):
        async with database.begin() as connection:
            await connection.execute(text(change))


@every_kind
async def test_how_many_statements_a_look_through_an_opening_costs(
    house: House, maria: Headers, database: AsyncEngine, clock: StandingClock, what: OpeningKind
) -> None:
    """As a therapist's own look, and at most one more; a refusal asks no more than it."""
    ana = await house.person("ana", Role.THERAPIST, therapist=house.people.ana)
    await house.opened(what, maria)
    costs = {}
    for who, headers in (("ana", ana), ("maria", maria)):
        await house.look(what, headers)  # the token is noted as used, once in a minute
        clock.advance(seconds=1)
        with statements(database) as asked:
            assert (await house.look(what, headers)).status_code == 200
        costs[who] = len(asked)
    more = {OpeningKind.INTAKE_ANSWERS: 1, OpeningKind.GOALS: 1, OpeningKind.DIRECT_CHAT: 2}
    assert costs["maria"] - costs["ana"] == more.get(what, 0), costs
