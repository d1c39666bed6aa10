"""S37: the client is never told. Every call that the client side can read by, before an archive and after it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from tests.care.defaults import Json
from tests.care.story import Care, Person
from tests.journeys.archive.situations import asks_for_a_form, of_the_desk, starts_chat
from tests.papers.reading import lines_of

NOT_ABOUT_A_CLIENT = re.compile(
    r"/(healthz|readyz|metrics|dev/.*|codec/.*|unsubscribe/.*)|/v1/(reconciliations|archives|closures|keepings|form-templates|texts|groups|problems|webhooks).*"
    r"|/v1/therapists/\{slug\}/(slots|availability|feed.*)|/v1/clients/\{client_id\}/accesses|/v1/sessions"
)
"""Whose answers do not depend on one client, or which change with every cancellation of anybody (the open slots), or
with every look at the client (who looked, which is looked at below)."""

AFTER_A_CANCELLATION = {
    "/v1/appointments: items.status",
    "/v1/appointments/{appointment_id}: status",
    "/v1/appointments/{appointment_id}/calendar.ics: text",
    "/v1/clients: items.next_appointment_at",
    "/v1/clients/{client_id}: next_appointment_at",
}
PAYMENT_STOPPED = {
    "/v1/appointments: items.payment.status",
    "/v1/appointments/{appointment_id}: payment.status",
    "/v1/clients/{client_id}/payments: items.status",
    "/v1/payments/{payment_id}: status",
    "/v1/clients/{client_id}/balance: owed",
}
GROUP_CHAT_LEFT = {
    "/v1/chats: items",
    "/v1/chats/{chat_id}: status",
    "/v1/chats/{chat_id}/messages: status",
}
NOBODYS = "00000000-0000-4000-8000-000000000000"
TELLING = ("archiv", "suspend", "moved away", "unarchiv")


async def knows(care: Care, person: Person, chats: list[str]) -> dict[str, list[str]]:
    """The ids that stand in the paths of what this client can read."""
    of = f"/v1/clients/{person.id}"
    documents = (await care.get(f"{of}/documents", by="site"))["items"]
    [welcome] = await care.mails(to=person.email, template="welcome")
    draft = await care.call("GET", f"{of}/forms/after_a_month/draft", by="site")
    return {
        "token": [welcome["text"].split("/activate/")[1].split()[0]],
        "client_id": [person.id],
        "appointment_id": [line["id"] for line in (await care.get("/v1/appointments", client=person.id))["items"]],
        "kind": [line["kind"] for line in (await care.get(f"{of}/forms"))["items"]],
        "document_id": [line["id"] for line in documents],
        "upload_id": [file["id"] for file in draft.json().get("uploads", [])],
        "chat_id": chats,
        "payment_id": [payment["id"] for payment in await person.payments()],
        "hold_id": [NOBODYS],  # one that an archive releases is as one that has run out
        "task_id": [NOBODYS],  # the practice's
        "leave_id": [NOBODYS],  # so are leaves
        "slug": ["ana"],
    }


def around_now() -> dict[str, str]:
    """A year of dates, as a statement takes them."""
    today, half_a_year = datetime.now(UTC).date(), timedelta(days=180)
    return {"from": str(today - half_a_year), "to": str(today + half_a_year)}


def paths_of(openapi: Json, known: dict[str, list[str]], client_id: str) -> Iterator[tuple[str, str, Json]]:
    """Every GET: as it is described, as it is asked, and with which parameters."""
    for path, operations in openapi["paths"].items():
        if "get" not in operations or NOT_ABOUT_A_CLIENT.fullmatch(path):
            continue
        names = re.findall(r"\{(\w+)\}", path)
        assert set(names) <= set(known), f"a new call: {path}. Who may read by it, and what of a client?"
        of_a_time = around_now() if path.endswith("/statement.pdf") else {}
        params = of_a_time | {
            parameter["name"]: client_id
            for parameter in operations["get"].get("parameters", ())
            if parameter.get("in") == "query" and parameter["name"] in ("client", "client_id")
        }
        for values in product(*(known[name] for name in names)):
            yield path, path.format(**dict(zip(names, values, strict=True))), params


async def readable(care: Care, person: Person, by: str, known: dict[str, list[str]]) -> dict[tuple[str, str], Any]:
    """All that somebody of the client side is answered, by call."""
    seen: dict[tuple[str, str], Any] = {}
    for path, asked, params in paths_of(await care.get("/openapi.json", by=None), known, person.id):
        answer = await care.call("GET", asked, by=by, for_whom=person.id, params=params)
        text = re.sub(r"DTSTAMP:\w+", "", answer.text)  # when the file was written
        if answer.headers["content-type"] == "application/pdf":
            text = "\n".join(lines_of(answer.content))
        told = answer.json() if "json" in answer.headers["content-type"] else {"text": text}
        seen[path, asked] = {"status": answer.status_code} if answer.status_code >= 300 else told
        if answer.status_code >= 300:
            seen[path, asked] |= {"name": told.get("type", "").rsplit("/", 1)[-1]}
    return seen


def differences(before: Any, after: Any, at: str = "") -> Iterator[str]:
    """The places at which two answers differ, without the numbers of list items."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before.keys() | after.keys():
            yield from differences(before.get(key), after.get(key), f"{at}.{key}" if at else key)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for one, other in zip(before, after, strict=True):
            yield from differences(one, other, at)
    elif before != after:
        yield at


