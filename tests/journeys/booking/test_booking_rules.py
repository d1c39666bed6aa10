"""What may be booked, by whom and when: intro calls, the forms gate, slots, series, holds and modes."""

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from rules.policy import JourneyPolicy
from tests.care.defaults import Json
from tests.care.story import Care, Person

NEW_YORK = ZoneInfo("America/New_York")
ALL_FORMS = ["informed_consent", "initial_consultation", "billing_info"]
OFFICE_HOURS = [
    {"weekday": day, "from": "09:00", "to": "17:00", "types": ["intro_call", "session"]}
    for day in ("mon", "tue", "wed", "thu", "fri")
]


@pytest.fixture
def policy() -> JourneyPolicy:
    """With all its budgets: how many times may be held is a rule of booking."""
    return JourneyPolicy()


async def with_forms(care: Care, name: str = "Sara") -> Person:
    """A client who has booked an intro call for later and has nothing left to fill in."""
    person = await care.arrives(name=name)
    await person.books("intro_call", after=timedelta(days=20))
    await person.completes_forms()
    return person


async def set_intro_calls(care: Care, how: str, *, slug: str = "ana", by: str = "desk") -> None:
    await care.call("PATCH", f"/v1/therapists/{slug}", {"intro_calls": how}, by=by, expect=200)


# ---------------------------------------------------------------- intro calls


async def test_s6_s7_a_required_intro_call_comes_first_and_then_there_are_sessions_only(care: Care) -> None:
    await care.therapist("ana", intro_calls="required")
    sara = await care.arrives()
    await sara.cannot_book("session", name="intro-call-required")
    assert (await sara.look())["email"] is None  # a refusal keeps nothing of what came with it
    [call] = await sara.books("intro_call")
    await sara.completes_forms()

    await sara.cannot_book("intro_call", name="intro-call-not-offered")  # one open call at a time
    await sara.cannot_book("session", name="intro-call-required")  # it is booked, and has not occurred
    await call.occurs()
    await sara.cannot_book("intro_call", name="intro-call-not-offered")
    await sara.books("session")

    # "With this therapist": after a re-match it is asked for again.
    await care.therapist("ben", intro_calls="required")
    await care.call(
        "PUT", f"/v1/clients/{sara.id}/match", {"therapist": "ben", "reason": "evenings"}, by="desk", expect=200
    )
    at_bens = await care.slot("ben", "session", after=timedelta(days=5))
    await sara.cannot_book("session", name="intro-call-required", starts_at=at_bens)


async def test_s7_optional_offers_both_and_off_offers_sessions_only(care: Care) -> None:
    await care.therapist("ana", intro_calls="optional")
    sara = await with_forms(care)
    await sara.books("session")
    await sara.cannot_book("intro_call", name="intro-call-not-offered")  # one is open
    await sara.appointments[0].cancelled()
    [again] = await sara.books("intro_call")
    assert again.booked["fee"]["amount"] == 0

    await set_intro_calls(care, "off", by="ana")  # the therapist changes their own setting
    otto = await care.arrives(name="Otto")
    await otto.cannot_book("intro_call", name="intro-call-not-offered")
    await otto.books("session")


async def test_s7_the_practice_is_exempt_from_the_intro_rules(care: Care) -> None:
    await care.therapist("ana", intro_calls="required")
    sara = await care.arrives()
    await sara.books("session", by="desk")
    await sara.books("intro_call", by="ana")
    await sara.books("intro_call", by="desk", after=timedelta(days=4))
    await set_intro_calls(care, "off")
    await sara.books("intro_call", by="ana", after=timedelta(days=5))
    assert len((await care.get("/v1/appointments", client=sara.id))["items"]) == 4


# ---------------------------------------------------------------- the forms gate


async def test_s14_only_the_first_booking_ever_is_free_of_the_forms(care: Care) -> None:
    await care.therapist("ana")
    sara = await care.arrives()
    problem = await sara.cannot_book("session", name="intake-forms-incomplete", weeks=2)  # free is a single one
    assert problem["outstanding"] == ALL_FORMS
    [first] = await sara.books("session")
    await sara.cannot_book("session", name="intake-forms-incomplete", starts_at=first.starts_at + timedelta(days=7))
    await first.cancelled()
    await sara.cannot_book("session", name="intake-forms-incomplete")  # even if the first was cancelled since

    await sara.fills_in("informed_consent")
    await sara.fills_in("initial_consultation")
    problem = await sara.cannot_book("session", name="intake-forms-incomplete")
    assert problem["outstanding"] == ["billing_info"]
    await sara.gives_card()
    assert len(await sara.books("session", weeks=3)) == 3


