"""Waitlists over the API: what is understood and what is not, who may, who is refused, and what wakes a line.

The journeys' own steps run for real here; only the engine between them and the API is left out.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlmodel import SQLModel, select

from activities.booking.waitlist import WaitlistActivities
from activities.types.booking import LineLook
from api.engine import GONE
from api.problems import EngineUnavailable
from models.tables import Appointment, Client, Therapist
from models.tables.booking.waitlist import WaitlistPlace
from models.tables.clients.fact import Fact
from models.tables.forms.form import FormRequest
from rules.enums import AppointmentStatus, AppointmentType, IntroCalls
from tests.api.conftest import (
    DESK,
    SITE,
    StandingClock,
    ToldEngine,
    fields_of,
    problem_of,
    steps_behind,
)
from tests.care.defaults import details
from tests.care.rows import NOW, Rows

SOME_DAY = "2026-03-10"
DETAILS = details()


@dataclass
class WakingEngine(ToldEngine):
    """Notes whose line is woken. ``away``: it cannot be."""

    woken: list[str] = field(default_factory=list)
    away: bool = False

    async def wake_line(self, therapist: str) -> None:
        if self.away:
            raise EngineUnavailable
        self.woken.append(therapist)


class Door:
    """Where people ask to wait."""

    def __init__(
        self, api: httpx.AsyncClient, rows: Rows, engine: WakingEngine, clock: StandingClock, steps: WaitlistActivities
    ) -> None:
        self.api, self.rows, self.engine, self.clock, self.steps = api, rows, engine, clock, steps

    async def person(self, therapist: Therapist | None, name: str = "sara", **more: Any) -> Client:
        return await self.rows.client(therapist, **DETAILS | {"email": f"{name}@example.com"} | more)

    async def sign_in(self, client: Client) -> dict[str, str]:
        return await self.rows.signed_in(client)

    async def asks(
        self, client: Client | str, *, slug: str = "ana", by: Any = SITE, key: str | None = None, **body: Any
    ) -> httpx.Response:
        id = str(client.id) if isinstance(client, Client) else client
        wish = {"client_id": id, "type": "session", "from": SOME_DAY, "to": SOME_DAY} | body
        wish = {name: value for name, value in wish.items() if value is not ...}
        headers = {**(by or {}), **({"Idempotency-Key": key} if key else {})}
        return await self.api.post(f"/v1/therapists/{slug}/waitlist", json=wish, headers=headers)

    async def joins(self, client: Client, **wish: Any) -> dict[str, Any]:
        answer = await self.asks(client, **wish)
        assert answer.status_code == 201, answer.text
        place: dict[str, Any] = answer.json()
        return place

    async def looks(self) -> LineLook:
        return await self.steps.look_at_line("ana")

    async def count(self, table: type[SQLModel]) -> int:
        async with self.rows.sessions() as session:
            return len((await session.exec(select(table))).all())


@pytest.fixture
def engine() -> WakingEngine:
    return WakingEngine()


@pytest.fixture
def door(api: httpx.AsyncClient, rows: Rows, engine: WakingEngine, clock: StandingClock) -> Door:
    steps = WaitlistActivities(steps_behind(rows, clock))
    engine.answers_to |= {"join_waitlist": steps.join_waitlist, "leave_waitlist": steps.leave_waitlist}
    return Door(api, rows, engine, clock, steps)


@pytest.fixture
async def ana(rows: Rows) -> Therapist:
    return await rows.therapist()


# ---------------------------------------------------------------- what is wished


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("wish", "first", "last"),
    [
        # Dates are the client's, both included: midnight in New York is five in the morning, and four in summer.
        ({}, "2026-03-10T04:00", "2026-03-11T04:00"),
        ({"from": "2026-03-07", "to": "2026-03-08"}, "2026-03-07T05:00", "2026-03-09T04:00"),
        ({"time_zone": "Asia/Kathmandu"}, "2026-03-09T18:15", "2026-03-10T18:15"),
        ({"from": "2026-03-10T10:00:00+01:00", "to": "2026-03-10T12:30:00Z"}, "2026-03-10T09:00", "2026-03-10T12:30"),
        ({"to": "2026-03-10T12:00:00Z"}, "2026-03-10T04:00", "2026-03-10T12:00"),
        ({"from": "2026-02-20"}, "2026-02-20T05:00", "2026-03-11T04:00"),  # what is past of it is past
        ({"from": "2026-03-02", "to": "2026-03-02"}, "2026-03-02T05:00", "2026-03-03T05:00"),  # today
        ({"from": "2026-03-02", "to": "2027-03-02"}, "2026-03-02T05:00", "2027-03-03T05:00"),  # a year
    ],
)
async def test_dates_are_of_the_clients_zone_and_both_included(
    door: Door, ana: Therapist, wish: dict[str, Any], first: str, last: str
) -> None:
    sara = await door.person(ana)
    place = await door.joins(sara, **wish)
    assert (datetime.fromisoformat(place["from"]), datetime.fromisoformat(place["to"])) == (utc(first), utc(last))
    assert place | {"from": "", "to": "", "id": ""} == {
        "id": "",
        "client_id": str(sara.id),
        "test": False,
        "therapist": "ana",
        "type": "session",
        "from": "",
        "to": "",
        "joined_at": NOW.isoformat().replace("+00:00", "Z"),
        "position": 1,
        "offer": None,
    }


WRONG: list[tuple[str, list[Any]]] = [
    ("from", [None, "", "soon", 1, True, "2026-02-30", "2026-13-01", "25:00", "2026-03-10T25:00:00Z",
              "2026-03-10T10:00:00", "2026-03-10T10:00:00+99:00", "0001-01-01", "9999-12-31", "2026-03-11",
              "2016-03-10", "2026-03-11T04:00:00Z", "x" * 41, [], {}, ...]),
    ("to", [None, "", "soon", "24:01", "2026-03-09", "2026-03-01", "2036-03-10", "2027-03-12", "9999-12-31",
            "9999-12-31T23:59:59-14:00", "2026-03-10T04:00:00Z", "2026-03-02T11:59:59Z", "2026-03-10T25:00Z", ...]),
    ("type", [None, "", "Session", "couch", 1, ...]),
    ("time_zone", ["Mars/Olympus", "", "EST5EDT4", 1, "America/New_York "]),
    ("client_id", [None, "", "sara", 1, ...]),
    ("notes", ["please"]),
]  # fmt: skip
MAY_NAME = {"from": {"from", "to"}}  # a range that is too long, or upside down, is told of its end


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG for value in values])
async def test_a_wish_that_is_none_is_refused_by_its_field_and_asks_nobody(
    door: Door, ana: Therapist, name: str, value: Any
) -> None:
    sara = await door.person(ana)
    answer = await door.asks(sara, by=await door.rows.beside_site(sara), **{name: value})
    assert answer.status_code == 422
    assert set(fields_of(answer)) <= MAY_NAME.get(name, {name})
    assert (door.engine.asked, await door.count(WaitlistPlace), await door.count(Fact)) == ([], 0, 0)


async def test_a_wish_may_lie_a_year_ahead_and_not_further(door: Door, ana: Therapist) -> None:
    sara = await door.person(ana)
    assert fields_of(await door.asks(sara, **{"from": "2027-03-03", "to": "2027-03-05"})) == ["to"]
    assert fields_of(await door.asks(sara, **{"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T12:00:00Z"})) == ["to"]
    await door.joins(sara, **{"from": "2027-03-02", "to": "2027-03-03"})


# ---------------------------------------------------------------- who may


async def test_who_may_join_see_and_leave(
    door: Door, rows: Rows, ana: Therapist, therapist_token: Callable[[str], Any]
) -> None:
    ben = await rows.therapist("ben")
    sara, otto = await door.person(ana), await door.person(ben, "otto")
    her, his = await door.sign_in(sara), await door.sign_in(otto)
    of_ana, of_ben = await therapist_token("ana"), await therapist_token("ben")
    place = await door.joins(sara, by=her)
    seen_at = f"/v1/clients/{sara.id}/waitlist"
    for by in (her, SITE, DESK, of_ana):
        assert (await door.joins(sara, by=by))["id"] == place["id"]
        [seen] = (await door.api.get(seen_at, headers=by)).json()["items"]
        assert seen["id"] == place["id"]
    left = f"/v1/waitlist/{place['id']}"
    for by in (his, of_ben):
        for answer in (
            await door.asks(sara, by=by),
            await door.api.get(seen_at, headers=by),
            await door.api.delete(left, headers=by),
        ):
            assert (answer.status_code, problem_of(answer)) == (404, "not-found")
    for answer in (
        await door.asks(sara, by=None),
        await door.api.get(seen_at),
        await door.api.get("/v1/therapists/ana/waitlist"),
        await door.api.delete(left),
    ):
        assert (answer.status_code, problem_of(answer)) == (401, "unauthenticated")

    line = "/v1/therapists/ana/waitlist"
    for by in (DESK, of_ana):
        assert [one["id"] for one in (await door.api.get(line, headers=by)).json()["items"]] == [place["id"]]
    assert (await door.api.get(line, headers=of_ben)).json()["items"] == [], "a therapist sees their own clients"
    for by in (SITE, her):
        assert problem_of(await door.api.get(line, headers=by)) == "not-allowed"
    for by in (SITE, of_ana, her):
        answer = await door.api.delete(left, headers=by)  # twice is fine
        assert (answer.status_code, answer.content) == (204, b"")
    assert (await door.api.get(seen_at, headers=her)).json()["items"] == []
    assert problem_of(await door.api.delete(f"/v1/waitlist/{uuid4()}", headers=DESK)) == "not-found"


async def test_nobody_is_there(door: Door, ana: Therapist) -> None:
    sara = await door.person(ana)
    assert problem_of(await door.asks(str(uuid4()), by=DESK)) == "not-found"
    assert problem_of(await door.asks(sara, slug="nobody")) == "not-found"
    assert problem_of(await door.api.get("/v1/therapists/nobody/waitlist", headers=DESK)) == "not-found"
    assert problem_of(await door.api.get(f"/v1/clients/{uuid4()}/waitlist", headers=DESK)) == "not-found"
    door.engine.answers_to["join_waitlist"] = GONE
    assert problem_of(await door.asks(sara)) == "not-found"


# ---------------------------------------------------------------- who is refused


async def _without_details(door: Door, ana: Therapist) -> Client:
    return await door.person(ana, phone=None)


async def _switched_off(door: Door, ana: Therapist) -> Client:
    return await door.person(ana, portal_settings={"schedule_appointments": False})


async def _nobodys(door: Door, ana: Therapist) -> Client:
    return await door.person(None)


async def _anothers(door: Door, ana: Therapist) -> Client:
    return await door.person(await door.rows.therapist("ben"))


async def _before_the_forms(door: Door, ana: Therapist) -> Client:
    sara = await door.person(ana, first_booked_at=NOW)
    await door.rows.appointment(sara, ana, status=AppointmentStatus.CANCELLED)
    asked: dict[str, Any] = {"client_id": sara.id, "version": 1, "requested_at": NOW, "requested_by": "system"}
    await door.rows.add(FormRequest(id=uuid4(), kind="billing_info", **asked))  # as the first booking does
    return sara


@pytest.mark.parametrize(
    ("who", "name", "status"),
    [
        (_without_details, "client-details-required", 422),
        (_switched_off, "booking-disabled", 409),
        (_nobodys, "no-therapist-assigned", 409),
        (_anothers, "validation-failed", 422),
        (_before_the_forms, "intake-forms-incomplete", 409),
    ],
)
async def test_whom_a_booking_would_be_refused_cannot_wait(
    *, door: Door, ana: Therapist, who: Callable[[Door, Therapist], Any], name: str, status: int
) -> None:
    sara = await who(door, ana)
    answer = await door.asks(sara)
    assert (answer.status_code, problem_of(answer)) == (status, name)
    assert (await door.count(WaitlistPlace), await door.count(Fact)) == (0, 0)
    assert (await door.asks(sara, by=DESK)).status_code == status, "an offer goes to the client, whoever asks for it"


async def test_intro_rules_hold_for_a_place_too(door: Door, rows: Rows) -> None:
    ana = await rows.therapist(intro_calls=IntroCalls.REQUIRED)
    sara = await door.person(ana)
    assert problem_of(await door.asks(sara)) == "intro-call-required"
    await door.joins(sara, type="intro_call")
    assert problem_of(await door.asks(sara, by=DESK)) == "intro-call-required"
    ben = await rows.therapist("ben", intro_calls=IntroCalls.OFF)
    otto = await door.person(ben, "otto")
    assert problem_of(await door.asks(otto, slug="ben", type="intro_call")) == "intro-call-not-offered"


async def test_whoever_has_an_intro_call_may_wait_for_another_time_of_it(door: Door, ana: Therapist) -> None:
    sara = await door.person(ana)
    await door.rows.appointment(sara, ana, type=AppointmentType.INTRO_CALL)
    assert await door.count(Appointment) == 1
    await door.joins(sara, type="intro_call")


# ---------------------------------------------------------------- places


async def test_a_place_is_kept_when_the_wish_changes_and_each_type_has_its_own(door: Door, ana: Therapist) -> None:
    sara, otto = await door.person(ana), await door.person(ana, "otto")
    first = await door.joins(sara)
    door.clock.advance(minutes=1)
    await door.joins(otto)
    door.clock.advance(minutes=1)
    changed = await door.joins(sara, to="2026-03-20")
    assert (changed["id"], changed["joined_at"], changed["position"]) == (first["id"], first["joined_at"], 1)
    call = await door.joins(sara, type="intro_call")
    assert call["position"] == 3
    line = (await door.api.get("/v1/therapists/ana/waitlist", headers=DESK)).json()["items"]
    assert [(one["client_id"], one["type"], one["position"]) for one in line] == [
        (str(sara.id), "session", 1),
        (str(otto.id), "session", 2),
        (str(sara.id), "intro_call", 3),
    ]


async def test_a_line_is_read_page_by_page(door: Door, ana: Therapist) -> None:
    for number in range(5):
        await door.joins(await door.person(ana, f"person{number}"))
        door.clock.advance(seconds=1)
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        asked = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await door.api.get("/v1/therapists/ana/waitlist", params=asked, headers=DESK)).json()
        seen += [one["position"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [1, 2, 3, 4, 5]


async def test_the_same_key_is_the_same_answer(door: Door, ana: Therapist) -> None:
    sara = await door.person(ana)
    key = str(uuid4())
    first = await door.asks(sara, key=key)
    door.clock.advance(minutes=1)
    again = await asyncio.gather(*(door.asks(sara, key=key) for _ in range(3)))
    assert [(one.status_code, one.json()) for one in again] == [(201, first.json())] * 3
    assert len(door.engine.asked) == 1
    assert problem_of(await door.asks(sara, key=key, to="2026-03-20")) == "idempotency-key-reused"


async def test_an_offer_is_seen_while_it_is_held_and_with_its_hold_the_slot_is_too(door: Door, ana: Therapist) -> None:
    sara = await door.person(ana)
    await door.joins(sara)
    await door.looks()
    seen_at = f"/v1/clients/{sara.id}/waitlist"
    [place] = (await door.api.get(seen_at, headers=SITE)).json()["items"]
    offer = place["offer"]
    assert offer["starts_at"] == "2026-03-10T13:00:00Z"  # nine in the morning
    assert offer["ends_at"] == "2026-03-10T13:50:00Z"
    assert datetime.fromisoformat(offer["expires_at"]) == NOW + timedelta(hours=2)

    async def slots(**more: str) -> list[str]:
        asked = {"type": "session", "from": SOME_DAY, "to": SOME_DAY, "time_zone": "UTC", **more}
        days = (await door.api.get("/v1/therapists/ana/slots", params=asked)).json()["days"]
        return [slot["starts_at"] for day in days for slot in day["slots"]]

    assert offer["starts_at"] not in await slots()
    assert offer["starts_at"] in await slots(hold_id=offer["hold_id"])
    door.clock.advance(hours=2)
    [place] = (await door.api.get(seen_at, headers=SITE)).json()["items"]
    assert place["offer"] is None, "nobody has looked yet, and all the same it is over"


# ---------------------------------------------------------------- what wakes a line


async def test_a_line_is_woken_by_what_frees_time_and_only_while_somebody_waits(door: Door, ana: Therapist) -> None:
    hours = (await door.api.get("/v1/therapists/ana/availability", headers=DESK)).json()
    hours.pop("time_zone")

    async def everything(zone: str) -> None:
        body = {"type": "session", "starts_at": "2026-03-11T16:00:00Z"}
        held = await door.api.post("/v1/therapists/ana/holds", json=body, headers=SITE)
        assert held.status_code == 201, held.text
        gone = await door.api.delete(f"/v1/holds/{held.json()['hold_id']}", headers=SITE)
        assert gone.status_code == 204
        saved = await door.api.put("/v1/therapists/ana/availability", json=hours, headers=DESK)
        assert saved.status_code == 200
        changed = await door.api.patch("/v1/therapists/ana", json={"time_zone": zone}, headers=DESK)
        assert changed.status_code == 200

    await everything("America/Chicago")
    assert door.engine.woken == []
    await door.joins(await door.person(ana))
    await everything("America/Denver")
    assert door.engine.woken == ["ana"] * 3
    otherwise = await door.api.patch("/v1/therapists/ana", json={"name": "Ana S."}, headers=DESK)
    assert otherwise.status_code == 200
    assert len(door.engine.woken) == 3
    door.engine.away = True
    await everything("America/New_York")  # what was written stands
