"""The page of calendars kept elsewhere: each state in words, the way out as a plain link, and the way back."""

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.web.units.serving import PRODUCTION, pages, problem
from tests.web.units.test_edge import mark_in

ID = "0f6c1d52-6a57-4f0c-9f4b-7d2a4c1e8b90"
VENDOR = "https://accounts.google.com/o/oauth2/v2/auth?client_id=1&state=s1"
Json = dict[str, Any]


def calendar(**more: Any) -> Json:
    usual = {"id": ID, "kind": "google", "label": None, "place": None, "state": "ok", "trouble": None}
    times = {
        "failing_since": None,
        "read_at": "2026-03-09T16:05:00Z",
        "busy_times": 3,
        "made_at": "2026-03-01T09:00:00Z",
    }
    return usual | times | more


def api(
    said: list[tuple[str, str, Json]], *calendars: Json, **answers: httpx.Response
) -> Callable[..., httpx.Response]:
    """``said``: what the pages asked for, but for reading. ``answers``: by the last part of the path."""

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/v1/me":
            return httpx.Response(
                200, json={"roles": ["therapist"], "therapist": "ana", "name": "Ana", "email": "a@p.test"}
            )
        if request.method == "GET":
            return httpx.Response(200, json={"items": list(calendars), "next_cursor": None})
        said.append((request.method, path, json.loads(request.content or b"{}")))
        last = path.rpartition("/")[2].replace("-", "_")
        return answers.get(last, httpx.Response(204))

    return answer


def signed_in(http: httpx.AsyncClient) -> httpx.AsyncClient:
    http.cookies.set("__Host-staff", "tok", domain="care.test", path="/")
    return http


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"state": "ok"}, "3 busy times"),
        ({"state": "new", "read_at": None}, "It has not been read yet"),
        ({"state": "waiting", "read_at": None}, "It waits to be connected"),
        ({"state": "needs_connecting"}, "It has to be connected again"),
        ({"state": "failing", "trouble": "away", "failing_since": "2026-03-09T16:05:00Z"}, "Nobody answers there"),
    ],
)
async def test_how_a_calendar_stands_is_said_in_words(state: Json, words: str) -> None:
    async with pages(api([], calendar(**state)), **PRODUCTION) as http:
        shown = (await signed_in(http).get("/staff/calendars")).text
    assert words in shown
    connects = f'action="/staff/calendars/{ID}/connect"' in shown
    assert connects == (state["state"] in ("waiting", "needs_connecting"))


async def test_the_way_to_a_vendor_is_a_plain_link() -> None:
    said: list[tuple[str, str, Json]] = []
    added = httpx.Response(201, json=calendar(state="waiting") | {"connect_url": VENDOR})
    begun = httpx.Response(201, json={"connect_url": VENDOR})
    async with pages(api(said, calendar(), calendars=added, connect=begun), **PRODUCTION) as http:
        mark = mark_in((await signed_in(http).get("/staff/calendars")).text)
        for path in ("/staff/calendars/vendor", f"/staff/calendars/{ID}/connect"):
            shown = await http.post(path, data={"mark": mark, "kind": "google"})
            assert shown.status_code == 200
            link = re.search(r'<a class="button" href="([^"]+)" rel="noreferrer">Continue to Google', shown.text)
            assert link is not None
            assert link[1].replace("&amp;", "&") == VENDOR
    assert said == [
        ("POST", "/v1/therapists/ana/calendars", {"kind": "google"}),
        ("POST", f"/v1/therapists/ana/calendars/{ID}/connect", {}),
    ]


async def test_who_comes_back_with_a_code_has_connected_it() -> None:
    said: list[tuple[str, str, Json]] = []
    done = httpx.Response(200, json={"id": ID, "kind": "google", "therapist": "ana"})
    async with pages(api(said, calendar_connections=done), **PRODUCTION) as http:
        back = await signed_in(http).get("/staff/calendars/connected?state=s1&code=code-of-google&scope=x")
        assert back.headers["location"] == "/staff/calendars?connected=yes"
    assert said == [("POST", "/v1/calendar-connections", {"state": "s1", "code": "code-of-google"})]


async def test_who_allowed_nothing_is_told_so_and_nothing_is_asked() -> None:
    said: list[tuple[str, str, Json]] = []
    async with pages(api(said), **PRODUCTION) as http:
        back = await signed_in(http).get("/staff/calendars/connected?state=s1&error=access_denied")
        assert "nothing was allowed there" in back.text
    assert said == []


async def test_a_consent_that_counts_for_nothing_is_told_in_the_apis_words() -> None:
    refused = problem(410, "link-invalid", "This was begun by somebody else. Begin again.")
    async with pages(api([], calendar_connections=refused), **PRODUCTION) as http:
        back = await signed_in(http).get("/staff/calendars/connected?state=s1&code=code-of-google")
    assert back.status_code == 410
    assert "This was begun by somebody else. Begin again." in back.text
    assert "code-of-google" not in back.text.partition("<main")[2]


async def test_who_is_not_signed_in_connects_nothing() -> None:
    said: list[tuple[str, str, Json]] = []
    async with pages(api(said), **PRODUCTION) as http:
        back = await http.get("/staff/calendars/connected?state=s1&code=code-of-google")
        assert back.headers["location"].startswith("/staff/sign-in")
    assert said == []


async def test_what_was_typed_is_kept_but_for_the_password() -> None:
    errors = [{"field": "address", "message": "cannot be used: it leads to a private address"}]
    refused = problem(422, "validation-failed", "address: cannot be used", errors=errors)
    said: list[tuple[str, str, Json]] = []
    async with pages(api(said, calendars=refused), **PRODUCTION) as http:
        mark = mark_in((await signed_in(http).get("/staff/calendars")).text)
        form = {"kind": "caldav", "caldav_address": "https://dav.test/", "user": "ana", "password": " secret "}
        shown = await http.post("/staff/calendars", data={"mark": mark, **form})
    assert said == [
        (
            "POST",
            "/v1/therapists/ana/calendars",
            {"kind": "caldav", "address": "https://dav.test/", "user": "ana", "password": " secret "},
        )
    ]
    assert "leads to a private address" in shown.text
    assert 'value="https://dav.test/"' in shown.text
    assert " secret " not in shown.text


async def test_removing_one_at_microsoft_says_where_the_rest_is_ended() -> None:
    async with pages(api([], calendar(kind="outlook")), **PRODUCTION) as http:
        mark = mark_in((await signed_in(http).get("/staff/calendars")).text)
        gone = await http.post(f"/staff/calendars/{ID}/remove", data={"mark": mark, "kind": "outlook"})
        assert "among the apps of your account" in (await http.get(gone.headers["location"])).text
