"""Forms that the practice has made: asked for, reminded of, answered field by field, and asked for again."""

import json
from typing import Any

from tests.care.defaults import Json
from tests.care.story import Care, Person, key

TITLE = "Mood after a difficult week"
DIARY: Json = {
    "title": TITLE,
    "kind": "mood_diary",
    "fields": [
        {"name": "mood", "label": "How was it?", "type": "choice", "required": True, "options": ["good", "bad"]},
        {"name": "nights", "label": "Bad nights", "type": "number", "most": 7},
    ],
}
GOOD = {"answers": {"mood": "good", "nights": 2}, "signature": "Sara Lind"}


async def newcomer(care: Care, name: str = "Sara") -> Person:
    return await care.arrives(name=name, client={"first_name": name, "email": f"{name.lower()}@example.com"})


async def asked_for(person: Person, *, by: str = "ana", **more: Any) -> Json:
    form: Json = await person.care.post(f"/v1/clients/{person.id}/forms", {"kind": "mood_diary"}, by=by, **more)
    return form


async def mails_about_forms(person: Person) -> tuple[int, int]:
    await person.care.rest()
    counts = await person.care.mail_counts(to=person.email)
    return counts["forms_requested"], counts["forms_reminder"]


async def test_a_form_is_asked_for_answered_by_its_own_version_and_asked_for_again(care: Care) -> None:
    await care.therapist("ana")
    await care.post("/v1/form-templates", DIARY, by="ana")
    sara = await newcomer(care)
    forms, headers = f"/v1/clients/{sara.id}/forms", key()
    form = await asked_for(sara, headers=headers)
    assert (form["kind"], form["version"], form["status"], form["title"]) == ("mood_diary", 1, "requested", TITLE)
    assert await asked_for(sara, headers=headers) == form
    assert await asked_for(sara, by="desk") == form  # it is open already
    assert await mails_about_forms(sara) == (1, 0)
    await care.pass_time(days=1)
    await care.rest()
    assert await mails_about_forms(sara) == (1, 1)

    # A changed form is a new version; what was asked keeps its own.
    fields = [*DIARY["fields"], {"name": "why", "label": "Why?", "type": "long_text", "required": True}]
    newer = await care.post("/v1/form-templates", DIARY | {"fields": fields}, by="desk")
    assert newer["version"] == 2
    one = await care.get(f"{forms}/mood_diary", by="site")
    assert [field["name"] for field in one["fields"]] == ["mood", "nights"]
    assert "answers" not in one
    for answers, wrong in (
        ({"mood": "so-so", "nights": True}, ["answers.mood", "answers.nights"]),
        ({"mood": "bad", "why": "x"}, ["answers.why"]),
        ({}, ["answers.mood"]),
    ):
        problem = await care.refused(
            "PUT", f"{forms}/mood_diary", GOOD | {"answers": answers}, name="validation-failed", status=422
        )
        assert [error["field"] for error in problem["errors"]] == wrong
    for _ in range(2):  # a lost answer: the same again is the same
        done = (await care.call("PUT", f"{forms}/mood_diary", GOOD, by="site", expect=200)).json()
        assert (done["id"], done["status"]) == (form["id"], "complete")
    other = GOOD | {"answers": {"mood": "bad"}}
    problem = await care.refused("PUT", f"{forms}/mood_diary", other, name="validation-failed", status=422)
    assert "ask for it again" in problem["detail"]
    await care.pass_time(days=4)
    assert await mails_about_forms(sara) == (1, 1)

    # The practice asks again, in the newest version; both stay to be read.
    again = await asked_for(sara)
    assert (again["version"], again["status"]) == (2, "requested")
    await care.call("PUT", f"{forms}/mood_diary", GOOD | {"answers": {"mood": "bad", "why": "x"}}, expect=200)
    third = await asked_for(sara)
    assert third["version"] == 2
    listed = (await care.get(forms, by="ana"))["items"]
    assert [(f["id"], f["status"]) for f in listed] == [
        (form["id"], "complete"), (again["id"], "complete"), (third["id"], "requested")
    ]  # fmt: skip
    page = await care.get(forms, by="ana", limit=2)
    rest = await care.get(forms, by="ana", limit=2, cursor=page["next_cursor"])
    assert (page["items"] + rest["items"], rest["next_cursor"]) == (listed, None)
    first = await care.get(f"{forms}/mood_diary", by="ana", form_id=form["id"])
    assert (first["answers"], first["signature"]) == (GOOD["answers"], "Sara Lind")
    assert first["answered_by"] == f"client:{sara.id}"

    # None of it closes the gate, and neither mails nor the timeline use the practice's own words.
    await sara.books("intro_call")
    assert (await sara.look())["outstanding_forms"] == ["informed_consent", "initial_consultation", "billing_info"]
    await care.rest()
    mails = await care.mails(to=sara.email)
    assert TITLE not in json.dumps([mails, await sara.timeline()])
    [mine, *_] = [mail for mail in mails if mail["template"] == "forms_requested"]
    assert "A form from your practice" in mine["text"]
    assert "book further" not in mine["text"]
    facts = [kind for kind in await sara.facts() if kind.startswith("form_")]
    assert facts == ["form_requested", "form_completed"] * 2 + ["form_requested"]


