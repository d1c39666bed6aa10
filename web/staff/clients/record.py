"""One client's page: who they are and what is awaited, what needs a person, and then one part of their record."""

from itertools import groupby
from typing import Any

from starlette.responses import Response

from web.asking.api import Json, part
from web.asking.problems import ApiRefused
from web.clock import now
from web.looks.words import instant
from web.page import Page
from web.sent import Sent
from web.staff.calendar.times import free_times
from web.staff.desk.kinds import kind_of, path_of

PARTS = ("timeline", "sessions", "forms", "notes", "goals", "documents", "chat", "money", "settings")
SETTINGS = ("schedule_appointments", "chat", "community", "documents", "forms", "goals")
_LISTS = {
    "timeline": "/v1/clients/{}/timeline",
    "forms": "/v1/clients/{}/forms",
    "notes": "/v1/clients/{}/notes",
    "documents": "/v1/clients/{}/documents",
    "goals": "/v1/clients/{}/goals",
    "money": "/v1/clients/{}/payments",
}
_SHOWN = 50
_APPOINTMENTS = 50  # of one client, on one page


async def show_part(
    page: Page,
    client_id: str,
    name: str,
    *,
    sent: Sent | None = None,
    refused: ApiRefused | None = None,
    closed: ApiRefused | None = None,
) -> Response:
    """At most six calls: who asks, the client, what is awaited, what needs a person, and the part itself.

    ``closed``: what was asked for needs an opening.
    """
    me = await page.me()
    whose = part(client_id)
    client = await page.api.get(f"/v1/clients/{whose}")
    journey = await page.api.get(f"/v1/clients/{whose}/journey")
    tasks = []
    if "care_team" in me["roles"] and name != "money":  # its sixth call are the credits; the journey names the tasks
        tasks = (await page.api.get("/v1/tasks", client=client_id, resolved="false", limit=20))["items"]
    found: dict[str, Any] = {}
    if closed is None:
        try:
            found = await _found(page, client, name)
        except ApiRefused as refusal:
            if refusal.name != "opening-required":
                raise
            closed = refusal
    return page.show(
        f"staff/clients/record/{name}.html",
        **{"items": [], "cursor": None} | found,
        client=client,
        journey=journey,
        tasks=tasks,
        kind_of=kind_of,
        path_of=path_of,
        closed=closed,
        part=name,
        all_parts=PARTS,
        all_settings=SETTINGS,
        sent=sent,
        refused=refused,
    )


async def _found(page: Page, client: Json, name: str) -> dict[str, Any]:
    """What the part is made of."""
    whose = part(client["id"])
    found: dict[str, Any] = {}
    if name in _LISTS:
        order = {"newest_first": "true"} if name == "timeline" else {}
        listed = await page.api.get(_LISTS[name].format(whose), limit=_SHOWN, cursor=page.query.get("cursor"), **order)
        found = {"items": listed["items"], "cursor": listed["next_cursor"]}
    match name:
        case "sessions":
            found = await _sessions(page, client, await _newest_appointments(page, client))
        case "notes" if "therapist" in (await page.me())["roles"]:
            booked = await _newest_appointments(page, client)
            time = await now(page.api, page.settings)
            written = {note["appointment_id"] for note in found["items"]}
            begun = [one for one in booked if instant(one["starts_at"]) <= time and one["id"] not in written]
            found["to_write"] = [one for one in begun if one["status"] in ("scheduled", "occurred")][-3:]
        case "money":
            found["balance"] = await page.api.get(f"/v1/clients/{whose}/balance")
            found["credits"] = (await page.api.get(f"/v1/clients/{whose}/credits", limit=_SHOWN))["items"]
        case "timeline":
            found["lines"] = _with_mails_together(found["items"])
            if page.query.get("verify"):
                found["verified"] = await page.api.get(f"/v1/clients/{whose}/timeline/verify")
        case "settings":
            found["groups"] = (await page.api.get("/v1/groups", limit=200))["items"]
            found["openings"] = (await page.api.get(f"/v1/clients/{whose}/openings", limit=20))["items"]
        case "forms":
            found["templates"] = (await page.api.get("/v1/form-templates", limit=100))["items"]
        case "chat":
            found = await _chat(page, client)
    return found


def _with_mails_together(facts: list[Json]) -> list[list[Json]]:
    """What happened, a line each; mails that were sent one after the other are one line."""
    lines = []
    for is_mail, run in groupby(facts, key=lambda fact: fact["kind"] == "mail_sent"):
        some = list(run)
        lines += [some] if is_mail else [[fact] for fact in some]
    return lines


async def _sessions(page: Page, client: Json, appointments: list[Json]) -> dict[str, Any]:
    """What is ahead, the next one first; what was, the last one first; and the times that are free."""
    kind = "intro_call" if page.query.get("type") == "intro_call" else "session"
    time = await now(page.api, page.settings)
    free = await free_times(page, client["therapist"], kind, first=page.query.get("date"))
    ahead = [one for one in appointments if instant(one["ends_at"]) > time and one["status"] == "scheduled"]
    return {
        "items": ahead,
        "past": [one for one in reversed(appointments) if one not in ahead],
        "more": len(appointments) == _APPOINTMENTS,
        "free": free,
        "now": time,
    }


async def _chat(page: Page, client: Json) -> dict[str, Any]:
    """The chat of this client with whoever asks; which there is depends on their role."""
    roles = (await page.me())["roles"]
    kind = "direct" if "therapist" in roles else "care_team"
    wanted = page.query.get("kind") if page.query.get("kind") in ("direct", "care_team") else kind
    chats = (await page.api.get("/v1/chats", client_id=client["id"], kind=wanted, limit=1))["items"]
    messages = []
    if chats:
        after = max(chats[0]["last_seq"] - _SHOWN, 0)
        answer = await page.api.get(f"/v1/chats/{part(chats[0]['id'])}/messages", after=after, limit=_SHOWN)
        messages = answer["items"]
    return {"chat": chats[0] if chats else None, "messages": messages, "kind": wanted, "own_kind": kind}


async def change(
    page: Page, client_id: str, name: str, *, sent: Sent, body: dict[str, Any], at: str = "", then: str = "done=yes"
) -> Response:
    """``name``: the part of the record that it belongs to. ``at``: the call below the client's; without one the client
    themselves are changed. What waits for a second person is said."""
    path = f"/v1/clients/{part(client_id)}"
    try:
        if at:
            answer = await page.api.post(f"{path}/{at}", body, once=sent.get("once") or None)
        else:
            answer = await page.api.patch(path, body)
    except ApiRefused as refused:
        return await show_part(page, client_id, name, sent=sent, refused=refused)
    waits = isinstance(answer, dict) and "approval_id" in answer
    return page.go(f"/clients/{part(client_id)}/{name}?{'waits=yes' if waits else then}")


async def _newest_appointments(page: Page, client: Json) -> list[Json]:
    """The last ones, the oldest of them first."""
    listed = await page.api.get("/v1/appointments", client=client["id"], limit=_APPOINTMENTS, newest_first="true")
    return list(reversed(listed["items"]))
