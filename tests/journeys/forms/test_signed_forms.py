"""What is signed is kept as it was shown: alone, in session, with files, and whatever becomes of the texts later."""

import json
from collections import Counter

from sqlalchemy import text

from engine.codec import EncryptionCodec
from engine.key_use import payloads_of
from models.tables import FormDraft
from tests.care.defaults import Json
from tests.care.house import KEYS
from tests.care.story import Care, Person
from tests.papers.reading import lines_of

SLEEP: Json = {
    "title": "Sleep",
    "kind": "sleep",
    "fields": [
        {"name": "slept", "label": "Did you sleep?", "type": "yes_no", "required": True},
        {"name": "how", "label": "How well?", "type": "scale", "required": True, "least": 0, "most": 10,
         "most_label": "well", "when": {"field": "slept", "is": [True]}},
        {"name": "scan", "label": "Your diary", "type": "file", "most": 1, "accepts": ["text/plain"]},
        {"name": "guardian", "label": "Guardian", "type": "signature"},
    ],
}  # fmt: skip


async def newcomer(care: Care) -> Person:
    sara = await care.arrives(client={"first_name": "Sara", "last_name": "Lind", "email": "sara@example.com"})
    await sara.books("intro_call")
    await care.rest()
    await sara.activates()
    return sara


async def signed(sara: Person, kind: str, *, by: str, **params: str) -> list[str]:
    path = f"/v1/clients/{sara.id}/forms/{kind}/signed.pdf"
    answer = await sara.care.call("GET", path, by=by, params=params, expect=200)
    assert answer.headers["content-type"] == "application/pdf"
    return lines_of(answer.content)


async def uploaded(sara: Person, content: str, *, by: str) -> Json:
    form = {"kind": "sleep", "field": "scan"}
    file = {"file": ("diary.txt", content.encode())}
    path = f"/v1/clients/{sara.id}/uploads"
    made: Json = (await sara.care.call("POST", path, by=by, files=file, data=form, expect=201)).json()
    return made


async def test_what_was_signed_says_the_same_for_ever(care: Care) -> None:
    await care.therapist("ana")
    sara = await newcomer(care)
    forms = f"/v1/clients/{sara.id}/forms"
    await care.post("/v1/form-templates", SLEEP, by="ana")
    await care.post(forms, {"kind": "sleep"}, by="ana")
    file = await uploaded(sara, "slept from ten to six", by=sara.email)
    answers: Json = {"slept": True, "how": 7, "scan": [file["id"]]}
    await care.call("PUT", f"{forms}/sleep/draft", {"answers": answers}, by=sara.email, expect=200)
    for wrong, field in (
        (answers | {"slept": False}, "answers.how"),
        (answers | {"how": None}, "answers.how"),
        (answers | {"scan": [sara.id]}, "answers.scan"),
    ):
        body = {"answers": wrong, "signature": "Sara Lind"}
        refused = await care.refused("PUT", f"{forms}/sleep", body, by=sara.email, name="validation-failed", status=422)
        assert [error["field"] for error in refused["errors"]] == [field]

    body = {"answers": answers, "signature": "Sara Lind"}
    await care.call("PUT", f"{forms}/sleep", body, by=sara.email, expect=200)
    whole = await care.get(f"{forms}/sleep", by=sara.email)
    assert whole["uploads"] == [file]
    [fact] = [fact for fact in await sara.timeline() if fact["kind"] == "form_completed"]
    assert fact["data"]["sha256"] == whole["sha256"]
    told = await signed(sara, "sleep", by=sara.email)
    at, said = await care.now(), told[told.index("Sleep") :]
    assert (
        said
        == [
            "Sleep",
            "Version 1",
            "Did you sleep?",
            "Yes",
            "How well?",
            "7 (10 is well)",
            "Your diary",
            *said[7 : said.index("Guardian")],  # the file, over as many lines as it takes
            "Guardian",
            "Not answered",
            f"Client Sara Lind ({(await sara.look())['ref']})",
            "Filled in by The client",
            "Signed with the name Sara Lind",
            *said[-4:-2],
            "From the network 127.0.0.0/24",
            f"SHA-256 of this copy: {whole['sha256']}",
        ]
    )
    file_told = "".join(said[7 : said.index("Guardian")]).replace(" ", "")
    assert file_told == f"diary.txt(text/plain,21bytes,SHA-256{file['sha256']})"
    assert said[-4].startswith("Signed at ")
    assert said[-3].startswith(f"{at:%Y-%m-%d %H:}")
    assert said[-3].endswith(" UTC")

    # The draft is gone, the file belongs to the record, and no engine has seen from where it came.
    await care.refused("GET", f"{forms}/sleep/draft", by=sara.email, name="not-found", status=404)
    assert await care.mails(template="form_copy") == []
    codec = EncryptionCodec(KEYS)
    async for event in sara.journey.fetch_history_events():
        assert "127.0.0.0/24" not in str(await codec.decode(list(payloads_of(event))))

    # Whatever is published, renamed or answered later: the copy is what it was.
    newer = SLEEP | {"title": "Nights", "fields": SLEEP["fields"][:1]}
    await care.post("/v1/form-templates", newer, by="ana")
    await care.call("PATCH", f"/v1/clients/{sara.id}", {"last_name": "Sommer"}, by="desk", expect=200)
    await care.pass_time(days=40)
    await care.post("/v1/keepings", {}, by="desk", expect=202)
    await care.rest()
    await sara.signs_in()
    assert await signed(sara, "sleep", by=sara.email, form_id=whole["id"]) == told
    path = f"/v1/clients/{sara.id}/uploads/{file['id']}/content"
    assert (await care.call("GET", path, by=sara.email, expect=200)).text == "slept from ten to six"
    await care.refused("GET", f"{forms}/sleep/signed.pdf", by="desk", name="opening-required", status=403)


