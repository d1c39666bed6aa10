"""Openings are begun once, listed, and ended by whoever may."""

from uuid import uuid4

from rules.enums import Role
from tests.api.accounts.openings.house import WHY, House
from tests.api.callers import Headers
from tests.api.conftest import ROOT, StandingClock, fields_of, problem_of


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
