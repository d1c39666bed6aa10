"""The slots of hours that are not saved yet: what saving them would give, and nothing is stored."""

import httpx

from tests.api.booking.hours.test_availability import EVERY_DAY, HOURS, HOURS_OF_ANA, TEN, WINDOW
from tests.api.conftest import DESK, fields_of, problem_of
from tests.care.defaults import Json
from tests.care.rows import Rows

PREVIEW = "/v1/therapists/ana/slots/preview"
ASKED: Json = {"type": "session", "from": "2026-03-09", "to": "2026-03-18", "time_zone": "Europe/Berlin"}


async def previewed(api: httpx.AsyncClient, document: Json) -> Json:
    answer = await api.post(PREVIEW, json=ASKED | document, headers=DESK)
    assert answer.status_code == 200, answer.text
    told: Json = answer.json()
    return told


async def test_it_is_what_saving_would_give_and_nothing_is_stored(api: httpx.AsyncClient, rows: Rows) -> None:
    ana = await rows.therapist("ana")
    sara = await rows.client(ana)
    await rows.appointment(sara, ana, starts_at=TEN)
    shown: Json = {}
    for document in (HOURS, {"weekly": EVERY_DAY, "settings": {"session": {"minimum_notice": 0, "step": 15}}}, {}):
        tables = ("weekly_hours", "date_override", "time_off", "appointment_settings", "occupied_time")
        before = await rows.snapshot(*tables)
        shown = await previewed(api, document)
        assert await rows.snapshot(*tables) == before
        await api.put(HOURS_OF_ANA, json=document, headers=DESK)
        saved = (await api.get("/v1/therapists/ana/slots", params=ASKED)).json()
        assert shown == saved | {"ignored": []}
    assert shown["days"] == []


async def test_what_is_booked_stays_taken_and_the_zone_is_the_askers(api: httpx.AsyncClient, rows: Rows) -> None:
    ana = await rows.therapist("ana")
    await rows.appointment(await rows.client(ana), ana, starts_at=TEN)
    document = {"weekly": EVERY_DAY, "settings": {"session": {"minimum_notice": 0, "buffer_after": 0}}}
    [day] = (await previewed(api, document | {"to": "2026-03-09"}))["days"]
    starts = [slot["starts_at"] for slot in day["slots"]]
    assert TEN.isoformat() not in starts
    assert starts[0].endswith("+01:00")
    read = (await api.get(HOURS_OF_ANA, headers=DESK)).json()  # as a page has it, with the therapist's zone in it
    answer = await api.post(PREVIEW, json=read | {"type": "session"}, headers=DESK)
    assert answer.json()["time_zone"] == "America/New_York"


async def test_it_is_refused_as_saving_is_and_as_asking_is(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist("ana")
    backward = {"weekly": [{"weekday": "mon", **WINDOW, "to": "09:00"}]}
    assert [line["field"] for line in (await previewed(api, backward))["ignored"]] == ["weekly[0]"]
    for wrong, fields in (
        ({"weekly": [{"weekday": "mon", **WINDOW, "to": "25:00"}]}, ["weekly[0].to"]),
        ({"hours": []}, ["hours"]),
        ({"type": "walk"}, ["type"]),
        ({"to": "2026-03-01"}, ["to"]),
        ({"to": "2027-03-01"}, ["to"]),
        ({"time_zone": "Mars"}, ["time_zone"]),
        ({"settings": {"session": {"step": 0}}}, ["settings.session.step"]),
    ):
        answer = await api.post(PREVIEW, json=ASKED | wrong, headers=DESK)
        assert (problem_of(answer), fields_of(answer)) == ("validation-failed", fields), wrong