async def test_s15_the_practice_opens_the_gate_which_is_stamped_recorded_and_noted_at_the_start(care: Care) -> None:
    await care.therapist("ana")
    sara = await care.arrives()
    await sara.books("intro_call")
    await sara.fills_in("informed_consent")
    [session] = await sara.books("session", by="ana", after=timedelta(days=4))

    assert session.booked["complete_forms_in_session"] is True
    assert session.booked["outstanding_forms"] == ALL_FORMS[1:]
    [opened] = [fact for fact in await sara.timeline() if fact["kind"] == "forms_gate_opened"]
    assert (opened["actor"], opened["data"]["outstanding"]) == ("therapist:ana", ALL_FORMS[1:])
    assert (await sara.appointments[0].look())["complete_forms_in_session"] is False  # it was the free first one

    await care.until(session.starts_at + timedelta(minutes=1))
    assert (await session.look())["status"] == "scheduled"  # warned of, never cancelled
    noted = [fact["data"] for fact in await sara.timeline() if fact["kind"] == "forms_incomplete_at_start"]
    assert {"appointment_id": session.id, "outstanding": ALL_FORMS[1:]} in noted

    await sara.completes_forms()
    [later] = await sara.books("session", by="desk", after=timedelta(days=2))
    assert later.booked["complete_forms_in_session"] is False
    assert (await sara.facts()).count("forms_gate_opened") == 1


async def test_refusals_come_in_one_order(care: Care) -> None:
    await care.therapist("ana", intro_calls="required", licensed_in=["CA"], weekly=OFFICE_HOURS)
    sara = await care.arrives("matching_form")
    yesterday = await care.now() - timedelta(days=1)
    path = f"/v1/clients/{sara.id}"
    await care.call("PATCH", path, {"portal_settings": {"schedule_appointments": False}}, by="desk", expect=200)

    wanted = sara.booking("session", yesterday, weeks=4)
    details = wanted.pop("details")
    refused = f"{path}/appointments"
    await care.refused("POST", refused, wanted, name="client-details-required", status=422)
    await care.call("PATCH", path, details, expect=200)
    await care.refused("POST", refused, wanted, name="booking-disabled")
    await care.refused("POST", refused, wanted, by="desk", name="no-therapist-assigned")  # it binds the client side
    await care.call("PATCH", path, {"portal_settings": {"schedule_appointments": True}}, by="desk", expect=200)
    await care.refused("POST", refused, wanted, name="no-therapist-assigned")
    await care.call("PUT", f"{path}/match", {"therapist": "ana", "reason": "by hand"}, by="desk", expect=200)
    await care.refused("POST", refused, wanted, name="intro-call-required")
    await set_intro_calls(care, "optional")
    await care.refused("POST", refused, wanted, name="intake-forms-incomplete")
    await care.refused("POST", refused, wanted | {"weeks": 1}, name="slot-unavailable")
    assert "booked" not in await sara.facts()


async def test_s49_booking_switched_off_binds_the_client_and_not_the_practice(care: Care) -> None:
    await care.therapist("ana")
    sara = await care.arrives()
    off = {"portal_settings": {"schedule_appointments": False}}
    await care.refused("PATCH", f"/v1/clients/{sara.id}", off, name="not-allowed", status=403)
    view = (await care.call("PATCH", f"/v1/clients/{sara.id}", off, by="ana", expect=200)).json()
    assert view["portal_settings"] == {
        "schedule_appointments": False, "chat": True, "community": True, "documents": True, "forms": True, "goals": True
    }  # fmt: skip
    await sara.cannot_book("intro_call", name="booking-disabled")
    await sara.books("intro_call", by="ana")


# ---------------------------------------------------------------- series


