"""What was typed into a form that could not be taken: given back to this browser alone, and never with a secret."""

import re

import httpx

from tests.web.units.serving import PRODUCTION, pages, problem
from tests.web.units.test_edge import mark_in


def api(request: httpx.Request) -> httpx.Response:
    """Nobody's sign-in is good, but a new one can be begun."""
    if (request.method, request.url.path) == ("POST", "/v1/sessions"):
        return httpx.Response(201, json={"token": "tok-2", "device": "dev", "roles": ["client"]})
    if request.headers.get("on-behalf-of") == "Bearer tok-2":
        return httpx.Response(200, json={"client_id": "c", "roles": ["client"]})
    if "on-behalf-of" in request.headers:
        return problem(401, "unauthorized", "Sign in first.")
    return httpx.Response(200, json={})


TYPED = {"text": "<b>I lie awake</b>", "code": "123456", "current": "a secret", "once": "k"}


def signs_in(http: httpx.AsyncClient, token: str) -> None:
    http.cookies.set("__Host-client", token, domain="care.test", path="/")


async def test_a_sign_in_that_has_ended_is_asked_for_with_what_was_typed() -> None:
    async with pages(api, **PRODUCTION) as http:
        await http.get("/sign-in")
        signs_in(http, "tok-1")
        mark = mark_in((await http.get("/sign-in")).text)
        asked = await http.post("/chats/c1?x=1", data={"mark": mark, **TYPED})
        assert asked.status_code == 401
        assert "Your sign-in has ended." in asked.text
        assert "I lie awake" not in asked.text  # sealed: not even a cache or a screenshot of this page tells it
        kept, _ = re.findall(r'name="kept" value="([^"]+)"', asked.text)  # by password, and by passkey
        sign_in = {"mark": mark_in(asked.text), "email": "a@b.example", "password": "pass word", "kept": kept}
        given = await http.post("/sign-in", data=sign_in)
        assert given.status_code == 200
        assert 'action="/chats/c1?x=1"' in given.text
        assert 'name="text" value="&lt;b&gt;I lie awake&lt;/b&gt;"' in given.text
        for secret in ("123456", "a secret", "pass word"):
            assert secret not in given.text
        assert any(each.startswith("__Host-client=tok-2;") for each in given.headers.get_list("set-cookie"))
        changed = await http.post("/sign-in", data={**sign_in, "mark": mark_in(given.text), "kept": f"{kept[:-4]}AAAA"})
        assert changed.status_code == 303  # what is not ours is left out, and the sign-in is one


async def test_a_form_from_before_another_sign_in_can_be_sent_again_but_not_from_another_site() -> None:
    async with pages(api, **PRODUCTION) as http:
        mark = mark_in((await http.get("/sign-in")).text)
        signs_in(http, "tok-2")
        again = await http.post("/chats/c1", data={"mark": mark, **TYPED})
        assert again.status_code == 403
        assert "What you typed is kept" in again.text
        assert "I lie awake" in again.text
        assert "123456" not in again.text
        assert mark_in(again.text) != mark
        forged = {"mark": f"{'0' * 64}.{'0' * 64}", **TYPED}
        assert "I lie awake" not in (await http.post("/chats/c1", data=forged)).text
        elsewhere = await http.post("/chats/c1", data={"mark": mark, **TYPED}, headers={"Sec-Fetch-Site": "cross-site"})
        assert elsewhere.status_code == 403
        assert "I lie awake" not in elsewhere.text


async def test_the_address_of_a_form_leads_to_the_page_above_it() -> None:
    async with pages(api, **PRODUCTION) as http:
        for path, above in (("/account/email", "/account"), ("/payments/p1/pay", "/payments/p1")):
            led = await http.get(path)
            assert (led.status_code, led.headers["location"]) == (303, above)
        assert (await http.get("/nowhere/at/all")).status_code == 404
