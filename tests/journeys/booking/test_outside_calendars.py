"""A therapist's own calendar, kept elsewhere: what is in it cannot be booked, and a booked time that turns busy is told
to people."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from tests.care.defaults import Json
from tests.care.outside.elsewhere import CalendarFile
from tests.care.served import served
from tests.care.story import Care
from workflows.messages import calendar_id

HOUR = timedelta(hours=1)


@pytest.fixture
async def calendar() -> AsyncIterator[CalendarFile]:
    calendar = CalendarFile()
    async with served(calendar.app) as url:
        calendar.url = f"{url}/private-4f0c/basic.ics"
        yield calendar


async def added(care: Care, calendar: CalendarFile) -> Json:
    told = await care.post(
        "/v1/therapists/ana/calendars", {"kind": "ics", "address": calendar.url, "label": "Mine"}, by="ana"
    )
    await care.rest()
    return told


async def stands(care: Care) -> Json:
    (one,) = await care.items("/v1/therapists/ana/calendars", by="ana")
    return one


async def test_what_is_busy_elsewhere_is_not_offered_and_not_booked(care: Care, calendar: CalendarFile) -> None:
    sara = await care.client_in_care(sessions=1)
    wanted = await care.slot("ana", "session", after=timedelta(days=3))
    calendar.events = [(wanted - HOUR / 2, wanted + HOUR / 2)]
    told = await added(care, calendar)
    assert (told["state"], told["place"]) == ("new", "127.0.0.1")
    assert "private-4f0c" not in str(told)
    assert ((await stands(care))["state"], (await stands(care))["busy_times"]) == ("ok", 1)
    assert wanted not in await care.slots("ana", "session", after=timedelta(days=3))
    body = {"type": "session", "starts_at": wanted.isoformat(), "mode": "phone"}
    path = f"/v1/clients/{sara.id}/appointments"
    problem = await care.refused("POST", path, body, name="slot-taken")
    assert len(problem["alternatives"]) == 3
    assert "calendar" not in problem["detail"]
    held = {"type": "session", "starts_at": wanted.isoformat()}
    await care.refused("POST", "/v1/therapists/ana/holds", held, name="slot-taken")

    # The practice may, and it is written down.
    booked = await care.post(path, body, by="ana")
    assert [one["outside_busy"] for one in booked["exceptions"]] == [True]
    day = f"{wanted.date() - timedelta(days=1)}", f"{wanted.date() + timedelta(days=1)}"
    busy = await care.get("/v1/therapists/ana/busy", by="desk", **{"from": day[0], "to": day[1]})
    assert [datetime.fromisoformat(one["starts_at"]) for one in busy["busy"]] == [wanted - HOUR / 2]
    assert "divorce" not in str(busy)


async def test_a_booked_time_that_turns_busy_is_told_and_settles_by_a_move(care: Care, calendar: CalendarFile) -> None:
    sara = await care.client_in_care(sessions=1)
    session = sara.session(1)
    await added(care, calendar)
    calendar.events = [(session.starts_at, session.starts_at + HOUR)]
    await care.pass_time(minutes=17)  # it is looked at by itself
    assert (await session.look())["status"] == "scheduled"
    (task,) = [task for task in await care.items("/v1/tasks") if task["kind"] == "booked_time_busy"]
    assert task["data"]["appointment_id"] == session.id
    assert "booked_time_busy" in [line["kind"] for line in await care.items("/v1/notifications", by="ana")]
    assert [mail for mail in await care.mails(template="task_opened") if "own calendar" in mail["text"]]
    await session.moved(await care.slot("ana", "session", after=timedelta(days=9)), by="ana")
    assert [task for task in await care.items("/v1/tasks") if task["kind"] == "booked_time_busy"] == []


async def test_it_is_told_after_a_day_that_it_cannot_be_read_and_goes_when_it_is_taken_away(
    care: Care, calendar: CalendarFile
) -> None:
    sara = await care.client_in_care(sessions=1)
    wanted = await care.slot("ana", "session", after=timedelta(days=5))
    calendar.events = [(wanted, wanted + HOUR)]
    told = await added(care, calendar)
    calendar.says = 404
    await care.pass_time(hours=2)
    failing = await stands(care)
    assert (failing["state"], failing["trouble"], failing["busy_times"]) == ("failing", "not_found", 1)
    assert [task for task in await care.items("/v1/tasks") if task["kind"] == "calendar_failed"] == []
    await care.pass_time(hours=24)
    assert [task["client_id"] for task in await care.items("/v1/tasks") if task["kind"] == "calendar_failed"] == [None]
    assert wanted not in await care.slots("ana", "session", after=timedelta(days=3))  # what was read last counts
    assert len(await care.mails(template="calendar_unreadable")) == 1

    # Whoever ends what reads it changes nothing.
    reader = care.house.engine.get_workflow_handle(calendar_id(told["id"]))
    await reader.terminate("by somebody")
    await care.post("/v1/keepings", by="desk", expect=202)
    await care.rest()
    calendar.says, asked = None, calendar.asked
    await care.post(f"/v1/therapists/ana/calendars/{told['id']}/read", by="ana", expect=202)
    await care.rest()
    assert calendar.asked > asked
    assert (await stands(care))["state"] == "ok"
    assert [task for task in await care.items("/v1/tasks") if task["kind"] == "calendar_failed"] == []

    await care.call("DELETE", f"/v1/therapists/ana/calendars/{told['id']}", by="ana", expect=204)
    await care.rest()
    assert await care.items("/v1/therapists/ana/calendars", by="ana") == []
    assert wanted in await care.slots("ana", "session", after=timedelta(days=3))
    assert (await care.house.engine.get_workflow_handle(calendar_id(told["id"])).describe()).close_time is not None
    assert sara.id