async def test_s20_a_weekly_series_is_booked_as_a_whole_or_not_at_all(care: Care) -> None:
    await care.therapist("ana")
    otto = await with_forms(care, "Otto")
    sara = await with_forms(care)
    start = await care.slot("ana", "session", after=timedelta(days=3))
    third = start + timedelta(weeks=2)
    wall = start.astimezone(NEW_YORK)
    third = third + (wall.utcoffset() or timedelta()) - (third.astimezone(NEW_YORK).utcoffset() or timedelta())
    await otto.books("session", third)

    before = len(await sara.timeline())
    problem = await sara.cannot_book("session", name="series-conflict", starts_at=start, weeks=4)
    [conflict] = problem["conflicts"]
    assert (conflict["week"], datetime.fromisoformat(conflict["starts_at"])) == (3, third)
    alternatives = [datetime.fromisoformat(slot["starts_at"]) for slot in conflict["alternatives"]]
    assert len(alternatives) == 3
    weeks = {moment.astimezone(NEW_YORK).isocalendar().week for moment in [*alternatives, third]}
    assert len(weeks) == 1
    assert len(await sara.timeline()) == before
    assert len((await care.get("/v1/appointments", client=sara.id))["items"]) == 1  # the call

    answer = await care.post(
        f"/v1/clients/{sara.id}/appointments", sara.booking("session", start, weeks=4, skip_conflicts=True)
    )
    assert [skipped["week"] for skipped in answer["skipped"]] == [3]
    starts = [datetime.fromisoformat(booked["starts_at"]).astimezone(NEW_YORK) for booked in answer["appointments"]]
    assert [(at.date() - wall.date()).days for at in starts] == [0, 7, 21]
    assert {at.time() for at in starts} == {wall.time()}
    assert {booked["series_id"] for booked in answer["appointments"]} == {answer["series_id"]} != {None}
    await care.rest()
    [confirmation] = [
        mail
        for mail in await care.mails(to=sara.email, template="booking_confirmation")
        if len(mail["attachments"]) > 1
    ]
    assert len(confirmation["attachments"]) == 3

    for weeks_wanted in (0, 53):
        path = f"/v1/clients/{sara.id}/appointments"
        problem = await care.refused(
            "POST", path, sara.booking("session", start, weeks=weeks_wanted), name="validation-failed", status=422
        )
        assert [error["field"] for error in problem["errors"]] == ["weeks"]


async def test_a_series_keeps_its_wall_time_when_the_clocks_change(care: Care) -> None:
    await care.therapist("ana", weekly=OFFICE_HOURS)
    sara = await with_forms(care)
    now = await care.now()
    days = [datetime(now.year, now.month, now.day, 15, tzinfo=NEW_YORK) + timedelta(days=n) for n in range(10, 260)]
    change = next(n for n, day in enumerate(days) if day.utcoffset() != days[n - 1].utcoffset() and n)
    weekday = next(day for day in reversed(days[:change]) if day.weekday() == 2)

    booked = await sara.books("session", weekday.astimezone(UTC), by="desk", weeks=4)

    walls = [appointment.starts_at.astimezone(NEW_YORK) for appointment in booked]
    assert {wall.hour for wall in walls} == {15}
    assert len({wall.utcoffset() for wall in walls}) == 2
    assert [(wall.date() - weekday.date()).days for wall in walls] == [0, 7, 14, 21]


# ---------------------------------------------------------------- slots


async def test_of_twenty_clients_who_want_one_time_one_gets_it(care: Care) -> None:
    await care.therapist("ana", weekly=OFFICE_HOURS)
    people = await asyncio.gather(*(care.arrives(name=f"Client{number}") for number in range(20)))
    start = await care.slot("ana", "intro_call")

    answers = await asyncio.gather(
        *(
            care.call("POST", f"/v1/clients/{person.id}/appointments", person.booking("intro_call", start))
            for person in people
        )
    )

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    for answer in answers:
        if answer.status_code == 409:
            problem: Json = answer.json()
            assert problem["type"].endswith("/slot-taken")
            assert len(problem["alternatives"]) == 3
            assert start.isoformat() not in [slot["starts_at"] for slot in problem["alternatives"]]
    assert len((await care.get("/v1/appointments", therapist="ana"))["items"]) == 1
    loser = people[next(n for n, answer in enumerate(answers) if answer.status_code == 409)]
    offered = next(answer for answer in answers if answer.status_code == 409).json()["alternatives"][0]
    await loser.books("intro_call", datetime.fromisoformat(offered["starts_at"]))  # what is offered can be had


async def test_the_practice_books_outside_hours_and_inside_notice_but_never_over_anything(care: Care) -> None:
    await care.therapist("ana", weekly=[])
    soon = (await care.now() + timedelta(hours=1)).replace(second=0, microsecond=0)
    sara = await care.arrives()
    await sara.cannot_book("intro_call", name="slot-unavailable", starts_at=soon)
    [call] = await sara.books("intro_call", soon, by="ana")

    otto = await care.arrives(name="Otto")
    for by in ("ana", "desk"):
        await otto.cannot_book("session", by=by, name="slot-taken", starts_at=soon + timedelta(minutes=10))
    past = await care.now() - timedelta(minutes=5)
    await otto.cannot_book("session", by="desk", name="slot-unavailable", starts_at=past)
    await otto.books("session", call.ends_at, by="desk")  # buffers do not bind the practice

    held = call.ends_at + timedelta(hours=3)
    hold = await care.post("/v1/therapists/ana/holds", {"type": "session", "starts_at": held.isoformat()}, by="desk")
    await otto.cannot_book("session", by="ana", name="slot-taken", starts_at=held)
    await otto.books("session", held, by="ana", hold_id=hold["hold_id"])  # whoever presents the id owns it


