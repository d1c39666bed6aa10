"""What every request to the pages meets: cookies, forms of others, headers, whom the API is told of."""

import re
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.web.safety.routes import routes_of
from tests.web.units.serving import PRODUCTION, SECRET, pages, problem
from web.asking.api import part
from web.edge import cookies as names
from web.edge.cookies import Cookies
from web.edge.keys import box, derived
from web.edge.visitors import visitor_of
from web.page import own_path
from web.settings import WebSettings

FIELDS = {"email": "ana@practice.example", "password": " a long password "}
SESSION = {"token": "tok-1", "device": "dev-1", "roles": ["client"], "client_id": "c1"}


def api(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"items": [], "next_cursor": None})


def mark_in(html: str) -> str:
    found = re.search(r'name="mark" value="([0-9a-f.]+)"', html)
    assert found
    return found[1]


# ---------------------------------------------------------------- cookies


@pytest.mark.parametrize("name", [names.CLIENT, names.STAFF, names.VISIT, names.FORGERY, names.OIDC, names.ANSWERS])
def test_in_production_a_cookie_is_of_this_host_alone_and_no_script_reads_it(name: str) -> None:
    response = Response()
    cookies = Cookies(WebSettings(**PRODUCTION))
    cookies.put(response, name, "value")
    cookies.drop(response, name)
    for said in response.headers.getlist("set-cookie"):
        assert said.startswith(f"__Host-{name}=")
        attributes = {each.strip().lower() for each in said.split(";")[1:]}
        assert {"httponly", "secure", "samesite=lax", "path=/"} <= attributes
        assert not any(each.startswith("domain") for each in attributes)


def test_away_from_production_names_end_in_the_port() -> None:
    assert Cookies(WebSettings(web_port=18080)).name(names.CLIENT) == "client-18080"


def test_script_reads_the_zone_and_nothing_else() -> None:
    response = Response()
    Cookies(WebSettings(**PRODUCTION)).put(response, names.ZONE, "UTC", keep=60)
    assert "httponly" not in response.headers["set-cookie"].lower()
    assert {name for name in vars(names).values() if isinstance(name, str)} & names._READ_BY_SCRIPT == {names.ZONE}


async def test_each_side_has_a_sign_in_of_its_own() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(201, json=SESSION) if request.url.path == "/v1/sessions" else api(request)

    async with pages(answer, **PRODUCTION) as http:
        form = {"mark": mark_in((await http.get("/sign-in")).text), **FIELDS}
        signed_in = await http.post("/sign-in", data=form)
        set_ = signed_in.headers.get_list("set-cookie")
        assert signed_in.status_code == 303
        assert any(each.startswith("__Host-client=tok-1;") for each in set_)
        assert not any(each.startswith("__Host-staff=") for each in set_)
        assert "tok-1" not in signed_in.text


# ---------------------------------------------------------------- forms of others


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.test"},
        {"Origin": "https://care.test.evil.test"},
        {"Origin": "http://care.test"},
        {"Origin": "https://care.test:8443"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_form_from_elsewhere_is_refused_even_with_its_mark(headers: dict[str, str]) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.method)
        return api(request)

    async with pages(answer, **PRODUCTION) as http:
        form = {"mark": mark_in((await http.get("/sign-in")).text), **FIELDS}
        assert (await http.post("/sign-in", data=form, headers=headers)).status_code == 403
    assert asked == []


async def test_without_cookies_no_form_is_ours() -> None:
    async with pages(api, **PRODUCTION) as http:
        form = {"mark": mark_in((await http.get("/sign-in")).text), **FIELDS}
        http.cookies.clear()
        refused = await http.post("/sign-in", data=form)
        assert refused.status_code == 403
        assert "Please send that again" in refused.text
        for path in ("/sign-out", "/book/ana/hold", "/profile", "/staff/clients/new", "/staff/sign-out"):
            assert (await http.post(path)).status_code == 403


