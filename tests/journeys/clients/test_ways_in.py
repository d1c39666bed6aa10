"""The three ways in, and what becomes of those whom nobody fits or who never book."""

from typing import Any

from tests.care.defaults import CARE_TEAM_EMAIL
from tests.care.story import ANSWERS, Care


async def test_s1_a_matching_form_assigns_who_fits_best_and_explains_it(care: Care) -> None:
    await care.therapist("ana", concerns=["anxiety", "grief"])
    await care.therapist("ben", concerns=["grief"])

    sara = await care.arrives("matching_form", answers=ANSWERS | {"concerns": ["anxiety", "grief"]})

    assert sara.answer["match"]["therapist"] == "ana"
    assert [runner["therapist"] for runner in sara.answer["match"]["runners_up"]] == ["ben"]
    assert {factor["factor"] for factor in sara.answer["match"]["factors"]} >= {"concerns"}
    assert sara.answer["booking_url"].endswith("/book/ana")
    assert sara.answer["stage"] == "first_booking"


async def test_s1_nobody_fits_waits_for_a_person_who_is_told_and_matches_by_hand(care: Care) -> None:
    await care.therapist("ana", licensed_in=["CA"])

    sara = await care.arrives("matching_form")
    assert sara.answer["match"] is None
    assert sara.answer["contact_required"] is True
    assert await sara.stage() == "matching"
    await care.rest()
    assert [task["kind"] for task in await care.tasks()] == ["match_by_hand"]
    assert (await care.mail_counts(to=CARE_TEAM_EMAIL)) == {"task_opened": 1}

    # As soon as an address is known, the client hears that a person will get back.
    await care.call("PATCH", f"/v1/clients/{sara.id}", sara.details, expect=200)
    await care.rest()
    assert (await care.mail_counts(to=sara.email)) == {"we_will_get_back": 1}

    await care.call(
        "PUT", f"/v1/clients/{sara.id}/match", {"therapist": "ana", "reason": "moved to CA"}, by="desk", expect=200
    )
    assert await sara.stage() == "first_booking"
    assert await care.tasks() == []
    await care.rest()
    assert (await care.mail_counts(to="ana@practice.example")) == {"new_client": 1}


async def test_s2_a_direct_form_assigns_the_therapist_of_the_profile(care: Care) -> None:
    await care.therapist("ana")
    await care.therapist("ben")
    sara = await care.arrives("direct_booking", therapist="ben")
    assert (await sara.look())["therapist"] == "ben"
    assert sara.answer["booking_url"].endswith("/book/ben")


async def test_s4_the_care_team_starts_one_by_hand_and_rematches_later_with_history(care: Care) -> None:
    await care.therapist("ana")
    await care.therapist("ben")
    sara = await care.arrives(
        "care_team",
        by="desk",
        therapist="ana",
        note="called on Monday",
        client={
            "first_name": "Sara",
            "last_name": "Lind",
            "email": "sara@example.com",
            "phone": "+12125550100",
            "time_zone": "America/New_York",
        },
    )
    [session] = await sara.books("session", by="desk")

    answer = await care.call(
        "PUT",
        f"/v1/clients/{sara.id}/match",
        {"therapist": "ben", "reason": "asked for evenings"},
        by="desk",
        expect=200,
    )
    assert [appointment["id"] for appointment in answer.json()["open_appointments"]] == [session.id]
    assert (await session.look())["status"] == "scheduled"
    assert (await sara.look())["therapist"] == "ben"
    assert [kind for kind in await sara.facts() if kind in ("matched", "rematched")] == ["matched", "rematched"]
    # The former therapist keeps sight of their own appointment, and of nothing else.
    assert (await session.look(by="ana"))["id"] == session.id
    await care.refused("GET", f"/v1/clients/{sara.id}", by="ana", name="not-found", status=404)


