"""A therapist's calendar at Google tells of a change: the time is gone for clients within seconds."""

from datetime import timedelta
from typing import Any

import pytest

from tests.care.outside.calendar_vendors import AtVendor
from tests.care.story import Care

HALF = timedelta(minutes=30)


async def channels(at: AtVendor) -> list[dict[str, Any]]:
    return [row for row in (await at.state())["channels"] if not row["stopped"]]


@pytest.mark.crowd  # half a minute long
async def test_a_change_at_google_is_seen_at_once_for_weeks(care: Care) -> None:
    await care.client_in_care(sessions=1)
    at = AtVendor(url=f"{care.house.sandbox_url}/google", account="ana@google.example")
    added = await care.post("/v1/therapists/ana/calendars", {"kind": "google"}, by="ana")
    back = await at.answers(added["connect_url"])
    said = {"state": back["state"], "code": back["code"]}
    await care.post("/v1/calendar-connections", said, by="ana", expect=200)
    await care.rest()
    [first] = await channels(at)

    # An event is put in: nobody asks, and a quarter of an hour has not passed.
    wanted = await care.slot("ana", "session", after=timedelta(days=3))
    began = await care.house.now()
    event = await at.puts_in(starts=wanted, ends=wanted + HALF)
    await care.rest()
    assert wanted not in await care.slots("ana", "session", after=timedelta(days=3))
    # Taken out again at once: that push is not heard, and the look a minute later sees it.
    await at.takes_out(event)
    await care.pass_time(minutes=1, seconds=30)
    assert wanted in await care.slots("ana", "session", after=timedelta(days=3))
    assert await care.house.now() - began < timedelta(minutes=10)

    # Days later another channel stands in its place, and is heard.
    await care.pass_time(days=6, hours=1)
    [second] = await channels(at)
    assert second["id"] != first["id"]
    wanted = await care.slot("ana", "session", after=timedelta(days=3))
    await at.puts_in(starts=wanted, ends=wanted + HALF)
    await care.rest()
    assert wanted not in await care.slots("ana", "session", after=timedelta(days=3))

    await care.call("DELETE", f"/v1/therapists/ana/calendars/{added['id']}", by="ana", expect=204)
    assert await channels(at) == []
    assert await at.consents() == 0
