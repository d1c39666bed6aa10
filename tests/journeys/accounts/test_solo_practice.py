"""A practice of one: the same person manages it, answers clients and sees them, with one account and one sign-in."""

from datetime import timedelta

from ops.invite import invite_admin
from tests.care.defaults import Json, weekly_hours
from tests.care.house import PUBLIC_URL
from tests.care.story import ANSWERS, Booked, Care, Person
from tests.journeys.accounts.arriving import arrived

EMAIL, PASSWORD = "maria@practice.example", "correct horse battery"
PROFILE: Json = {
    "slug": "maria",
    "name": "Maria Lopez",
    "email": EMAIL,
    "time_zone": "America/New_York",
    "licensed_in": ["NY"],
    "concerns": ["anxiety"],
    "languages": ["en"],
    "modalities": ["individual"],
    "session_fee": {"amount": 12000, "currency": "USD"},
    "intro_calls": "optional",
    "accepting_clients": True,
}
HOURS: Json = {"weekly": weekly_hours("08:00", "20:00"), "overrides": [], "time_off": [], "settings": {}}
DIARY: Json = {
    "title": "Diary",
    "kind": "diary",
    "fields": [{"name": "nights", "label": "Bad nights", "type": "number", "most": 7}],
}
MARIA = "therapist:maria"


async def _runs_the_command(care: Care, *, therapist: str | None) -> str | None:
    return await invite_admin(
        care.house.sessions, EMAIL, names=(), policy=care.house.policy, at=await care.now(), therapist=therapist
    )


async def _signs_in(care: Care) -> None:
    """Everything that the story asks for the practice, it asks as her, whatever role it would need."""
    body = {"email": EMAIL, "password": PASSWORD, "side": "staff"}
    token = str((await care.post("/v1/sessions", body, by=None))["token"])
    care.tokens |= {"maria": token, "desk": token}


async def _opens(care: Care) -> str:
    """From an empty database to a therapist who can be booked, with the command alone. Her name as one of the team."""
    care.tokens.clear()  # whoever needs a service key finds none
    token = await _runs_the_command(care, therapist=None)
    await care.post("/v1/activations", {"token": token, "password": PASSWORD}, by=None, expect=200)
    await _signs_in(care)
    await care.post("/v1/therapists", PROFILE, by="maria", expect=201)
    assert await _runs_the_command(care, therapist="maria") is None
    await care.call("PUT", "/v1/therapists/maria/availability", HOURS, by="maria", expect=200)
    [own] = await care.items("/v1/staff", by="maria")
    return str(own["handle"])


async def _comes(care: Care) -> Person:
    """Somebody who called: the matching form filled in with them, an intro call booked, and their own sign-in."""
    sara = await care.arrives("matching_form", by="maria")
    assert (await sara.look())["therapist"] == "maria"
    await sara.books("intro_call", by="maria")
    await care.rest()
    await sara.activates()
    care.tokens["site"] = care.tokens[sara.email]  # what a booking site would ask for her, she asks herself
    return sara


async def _held(care: Care, appointment: Booked) -> None:
    await care.until(appointment.ends_at)
    await _signs_in(care)
    await appointment.marked("occurred", by="maria")


async def _works_with(care: Care, sara: Person, session: Booked) -> None:
    """What is written, set and given beside a session."""
    await care.post(f"/v1/appointments/{session.id}/note", {"text": "We spoke.", "shared": True}, by="maria")
    chat = await care.post("/v1/chats", {"kind": "direct", "members": [sara.id]}, by="maria")
    await care.post(f"/v1/chats/{chat['id']}/messages", {"text": "How was the week?"}, by="maria")
    remind = {"weekday": "mon", "at": "09:00"}
    goal = await care.post(f"/v1/clients/{sara.id}/goals", {"text": "Walk", "remind": remind}, by="maria")
    await care.call("PATCH", f"/v1/goals/{goal['id']}", {"status": "completed"}, by="maria", expect=200)
    credit = {"amount": 2000, "currency": "USD", "reason": "a late start"}
    await care.post(f"/v1/clients/{sara.id}/credits", credit, by="maria")
    in_role = {"headers": {"Acting-As": "therapist"}}
    direct = (await care.call("GET", "/v1/chats", by="maria", expect=200, **in_role)).json()["items"]
    assert [chat["kind"] for chat in direct] == ["direct"]


