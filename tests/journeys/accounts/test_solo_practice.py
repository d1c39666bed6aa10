"""A practice of one: the same person manages it, answers clients and sees them, with one account and one sign-in."""

from datetime import timedelta

from ops.invite import invite_admin
from tests.care.house import PUBLIC_URL
from tests.care.story import Care
from tests.journeys.accounts.arriving import arrived

PASSWORD = "correct horse battery"


async def _maria(care: Care) -> str:
    """The first admin, by the command, which gives her every role. Her name in timelines."""
    token = await invite_admin(
        care.house.sessions,
        "maria@practice.example",
        names=("desk",),
        policy=care.house.policy,
        at=await care.now(),
        therapist="ana",
    )
    body = {"token": token, "password": PASSWORD}
    care.tokens["maria"] = (await care.post("/v1/activations", body, by=None, expect=200))["token"]
    [own] = await care.items("/v1/staff", by="maria")
    return str(own["handle"])


async def test_one_person_does_the_whole_day(care: Care) -> None:
    await care.therapist("ana")
    handle = await _maria(care)
    sara = await care.arrives()
    [call] = await sara.books("intro_call")
    await care.until(call.starts_at + timedelta(minutes=20))
    signing_in = {"email": "maria@practice.example", "password": PASSWORD, "side": "staff"}
    care.tokens["maria"] = (await care.post("/v1/sessions", signing_in, by=None))["token"]

    # As the therapist: what is her own client's.
    await care.post(f"/v1/appointments/{call.id}/outcome", {"outcome": "occurred"}, by="maria", expect=200)
    await care.post(f"/v1/appointments/{call.id}/note", {"text": "We spoke."}, by="maria")
    await care.post("/v1/chats", {"kind": "direct", "members": [sara.id]}, by="maria")
    in_role = {"headers": {"Acting-As": "therapist"}}
    direct = (await care.call("GET", "/v1/chats", by="maria", expect=200, **in_role)).json()["items"]
    assert [chat["kind"] for chat in direct] == ["direct"]
    # As the care team: another therapist's client, and tasks. As the admin: people.
    await care.therapist("ben")
    tom = await care.arrives(name="Tom", therapist="ben")
    await care.call("PATCH", f"/v1/clients/{tom.id}", {"first_name": "Thomas"}, by="maria", expect=200)
    assert await care.items("/v1/tasks", by="maria") == await care.tasks()
    await care.post(
        "/v1/staff", {"name": "Ivo", "email": "ivo@practice.example", "roles": ["care_team"]}, by="maria", expect=201
    )
    [mail] = await arrived(care, "invitation")
    assert mail["to"] == "ivo@practice.example"
    assert f"{PUBLIC_URL}/staff/invitations/" in mail["text"]

    acts = {fact["kind"]: fact["actor"] for fact in await sara.timeline()}
    assert acts["outcome_recorded"] == "therapist:ana"
    changed = [fact["actor"] for fact in await tom.timeline() if fact["kind"] == "details_changed"]
    assert changed[-1] == f"care_team:{handle}"