async def test_s9_an_anonymous_journey_nobody_booked_from_closes_after_seven_days(care: Care) -> None:
    await care.therapist("ana")
    nobody = await care.arrives()
    await care.pass_time(days=6, hours=23)
    assert (await nobody.journey.describe()).status is not None
    await care.pass_time(hours=2)
    await nobody.journey.result()
    assert (await nobody.facts())[-1] == "journey_closed"
    assert await care.mails() == []


async def test_a_client_who_has_given_an_address_is_reminded_to_book_and_never_closed(care: Care) -> None:
    await care.therapist("ana")
    sara = await care.arrives(client={"first_name": "Sara", "email": "sara@example.com"})
    await care.pass_time(days=30)
    assert (await care.mail_counts(to=sara.email)) == {"book_first": 2}
    assert await sara.stage() == "first_booking"


async def test_the_first_booking_asks_for_details_last_and_a_hold_keeps_the_time_meanwhile(care: Care) -> None:
    await care.therapist("ana")
    sara = await care.arrives()
    start = await care.slot("ana", "intro_call")
    hold = await care.post("/v1/therapists/ana/holds", {"type": "intro_call", "starts_at": start.isoformat()})
    without = sara.booking("intro_call", start)
    del without["details"]
    problem = await care.refused(
        "POST", f"/v1/clients/{sara.id}/appointments", without, name="client-details-required", status=422
    )
    assert problem["missing"] == ["first_name", "last_name", "email", "phone", "time_zone"]

    other = await care.arrives(name="Otto")
    await other.cannot_book("intro_call", name="slot-taken", starts_at=start)
    [call] = await sara.books("intro_call", start, hold_id=hold["hold_id"])
    assert call.starts_at == start
    await care.rest()
    assert (await care.mail_counts(to=sara.email)) == {"welcome": 1, "booking_confirmation": 1, "forms_requested": 1}
    [confirmation] = await care.mails(to=sara.email, template="booking_confirmation")
    assert [file["filename"] for file in confirmation["attachments"]] == ["invite.ics"]
    assert "insurance@practice.example" in confirmation["text"]


async def test_the_same_request_again_is_one_journey(care: Care) -> None:
    await care.therapist("ana")
    headers = {"Idempotency-Key": "form-17"}
    body = {"source": "direct_booking", "therapist": "ana"}
    first = await care.post("/v1/journeys", body, headers=headers)
    again = await care.post("/v1/journeys", body, headers=headers)
    assert again == first
    other = await care.call("POST", "/v1/journeys", body | {"therapist": "ben"}, headers=headers, expect=422)
    assert other.json()["type"].endswith("/idempotency-key-reused")
    await care.pass_time(seconds=1)
    assert (await care.get("/v1/clients"))["items"][0]["id"] == first["client_id"]
    assert len((await care.get("/v1/clients"))["items"]) == 1


async def test_forms_completed_before_the_first_booking_are_not_asked_for_again(care: Care) -> None:
    await care.therapist("ana")
    sara = await care.arrives(client={"first_name": "Sara", "email": "sara@example.com"})
    await sara.completes_forms()
    [session] = await sara.books("session", by="desk")
    assert (await session.look())["complete_forms_in_session"] is False
    assert (await sara.look())["outstanding_forms"] == []
    await care.rest()
    assert (await care.mail_counts(to=sara.email)) == {"welcome": 1, "booking_confirmation": 1}


