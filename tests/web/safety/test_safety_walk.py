"""Every route of the pages under a sign-in that it is not for: nothing of somebody else is shown, and nothing changes.

The routes are the program's own, so that a new one is walked as soon as it is there.
"""

import asyncio
import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Browser

from local.people import PASSWORD
from tests.web.clients.test_client_account import code_of
from tests.web.people import OWN_PASSWORD, Site, Somebody
from tests.web.safety.routes import every_route

MARKER = "Zebedee"  # in all that there is of the one client whom the others try to see
WEB = Path(__file__).parents[3] / "web"
# Not walked: they end the sign-in that walks, or move the clock.
_LEFT_OUT = re.compile(r"/sign-out$|/sign-in|/end-others$|/start/clock$")
# What stands in a path and is of nobody.
_OF_NOBODY = {
    "slug": "ben-okafor",
    "kind": "initial_consultation",
    "step": "where",
    "name": "timeline",
    "act": "retry",
    "answer": "approve",
    "token": "nothing",
    "way": "nothing",
    "secret": "nothing",
}
# Of the practice, and not of one therapist or client: every therapist sees its groups, and of them their own clients.
_OF_THE_PRACTICE = (
    "group_id",
    "approval_id",
    "archive_id",
    "closure_id",
    "comparison_id",
    "invitation_id",
    "key_id",
    "staff_id",
)
# Admins end any opening.
_THEIRS_TO_DO = {("the owner of the practice", "/staff/clients/{client_id}/openings/{opening_id}/end")}


@dataclass
class Victim:
    """A client of Ana's with something of everything, and what belongs to it by the name that paths give it."""

    site: Site
    ids: dict[str, str]
    own: str  # tokens for the API
    therapist: str

    async def as_it_is(self) -> dict[str, Any]:
        """All that others might have changed."""
        client, by = self.ids["client_id"], {"own": self.own, "therapist": self.therapist}
        asked = {
            f"/v1/clients/{client}": "therapist",
            f"/v1/clients/{client}/timeline": "therapist",
            f"/v1/appointments?client={client}": "therapist",
            f"/v1/clients/{client}/goals": "therapist",
            f"/v1/clients/{client}/documents": "therapist",
            f"/v1/clients/{client}/payments": "therapist",
            f"/v1/chats/{self.ids['chat_id']}/messages": "therapist",
            f"/v1/groups/{self.ids['group_id']}": "therapist",
            "/v1/therapists/ana-silva/calendars": "therapist",
            "/v1/second-factors": "own",
        }
        found = {path: await self.site.api("GET", path, key=by[whose]) for path, whose in asked.items()}
        signed_in = (await self.site.api("GET", "/v1/sessions", key=self.own))["items"]
        return {**found, "sign-ins": [one["id"] for one in signed_in]}


@pytest.mark.timeout(600)
async def test_no_route_shows_or_changes_what_is_somebody_elses(site: Site, browser: Browser) -> None:
    async with Somebody.at(site, browser) as owner, Somebody.at(site, browser) as other:
        await owner.books("ana-silva", first_name=MARKER)
        await owner.activates()
        victim = await _with_something_of_everything(site, owner)
        await other.books("ana-silva", first_name="Olga")
        await other.activates()
        async with Somebody.at(site, browser) as passing:  # with a pass alone
            await passing.books("ben-okafor", first_name="Per")
            walkers = {
                "the client": await _as(site, owner),
                "another client": await _as(site, other),
                "one with a pass": await _as(site, passing),
                "nobody": await _as(site, None),
                "the therapist": await _staff(site, "ana@practice.example"),
                "another therapist": await _staff(site, "ben@practice.example"),
                "the owner of the practice": await _staff(site, "owner@practice.example"),
            }
    shown = [path for path in _with_ids("GET") if await _shows(walkers, path, victim)]
    assert len(shown) > 15, shown  # so that what the others do not see is there
    before = await victim.as_it_is()
    walked = await asyncio.gather(
        *(
            _walks(walkers[name], name, side, victim)
            for side, name in (
                ("/", "another client"),
                ("/", "one with a pass"),
                ("/staff/", "another therapist"),
                ("/staff/", "the owner of the practice"),
                ("", "nobody"),
            )
        )
    )
    wrong = [said for each in walked for said in each]
    assert not wrong, "\n".join(wrong)
    assert await victim.as_it_is() == before
    for walker in walkers.values():
        await walker.aclose()


# ---------------------------------------------------------------- who walks