async def test_a_client_cannot_be_in_two_places(care: Care) -> None:
    await care.therapist("ana")
    await care.therapist("ben")
    sara = await care.arrives()
    [call] = await sara.books("intro_call", await care.slot("ana", "session"))
    await sara.completes_forms()
    answer = await care.call(
        "PUT", f"/v1/clients/{sara.id}/match", {"therapist": "ben", "reason": "evenings"}, by="desk", expect=200
    )
    shown = answer.json()
    assert (shown["open_appointments"], shown["cancelled"]) == ([await call.look()], [])
    for by in ("site", "desk"):
        problem = await sara.cannot_book("session", by=by, name="slot-taken", starts_at=call.starts_at)
        offered = [datetime.fromisoformat(slot["starts_at"]) for slot in problem["alternatives"]]
        assert offered
        assert all(at >= call.ends_at or at + timedelta(minutes=50) <= call.starts_at for at in offered)


# ---------------------------------------------------------------- holds


async def test_a_hold_freezes_the_notice_keeps_others_out_and_lapses(care: Care) -> None:
    steps = {"intro_call": {"duration": 15, "step": 1, "buffer_after": 0, "minimum_notice": 720}}
    await care.therapist("ana", settings=steps)
    sara = await care.arrives()
    start = await care.slot("ana", "intro_call", after=timedelta(hours=12, minutes=1))
    body = {"type": "intro_call", "starts_at": start.isoformat()}
    hold = await care.post("/v1/therapists/ana/holds", body)
    await care.refused("POST", "/v1/therapists/ana/holds", body, name="slot-taken")

    await care.pass_time(minutes=8)
    await sara.cannot_book("intro_call", name="slot-unavailable", starts_at=start)  # too soon by now, but for the hold
    await sara.books("intro_call", start, hold_id=hold["hold_id"])

    later = start + timedelta(hours=2)
    otto = await care.arrives(name="Otto")
    body = {"type": "intro_call", "starts_at": later.isoformat()}
    hold = await care.post("/v1/therapists/ana/holds", body)
    await otto.cannot_book("intro_call", name="slot-taken", starts_at=later)
    await care.pass_time(minutes=11)
    await otto.books("intro_call", later)  # the hold has lapsed
    await care.refused("DELETE", f"/v1/holds/{hold['hold_id']}", name="not-found", status=404)


async def test_a_client_holds_a_few_times_at_once_and_can_let_go(care: Care) -> None:
    await care.therapist("ana")
    sara = await care.arrives()
    await sara.books("intro_call")
    await care.rest()
    await sara.activates()
    start = await care.slot("ana", "session", after=timedelta(days=6))
    body = [{"type": "session", "starts_at": (start + timedelta(hours=n)).isoformat()} for n in range(6)]
    holds = [await care.post("/v1/therapists/ana/holds", body[n], by=sara.email) for n in range(3)]

    answer = await care.call("POST", "/v1/therapists/ana/holds", body[5], by=sara.email, expect=429)
    assert answer.json()["type"].endswith("/rate-limited")
    assert 0 < int(answer.headers["retry-after"]) <= 600
    await care.call("DELETE", f"/v1/holds/{holds[0]['hold_id']}", by=sara.email, expect=204)
    await care.post("/v1/therapists/ana/holds", body[5], by=sara.email)
    assert await care.slot("ana", "session", after=start - await care.now() - timedelta(minutes=1)) == start


# ---------------------------------------------------------------- modes


async def test_s17_s18_each_mode_says_how_the_two_will_meet(care: Care) -> None:
    await care.therapist("ana", zoom_link=None)
    sara = await with_forms(care)
    problem = await sara.cannot_book("session", name="validation-failed", status=422, mode="zoom")
    assert [error["field"] for error in problem["errors"]] == ["mode"]

    link = "https://zoom.example/j/ana"
    await care.call("PATCH", "/v1/therapists/ana", {"zoom_link": link}, by="ana", expect=200)
    [zoom] = await sara.books("session", mode="zoom")
    [phone] = await sara.books("session", mode="phone", after=timedelta(days=4))
    [video] = await sara.books("session", mode="video", after=timedelta(days=5), by="desk")
    await care.rest()

    assert (zoom.booked["join_url"], phone.booked["join_url"]) == (link, None)
    assert video.booked["join_url"].endswith(f"/meet/{video.id}")
    said = [mail["text"] for mail in await care.mails(to=sara.email, template="booking_confirmation")][1:]
    assert link in said[0]
    assert "withheld" in said[1]
    assert video.booked["join_url"] in said[2]
    assert [("withheld" in text, link in text) for text in said] == [(False, True), (True, False), (False, False)]
    # The insurance question comes with the first session, and not with every one.
    assert ["insurance@practice.example" in text for text in said] == [True, False, False]
