"""A practice that is closed on a day: asked about, left out of a series, and told of in mails and offers."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.care.defaults import Json
from tests.care.story import Booked, Care

FORTNIGHT = timedelta(weeks=2)
THERAPIST = "ana@practice.example"


async def on(care: Care, day: date) -> int:
    """How many sessions ana has on offer on a date of hers."""
    asked: Json = {"type": "session", "from": str(day), "to": str(day), "time_zone": "America/New_York"}
    return sum(
        len(listed["slots"]) for listed in (await care.get("/v1/therapists/ana/slots", by=None, **asked))["days"]
    )


async def test_a_series_every_second_week_passes_over_a_closed_day(care: Care) -> None:
    sara = await care.client_in_care()
    first = await care.slot("ana", "session", after=timedelta(days=5))
    zone = ZoneInfo((await care.get("/v1/therapists/ana", by=None))["time_zone"])
    third = (first.astimezone(zone).replace(tzinfo=None) + 2 * FORTNIGHT).date()
    day = {"date": str(third), "name": "A day off"}
    assert await on(care, third) > 0
    made = await care.post("/v1/closures", {"closures": [day]}, by="admin")
    [closure] = made["closures"]
    assert await on(care, third) == 0

    offers = (await care.get(f"/v1/clients/{sara.id}/offers", by="site"))["offers"]
    [series] = [one["series"] for one in offers if one["type"] == "session"]
    assert (series["may_book"], series["default_weeks"], series["every"]) == (True, 4, [1, 2, 4])
    asked: Json = {"weeks": series["default_weeks"], "every": 2}
    for by in ("site", "ana"):
        problem = await sara.cannot_book("session", name="series-conflict", starts_at=first, by=by, **asked)
        [conflict] = problem["conflicts"]
        assert (conflict["week"], conflict["closure"]) == (5, day)

    await care.rest()
    sara.appointments.clear()
    booked = await sara.books("session", first, by="ana", on_closure="skip", **asked)
    assert [wall(one, zone) for one in booked] == [first.astimezone(zone).date() + n * FORTNIGHT for n in (0, 1, 3)]
    await care.rest()
    mail = (await care.mails(to=sara.email, template="booking_confirmation"))[-1]
    assert "Your 3 appointments with" in mail["text"]
    assert ", one every 2 weeks, are booked:" in mail["text"]
    told = (await care.mails(to=THERAPIST, template="appointment_booked"))[-1]
    assert "3 appointments booked, one every 2 weeks, with Sara" in told["text"]
    facts = [fact for fact in await sara.timeline() if fact["kind"] == "booked"]
    assert facts[-1]["text"] == "A series of 3 sessions, one every 2 weeks, was booked."
    assert facts[-1]["data"]["skipped"][0]["closure"] == str(third)
    for one in booked:
        assert (await one.look())["every"] == 2

    await care.call("DELETE", f"/v1/closures/{closure['id']}", by="admin", expect=204)
    assert await on(care, third) > 0


def wall(appointment: Booked, zone: ZoneInfo) -> date:
    return datetime.fromisoformat(appointment.booked["starts_at"]).astimezone(zone).date()