def _walker(site: Site) -> httpx.AsyncClient:
    """Each request comes by a connection of its own: one that was kept may be closed just as it is used again."""
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.AsyncClient(base_url=site.url, trust_env=False, timeout=120, limits=limits)


async def _as(site: Site, somebody: Somebody | None) -> httpx.AsyncClient:
    """With the cookies that their browser has, and the mark that their forms have."""
    walker = _walker(site)
    for cookie in await somebody.context.cookies() if somebody is not None else ():
        walker.cookies.set(cookie.get("name", ""), cookie.get("value", ""), domain="localhost.local", path="/")
    return await _marked(walker, "/sign-in")


async def _staff(site: Site, email: str) -> httpx.AsyncClient:
    walker = await _marked(_walker(site), "/staff/sign-in")
    form = {"mark": walker.headers["x-mark"], "email": email, "password": PASSWORD}
    assert (await walker.post("/staff/sign-in", data=form)).status_code == 303
    return await _marked(walker, "/staff/sign-in")


async def _marked(walker: httpx.AsyncClient, path: str) -> httpx.AsyncClient:
    found = re.search(r'name="mark" value="([0-9a-f.]+)"', (await walker.get(path)).text)
    assert found
    walker.headers["x-mark"] = found[1]  # a place to keep it: the pages read no such header
    return walker


# ---------------------------------------------------------------- what is tried


@cache
def _with_ids(method: str) -> list[str]:
    """Routes whose path has something in it that belongs to somebody."""
    return [
        path
        for each, path in every_route()
        if each == method and set(re.findall(r"\{(\w+)\}", path)) - _OF_NOBODY.keys() - {*_OF_THE_PRACTICE}
    ]


def _address(path: str, victim: Victim) -> str:
    """Raises KeyError for a route whose path has something in it that this walk does not know yet."""
    return re.sub(r"\{(\w+)\}", lambda found: {**_OF_NOBODY, **victim.ids}[found[1]], path)


async def _walks(walker: httpx.AsyncClient, name: str, side: str, victim: Victim) -> list[str]:
    """All routes of one side, or of both."""
    wrong: list[str] = []
    for method, path in every_route():
        of_the_side = not side or path.startswith("/staff/") == (side == "/staff/")
        if of_the_side and not _LEFT_OUT.search(path) and (name, path) not in _THEIRS_TO_DO:
            wrong += [f"{name}: {said}" for said in await _tries(walker, method, path, victim)]
    return wrong


async def _shows(walkers: dict[str, httpx.AsyncClient], path: str, victim: Victim) -> bool:
    """Whether it is there for those whom it is for."""
    walker = walkers["the therapist" if path.startswith("/staff/") else "the client"]
    return (await walker.get(_address(path, victim))).status_code == 200


async def _tries(walker: httpx.AsyncClient, method: str, path: str, victim: Victim) -> list[str]:
    address = _address(path, victim)
    form = {"mark": walker.headers["x-mark"], **_every_field(victim)}
    answer = await walker.request(method, address, data=form if method == "POST" else None)
    wrong = []
    if MARKER in answer.text:
        wrong.append(f"{method} {address} shows it")
    if answer.status_code >= 500:
        wrong.append(f"{method} {address} breaks: {answer.status_code}")
    location = answer.headers.get("location", "")
    elsewhere = re.match(r"(/staff)?/(sign-in|account\b)", location) or location == address.partition("?")[0]
    if path in _with_ids(method) and (answer.is_success or (answer.is_redirect and not elsewhere)):
        wrong.append(f"{method} {address} is answered {answer.status_code} {location}")
    return wrong


@cache
def _names_of_fields() -> frozenset[str]:
    """Of every form that the program reads."""
    source = "\n".join(file.read_text() for file in WEB.rglob("*.py"))
    names = set(re.findall(r'sent\.(?:get|all|secret)\("([\w.]+)"', source))
    names |= {name for given in re.findall(r"sent\.given\(([^)]*)\)", source) for name in re.findall(r'"(\w+)"', given)}
    assert len(names) > 40
    return frozenset(names)


def _every_field(victim: Victim) -> dict[str, Any]:
    """With the ids of somebody else wherever one may stand."""
    ids = victim.ids
    known = {
        **dict.fromkeys(("tick", "members", "client_id", "into"), ids["client_id"]),
        "group_id": ids["group_id"],
        "group": ids["group_id"],
        "kind": "direct",
        "status": "done",
        "outcome": "occurred",
        "scope": "one",
        "what": "intake_answers",
        "reason": "because",
        "text": "written by somebody else",
        "confirm": "yes",
        "therapist": "ben-okafor",
    }
    return {name: known.get(name, "x") for name in _names_of_fields() - {"do", "mark"}}


