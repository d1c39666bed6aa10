"""Portal settings are per client, and each is enforced where it bites: call by call, and in the mails."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from rules.local_time import WEEKDAYS
from tests.care.defaults import Json
from tests.care.story import Care, Person

ALL_ON = dict.fromkeys(("schedule_appointments", "chat", "community", "documents", "forms", "goals"), True)
BIN = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


async def switch(care: Care, person: Person, **settings: bool) -> None:
    await care.call("PATCH", f"/v1/clients/{person.id}", {"portal_settings": settings}, by="desk", expect=200)


async def test_s49_s55_who_may_not_book_may_not_choose_a_time_in_any_other_way(care: Care) -> None:
    await care.therapist("ana")
    sara = await care.client_in_care(sessions=2)
    await sara.signs_in()
    otto = await care.arrives(
        "care_team", by="desk", therapist="ana", client=sara.details | {"email": "otto@example.com"}
    )
    otto.name = "Otto"
    today = (await care.now()).date()
    wish: dict[str, Any] = {"type": "session", "first": str(today), "last": str(today + timedelta(days=30))}
    await switch(care, sara, schedule_appointments=False)
    await switch(care, otto, schedule_appointments=False)

    first = sara.session(1)
    at = {"starts_at": (await care.slot("ana", "session")).isoformat()}
    place = {"client_id": sara.id, "type": "session", "from": wish["first"], "to": wish["last"]}
    for by in ("site", sara.email):
        for path, body in (
            (f"clients/{sara.id}/appointments", sara.booking("session", await care.slot("ana", "session"))),
            (f"appointments/{first.id}/reschedule", {**at, "reason": "a journey"}),
            (f"appointments/{first.id}/reschedule", {**at, "reason": "a journey", "scope": "following"}),
            ("therapists/ana/waitlist", place),
        ):
            await care.refused("POST", f"/v1/{path}", body, by=by, name="booking-disabled")
    hold = {"type": "session", **at}
    await care.refused("POST", "/v1/therapists/ana/holds", hold, by=sara.email, name="booking-disabled")
    await care.post("/v1/therapists/ana/holds", hold, by="desk")

    # It is the client's alone: another client books, the practice books and moves for this one, who can still cancel.
    await care.refused("POST", "/v1/therapists/ana/waitlist", place, by="desk", name="booking-disabled")
    await first.moved(first.starts_at + timedelta(hours=2), by="desk")
    await first.cancelled(by=sara.email)
    mia = await care.arrives(name="Mia")
    await mia.books("session", after=timedelta(days=5))

    # No reminder leads to a page that is closed, and nothing is offered there.
    await care.pass_time(days=2)
    assert (await care.mail_counts(to="otto@example.com"))["book_first"] == 0
    await switch(care, otto, schedule_appointments=True)
    await care.pass_time(days=2)
    assert (await care.mail_counts(to="otto@example.com"))["book_first"] == 1
    await switch(care, sara, schedule_appointments=True)
    await sara.waits(**wish)
    await care.rest()
    assert (await care.mail_counts(to=sara.email))["slot_offered"] == 1
    await switch(care, sara, schedule_appointments=False)
    await care.pass_time(hours=5)
    assert (await care.mail_counts(to=sara.email))["slot_offered"] == 1
    await switch(care, sara, schedule_appointments=True)
    await care.rest()
    assert (await care.mail_counts(to=sara.email))["slot_offered"] == 2


async def client_with_everything(care: Care) -> tuple[Person, dict[str, str]]:
    """A client who has one of everything, and the ids of it."""
    sara = await care.client_in_care(sessions=2)
    await sara.session(1).occurs()
    await sara.signs_in()
    headers = {"Authorization": f"Bearer {care.tokens['ana']}"}
    upload = await care.http.post(
        f"{care.house.api_url}/v1/documents", files={"file": ("plan.pdf", BIN, "application/pdf")}, headers=headers
    )
    assert upload.status_code == 201, upload.text
    ids = {"document": upload.json()["id"]}
    await care.post(f"/v1/documents/{ids['document']}/shares", {"client_id": sara.id}, by="ana")
    note = {"text": "We spoke.", "shared": True}
    await care.post(f"/v1/appointments/{sara.session(1).id}/note", note, by="ana")
    ids["goal"] = (await care.post(f"/v1/clients/{sara.id}/goals", {"text": "Walk", "remind": None}, by="ana"))["id"]
    chats: Iterable[tuple[str, str, Json]] = (
        ("direct", "ana", {}),
        ("care_team", "desk", {}),
        ("group", "ana", {"title": "Mondays"}),
        ("community", "desk", {"title": "Everybody"}),
    )
    for kind, by, more in chats:
        chat = await care.post("/v1/chats", {"kind": kind, "members": [sara.id], **more}, by=by)
        ids[kind] = chat["id"]
        await care.post(f"/v1/chats/{chat['id']}/messages", {"text": "Hello"}, by=by)
    return sara, ids


def calls_of(sara: Person, ids: dict[str, str]) -> dict[str, list[tuple[str, str, Any]]]:
    """Every call of the client side that belongs to a part: the method, the path and the body."""
    client = f"/v1/clients/{sara.id}"

    def chat(kind: str) -> list[tuple[str, str, Any]]:
        path = f"/v1/chats/{ids[kind]}"
        return [
            ("GET", f"/v1/chats?client_id={sara.id}&kind={kind}", None),
            ("GET", path, None),
            ("GET", f"{path}/messages", None),
            ("POST", f"{path}/messages", {"text": "Thank you"}),
            ("POST", f"{path}/read", {}),
        ]

    def start(kind: str) -> list[tuple[str, str, Any]]:
        return [("POST", "/v1/chats", {"kind": kind, "members": [sara.id]})]

    consent = {"answers": {"agrees": True}, "signature": "Sara Lind"}
    document = f"/v1/documents/{ids['document']}"
    return {
        "chat": chat("direct") + chat("care_team") + chat("group") + start("direct") + start("care_team"),
        "community": chat("community"),
        "documents": [
            ("GET", f"{client}/documents", None),
            ("GET", document, None),
            ("GET", f"{document}/content", None),
            ("GET", f"{client}/notes", None),
            ("GET", f"/v1/appointments/{sara.session(1).id}/note", None),
        ],
        "forms": [
            ("GET", f"{client}/forms", None),
            ("GET", f"{client}/forms/informed_consent", None),
            ("PUT", f"{client}/forms/informed_consent", consent),
        ],
        "goals": [
            ("GET", f"{client}/goals", None),
            ("PATCH", f"/v1/goals/{ids['goal']}", {"status": "completed"}),
        ],
    }


async def test_s55_each_part_is_closed_to_the_client_side_alone_and_no_mail_leads_there(care: Care) -> None:
    await care.therapist("ana")
    sara, ids = await client_with_everything(care)
    await care.rest()
    calls = calls_of(sara, ids)
    assert calls.keys() | {"schedule_appointments"} == ALL_ON.keys()
    counts = await care.mail_counts(to=sara.email)
    assert (counts["document_shared"], counts["new_message"]) == (1, 4)

    for method, path, body in (call for part in calls.values() for call in part):
        assert (await care.call(method, path, body)).status_code < 300, (method, path)
    for part in calls:
        await switch(care, sara, **(ALL_ON | {part: False}))
        for by in ("site", sara.email):
            for method, path, body in calls[part]:
                problem = await care.refused(method, path, body, by=by, name="not-allowed", status=403)
                assert part in problem["detail"], (method, path)
        for other in calls.keys() - {part}:
            method, path, body = calls[other][0]
            assert (await care.call(method, path, body)).status_code == 200, (part, other)
        for method, path, _ in calls[part]:  # the practice goes on as before
            if method == "GET" and not path.endswith("/note"):
                who = "desk" if ids["care_team"] in path or ids["community"] in path else "ana"
                assert (await care.call(method, path, by=who)).status_code == 200, (part, path)
    await switch(care, sara, **dict.fromkeys(ALL_ON, False))
    await care.refused("GET", f"/v1/chats?client_id={sara.id}", by="site", name="not-allowed", status=403)

    # A card can be given whatever is off, and no mail leads to what is closed.
    await sara.gives_card()
    before = await care.mail_counts(to=sara.email)
    await care.pass_time(hours=3)  # so that one more mail about a chat may go
    for kind, by in (("direct", "ana"), ("care_team", "desk"), ("group", "ana"), ("community", "desk")):
        await care.post(f"/v1/chats/{ids[kind]}/messages", {"text": "Hello again"}, by=by)
    await care.call("DELETE", f"/v1/documents/{ids['document']}/shares/{sara.id}", by="ana", expect=204)
    await care.post(f"/v1/documents/{ids['document']}/shares", {"client_id": sara.id}, by="ana")
    day = WEEKDAYS[(await care.now() + timedelta(days=3)).weekday()]  # not that on which all is switched on again
    remind = {"text": "Run", "remind": {"weekday": day, "at": "09:00"}}
    await care.post(f"/v1/clients/{sara.id}/goals", remind, by="ana")
    blast = await care.post("/v1/blasts", {"text": "News", "client_ids": [sara.id]}, by="desk")
    assert (blast["sent_to"], [line["client_id"] for line in blast["left_out"]]) == ([], [sara.id])
    await care.pass_time(days=8)
    parts = ("new_message", "document_shared", "goal_reminder")
    sent = await care.mail_counts(to=sara.email) - before
    assert not set(parts) & sent.keys(), sent

    # Switched on again, it is all there.
    await switch(care, sara, **ALL_ON)
    await care.pass_time(days=7)
    assert (await care.mail_counts(to=sara.email) - before)["goal_reminder"] == 1
    await sara.signs_in()
    messages = await care.get(f"/v1/chats/{ids['direct']}/messages", by=sara.email)
    assert [line["text"] for line in messages["items"]][-1] == "Hello again"


async def test_s55_forms_that_are_closed_are_not_asked_for_by_mail(care: Care) -> None:
    await care.therapist("ana")
    sara = await care.arrives()
    await switch(care, sara, forms=False)
    await sara.books("intro_call", after=timedelta(days=20))
    await care.pass_time(days=2)
    counts = await care.mail_counts(to=sara.email)
    assert (counts["booking_confirmation"], counts["forms_requested"], counts["forms_reminder"]) == (1, 0, 0)
    await switch(care, sara, forms=True)
    await care.pass_time(days=2)
    assert (await care.mail_counts(to=sara.email))["forms_reminder"] == 1


async def test_s54_a_client_stays_in_the_group_until_moved_by_hand(care: Care) -> None:
    await care.therapist("ana")
    sara = await care.arrives()
    group = (await care.post("/v1/groups", {"name": "Mondays"}, by="desk"))["id"]
    path = f"/v1/clients/{sara.id}"
    await care.refused("PATCH", path, {"group": group}, by="site", name="not-allowed", status=403)
    nowhere = {"group": "0190c0de-0000-7000-8000-000000000000", "first_name": "Eve"}
    problem = await care.refused("PATCH", path, nowhere, by="desk", name="validation-failed", status=422)
    assert [error["field"] for error in problem["errors"]] == ["group"]
    assert (await sara.look())["first_name"] is None  # all of a change, or nothing
    for _ in range(2):
        await care.call("PATCH", path, {"group": group}, by="ana", expect=200)
    await care.call("PATCH", path, {"first_name": "Sara"}, expect=200)
    assert (await sara.facts()).count("group_changed") == 1

    await sara.is_archived()
    assert (await sara.look())["group"] == group
    seen = await care.get(f"/v1/groups/{group}")
    assert (seen["active"], seen["archived"]) == (0, 1)
    await care.call("PATCH", path, {"group": None}, by="desk", expect=200)
    view = await sara.look()
    assert (view["group"], view["status"]) == (None, "archived")
