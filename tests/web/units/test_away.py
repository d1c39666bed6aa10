"""An API that is away, or answers what no API does: an honest page, and nothing that was typed is lost."""

import json
from collections.abc import Callable

import httpx
import pytest

from tests.web.units.serving import pages, problem
from tests.web.units.test_edge import FIELDS, mark_in


def away(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


def slow(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("", request=request)


def of_a_proxy(request: httpx.Request) -> httpx.Response:
    return httpx.Response(502, text="<html>Bad gateway of nginx, 10.0.0.3</html>")


def no_problem(request: httpx.Request) -> httpx.Response:
    return httpx.Response(500, json=["Traceback (most recent call last)"])


def no_json(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, text="<html>another program</html>")


@pytest.mark.parametrize("answer", [away, slow, of_a_proxy, no_problem, no_json])
async def test_a_page_says_that_it_is_away_and_how_to_go_on(answer: Callable[[httpx.Request], httpx.Response]) -> None:
    async with pages(answer) as http:
        shown = await http.get("/")
        assert shown.status_code == 503
        assert shown.headers["retry-after"] == "5"
        assert shown.headers["cache-control"] == "no-store"
        assert "We cannot be reached just now" in shown.text
        for secret in ("nginx", "10.0.0.3", "Traceback", "refused", "another program"):
            assert secret not in shown.text


@pytest.mark.parametrize("answer", [away, slow, of_a_proxy])
async def test_what_was_typed_can_be_sent_again(answer: Callable[[httpx.Request], httpx.Response]) -> None:
    async with pages(answer) as http:
        form = {"mark": mark_in((await http.get("/sign-in")).text), **FIELDS, "next": "/chats/<b>", "once": "k1"}
        shown = await http.post("/sign-in?x=1", data=form)
        assert shown.status_code == 503
        assert f'name="email" value="{FIELDS["email"]}"' in shown.text
        assert 'name="next" value="/chats/&lt;b&gt;"' in shown.text
        assert 'name="once" value="k1"' in shown.text
        assert 'action="/sign-in?x=1"' in shown.text
        assert FIELDS["password"].strip() not in shown.text  # a password never comes back
        assert "Send it again" in shown.text
        assert mark_in(shown.text) == form["mark"]


async def test_what_the_api_refuses_is_said_in_its_words_and_escaped() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return problem(409, "slot-taken", "That time <was> taken.")

    async with pages(answer) as http:
        shown = await http.get("/")
        assert shown.status_code == 409
        assert "That time &lt;was&gt; taken." in shown.text


async def test_what_breaks_on_our_side_tells_nothing_of_it() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=json.dumps({"secret": "s3cret"}))

    async with pages(answer) as http:
        shown = await http.get("/")
        assert shown.status_code == 500
        assert "Something went wrong on our side" in shown.text
        assert "s3cret" not in shown.text
        assert "KeyError" not in shown.text
        assert shown.headers["content-security-policy"]