async def told_of(care: Care, person: Person, known: dict[str, list[str]], before: dict[str, Any]) -> set[str]:
    """What is different now, for the client or for the booking site, in anything that either can read."""
    found = set()
    for by in ("site", person.email):
        after = await readable(care, person, by, known)
        assert after.keys() == before[by].keys()
        for (path, asked), told in after.items():
            where = set(differences(before[by][path, asked], told))
            gone = where and "status" in told and isinstance(told["status"], int)
            found |= {f"{path}: {place}" for place in ({"status"} if gone else where)}
            found |= {f"{path}: says {word}" for word in TELLING if word in str(told).lower()}
    return found


async def shares_everything(care: Care, person: Person) -> list[str]:
    """What a practice shares with a client; answers the chats."""
    of = f"/v1/clients/{person.id}"
    await asks_for_a_form(care, person)
    page, for_page = {"file": ("page.txt", b"A page")}, {"kind": "after_a_month", "field": "page"}
    await care.call("POST", f"{of}/uploads", by=person.email, files=page, data=for_page, expect=201)
    begun = {"answers": {"how": "It was"}}
    await care.call("PUT", f"{of}/forms/after_a_month/draft", begun, by=person.email, expect=200)
    await care.post(f"{of}/goals", {"text": "Walk", "remind": {"weekday": "mon", "at": "09:00"}}, by="ana")
    files = {"file": ("plan.txt", b"A plan", "text/plain")}
    headers = {"Authorization": f"Bearer {care.tokens['ana']}"}
    made = await care.http.post(
        f"{care.house.api_url}/v1/documents", files=files, data={"title": "A plan"}, headers=headers
    )
    assert made.status_code == 201, made.text
    await care.post(f"/v1/documents/{made.json()['id']}/shares", {"client_id": person.id}, by="ana")
    held = person.session(1)
    await care.post(f"/v1/appointments/{held.id}/note", {"text": "We talked.", "shared": True}, by="ana")
    return [
        await starts_chat(care, person, kind, by="ana" if kind == "direct" else "desk")
        for kind in ("direct", "care_team", "community")
    ]


async def in_care(care: Care, name: str) -> Person:
    """Somebody with an account, complete forms, and a session that was held and is paid."""
    person = await of_the_desk(care, name)
    await person.books("session", by="desk")
    await care.rest()
    await person.activates()
    await person.completes_forms()
    return person


@pytest.mark.crowd  # minutes long
@pytest.mark.timeout(600)
async def test_s37_nothing_that_the_client_side_can_read_tells_of_the_archive(care: Care) -> None:
    await care.therapist()
    still, moving = await in_care(care, "Still"), await in_care(care, "Moving")
    for person in (still, moving):
        await person.session(1).occurs()
    await care.pass_time(hours=25)
    for person in (still, moving):
        assert [payment["status"] for payment in await person.payments()] == ["paid"]
        await person.signs_in()
    [soon] = await moving.books("session", by="desk", after=timedelta(hours=13))
    await soon.occurs()  # its payment is scheduled
    await moving.signs_in()
    await still.signs_in()
    await moving.books("session", weeks=2, by="desk")
    later = (await care.now()).date() + timedelta(days=90)  # beyond the horizon: nothing is offered yet
    await still.waits("session", first=str(later), last=str(later))
    chats = {"Still": await shares_everything(care, still), "Moving": []}
    chats["Moving"] = [await starts_chat(care, moving, "group", by="desk")]
    await care.rest()
    known = {person.name: await knows(care, person, chats[person.name]) for person in (still, moving)}
    before = {by: await readable(care, still, by, known["Still"]) for by in ("site", still.email)}
    answered = {path for (path, _), told in before[still.email].items() if not isinstance(told.get("status"), int)}
    assert len(answered) >= 15, sorted(answered)
    await care.refused("GET", f"/v1/clients/{still.id}/timeline", by=still.email, name="not-allowed", status=403)

    await still.is_archived(reason="moved away")
    await care.rest()
    # With nothing ahead there is nothing to cancel, and not a letter changes.
    assert await told_of(care, still, known["Still"], before) == set()

    before = {by: await readable(care, moving, by, known["Moving"]) for by in ("site", moving.email)}
    await moving.is_archived(reason="moved away")
    await care.rest()
    # What was ahead looks like any cancellation; no reason is there.
    assert await told_of(care, moving, known["Moving"], before) == (
        AFTER_A_CANCELLATION | PAYMENT_STOPPED | GROUP_CHAT_LEFT
    )
    # The desk looked at the archive, and at the list of the archived, in a quarter of an hour in which nobody else did.
    await care.pass_time(hours=1)
    looked = (await care.get(f"/v1/clients/{moving.id}/accesses", by=moving.email))["items"]
    assert looked
    assert {key for line in looked for key in line} == {"at", "name", "role", "kind"}
    await care.get(f"/v1/clients/{moving.id}/archive")
    await care.get("/v1/clients", status="archived")
    assert (await care.get(f"/v1/clients/{moving.id}/accesses", by=moving.email))["items"] == looked
    for person in (moving, still):
        in_stage = await care.get("/v1/clients", by="site", for_whom=person.id, stage="in_care")
        assert [client["id"] for client in in_stage["items"]] == [person.id]
        assert (await care.get("/v1/clients", by="site", for_whom=person.id, stage="archived"))["items"] == []
    await care.refused("GET", "/v1/clients?status=archived", by="site", name="validation-failed", status=422)
    problem = await care.refused(
        "POST", f"/v1/appointments/{moving.session(3).id}/cancel", {"confirm": True}, name="appointment-not-open"
    )
    assert "archiv" not in str(problem).lower()
    assert not [mail for mail in await care.mails() if "archiv" in (mail["subject"] + mail["text"]).lower()]