# ---------------------------------------------------------------- what there is


async def _with_something_of_everything(site: Site, owner: Somebody) -> Victim:
    own = next(c.get("value", "") for c in await owner.context.cookies() if c.get("name", "").startswith("client-"))
    ana, cora = [await site.staff_token(f"{name}@practice.example") for name in ("ana", "care")]
    client = (await site.api("GET", "/v1/me", key=own))["client_id"]
    intro = (await site.api("GET", f"/v1/appointments?client={client}"))["items"][0]["id"]
    path = "/v1/therapists/ana-silva/slots?type=session&time_zone=UTC"
    today = (await site.now()).date()
    days = (await site.api("GET", f"{path}&from={today}&to={today + timedelta(days=7)}"))["days"]
    starts_at = next(slot["starts_at"] for day in days for slot in day["slots"])
    body = {"type": "session", "mode": "video", "starts_at": starts_at, "weeks": 3}
    booked = (await site.api("POST", f"/v1/clients/{client}/appointments", body, key=ana))["appointments"]
    session, ahead = booked[0], booked[-1]
    await site.advance(timedelta(days=8))
    await site.api("POST", f"/v1/appointments/{intro}/outcome", {"outcome": "occurred"}, key=ana)
    held = await site.api("POST", f"/v1/appointments/{session['id']}/outcome", {"outcome": "occurred"}, key=ana)
    await site.api("POST", f"/v1/appointments/{session['id']}/note", {"text": MARKER, "shared": True}, key=ana)
    chat = (await site.api("POST", "/v1/chats", {"kind": "direct", "members": [client]}, key=ana))["id"]
    await site.api("POST", f"/v1/chats/{chat}/messages", {"text": MARKER}, key=ana)
    goal = (await site.api("POST", f"/v1/clients/{client}/goals", {"text": MARKER, "remind": None}, key=ana))["id"]
    group = (await site.api("POST", "/v1/groups", {"name": "A group of the practice"}, key=ana))["id"]
    await site.api("PATCH", f"/v1/clients/{client}", {"group": group}, key=ana)
    made = await site.http.post(
        f"{site.stack.api_url}/v1/documents",
        data={"title": MARKER},
        files={"file": (f"{MARKER}.txt", MARKER.encode(), "text/plain")},
        headers={"Authorization": f"Bearer {ana}"},
    )
    document = made.json()["id"]
    await site.api("POST", f"/v1/documents/{document}/shares", {"client_id": client}, key=ana)
    leave = {"starts_at": "2030-01-07T09:00:00Z", "ends_at": "2030-01-08T09:00:00Z", "reason": MARKER}
    calendar = {"kind": "ics", "address": "http://127.0.0.1:1/own.ics", "label": MARKER}
    later = (await site.now()).date() + timedelta(days=20)
    wanted = {"client_id": client, "type": "session", "from": f"{later}", "to": f"{later + timedelta(days=7)}"}
    begun = await site.api("POST", "/v1/second-factors", {"kind": "totp", "current": OWN_PASSWORD}, key=own)
    code = {"code": code_of(begun["secret"])}
    await site.api("POST", f"/v1/second-factors/{begun['id']}/confirmations", code, key=own)
    opened = {"what": "intake_answers", "reason": "they have called"}  # which owners are told
    ids = {
        "client_id": client,
        "appointment_id": ahead["id"],
        "payment_id": held["payment"]["id"],
        "chat_id": chat,
        "goal_id": goal,
        "group_id": group,
        "document_id": document,
        "upload_id": document,
        "calendar_id": (await site.api("POST", "/v1/therapists/ana-silva/calendars", calendar, key=ana))["id"],
        "leave_id": (await site.api("POST", "/v1/therapists/ana-silva/leaves", leave, key=ana))["id"],
        "place_id": (await site.api("POST", "/v1/therapists/ana-silva/waitlist", wanted, key=ana))["id"],
        "factor_id": begun["id"],
        "session_id": (await site.api("GET", "/v1/sessions", key=own))["items"][0]["id"],
        "notification_id": (await site.api("GET", "/v1/notifications", key=ana))["items"][0]["id"],
        "opening_id": (await site.api("POST", f"/v1/clients/{client}/openings", opened, key=cora))["id"],
        "task_id": str(uuid4()),
        **{name: str(uuid4()) for name in _OF_THE_PRACTICE if name != "group_id"},
    }
    return Victim(site=site, ids=ids, own=own, therapist=ana)
