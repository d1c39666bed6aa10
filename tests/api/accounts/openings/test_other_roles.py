"""What others than the care team see and open: admins, therapists, clients, programs."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlmodel import col, select

from models.tables import (
    Account,
    SessionNote,
)
from rules.accounts.accesses import AccessKind
from rules.accounts.openings import OpeningKind
from rules.enums import AppointmentStatus, Role
from tests.api.access_log.log import lines
from tests.api.accounts.openings.house import House, every_kind
from tests.api.callers import Headers
from tests.api.conftest import DESK, ROOT, StandingClock, problem_of
from tests.care.rows import NOW


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


async def test_an_invitation_that_was_revoked_makes_nobody_leave(house: House) -> None:
    """Nor does an admin come to somebody's notes by inviting a made-up address for their profile."""
    olga = await house.person("olga", Role.ADMIN)
    made_up = {"name": "Anna", "email": "anna@mail.example", "roles": ["therapist"], "therapist": "ana"}
    invited = await house.api.post("/v1/staff", json=made_up, headers=olga)
    assert invited.status_code == 201, invited.text
    revoked = await house.api.delete(f"/v1/invitations/{invited.json()['id']}", headers=olga)
    assert revoked.status_code == 204
    assert problem_of(await house.open("private_notes", olga)) == "not-allowed"


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
