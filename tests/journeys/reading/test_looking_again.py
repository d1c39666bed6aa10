"""What has not changed is not sent again, and what has changed is never said to be the same: over whole stories, after
every kind of change, as everybody who may look."""

from datetime import timedelta

from tests.care.defaults import details
from tests.care.story import ANSWERS, Care
from tests.journeys.reading.looks import Walk, versioned_paths

DIARY = {
    "kind": "diary",
    "title": "Diary",
    "fields": [{"name": "mood", "label": "Mood", "type": "long_text", "required": True}],
}
CALLERS = ("desk", "ana", None, "sara@example.com")


async def _walk(care: Care) -> Walk:
    for slug in ("ana", "ben"):
        if slug not in care.tokens:
            await care.therapist(slug)
    walk = Walk(care, CALLERS)
    await walk.everything("the beginning")
    return walk


async def test_from_the_form_to_a_client_in_care(care: Care) -> None:
    walk = await _walk(care)
    sara = await care.arrives("matching_form", answers=ANSWERS)
    await walk.everything("a matching form")
    await sara.books("intro_call")
    await walk.everything("a first booking")
    await care.rest()
    await sara.activates()
    await walk.everything("an activation")
    for kind in ("informed_consent", "initial_consultation"):
        await sara.fills_in(kind)
        await walk.everything(kind)
    await sara.gives_card()
    await walk.everything("a card")
    await care.until(sara.appointments[0].starts_at)
    await walk.everything("the beginning of what was ahead")
    await sara.appointments[0].occurs()
    await walk.everything("an outcome")
    sara.appointments.clear()
    await sara.books("session", weeks=4)
    await walk.everything("a series")
    assert walk.unchanged > 40 < walk.again, (walk.unchanged, walk.again)


async def test_sessions_and_their_money(care: Care) -> None:
    sara = await care.client_in_care(sessions=4)
    walk = await _walk(care)
    await sara.session(4).moved(await care.slot("ana", "session", after=timedelta(days=40)))
    await walk.everything("a reschedule")
    await sara.session(3).cancelled()
    await walk.everything("a cancellation")
    await sara.session(1).occurs()
    await walk.everything("a session that was held")
    await care.pass_time(days=1, minutes=1)
    await care.rest()
    await walk.everything("a charge")
    [payment] = [one for one in await sara.payments() if one["status"] == "paid"]
    refund = {"amount": 1000, "to": "credit", "reason": "too long a wait"}
    await care.post(f"/v1/payments/{payment['id']}/refund", refund, by="desk")
    await walk.everything("a refund")
    await care.post(f"/v1/clients/{sara.id}/credits", {"amount": 500, "currency": "USD", "reason": "thanks"}, by="desk")
    await walk.everything("a credit")
    await sara.bank_says("insufficient_funds")
    await care.until(sara.session(2).ends_at)
    await sara.session(2).marked("no_show")
    await walk.everything("a no-show")
    await care.pass_time(days=1, minutes=1)
    await care.rest()
    await walk.everything("a decline")
    await care.pass_time(days=2)
    await care.rest()
    await walk.everything("a deadline")
    [owed] = [one for one in await sara.payments() if one["status"] == "owed"]
    await care.post(f"/v1/payments/{owed['id']}/waive", {"reason": "hardship"}, by="desk", expect=200)
    await walk.everything("a waiver")
    assert walk.unchanged > 40 < walk.again, (walk.unchanged, walk.again)


async def test_what_the_practice_changes(care: Care) -> None:
    sara = await care.client_in_care(sessions=2)
    walk = await _walk(care)
    path = f"/v1/clients/{sara.id}"
    group = (await care.post("/v1/groups", {"name": "Tuesday"}, by="desk"))["id"]
    await walk.everything("a group")
    changes = (
        {"first_name": "Zara"},
        {"group": group},
        {"unsubscribed": True},
        {"portal_settings": {"forms": False}},
        {"portal_settings": {"forms": True}},
    )
    for change in changes:
        await care.call("PATCH", path, change, by="desk", expect=200)
        await walk.everything(f"{change}")
    await care.call("PATCH", f"/v1/groups/{group}", {"name": "Wednesday"}, by="desk", expect=200)
    await walk.everything("another name of a group")
    assert walk.unchanged > 40 < walk.again, (walk.unchanged, walk.again)


async def test_archives_and_all_else_that_the_practice_does(care: Care) -> None:
    sara = await care.client_in_care(sessions=2)
    walk = await _walk(care)
    path = f"/v1/clients/{sara.id}"
    await care.call("PATCH", "/v1/therapists/ana", {"accepting_clients": False}, by="admin", expect=200)
    await walk.everything("a profile")
    await care.post("/v1/form-templates", DIARY, by="admin")
    await care.post(f"{path}/forms", {"kind": "diary"}, by="desk")
    await walk.everything("a form of the practice's own")
    await care.arrives("care_team", by="desk", name="Max", therapist="ana", client=details("Max"))
    await walk.everything("another client")
    await sara.is_archived()
    await walk.everything("an archive")
    await sara.is_unarchived()
    await walk.everything("the way back")
    await care.call("PUT", f"{path}/match", {"therapist": "ben", "reason": "asked for"}, by="desk", expect=200)
    await walk.everything("another therapist")
    for task in await care.tasks():
        await care.post(f"/v1/tasks/{task['id']}/resolve", {"note": "done"}, by="desk", expect=200)
        await walk.everything("a task that was resolved")
    await care.pass_time(days=8)
    await care.rest()
    await walk.everything("a week")
    assert walk.unchanged > 40 < walk.again, (walk.unchanged, walk.again)


async def test_every_versioned_call_is_looked_at(care: Care) -> None:
    assert len([*versioned_paths(care)]) >= 16
