"""What others might try with an address, a header or a body: refused, and nothing of it comes back."""

import re
from typing import Any

import httpx
import pytest

from tests.web.safety.routes import every_route
from tests.web.units.serving import PRODUCTION, pages, problem
from tests.web.units.test_edge import FIELDS, SESSION, api, mark_in
from web.edge.bounds import MOST_BYTES, MOST_OF_FILES

EVIL_HOST = {"Host": "evil.test", "X-Forwarded-Host": "evil.test", "Forwarded": "host=evil.test"}
APART = {**PRODUCTION, "staff_url": "https://team.care.test"}


def signs_in(request: httpx.Request) -> httpx.Response:
    if request.url.path == "/v1/sessions":
        return httpx.Response(201, json=SESSION)
    return problem(401, "unauthenticated", "Sign in.")


# ---------------------------------------------------------------- headers


@pytest.mark.parametrize("settings", [PRODUCTION, APART])
async def test_every_route_says_what_browsers_are_to_keep_to(settings: dict[str, Any]) -> None:
    """Whatever becomes of it: shown, refused, gone on from, too large or broken."""
    seen: set[int] = set()
    async with pages(signs_in, **settings) as http:
        host = "team.care.test" if settings is APART else "care.test"
        for method, path in every_route(**settings):
            staff = path.startswith("/staff")
            address = re.sub(r"\{\w+\}", "x", path.removeprefix("/staff") if staff and settings is APART else path)
            answer = await http.request(method, address or "/", headers={"Host": host if staff else "care.test"})
            seen.add(answer.status_code)
            said = answer.headers
            assert said["x-content-type-options"] == "nosniff", path
            assert said["x-frame-options"] == "DENY", path
            assert (
                "frame-ancestors 'none'" in said["content-security-policy"]
                or "sandbox" in said["content-security-policy"]
            ), path
            assert "unsafe" not in said["content-security-policy"], path
            assert said["strict-transport-security"], path
            assert said["referrer-policy"] == "no-referrer", path
            assert "content-type" in said or answer.status_code == 303, path
            if not re.search(r"\.(css|js|svg)$", path):
                assert said["cache-control"] == "no-store", path
    assert seen >= {200, 303, 403}


async def test_no_name_that_a_request_gives_this_host_comes_back() -> None:
    """In no header and no page: also not where a path is put right."""
    async with pages(signs_in, **PRODUCTION) as http:
        for method, path in every_route(**PRODUCTION):
            address = re.sub(r"\{\w+\}", "x", path)
            for each in (address, f"{address}/", f"/{address}"):
                answer = await http.request(method, f"https://care.test{each}", headers=EVIL_HOST)
                assert "evil.test" not in answer.text, each
                assert "evil.test" not in str(answer.headers), each


async def test_a_slash_too_many_leads_to_the_page_and_never_away() -> None:
    asked = {
        "/find/": "/find",
        "/staff": "/staff/",
        "/staff/sign-in/": "/staff/sign-in",
        "//evil.test/": "/evil.test",
        "/%2Fevil.test/": "/evil.test",
        "/%5Cevil.test/": "/%5Cevil.test",
        "///evil.test//": "/evil.test",
    }
    async with pages(api, **PRODUCTION) as http:
        for path, right in asked.items():
            answer = await http.get(f"https://care.test{path}")
            assert (answer.status_code, answer.headers["location"]) == (303, right), path


# ---------------------------------------------------------------- where to go on


EVIL = (
    *("https://evil.test/", "//evil.test/", "/\\evil.test/", "\\\\evil.test/", "/\t/evil.test/", "/\n/evil.test/"),
    *(" //evil.test/", "%2F%2Fevil.test/", "/%2Fevil.test/", "https:evil.test", "javascript:alert(1)", ".evil.test"),
    *("data:text/html,x", "/staff/../../evil.test", "/staff//evil.test", "/sign-in@evil.test", "/../evil.test"),
)


@pytest.mark.parametrize("base", ["", "/staff"])
async def test_a_sign_in_leads_to_a_page_of_ours(base: str) -> None:
    async with pages(signs_in, **PRODUCTION) as http:
        for evil in EVIL:
            form = await http.get(f"{base}/sign-in", params={"next": evil}, headers={"Referer": "https://evil.test/"})
            sent = {"mark": mark_in(form.text), "next": evil, **FIELDS}
            gone = await http.post(f"{base}/sign-in", data=sent, headers={"Referer": "https://evil.test/"})
            assert gone.status_code == 303
            there = httpx.URL("https://care.test/").join(gone.headers["location"])
            assert (there.scheme, there.host) == ("https", "care.test"), evil


# ---------------------------------------------------------------- sign-ins


async def test_a_sign_in_that_somebody_has_planted_is_not_kept() -> None:
    """Session fixation: what a browser was given before is nothing after, and nor is its mark."""
    async with pages(signs_in, **PRODUCTION) as http:
        for name in ("client", "visit", "device", "forgery"):
            http.cookies.set(f"__Host-{name}", f"planted-{name}.x", domain="care.test", path="/")
        mark = mark_in((await http.get("/sign-in")).text)
        gone = await http.post("/sign-in", data={"mark": mark, **FIELDS})
        set_ = {line.split("=")[0]: line.split("=", 1)[1].split(";")[0] for line in gone.headers.get_list("set-cookie")}
        assert set_ == {"__Host-client": "tok-1", "__Host-device": "dev-1", "__Host-visit": '""'}
        for planted in ("planted-client.x", "planted-visit.x", "planted-device.x"):
            assert planted not in http.cookies.values()
        assert (await http.post("/profile", data={"mark": mark})).status_code == 403  # a mark from before


async def test_a_mark_of_another_browser_is_none() -> None:
    async with pages(signs_in, **PRODUCTION) as http, pages(signs_in, **PRODUCTION) as another:
        theirs = mark_in((await another.get("/sign-in")).text)
        await http.get("/sign-in")
        assert (await http.post("/sign-in", data={"mark": theirs, **FIELDS})).status_code == 403
        for wrong in ("", "0" * 64, theirs.upper(), theirs[:-1]):
            assert (await http.post("/sign-in", data={"mark": wrong, **FIELDS})).status_code == 403


# ---------------------------------------------------------------- bodies


async def test_what_is_too_large_is_told_so_and_reaches_nobody() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.method)
        return api(request)

    async with pages(answer, **PRODUCTION) as http:
        film = {"file": ("film.mp4", b"0" * (MOST_OF_FILES + 1), "video/mp4")}
        for path in ("/forms/informed_consent", "/staff/clients/x/documents", "/sign-in"):
            large = await http.post(path, files=film)
            assert large.status_code == 413, path
            assert "A file may have 10 MB at most" in large.text
            assert (await http.post(path, data={"text": "x" * MOST_BYTES})).status_code == 413
    assert asked == []
