"""Documents and notes on the running system: what the client is told of, and what an archive changes."""

import asyncio
from urllib.parse import urlsplit

from tests.care.defaults import Json
from tests.care.house import PUBLIC_URL
from tests.care.story import Care, Person
from workflows.messages import OUTBOX_FILLED

PLAN = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\nEvery evening.\n%%EOF\n"


async def upload(care: Care, name: str = "sleep diary.pdf", *, by: str = "ana") -> str:
    answer = await care.call("POST", "/v1/documents", by=by, files={"file": (name, PLAN)}, expect=201)
    return str(answer.json()["id"])


async def share(care: Care, document: str, person: Person, *, by: str = "ana") -> Json:
    shared: Json = await care.post(f"/v1/documents/{document}/shares", {"client_id": person.id}, by=by)
    return shared


async def begin_200_mb(care: Care) -> str:
    """The whole answer to an upload of 200 MB of which nothing but the headers is sent."""
    place = urlsplit(care.house.api_url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    lines = (
        "POST /v1/documents HTTP/1.1",
        f"Host: {place.netloc}",
        f"Authorization: Bearer {care.tokens['desk']}",
        "Content-Type: multipart/form-data; boundary=x",
        f"Content-Length: {200 * 1024 * 1024}",
        "\r\n",
    )
    writer.write("\r\n".join(lines).encode())
    async with asyncio.timeout(30):
        answer = (await reader.read()).decode()  # to its end: the server hangs up without the body
    writer.close()
    return answer


async def documents(care: Care, person: Person, *, by: str = "site") -> list[str]:
    return [item["id"] for item in (await care.get(f"/v1/clients/{person.id}/documents", by=by))["items"]]


async def test_s30_what_is_shared_waits_in_the_portal_and_a_mail_says_no_more(care: Care) -> None:
    sara = await care.client_in_care()
    await sara.signs_in()
    diary = await upload(care)
    assert await documents(care, sara) == []
    refused = await begin_200_mb(care)
    assert refused.startswith("HTTP/1.1 413 ")
    assert "10485760 bytes" in refused
    await sara.journey.signal(OUTBOX_FILLED)  # there is nothing, and nothing is held up
    await share(care, diary, sara)
    await care.rest()
    await share(care, diary, sara)
    await care.rest()
    [mail] = await care.mails(template="document_shared")
    assert mail["to"] == sara.email
    for part in (mail["subject"], mail["text"], mail["html"]):
        assert "sleep diary" not in part
        assert diary not in part
    assert f"{PUBLIC_URL}/documents" in mail["text"]
    assert mail["attachments"] == []
    assert (await care.call("GET", f"/v1/documents/{diary}/content", by=sara.email, expect=200)).content == PLAN

    # Nothing is sent to whom it would lead nowhere, nor to who wants no such mails.
    for setting in (
        {"portal_settings": {"documents": False}},
        {"portal_settings": {"documents": True}, "unsubscribed": True},
    ):
        await care.call("PATCH", f"/v1/clients/{sara.id}", setting, by="desk", expect=200)
        await share(care, await upload(care), sara)
        await care.rest()
    assert len(await care.mails(template="document_shared")) == 1
    assert len(await documents(care, sara, by=sara.email)) == 3
    kinds = await sara.facts()
    assert kinds.count("document_shared") == 3
    assert (await care.get(f"/v1/clients/{sara.id}/timeline/verify"))["valid"] is True


async def test_s40_s52_an_archived_client_keeps_what_was_shared_and_gets_nothing_new(care: Care) -> None:
    sara = await care.client_in_care(sessions=2)
    await sara.session(1).occurs()
    await sara.signs_in()
    shared, later = await upload(care), await upload(care)
    await share(care, shared, sara)
    note = await care.post(
        f"/v1/appointments/{sara.session(1).id}/note", {"text": "Keep the diary.", "shared": True}, by="ana"
    )
    await care.rest()

    async def readable() -> Json:
        return {path: await care.get(f"/v1/clients/{sara.id}/{path}", by=sara.email) for path in ("documents", "notes")}

    before = await readable()
    assert [item["id"] for item in before["notes"]["items"]] == [note["id"]]
    await sara.is_archived(notify=False)
    mails = len(await care.mails(to=sara.email))
    assert await readable() == before
    path = f"/v1/documents/{later}/shares"
    await care.refused("POST", path, {"client_id": sara.id}, by="ana", name="client-archived")
    await share(care, shared, sara)  # which it is already
    await care.call("DELETE", f"/v1/documents/{shared}/shares/{sara.id}", by="ana", expect=204)
    await care.call("PATCH", f"/v1/notes/{note['id']}", {"shared": False}, by="ana", expect=200)
    assert await readable() == {name: {"items": [], "next_cursor": None} for name in before}
    await care.refused("PATCH", f"/v1/notes/{note['id']}", {"shared": True}, by="ana", name="client-archived")
    await care.rest()
    assert len(await care.mails(to=sara.email)) == mails

    await sara.is_unarchived()
    await share(care, later, sara)
    await care.rest()
    assert (await care.mail_counts(to=sara.email))["document_shared"] == 2