async def test_s40_s43_forms_are_suspended_by_an_archive_in_silence_and_can_still_be_completed(care: Care) -> None:
    await care.therapist("ana")
    await care.post("/v1/form-templates", DIARY, by="ana")
    await care.post("/v1/form-templates", {"title": "Feedback", "fields": DIARY["fields"]}, by="ana")
    sara, otto = await newcomer(care), await newcomer(care, "Otto")
    client, forms = f"/v1/clients/{sara.id}", f"/v1/clients/{sara.id}/forms"
    await asked_for(sara)
    await care.post(forms, {"kind": "feedback"}, by="desk")
    await asked_for(otto)
    assert await mails_about_forms(sara) == (2, 0)
    seen = await care.get(forms, by="site")
    await sara.is_archived()
    assert await care.get(forms, by="site") == seen
    assert {form["status"] for form in (await care.get(forms, by="ana"))["items"]} == {"suspended"}
    assert (await care.get(f"{forms}/feedback", by="site"))["status"] == "requested"
    await care.refused("POST", forms, {"kind": "mood_diary"}, by="ana", name="client-archived")
    await care.pass_time(days=2)
    assert await mails_about_forms(sara) == (2, 0)
    await care.call("PUT", f"{forms}/mood_diary", GOOD, expect=200)
    assert (await care.get(f"{forms}/mood_diary", by="site"))["answers"] == GOOD["answers"]  # S53
    await sara.is_unarchived()
    await care.pass_time(days=2)
    assert await mails_about_forms(sara) == (2, 1)  # that of the third day, about the one that is still open

    # Switched off, the client's side of it is closed, and nobody is reminded. The practice goes on as before.
    off = {"portal_settings": {"forms": False}}
    await care.call("PATCH", f"/v1/clients/{otto.id}", off, by="desk", expect=200)
    theirs = f"/v1/clients/{otto.id}/forms"
    closed: list[tuple[str, str, Json | None]] = [("GET", theirs, None), ("GET", f"{theirs}/mood_diary", None)]
    for method, path, body in (*closed, ("PUT", f"{theirs}/mood_diary", GOOD)):
        await care.refused(method, path, body, by="site", name="not-allowed", status=403)
    before = await mails_about_forms(otto)
    await care.post(theirs, {"kind": "feedback"}, by="ana")
    await care.pass_time(days=5)
    assert await mails_about_forms(otto) == before
    await care.call("PUT", f"{theirs}/feedback", GOOD, by="ana", expect=200)
    await care.call("PATCH", client, {"portal_settings": {"forms": True}}, by="desk", expect=200)

    for kind in ("unknown", "informed_consent", None):
        problem = await care.refused("POST", forms, {"kind": kind}, by="ana", name="validation-failed", status=422)
        assert [error["field"] for error in problem["errors"]] == ["kind"]