async def test_a_match_is_replayed_from_its_record_whatever_has_changed_since(care: Care) -> None:
    await care.therapist("ana", concerns=["anxiety", "grief"])
    await care.therapist("ben", concerns=["anxiety"])
    await care.therapist("cat", concerns=["anxiety"])
    await care.therapist("dan", licensed_in=["CA"])
    sara = await care.arrives("matching_form", answers=ANSWERS | {"concerns": ["anxiety", "grief"]})
    await care.call("PATCH", "/v1/therapists/ana", {"concerns": [], "accepting_clients": False}, by="admin", expect=200)
    again = await care.post(f"/v1/clients/{sara.id}/match/replay", by="desk", expect=200)
    assert (again["same"], again["match"]) == (True, sara.answer["match"])
    assert again["match"]["therapist"] == "ana"
    assert [out["therapist"] for out in again["match"]["ruled_out"]] == ["dan"]
    tried = {"concerns": 0, "preferred_times": 0, "insurance": 0, "first_language": 0, "caseload": 1}
    what_if = await care.post(f"/v1/clients/{sara.id}/match/replay", {"weights": tried}, by="desk", expect=200)
    assert {moved["therapist"]: moved["after"]["score"] for moved in what_if["moved"]} == {"ben": 1.0, "cat": 1.0}
    assert (await sara.look(by="desk"))["therapist"] == "ana"


async def test_those_who_match_read_what_the_form_said_and_why_nobody_fits(care: Care) -> None:
    await care.therapist("ana", licensed_in=["CA"])
    said = ANSWERS | {"note": "mornings are hard"}
    sara = await care.arrives("matching_form", answers=said)
    assert [each["code"] for each in sara.answer["not_offered"]] == ["NY"]
    waits = await care.get(f"/v1/clients/{sara.id}/match", by="desk")
    assert (waits["note"], waits["answers"]["concerns"]) == ("mornings are hard", ["anxiety"])
    assert waits["match"]["ruled_out"] == [{"therapist": "ana", "because": "Is not licensed in NY."}]

    by_hand = {"therapist": "ana", "reason": "moves to CA"}
    await care.call("PUT", f"/v1/clients/{sara.id}/match", by_hand, by="desk", expect=200)
    told = await care.get(f"/v1/clients/{sara.id}/match", by="ana")
    assert (told["match"]["therapist"], told["match"]["reason"], told["note"]) == (
        "ana",
        "moves to CA",
        "mornings are hard",
    )
    assert [(match["therapist"], match["how"]) for match in told["earlier"]] == [(None, "matching_form")]


async def test_s16_s68_a_therapist_adds_clients_of_their_own_test_clients_too(care: Care) -> None:
    await care.therapist("ana")
    await care.therapist("ben")
    sara = await care.arrives("care_team", by="ana", therapist="ana", note="They called.", name="Sara")
    other: Any = {"first_name": "Tom", "email": "tom@example.com"}
    told = await care.post("/v1/journeys", {"source": "care_team", "client": other, "test": True}, by="ana")
    tom = await care.get(f"/v1/clients/{told['client_id']}", by="ana")
    assert (tom["therapist"], tom["test"], tom["source"]) == ("ana", True, "care_team")
    assert (await sara.look(by="ana"))["made_by"] == "therapist:ana"
    assert (await sara.timeline())[0]["text"] == "The practice started this journey by hand."
    await care.rest()
    assert (await care.mail_counts(to="ana@practice.example"))["new_client"] == 0  # who added them knows

    again = {"source": "care_team", "client": other | {"email": "TOM@example.com"}}
    problem = await care.refused("POST", "/v1/journeys", again, by="ana", name="email-in-use")
    assert problem["detail"] == "Email in use."
    assert (problem["ref"], problem["name"], problem["client_status"]) == (tom["ref"], "Tom", "active")
    # Whom a therapist does not see, nobody tells them of.
    problem = await care.refused("POST", "/v1/journeys", again, by="ben", name="email-in-use")
    assert not {"client_id", "ref", "name", "client_status", "activate"} & problem.keys()

    for body in (
        {"source": "care_team", "therapist": "ben", "client": {"first_name": "Una"}},
        {"source": "direct_booking", "therapist": "ana"},
        {"source": "matching_form", "answers": ANSWERS},
    ):
        await care.refused("POST", "/v1/journeys", body, by="ana", name="not-allowed", status=403)
    path, wish = f"/v1/clients/{sara.id}/match", {"therapist": "ben", "reason": "a wish"}
    await care.refused("PUT", path, wish, by="ana", name="not-allowed", status=403)
