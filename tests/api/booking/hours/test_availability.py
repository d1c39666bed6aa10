"""A therapist's hours as one document, saved as a whole, and what that means for the booked."""

from datetime import date, datetime, timedelta
from typing import Any

import httpx
from sqlmodel import select

from models.database import Sessions
from models.tables import Appointment, OccupiedTime, WeeklyHours
from rules.enums import AppointmentStatus, AppointmentType, Mode
from tests.api.conftest import DESK, ROOT, SITE, StandingClock, ToldEngine, fields_of
from tests.care.rows import NOW, Rows
from workflows.messages import LINKS_CHANGED, journey_id

HOURS_OF_ANA = "/v1/therapists/ana/availability"
WINDOW: dict[str, Any] = {"from": "10:00", "to": "11:00", "types": ["session"]}
TUESDAY: dict[str, Any] = {"weekday": "tue", "from": "09:00", "to": "24:00", "types": ["session"]}
AWAY: dict[str, Any] = {"starts_at": "2026-03-24T00:00:00Z", "ends_at": "2026-03-25T00:00:00Z", "reason": "Away"}
HOURS: dict[str, Any] = {
    "weekly": [TUESDAY],
    "overrides": [{"date": "2026-03-10", "windows": []}, {"date": "2026-03-17", "windows": [WINDOW]}],
    "time_off": [AWAY],
    "settings": {"session": {"minimum_notice": 0, "max_per_day": 3}},
}
EVERY_DAY = [
    {"weekday": day, "from": "09:00", "to": "17:00", "types": ["intro_call", "session"]}
    for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
]
TEN = NOW + timedelta(days=7, hours=2)  # a Monday, 10:00 in New York, where the clocks have just changed


async def saved(api: httpx.AsyncClient, document: Any, headers: Any = DESK) -> dict[str, Any]:
    answer = await api.put(HOURS_OF_ANA, json=document, headers=headers)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def reasons(api: httpx.AsyncClient, document: Any) -> list[tuple[str, str]]:
    """What the practice is told of the booked: each id with why, in the order told."""
    told = await saved(api, document)
    return [(appointment["id"], appointment["because"]) for appointment in told["outside_hours"]]


# ---------------------------------------------------------------- saved