async def test_s15_a_form_is_completed_with_the_client_in_the_session(care: Care) -> None:
    await care.therapist("ana")
    sara = await newcomer(care)
    forms = f"/v1/clients/{sara.id}/forms"
    await sara.fills_in("informed_consent", by="ana")
    await sara.fills_in("initial_consultation", by="desk")
    await sara.gives_card(by="ana")
    await care.rest()
    listed = {form["kind"]: form["entered_by"] for form in (await care.get(forms, by=sara.email))["items"]}
    assert listed == {
        "informed_consent": "therapist:ana", "initial_consultation": "care_team:desk", "billing_info": "therapist:ana"
    }  # fmt: skip

    # The client has a copy of each: by a mail that names none, and behind the sign-in.
    mails = await care.mails(to=sara.email, template="form_copy")
    assert len(mails) == 3
    for mail in mails:
        assert mail["attachments"] == []
        assert "/forms" in mail["text"]
        assert not [word for word in ("consent", "consultation", "billing", "sleep") if word in mail["text"].lower()]
    consent = await signed(sara, "informed_consent", by=sara.email)
    assert "Filled in by Ana Silva (therapist), together with the client" in consent
    assert "Signed with the name Sara Lind" in consent
    billing = await signed(sara, "billing_info", by="desk")
    assert "Name on the bill" in billing
    assert "the full fee is due" in " ".join(billing)
    assert billing[billing.index("Fee policy") + 1] == "Version 1"  # which appointments name

    # The care team reads the signed consent by itself, and every other through an opening.
    assert await signed(sara, "informed_consent", by="desk") == consent
    path = f"{forms}/initial_consultation/signed.pdf"
    await care.refused("GET", path, by="desk", name="opening-required", status=403)
    await care.refused("GET", path, by="admin", name="not-allowed", status=403)
    assert "Jo Lind" in await signed(sara, "initial_consultation", by="ana")

    # A client who fills it in alone is mailed nothing of it; a copy is theirs all the same.
    await sara.fills_in("informed_consent", by=sara.email)
    await care.rest()
    assert len(await care.mails(to=sara.email, template="form_copy")) == 3
    assert "Filled in by The client" in await signed(sara, "informed_consent", by=sara.email)


async def test_a_copy_says_nothing_of_an_archive_and_is_sealed_at_rest(care: Care) -> None:
    await care.therapist("ana")
    sara = await newcomer(care)
    await sara.is_archived()
    await sara.fills_in("informed_consent", by="ana", signature="zqmark")
    await care.rest()
    assert Counter(mail["template"] for mail in await care.mails(to=sara.email))["form_copy"] == 1
    told = " ".join(await signed(sara, "informed_consent", by=sara.email))
    assert "zqmark" in told
    assert "archive" not in told.lower()
    async with care.house.sessions() as session:
        connection = await session.connection()
        kept = (await connection.execute(text("SELECT t::text FROM signed_copy t"))).scalars().all()
        assert len(kept) == 1
        assert b"zqmark".hex() not in kept[0]
        assert await session.get(FormDraft, (sara.id, "informed_consent", 1)) is None
    assert "zqmark" not in json.dumps(await sara.timeline())
