"""An API that is away, or answers what no API does: an honest page, and nothing that was typed is lost."""

import asyncio
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


@pytest.mark.parametrize("answer", [away, of_a_proxy, no_problem, no_json])
async def test_a_page_says_that_it_is_away_and_how_to_go_on(answer: Callable[[httpx.Request], httpx.Response]) -> None:
    async with pages(answer) as http:
        shown = await http.get("/")
        assert shown.status_code == 503
        assert shown.headers["retry-after"] == "5"
        assert shown.headers["cache-control"] == "no-store"
        assert "We cannot be reached just now" in shown.text
        for secret in ("nginx", "10.0.0.3", "Traceback", "refused", "another program"):
            assert secret not in shown.text


async def test_a_page_that_waits_too_long_says_so() -> None:
    async with pages(slow) as http:
        shown = await http.get("/")
        assert shown.status_code == 504
        assert shown.headers["retry-after"] == "5"
        assert "This takes too long" in shown.text


async def test_a_page_waits_for_all_its_answers_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slowly they come, piece by piece."""
    monkeypatch.setattr("web.asking.api.PATIENCE", 0.05)

    async def never(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with pages(never) as http:
        assert (await http.get("/")).status_code == 504


@pytest.mark.parametrize(
    ("seconds", "told"),
    [("1", "in a moment"), ("59", "in 59 seconds"), ("121", "in 3 minutes"), ("3600", "in 1 hour")],
)
@pytest.mark.parametrize("path", ["/sign-in", "/reset", "/book/ana/hold"])
async def test_who_asks_too_often_is_told_when_to_come_back_and_loses_nothing(
    path: str, seconds: str, told: str
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        refused = problem(429, "rate-limited", "That was too often <now>.")
        refused.headers["retry-after"] = seconds
        return refused

    async with pages(answer) as http:
        form = {"mark": mark_in((await http.get("/sign-in")).text), **FIELDS, "starts_at": "2026-12-03T14:00:00Z"}
        shown = await http.post(path, data=form)
        assert shown.status_code == 429
        assert shown.headers["retry-after"] == seconds
        assert f"You can try again {told}." in shown.text
        assert "That was too often &lt;now&gt;." in shown.text
        kept = "2026-12-03T14:00:00Z" if path.startswith("/book") else FIELDS["email"]
        assert f'value="{kept}"' in shown.text
        assert FIELDS["password"].strip() not in shown.text


@pytest.mark.parametrize("answer", [away, slow, of_a_proxy])
async def test_what_was_typed_can_be_sent_again(answer: Callable[[httpx.Request], httpx.Response]) -> None:
    async with pages(answer) as http:
        form = {"mark": mark_in((await http.get("/sign-in")).text), **FIELDS, "next": "/chats/<b>", "once": "k1"}
        shown = await http.post("/sign-in?x=1", data=form)
        assert shown.status_code in (503, 504)
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
