"""A form whose change the API could not finish is sent again as the same, so that it is not done twice."""

import re
from typing import Any

import httpx

from tests.web.units.serving import pages, problem

_LISTED = {"items": [], "next_cursor": None, "roles": ["admin"], "email": "o@practice.example"}


async def test_what_could_not_be_finished_keeps_its_key_and_what_was_refused_does_not() -> None:
    said: dict[str, Any] = {"status": 503, "type": "https://api.test/problems/engine-unavailable"}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            problem = {"type": said["type"], "detail": "Repeat it with the same Idempotency-Key."}
            return httpx.Response(said["status"], json=problem)
        return httpx.Response(200, json=_LISTED)

    async with pages(answer) as http:
        http.cookies.set("staff-8080", "a token")
        shown = (await http.get("/staff/keys")).text
        [mark, *_] = re.findall(r'name="mark" value="([^"]+)"', shown)
        form = {"mark": mark, "once": "the-key-of-this-form", "name": "our-site", "role": "booking_site"}
        shown = (await http.post("/staff/keys", data=form)).text
        assert 'name="once" value="the-key-of-this-form"' in shown
        assert "Press the button once more" in shown
        assert "Idempotency-Key" not in shown
        said |= {"status": 422, "type": "https://api.test/problems/validation-failed"}
        shown = (await http.post("/staff/keys", data=form)).text
        assert 'value="the-key-of-this-form"' not in shown


async def test_one_time_is_held_and_another_lets_it_go_but_the_same_form_does_not() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url.path.removeprefix('/v1')}")
        if request.method == "DELETE":  # it ended meanwhile
            return problem(404, "not-found", "There is no such hold.")
        return httpx.Response(201, json={"hold_id": f"of-{request.headers['idempotency-key']}"})

    async with pages(answer) as http:
        [mark, *_] = re.findall(r'name="mark" value="([^"]+)"', (await http.get("/sign-in")).text)
        form = {"mark": mark, "type": "session", "starts_at": "2026-12-03T14:00:00Z"}
        for once in ("a", "a", "b"):
            held = await http.post("/book/ana/hold", data=form | {"once": once})
            assert held.headers["location"].startswith(f"/book/ana/who?hold=of-{once}&")
        assert asked == [*["POST /therapists/ana/holds"] * 2, "DELETE /holds/of-a", "POST /therapists/ana/holds"]
        for hold in ("offered-by-a-mail", "of-b", "of-b"):
            gone = await http.post("/book/ana/another", data=form | {"hold": hold})
            assert (gone.status_code, gone.headers["location"]) == (303, "/book/ana?type=session")
        assert asked[4:] == ["DELETE /holds/of-b"]