async def test_one_person_does_the_whole_day_without_a_service_key(care: Care) -> None:
    handle = await _opens(care)
    sara = await _comes(care)
    [call] = sara.appointments
    await sara.completes_forms()
    await care.post("/v1/form-templates", DIARY, by="maria")
    await care.post(f"/v1/clients/{sara.id}/forms", {"kind": "diary"}, by="maria")
    await _held(care, call)
    first, second, third = await sara.books("session", weeks=3, by="maria")

    # The first is held, and charged when its time comes.
    await _held(care, first)
    await _works_with(care, sara, first)
    await care.pass_time(days=2)
    assert await care.charges_at_stripe() == [10000]  # the fee without the credit
    # The second is called off too late by the client, and nothing is taken for it.
    await care.until(second.starts_at - timedelta(hours=20))
    await _signs_in(care)
    waived = {"requested_by": "client", "waive_fee": True, "waive_reason": "a funeral"}
    await second.cancelled(by="maria", **waived)
    [paid] = [payment for payment in await sara.payments() if payment["status"] == "paid"]
    refund = {"to": "card", "amount": 4000, "reason": "half of it"}
    await care.post(f"/v1/payments/{paid['id']}/refund", refund, by="maria")
    # Into the archive, and back with what was cancelled.
    await sara.is_archived(reason="on a journey")
    assert (await third.look())["status"] == "cancelled"
    back = await care.post(f"/v1/clients/{sara.id}/unarchive", {"restore": True}, by="maria", expect=200)
    assert [restored["restored_from"] for restored in back["restored"]["appointments"]] == [third.id]
    # What no therapist may do, she does as the care team, and as the admin.
    tom = await care.arrives("matching_form", by="maria", name="Tom", answers=ANSWERS | {"state": "CA"})
    [task] = await care.tasks()
    assert (task["kind"], task["client_id"]) == ("match_by_hand", tom.id)
    by_hand = {"therapist": "maria", "reason": "she is licensed there, too"}
    await care.call("PUT", f"/v1/clients/{tom.id}/match", by_hand, by="maria", expect=200)
    assert await care.tasks() == []
    ivo: Json = {"name": "Ivo", "email": "ivo@practice.example", "roles": ["care_team"]}
    await care.post("/v1/staff", ivo, by="maria")
    [mail] = await arrived(care, "invitation", to=ivo["email"])
    assert f"{PUBLIC_URL}/staff/invitations/" in mail["text"]
    await _is_told_by_role(care, sara, handle)


async def _is_told_by_role(care: Care, sara: Person, handle: str) -> None:
    """Each act of hers stands under the role that allowed it, and what only happened under the system's."""
    acts: dict[str, set[str]] = {}
    for fact in await sara.timeline():
        acts.setdefault(fact["actor"], set()).add(fact["kind"])
    assert acts.keys() == {MARIA, f"care_team:{handle}", f"client:{sara.id}", "system"}
    assert acts[MARIA] >= {
        "booked",
        "form_requested",
        "outcome_recorded",
        "note_shared",
        "goal_set",
        "goal_completed",
        "credit_granted",
        "appointment_cancelled",
        "payment_waived",
        "refund_begun",
        "archived",
        "unarchived",
    }
    assert acts[f"care_team:{handle}"] == {"journey_started", "matched"}  # no form is a therapist's to fill in for them
    assert {"payment_processing", "payment_paid", "refund_made"} <= acts["system"]
    assert (await care.get(f"/v1/clients/{sara.id}/timeline/verify"))["valid"] is True
