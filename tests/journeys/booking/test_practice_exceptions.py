"""What the practice may set aside when it books, what it never may, and how each exception is told and recorded."""

from datetime import datetime, timedelta
from typing import Any

from tests.calendars.reading import read
from tests.care.defaults import Json
from tests.care.story import ALL_DAY, Booked, Care, Person
from tests.journeys.booking.test_series_over_clock_changes import NEW_YORK, at, wall
from tests.journeys.refused import seen

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
WEEK = timedelta(weeks=1)
ALL_FORMS = ["informed_consent", "initial_consultation", "billing_info"]
NO_REASON = "booked by the practice, which gave no reason"
HOURS = [{"weekday": day, "from": "09:00", "to": "17:00", "types": ["intro_call", "session"]}
         for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")]  # fmt: skip

SETTINGS = {"session": {"max_per_day": 2, "buffer_after": 40}}

OUTSIDE = "outside the therapist's hours"
OFF_GRID = "do not begin at this time"
TOO_SOON = "too soon"
TOO_FAR = "further ahead"
AWAY = "is away"
TOO_CLOSE = "buffer is missing"
FULL = "takes no more appointments"


def instants(lines: list[Json]) -> list[datetime]:
    return [datetime.fromisoformat(line["starts_at"]) for line in lines]


async def noon(care: Care, *, days: int) -> datetime:
    """Twelve o'clock in New York, some days from now."""
    return at(
        wall(await care.now(), NEW_YORK).replace(hour=12, minute=0, second=0, microsecond=0) + days * DAY, NEW_YORK
    )


async def booked_by(care: Care, person: Person, starts_at: datetime, *, by: str, **more: Any) -> Json:
    path, body = f"/v1/clients/{person.id}/appointments", person.booking("session", starts_at, **more)
    answer: Json = await care.post(path, body, by=by)
    person.books_at(answer)
    return answer


async def last_fact(person: Person, kind: str) -> Json:
    fact: Json = [fact for fact in await person.timeline() if fact["kind"] == kind][-1]
    return fact


async def test_every_rule_of_the_slot_can_be_set_aside_and_is_named(care: Care) -> None:
    await care.therapist("ana", weekly=HOURS, intro_calls="off", settings=SETTINGS)
    hours = await care.get("/v1/therapists/ana/availability")
    off = await noon(care, days=20)
    hours["time_off"] = [{"starts_at": off.isoformat(), "ends_at": (off + 2 * HOUR).isoformat(), "reason": "dentist"}]
    await care.call("PUT", "/v1/therapists/ana/availability", hours, by="ana", expect=200)
    sara = await care.arrives()
    await sara.completes_forms()
    near = await noon(care, days=10)
    await booked_by(care, sara, near, by="desk")
    await booked_by(care, sara, near + 2 * HOUR, by="desk")
    soon = (await care.now()).replace(second=0, microsecond=0) + timedelta(minutes=40)
    wishes = [
        (await noon(care, days=12) - 6 * HOUR, OUTSIDE),
        (await noon(care, days=12) + timedelta(minutes=7), OFF_GRID),
        (soon, TOO_SOON),
        (await noon(care, days=70), TOO_FAR),
        (off, AWAY),
        (near + HOUR, TOO_CLOSE),  # between two that leave just room enough for it
        (near - 2 * HOUR, FULL),  # the third that day
    ]
    for number, (wish, why) in enumerate(wishes):
        if why == TOO_CLOSE:
            await sara.cannot_book("session", starts_at=wish, name="slot-taken")
        else:
            problem = await sara.cannot_book("session", starts_at=wish, name="slot-unavailable")
            assert why in problem["detail"]
        by = ("ana", "desk")[number % 2]
        answer = await booked_by(care, sara, wish, by=by, reason="an emergency")
        [told] = answer["exceptions"]
        assert (told["week"], *instants([told])) == (1, wish)
        assert why in told["because"]
        fact = await last_fact(sara, "booked")
        [kept] = fact["data"]["exceptions"]
        assert (kept["week"], *instants([kept]), kept["because"]) == (1, wish, told["because"])
        assert fact["words"] == "an emergency"
        assert fact["actor"] == ("therapist:ana", "care_team:desk")[number % 2]

    # What needs no exception has none, and the client side is told of none.
    ordinary = await booked_by(care, sara, await noon(care, days=14), by="desk")
    assert (ordinary["exceptions"], (await last_fact(sara, "booked"))["data"]["exceptions"]) == ([], [])
    own = await booked_by(care, sara, await noon(care, days=15), by="site")
    assert {"exceptions", "unarchived"}.isdisjoint(own)

    # A move by the practice is the same: what it sets aside is in the timeline.
    [moved] = [Booked(sara, line) for line in own["appointments"]]
    await moved.moved(await noon(care, days=16) + 9 * HOUR, by="ana")
    [told] = (await last_fact(sara, "appointment_rescheduled"))["data"]["exceptions"]
    assert OUTSIDE in told["because"]


async def test_never_an_overlap_and_never_the_past(care: Care) -> None:
    await care.therapist("ana", weekly=[], intro_calls="off")
    await care.therapist("ben")
    sara, otto = await care.arrives(), await care.arrives(name="Otto")
    start = await noon(care, days=5)
    await booked_by(care, otto, start, by="desk")
    held = start + 5 * HOUR
    await care.post("/v1/therapists/ana/holds", {"type": "session", "starts_at": held.isoformat()}, by="desk")
    await care.call("PUT", f"/v1/clients/{sara.id}/match", {"therapist": "ben", "reason": "x"}, by="desk", expect=200)
    with_ben = start + 8 * HOUR
    await sara.books("session", with_ben, by="desk")
    await care.call("PUT", f"/v1/clients/{sara.id}/match", {"therapist": "ana", "reason": "x"}, by="desk", expect=200)
    await care.rest()
    now = await care.now()
    before = await seen(care, sara)
    for by in ("ana", "desk"):
        for wish, name in (
            (start + timedelta(minutes=49), "slot-taken"),
            (start - timedelta(minutes=49), "slot-taken"),
            (held, "slot-taken"),
            (with_ben + timedelta(minutes=10), "slot-taken"),  # the client is with Ben then
            (now - timedelta(seconds=5), "slot-unavailable"),
            (now - 300 * DAY, "slot-unavailable"),
        ):
            await sara.cannot_book("session", by=by, name=name, starts_at=wish, reason="must be")
        problem = await sara.cannot_book("session", by=by, name="series-conflict", starts_at=start - WEEK, weeks=3)
        assert [line["week"] for line in problem["conflicts"]] == [1, 2]  # one is in the past, one is taken
    await care.rest()
    assert await seen(care, sara) == before


async def test_a_series_names_the_weeks_that_are_exceptions(care: Care) -> None:
    hours = [line for line in HOURS if line["weekday"] in ("mon", "wed")]
    await care.therapist("ana", weekly=hours, intro_calls="off", settings={"session": {"horizon_days": 10}})
    sara = await care.arrives()
    today = wall(await care.now(), NEW_YORK).weekday()
    monday = await noon(care, days=(7 - today) if today < 6 else 8)  # at least a day ahead
    monday = at(wall(monday, NEW_YORK).replace(hour=12), NEW_YORK)
    third = at(wall(monday, NEW_YORK) + 2 * WEEK, NEW_YORK)
    off = {"date": wall(third, NEW_YORK).date().isoformat(), "windows": []}
    document = await care.get("/v1/therapists/ana/availability") | {"overrides": [off]}
    await care.call("PUT", "/v1/therapists/ana/availability", document, by="ana", expect=200)
    answer = await booked_by(care, sara, monday, by="ana", weeks=4)
    [told] = answer["exceptions"]  # weeks after the first need no horizon
    assert (told["week"], *instants([told])) == (3, third)
    assert OUTSIDE in told["because"]


async def test_s19_at_the_end_of_the_intro_call_the_first_session_is_booked_before_the_call_is_marked(
    care: Care,
) -> None:
    await care.therapist("ana", intro_calls="required", weekly=ALL_DAY)
    sara = await care.arrives()
    [call] = await sara.books("intro_call")
    await care.until(call.ends_at)
    assert (await call.look())["status"] == "scheduled"
    await sara.cannot_book("session", name="intro-call-required")
    first = call.ends_at + WEEK
    answer = await booked_by(care, sara, first, by="ana", weeks=4, reason="agreed on at the end of the call")
    assert len(answer["appointments"]) == 4
    assert {(line["complete_forms_in_session"], *line["outstanding_forms"]) for line in answer["appointments"]} == {
        (True, *ALL_FORMS)
    }
    opened = await last_fact(sara, "forms_gate_opened")
    assert opened["actor"] == "therapist:ana"
    assert opened["words"] == "agreed on at the end of the call"
    assert opened["data"]["outstanding"] == ALL_FORMS
    assert opened["data"]["appointments"] == [line["id"] for line in answer["appointments"]]
    assert opened["at"] == answer["appointments"][0]["booked_at"]
    assert (await call.marked("occurred", by="ana"))["status"] == "occurred"

    # Not even a moment of it may be used before the call is over.
    otto = await care.arrives(name="Otto")
    [other] = await otto.books("intro_call")
    await care.until(other.starts_at + timedelta(minutes=5))
    await otto.cannot_book("session", by="ana", name="slot-taken", starts_at=other.ends_at - timedelta(minutes=1))
    await booked_by(care, otto, other.ends_at, by="ana")


async def test_s15_the_forms_that_are_to_be_completed_in_the_session_are_told_to_everybody(care: Care) -> None:
    await care.therapist("ana", intro_calls="off")
    sara = await care.arrives()
    await sara.books("session")
    await sara.fills_in("informed_consent")
    path = f"/v1/clients/{sara.id}/appointments"
    wish = sara.booking("session", await care.slot("ana", "session", after=5 * DAY))
    await care.rest()
    await sara.activates()
    await care.rest()
    before = await seen(care, sara)
    for by in ("site", sara.email):
        await care.refused("POST", path, wish | {"reason": "please"}, by=by, name="not-allowed", status=403)
        await care.refused("POST", path, wish, by=by, name="intake-forms-incomplete")
    assert await seen(care, sara) == before

    await care.post(path, wish, by="desk")
    await care.rest()
    opened = await last_fact(sara, "forms_gate_opened")
    assert (opened["actor"], opened["data"]["why"]) == ("care_team:desk", NO_REASON)
    assert opened["data"]["outstanding"] == ALL_FORMS[1:]
    for to, template in ((sara.email, "booking_confirmation"), ("ana@practice.example", "appointment_booked")):
        free, in_session = await care.mails(to=to, template=template)
        assert "Forms to complete together" not in free["text"]
        listed = in_session["text"].split("Forms to complete together in this appointment:")[1]
        assert "Initial Consultation Form" in listed
        assert "Billing Info" in listed
        assert "Informed Consent" not in listed
        assert "Forms to complete together" in in_session["html"]
        [file] = in_session["attachments"]
        assert len(read(file["content"].encode())[1]) == 1

    # With nothing outstanding there is no exception to record.
    await sara.completes_forms()
    answer = await care.post(path, wish | {"starts_at": (await noon(care, days=9)).isoformat()}, by="desk")
    assert answer["appointments"][0]["complete_forms_in_session"] is False
    assert (await sara.facts()).count("forms_gate_opened") == 1