async def test_every_change_asks_for_its_mark() -> None:
    """But for the one that mail programs send by themselves."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url.path}")
        return api(request)

    async with pages(answer, **PRODUCTION) as http:
        app = http._transport.app  # type: ignore[attr-defined]
        for side, base in ((app, ""), (app.state.staff, "/staff")):
            http.cookies.set(f"__Host-{'staff' if base else 'client'}", "tok", domain="care.test", path="/")
            for path in _posts(side):
                address = base + re.sub(r"\{\w+\}", "x", path)
                refused = await http.post(address, data={"mark": "0" * 64})
                assert refused.status_code == (200 if "/unsubscribe/" in address else 403), address
    assert [each for each in asked if not each.startswith("GET ")] == ["POST /unsubscribe/x"]


def _posts(app: Any) -> list[str]:
    paths = sorted(path for method, path in routes_of(app) if method == "POST")
    assert len(paths) > 10
    return paths


# ---------------------------------------------------------------- headers


async def test_what_every_answer_of_production_says() -> None:
    async with pages(api, **PRODUCTION) as http:
        for path in ("/", "/sign-in", "/nowhere", "/staff/sign-in", "/style.css", "/staff/icon.svg", "/healthz"):
            answer = await http.get(path)
            assert answer.headers["strict-transport-security"] == "max-age=31536000"
            assert answer.headers["x-frame-options"] == "DENY"
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
            kept = "public, max-age=3600" if path.endswith((".css", ".svg")) else "no-store"
            assert answer.headers["cache-control"] == kept
            assert "server-timing" not in answer.headers
        assert (await http.get("/styleguide")).status_code == 404
        assert (await http.get("/start")).status_code == 404


@pytest.mark.parametrize("evil", ["/\r\nSet-Cookie: a=b", "/%0d%0aSet-Cookie:%20a=b", "/today\nX: y", "/\tx"])
async def test_no_header_is_made_of_what_an_address_says(evil: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/sessions":
            return httpx.Response(201, json=SESSION)
        return problem(401, "unauthenticated", "Sign in.")

    async with pages(answer, **PRODUCTION) as http:
        sign_in = await http.get("/sign-in", params={"next": evil})
        form = {"mark": mark_in(sign_in.text), "next": evil, **FIELDS}
        for reply in (await http.post("/sign-in", data=form), await http.get("/profile", params={"zone": evil})):
            assert "\n" not in reply.headers["location"]
            assert "x" not in reply.headers
            assert not any(each.startswith("a=") for each in reply.headers.get_list("set-cookie"))


@pytest.mark.parametrize(
    "evil", ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)", "evil", "", "/a\r\nb", None]
)
def test_where_to_go_on_is_never_another_site(evil: str | None) -> None:
    assert own_path(evil, otherwise="/home") == "/home"


def test_where_to_go_on_is_a_path_of_ours() -> None:
    assert own_path("/clients?tab=archived", otherwise="/") == "/clients?tab=archived"
    assert part("../../v1/me") == "..%2F..%2Fv1%2Fme"


# ---------------------------------------------------------------- visitors


def asks(peer: str | None, *forwarded: str) -> Request:
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    client = (peer, 1) if peer else None
    return Request({"type": "http", "headers": headers, "client": client})


PROXIES = WebSettings(trusted_proxies="10.0.0.0/8, 2001:db8::/32")


@pytest.mark.parametrize(
    ("peer", "forwarded", "as_if"),
    [
        ("203.0.113.7", (), "203.0.113.7"),
        ("203.0.113.7", ("198.51.100.9",), "203.0.113.7"),  # no proxy of ours: it is made up
        ("10.0.0.1", ("203.0.113.7",), "203.0.113.7"),
        ("10.0.0.1", ("1.1.1.1, 203.0.113.7",), "203.0.113.7"),  # what stands to the left is theirs to make up
        ("10.0.0.1", ("1.1.1.1", "203.0.113.7, 10.0.0.2"), "203.0.113.7"),
        ("2001:db8::1", ("203.0.113.7",), "203.0.113.7"),
        ("::ffff:203.0.113.7", (), "203.0.113.7"),
        ("::ffff:10.0.0.1", ("203.0.113.7",), "203.0.113.7"),
        ("10.0.0.1", ("nonsense",), "10.0.0.1"),
        ("10.0.0.1", (), "10.0.0.1"),
    ],
)
def test_a_visitor_is_whoever_asks_behind_the_practices_own_proxies(
    peer: str, forwarded: tuple[str, ...], as_if: str
) -> None:
    assert visitor_of(asks(peer, *forwarded), PROXIES) == visitor_of(asks(as_if), PROXIES)


def test_a_visitor_is_an_opaque_mark_and_a_network() -> None:
    mark, network = visitor_of(asks("203.0.113.7"), PROXIES)
    assert network == "203.0.113.0/24"
    assert re.fullmatch(r"[0-9a-f]{64}", mark)
    assert visitor_of(asks("2a00:1:2:3::4"), PROXIES)[1] == "2a00:1:2::/48"
    assert visitor_of(asks("203.0.113.8"), PROXIES)[0] != mark
    other = WebSettings(site_api_key=SECRET)
    assert visitor_of(asks("203.0.113.7"), other)[0] != mark
    assert visitor_of(asks(None), PROXIES)[1] == ""


def test_each_purpose_has_a_key_of_its_own() -> None:
    settings = WebSettings(site_api_key=SECRET)
    assert derived(settings, "forgery") != derived(settings, "visitors")
    assert box(settings, "a").decrypt(box(settings, "a").encrypt(b"x")) == b"x"


async def test_the_api_is_told_who_asks_and_for_whom() -> None:
    told: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        told.append(request)
        return problem(401, "unauthenticated", "Sign in.")

    async with pages(answer, **PRODUCTION) as http:
        http.cookies.set("__Host-client", "tok-1", domain="care.test", path="/")
        http.cookies.set("visitor", "somebody-else", domain="care.test", path="/")
        gone = await http.get("/profile", headers={"Visitor": "somebody-else", "On-Behalf-Of": "Bearer other"})
    assert gone.headers["location"] == "/sign-in?next=%2Fprofile"
    assert any(each.startswith('__Host-client="";') for each in gone.headers.get_list("set-cookie"))
    [request] = told
    assert request.headers["authorization"] == f"Bearer {SECRET}"
    assert request.headers["on-behalf-of"] == "Bearer tok-1"
    assert request.headers["visitor-network"] == "203.0.113.0/24"
    assert "somebody-else" not in request.headers["visitor"]
