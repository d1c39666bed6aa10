"""What is recorded of an opening, and who is told of it."""

from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from models.tables import (
    Opening,
)
from rules.accounts.accesses import AccessEvent, AccessKind
from rules.accounts.openings import OpeningKind
from rules.enums import Role
from tests.api.access_log.log import lines
from tests.api.accounts.openings.house import WHY, House, every_kind
from tests.api.callers import Headers
from tests.api.conftest import StandingClock, ToldEngine, problem_of
from tests.care.rows import NOW
from tests.statements import statements
from workflows.messages import PRACTICE_MAIL_ID


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


@pytest.mark.parametrize("change", ["closed_at = NULL", "closed_at = now() + interval '1 hour'", "closed_by = NULL"])
async def test_what_was_ended_is_opened_again_by_nobody(
    house: House, maria: Headers, database: AsyncEngine, change: str
) -> None:
    opening = await house.opened("goals", maria)
    assert (await house.api.delete(f"/v1/openings/{opening['id']}", headers=maria)).status_code == 204
    with pytest.raises(DBAPIError, match="an opening that was ended stays so"):
        async with database.begin() as connection:
            await connection.execute(text(f"UPDATE opening SET {change}"))  # noqa: S608 - from above


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
