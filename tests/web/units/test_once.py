"""A form whose change the API could not finish is sent again as the same, so that it is not done twice."""

import re
from typing import Any

import httpx

from tests.web.units.serving import pages

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
