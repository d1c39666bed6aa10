"""Hours, slots and holds."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlmodel import select

from models import OccupiedTime, WeeklyHours
from models.calendar import put_hold
from models.database import Sessions
from models.seed import add_demo_therapists
from rules.people import Caller
from rules.refusals import Refusal
from rules.words import AppointmentType, Role
from tests.api.conftest import DESK, NOW, SITE, Rows, StandingClock, fields_of, problem_of

TUESDAY = "2026-03-03"  # 15:00Z is 10:00 in New York


def _hold(starts_at: str = f"{TUESDAY}T15:00:00Z", type: str = "session") -> dict[str, str]:
    return {"type": type, "starts_at": starts_at}


async def _slots(api: httpx.AsyncClient, headers: Any = None, **query: str) -> list[str]:
    asked = {"type": "session", "from": TUESDAY, "to": TUESDAY, "time_zone": "UTC", **query}
    answer = await api.get("/v1/therapists/ana/slots", params=asked, headers=headers)
    assert answer.status_code == 200, answer.text
    return [slot["starts_at"] for day in answer.json()["days"] for slot in day["slots"]]


async def test_slots_are_grouped_by_the_askers_date(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist()
    asked = {"type": "session", "from": TUESDAY, "to": "2026-03-04", "time_zone": "Asia/Tokyo"}
    told = (await api.get("/v1/therapists/ana/slots", params=asked)).json()
    assert told["time_zone"] == "Asia/Tokyo"
    assert [day["date"] for day in told["days"]] == ["2026-03-03", "2026-03-04"]
    assert told["days"][0]["slots"][0] == {
        "starts_at": "2026-03-03T00:00:00+09:00",
        "ends_at": "2026-03-03T00:50:00+09:00",
    }


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"type": "party"}, "type"),
        ({"from": "soon"}, "from"),
        ({"from": TUESDAY, "to": "2026-03-02"}, "to"),
        ({"from": "2026-03-01", "to": "2026-06-01"}, "to"),
        ({"from": "0001-01-01", "to": "0001-01-01"}, "from"),
        ({"from": "9999-12-31"}, "from"),
        ({"time_zone": "Mars"}, "time_zone"),
        ({"hold_id": "x"}, "hold_id"),
    ],
)
async def test_bad_questions(api: httpx.AsyncClient, rows: Rows, query: dict[str, str], field: str) -> None:
    await rows.therapist()
    answer = await api.get("/v1/therapists/ana/slots", params={"type": "session", **query})
    assert fields_of(answer) == [field]


async def test_ninety_two_days_are_enough(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist()
    asked = {"type": "session", "from": "2026-03-01", "to": "2026-05-31"}
    assert (await api.get("/v1/therapists/ana/slots", params=asked)).status_code == 200


async def test_a_hold_takes_the_time_from_everybody_but_who_presents_it(
    api: httpx.AsyncClient, rows: Rows, clock: StandingClock
) -> None:
    await rows.therapist()
    ten = f"{TUESDAY}T15:00:00Z"
    assert ten in await _slots(api)
    answer = await api.post("/v1/therapists/ana/holds", json=_hold(), headers=SITE)
    assert answer.status_code == 201
    assert answer.json()["expires_at"] == (NOW + timedelta(minutes=10)).isoformat().replace("+00:00", "Z")
    assert ten not in await _slots(api)
    assert ten in await _slots(api, hold_id=answer.json()["hold_id"])
    refused = await api.post("/v1/therapists/ana/holds", json=_hold(), headers=DESK)
    assert problem_of(refused) == "slot-taken"
    assert len(refused.json()["alternatives"]) == 3
    clock.advance(minutes=10)
    assert ten in await _slots(api)
    assert (await api.post("/v1/therapists/ana/holds", json=_hold(), headers=DESK)).status_code == 201


async def test_a_hold_is_released_once(api: httpx.AsyncClient, rows: Rows, clock: StandingClock) -> None:
    ana = await rows.therapist()
    booked = await rows.appointment(await rows.client(ana), ana)
    hold = (await api.post("/v1/therapists/ana/holds", json=_hold(), headers=SITE)).json()["hold_id"]
    assert (await api.delete(f"/v1/holds/{hold}")).status_code == 401
    assert (await api.delete(f"/v1/holds/{hold}", headers=SITE)).status_code == 204
    assert problem_of(await api.delete(f"/v1/holds/{hold}", headers=SITE)) == "not-found"
    assert problem_of(await api.delete(f"/v1/holds/{booked.id}", headers=DESK)) == "not-found"


async def test_what_cannot_be_held(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist()
    for starts_at in ("2026-03-01T15:00:00Z", f"{TUESDAY}T15:07:00Z", f"{TUESDAY}T03:00:00Z", "2027-03-03T15:00:00Z"):
        answer = await api.post("/v1/therapists/ana/holds", json=_hold(starts_at), headers=SITE)
        assert problem_of(answer) == "slot-unavailable", starts_at
    # The practice is bound by nothing but overlaps and the past.
    early = await api.post("/v1/therapists/ana/holds", json=_hold(f"{TUESDAY}T03:00:00Z"), headers=DESK)
    assert early.status_code == 201
    past = await api.post("/v1/therapists/ana/holds", json=_hold("2026-03-01T15:00:00Z"), headers=DESK)
    assert problem_of(past) == "slot-unavailable"
    assert (await api.post("/v1/therapists/nobody/holds", json=_hold(), headers=SITE)).status_code == 404


async def test_a_held_time_stays_on_offer_when_the_notice_passes(
    api: httpx.AsyncClient, rows: Rows, clock: StandingClock
) -> None:
    await rows.therapist(settings={"session": {"minimum_notice": 60}})
    soon = "2026-03-02T15:00:00Z"
    clock.advance(hours=2)
    hold = (await api.post("/v1/therapists/ana/holds", json=_hold(soon), headers=SITE)).json()["hold_id"]
    clock.advance(minutes=5)
    assert soon not in await _slots(api, **{"from": "2026-03-02"})
    assert soon in await _slots(api, hold_id=hold, **{"from": "2026-03-02"})


async def test_a_person_holds_at_most_five_times(rows: Rows, sessions: Sessions) -> None:
    ana = await rows.therapist()
    sara = await rows.client(ana)
    caller = Caller(role=Role.CLIENT, name="sara", client_id=str(sara.id))
    held: list[Any] = []
    for hour in range(6):
        async with sessions() as session:
            held.append(
                await put_hold(
                    session,
                    hold_id=uuid4(),
                    slug="ana",
                    type=AppointmentType.SESSION,
                    starts_at=NOW + timedelta(days=1, hours=2 + hour),
                    by=caller,
                    now=NOW,
                    hold_ttl=timedelta(minutes=10),
                )
            )
            await session.commit()
    assert [type(one).__name__ for one in held] == ["OccupiedTime"] * 5 + ["Refusal"]
    assert isinstance(held[5], Refusal)
    assert held[5].name == "rate-limited"
    assert held[5].data == {"retry_after": 600}


async def test_of_many_who_want_one_time_one_gets_it(api: httpx.AsyncClient, rows: Rows, sessions: Sessions) -> None:
    await rows.therapist()
    answers = await asyncio.gather(
        *(api.post("/v1/therapists/ana/holds", json=_hold(), headers=SITE) for _ in range(12))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 11
    async with sessions() as session:
        assert len((await session.exec(select(OccupiedTime))).all()) == 1


# ---------------------------------------------------------------- hours

HOURS: dict[str, Any] = {
    "weekly": [{"weekday": "tue", "from": "09:00", "to": "24:00", "types": ["session"]}],
    "overrides": [
        {"date": "2026-03-10", "windows": []},
        {"date": "2026-03-17", "windows": [{"from": "10:00", "to": "11:00", "types": ["session"]}]},
    ],
    "time_off": [{"starts_at": "2026-03-24T00:00:00Z", "ends_at": "2026-03-25T00:00:00Z", "reason": "Away"}],
    "settings": {"session": {"minimum_notice": 0, "max_per_day": 3}},
}


async def test_hours_are_read_as_they_were_written(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist()
    assert (await api.put("/v1/therapists/ana/availability", json=HOURS, headers=DESK)).status_code == 200
    told = (await api.get("/v1/therapists/ana/availability", headers=DESK)).json()
    assert told["time_zone"] == "America/New_York"
    assert {name: told[name] for name in ("weekly", "overrides", "time_off")} == {
        name: HOURS[name] for name in ("weekly", "overrides", "time_off")
    }
    assert told["settings"]["session"]["max_per_day"] == 3
    assert told["settings"]["session"]["duration"] == 50
    assert told["settings"]["intro_call"]["minimum_notice"] == 720
    again = await api.put("/v1/therapists/ana/availability", json=told, headers=DESK)
    assert again.json() == {"outside_hours": [], "ignored": []}


async def test_booked_appointments_outside_new_hours_are_listed_and_stand(api: httpx.AsyncClient, rows: Rows) -> None:
    ana = await rows.therapist()
    booked = await rows.appointment(await rows.client(ana), ana)  # a Monday
    told = (await api.put("/v1/therapists/ana/availability", json=HOURS, headers=DESK)).json()
    assert [appointment["id"] for appointment in told["outside_hours"]] == [str(booked.id)]
    assert (await api.get(f"/v1/appointments/{booked.id}", headers=DESK)).json()["status"] == "scheduled"


async def test_a_change_of_zone_lists_them_too(api: httpx.AsyncClient, rows: Rows) -> None:
    ana = await rows.therapist()
    booked = await rows.appointment(await rows.client(ana), ana, starts_at=NOW + timedelta(days=7, hours=2))
    told = (await api.patch("/v1/therapists/ana", json={"time_zone": "Asia/Tokyo"}, headers=DESK)).json()
    assert told["time_zone"] == "Asia/Tokyo"
    assert [appointment["id"] for appointment in told["outside_hours"]] == [str(booked.id)]


async def test_windows_that_offer_nothing_are_told_and_not_kept(
    api: httpx.AsyncClient, rows: Rows, sessions: Sessions
) -> None:
    await rows.therapist()
    hours = {"weekly": [{"weekday": "tue", "from": "12:00", "to": "09:00", "types": ["session"]}]}
    told = await api.put("/v1/therapists/ana/availability", json=hours, headers=DESK)
    assert [line["field"] for line in told.json()["ignored"]] == ["weekly[0]"]
    async with sessions() as session:
        assert (await session.exec(select(WeeklyHours))).all() == []


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        ({"weekly": [{**HOURS["weekly"][0], "to": "25:00"}]}, ["weekly[0].to"]),
        ({"weekly": "always"}, ["weekly"]),
        ({"hours": []}, ["hours"]),
        ({"settings": {"session": {"step": 0}}}, ["settings.session.step"]),
        ({"time_off": [{"starts_at": "2026-03-24", "ends_at": "2026-03-25T00:00:00Z"}]}, ["time_off[0].starts_at"]),
        ({"time_off": [{**HOURS["time_off"][0], "reason": "\0"}]}, ["body"]),
        ([], ["body"]),
    ],
)
async def test_wrong_lines_are_named_and_nothing_changes(
    api: httpx.AsyncClient, rows: Rows, document: Any, fields: list[str]
) -> None:
    await rows.therapist()
    before = (await api.get("/v1/therapists/ana/availability", headers=DESK)).json()
    answer = await api.put("/v1/therapists/ana/availability", json=document, headers=DESK)
    assert fields_of(answer) == fields
    assert (await api.get("/v1/therapists/ana/availability", headers=DESK)).json() == before


async def test_hours_are_the_practices(api: httpx.AsyncClient, rows: Rows, therapist_token: Any) -> None:
    await rows.therapist("ana")
    await rows.therapist("ben")
    assert (await api.get("/v1/therapists/ana/availability", headers=SITE)).status_code == 403
    me = await therapist_token("ana")
    assert (await api.put("/v1/therapists/ana/availability", json=HOURS, headers=me)).status_code == 200
    assert (await api.put("/v1/therapists/ben/availability", json=HOURS, headers=me)).status_code == 403


async def test_the_demo_therapists_are_added_once_and_can_be_booked(api: httpx.AsyncClient, sessions: Sessions) -> None:
    await add_demo_therapists(sessions, NOW)
    await add_demo_therapists(sessions, NOW)
    listed = (await api.get("/v1/therapists")).json()["items"]
    assert len(listed) == 5
    assert {therapist["intro_calls"] for therapist in listed} == {"required", "optional", "off"}
    for therapist in listed:
        asked = {"type": "session", "from": TUESDAY, "to": "2026-03-16"}
        days = (await api.get(f"/v1/therapists/{therapist['slug']}/slots", params=asked)).json()["days"]
        assert days, therapist["slug"]