async def test_hours_are_read_as_they_were_written(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist()
    await saved(api, HOURS)
    told = (await api.get(HOURS_OF_ANA, headers=DESK)).json()
    assert told["time_zone"] == "America/New_York"
    assert {name: told[name] for name in ("weekly", "overrides", "time_off")} == {
        name: HOURS[name] for name in ("weekly", "overrides", "time_off")
    }
    assert told["settings"]["session"]["max_per_day"] == 3
    assert told["settings"]["session"]["duration"] == 50
    assert told["settings"]["intro_call"]["minimum_notice"] == 720


async def test_what_is_read_can_be_saved_again_and_nothing_changes(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist()
    document: dict[str, Any] = {
        "weekly": [
            {**TUESDAY, "types": ["session", "intro_call"]},
            {**TUESDAY, "from": "08:00", "to": "10:00"},  # overlaps the first
            TUESDAY,
            TUESDAY,  # and twice the same
            {**TUESDAY, "weekday": "mon", "from": "12:00", "to": "09:00"},  # offers nothing
        ],
        "overrides": [{"date": "2027-01-01", "windows": [WINDOW, WINDOW]}, {"date": "2000-02-29", "windows": []}],
        "time_off": [
            {**AWAY, "starts_at": "2026-03-24T02:00:00.123456+02:00", "reason": "Café,\nthen \u2014 \U0001f3d6\ufe0f"},
            {**AWAY, "starts_at": "2026-03-24t00:00:00.123456z", "reason": ""},
            {"starts_at": "2026-01-01T00:00Z", "ends_at": "2031-01-01T00:00Z", "reason": None},
        ],
        "settings": {"intro_call": {"duration": 1440, "step": 1440, "horizon_days": 730, "max_per_day": None}},
    }
    first = await saved(api, document)
    assert [line["field"] for line in first["ignored"]] == ["weekly[4]"]
    read = await api.get(HOURS_OF_ANA, headers=DESK)
    assert await saved(api, read.json()) == {"outside_hours": [], "ignored": []}
    again = await api.get(HOURS_OF_ANA, headers=DESK)
    assert again.content == read.content
    told = read.json()
    assert [len(told[part]) for part in ("weekly", "overrides", "time_off")] == [4, 2, 3]
    assert told["weekly"][0] == {**TUESDAY, "types": ["intro_call", "session"]}
    assert [line["starts_at"] for line in told["time_off"]] == [
        "2026-01-01T00:00:00Z", "2026-03-24T00:00:00.123456Z", "2026-03-24T00:00:00.123456Z"
    ]  # fmt: skip
    assert [line["reason"] for line in told["time_off"]] == ["", document["time_off"][0]["reason"], ""]


async def test_what_is_left_out_is_empty_or_the_default(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist()
    await saved(api, HOURS)
    await saved(api, {})
    told = (await api.get(HOURS_OF_ANA, headers=DESK)).json()
    assert (told["weekly"], told["overrides"], told["time_off"]) == ([], [], [])
    assert told["settings"]["session"]["max_per_day"] is None
    assert told["settings"]["session"]["minimum_notice"] == 720


async def test_windows_that_offer_nothing_are_told_and_not_kept(
    api: httpx.AsyncClient, rows: Rows, sessions: Sessions
) -> None:
    await rows.therapist()
    backward, empty = {**WINDOW, "to": "09:00"}, {**WINDOW, "to": "10:00"}
    hours = {
        "weekly": [TUESDAY, {"weekday": "tue", **backward}],
        "overrides": [{"date": "2026-03-17", "windows": [WINDOW, empty]}, {"date": "2026-03-18", "windows": [empty]}],
    }
    told = await saved(api, hours)
    fields = ["weekly[1]", "overrides[0].windows[1]", "overrides[1].windows[0]"]
    assert [line["field"] for line in told["ignored"]] == fields
    assert {line["message"] for line in told["ignored"]} == {
        "does not end after it begins, so it offers nothing and is not kept"
    }
    kept = (await api.get(HOURS_OF_ANA, headers=DESK)).json()
    assert kept["weekly"] == [TUESDAY]
    # The override itself stays: its date is then a day off.
    assert [len(override["windows"]) for override in kept["overrides"]] == [1, 0]
    async with sessions() as session:
        assert len((await session.exec(select(WeeklyHours))).all()) == 1


async def test_hours_are_the_practices(api: httpx.AsyncClient, rows: Rows, therapist_token: Any) -> None:
    await rows.therapist("ana")
    await rows.therapist("ben")
    assert (await api.get(HOURS_OF_ANA, headers=SITE)).status_code == 403
    assert (await api.put(HOURS_OF_ANA, json=HOURS)).status_code == 401
    me = await therapist_token("ana")
    await saved(api, HOURS, me)
    assert (await api.get(HOURS_OF_ANA, headers=me)).status_code == 200
    of_ben = HOURS_OF_ANA.replace("ana", "ben")
    assert (await api.put(of_ben, json=HOURS, headers=me)).status_code == 403
    assert (await api.get(of_ben, headers=me)).status_code == 403
    assert (await api.put(of_ben.replace("ben", "nobody"), json=HOURS, headers=DESK)).status_code == 404


# ---------------------------------------------------------------- what it means for the booked


async def test_booked_appointments_that_no_longer_fit_are_listed_with_the_reason_and_stand(
    api: httpx.AsyncClient, rows: Rows, sessions: Sessions
) -> None:
    ana, ben = await rows.therapist("ana"), await rows.therapist("ben")
    sara = await rows.client(ana)
    both = await rows.appointment(sara, ana, starts_at=TEN + timedelta(days=3))
    fits = await rows.appointment(sara, ana, starts_at=TEN)
    outside = await rows.appointment(sara, ana, starts_at=TEN + timedelta(hours=5))
    under = await rows.appointment(sara, ana, starts_at=TEN + timedelta(hours=2))
    wrong_type = await rows.appointment(sara, ana, starts_at=TEN + timedelta(hours=1), type=AppointmentType.INTRO_CALL)
    await rows.appointment(sara, ana, starts_at=TEN + timedelta(days=4), status=AppointmentStatus.CANCELLED)
    await rows.appointment(sara, ana, starts_at=NOW - timedelta(days=3))
    await rows.appointment(sara, ben, starts_at=TEN + timedelta(days=4))
    stood = [(row.id, row.starts_at, row.ends_at) for row in (fits, wrong_type, under, outside, both)]

    ends = under.ends_at
    time_off = [
        {"starts_at": (ends - timedelta(seconds=1)).isoformat(), "ends_at": ends.isoformat()},
        {"starts_at": fits.ends_at.isoformat(), "ends_at": wrong_type.starts_at.isoformat()},  # only touches
        {"starts_at": both.starts_at.isoformat(), "ends_at": both.ends_at.isoformat()},
    ]
    monday = [{"weekday": "mon", "from": "09:00", "to": "15:00", "types": ["session"]}]
    assert await reasons(api, {"weekly": monday, "time_off": time_off}) == [
        (str(wrong_type.id), "outside the hours"),
        (str(under.id), "under time off"),
        (str(outside.id), "outside the hours"),
        (str(both.id), "outside the hours and under time off"),
    ]
    async with sessions() as session:
        for id, starts_at, ends_at in stood:
            row, occupied = await session.get_one(Appointment, id), await session.get_one(OccupiedTime, id)
            assert (row.starts_at, row.ends_at, row.status) == (starts_at, ends_at, AppointmentStatus.SCHEDULED)
            assert (occupied.starts_at, occupied.ends_at) == (starts_at, ends_at)


async def test_one_that_runs_now_is_listed_and_one_that_is_over_is_not(
    api: httpx.AsyncClient, rows: Rows, clock: StandingClock
) -> None:
    ana = await rows.therapist()
    booked = await rows.appointment(await rows.client(ana), ana, starts_at=NOW + timedelta(hours=3))
    clock.time = booked.starts_at + timedelta(minutes=10)
    away_from_now_on = {"starts_at": clock.time.isoformat(), "ends_at": (clock.time + timedelta(days=1)).isoformat()}
    document = {"weekly": EVERY_DAY, "time_off": [away_from_now_on]}
    assert await reasons(api, document) == [(str(booked.id), "under time off")]
    clock.time = booked.ends_at
    assert await reasons(api, document) == []


async def test_one_whose_outcome_is_known_is_no_longer_listed(api: httpx.AsyncClient, rows: Rows) -> None:
    ana = await rows.therapist()
    sara = await rows.client(ana)
    await rows.appointment(sara, ana, starts_at=NOW - timedelta(minutes=5), status=AppointmentStatus.NO_SHOW)
    assert await reasons(api, {}) == []


async def test_settings_change_nothing_for_the_booked(
    api: httpx.AsyncClient, rows: Rows, sessions: Sessions
) -> None:  # fmt: skip
    ana = await rows.therapist()
    sara = await rows.client(ana)
    first = await rows.appointment(sara, ana, starts_at=TEN)
    next_to_it = await rows.appointment(sara, ana, starts_at=first.ends_at)
    settings = {"duration": 90, "step": 90, "buffer_before": 60, "buffer_after": 60, "minimum_notice": 525_600,
                "horizon_days": 1, "max_per_day": 1}  # fmt: skip
    assert await reasons(api, {"weekly": EVERY_DAY, "settings": {"session": settings}}) == []
    async with sessions() as session:
        for booked in (first, next_to_it):
            row = await session.get_one(Appointment, booked.id)
            assert (row.starts_at, row.ends_at) == (booked.starts_at, booked.ends_at)


async def test_a_change_of_zone_lists_them_too_and_moves_nothing(
    api: httpx.AsyncClient, rows: Rows, therapist_token: Any
) -> None:
    ana = await rows.therapist()
    await saved(api, {**HOURS, "weekly": EVERY_DAY})
    sara = await rows.client(ana)
    evening = await rows.appointment(sara, ana, starts_at=TEN.replace(hour=20))
    morning = await rows.appointment(sara, ana, starts_at=TEN)
    before = (await api.get(HOURS_OF_ANA, headers=DESK)).json()
    me = await therapist_token("ana")

    told = (await api.patch("/v1/therapists/ana", json={"time_zone": "Europe/London"}, headers=me)).json()
    assert told["time_zone"] == "Europe/London"
    assert [(line["id"], line["because"]) for line in told["outside_hours"]] == [(str(evening.id), "outside the hours")]
    kept = (await api.get(HOURS_OF_ANA, headers=DESK)).json()
    assert kept == {**before, "time_zone": "Europe/London"}
    for answer in (await saved(api, kept, ROOT), (await api.patch("/v1/therapists/ana", json={}, headers=ROOT)).json()):
        assert "outside_hours" not in answer  # an admin keeps the hours, and sees no appointment
    for booked in (morning, evening):
        seen = (await api.get(f"/v1/appointments/{booked.id}", headers=DESK)).json()
        assert datetime.fromisoformat(seen["starts_at"]) == booked.starts_at
        assert datetime.fromisoformat(seen["ends_at"]) == booked.ends_at

    # The same zone again is no change, and neither is anything else about the therapist.
    for changes in ({"time_zone": "Europe/London"}, {"name": "Anna"}):
        told = (await api.patch("/v1/therapists/ana", json=changes, headers=DESK)).json()
        assert told["outside_hours"] == []
    back = (await api.patch("/v1/therapists/ana", json={"time_zone": "America/New_York"}, headers=DESK)).json()
    assert back["outside_hours"] == []


async def test_an_overridden_date_stays_that_date_in_another_zone(api: httpx.AsyncClient, rows: Rows) -> None:
    ana = await rows.therapist()
    day = date(2026, 3, 10)
    await saved(api, {"weekly": EVERY_DAY, "overrides": [{"date": day.isoformat(), "windows": []}]})
    await api.patch("/v1/therapists/ana", json={"time_zone": "Asia/Tokyo"}, headers=DESK)
    kept = (await api.get(HOURS_OF_ANA, headers=DESK)).json()
    assert kept["overrides"] == [{"date": day.isoformat(), "windows": []}]
    booked = await rows.appointment(
        await rows.client(ana), ana, starts_at=datetime.fromisoformat("2026-03-10T10:00:00+09:00")
    )
    assert await reasons(api, kept) == [(str(booked.id), "outside the hours")]


async def test_a_therapist_sees_in_the_answer_what_they_may_see_elsewhere(
    api: httpx.AsyncClient, rows: Rows, therapist_token: Any
) -> None:
    ana, ben = await rows.therapist("ana"), await rows.therapist("ben")
    moved_on = await rows.client(ben)  # was Ana's, and the appointment with Ana still stands
    booked = await rows.appointment(moved_on, ana, starts_at=TEN)
    await rows.appointment(moved_on, ben, starts_at=TEN + timedelta(hours=1))
    told = await saved(api, {}, await therapist_token("ana"))
    [line] = told["outside_hours"]
    assert line.pop("because") == "outside the hours"
    seen = (await api.get(f"/v1/appointments/{booked.id}", headers=await therapist_token("ana"))).json()
    assert line == seen


# ---------------------------------------------------------------- the zoom link


async def test_s18_a_zoom_link_is_not_taken_away_from_appointments_ahead(
    api: httpx.AsyncClient, rows: Rows, clock: StandingClock, engine: ToldEngine
) -> None:
    engine.answers_to["links_changed"] = None
    link = "https://zoom.example/j/ana"
    ana, _ = await rows.therapist("ana", zoom_link=link), await rows.therapist("ben", zoom_link=link)
    sara = await rows.client(ana)
    ahead = [await rows.appointment(sara, ana, starts_at=TEN + timedelta(hours=n), mode=Mode.ZOOM) for n in range(2)]
    await rows.appointment(sara, ana, starts_at=TEN + timedelta(hours=2))  # by the platform's own link
    await rows.appointment(
        sara, ana, starts_at=TEN + timedelta(hours=3), mode=Mode.ZOOM, status=AppointmentStatus.CANCELLED
    )
    path = "/v1/therapists/ana"

    answer = await api.patch(path, json={"zoom_link": None, "name": "Anna"}, headers=DESK)
    assert fields_of(answer) == ["zoom_link"]
    assert "2 Zoom appointments are ahead" in answer.json()["detail"]
    told = (await api.get(path, headers=DESK)).json()
    assert (told["zoom_link"], told["name"]) == (link, ana.name)

    changed = await api.patch(path, json={"zoom_link": link + "2"}, headers=DESK)
    assert (changed.status_code, changed.json()["zoom_link"]) == (200, link + "2")
    assert [(asked.name, asked.workflow_id) for asked in engine.asked] == [(LINKS_CHANGED, journey_id(str(sara.id)))]
    assert (await api.patch("/v1/therapists/ben", json={"zoom_link": None}, headers=DESK)).status_code == 200

    clock.time = ahead[0].starts_at
    answer = await api.patch(path, json={"zoom_link": None}, headers=DESK)
    assert "1 Zoom appointment is ahead" in answer.json()["errors"][0]["message"]
    clock.time = ahead[1].starts_at
    gone = await api.patch(path, json={"zoom_link": None}, headers=DESK)
    assert (gone.status_code, gone.json()["zoom_link"]) == (200, None)
    assert len(engine.asked) == 1
