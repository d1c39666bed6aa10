"""The page that a problem's ``type`` leads to says what it means, of what the API says."""

import httpx

from tests.web.units.serving import pages

TAKEN = {
    "name": "slot-taken",
    "type": "https://care.test/problems/slot-taken",
    "title": "Slot taken",
    "status": 409,
    "meaning": "Somebody has this time by now.",
    "remedy": "Offer the `alternatives`.",
    "members": [{"name": "alternatives", "meaning": "Other times.", "always": True}],
    "request": {"call": "POST /v1/clients/{client_id}/appointments", "body": {"type": "session"}},
    "answer": {"type": "https://care.test/problems/slot-taken", "status": 409},
}


def _answer(request: httpx.Request) -> httpx.Response:
    if request.url.path == "/v1/problems/slot-taken":
        return httpx.Response(200, json=TAKEN)
    if request.url.path == "/v1/problems":
        return httpx.Response(200, json={"items": [TAKEN]})
    headers = {"content-type": "application/problem+json"}
    return httpx.Response(404, json={"type": "/problems/not-found", "detail": "No such problem."}, headers=headers)


async def test_a_problem_is_explained_and_all_are_listed() -> None:
    async with pages(_answer) as http:
        page = await http.get("/problems/slot-taken")
        assert page.status_code == 200
        for said in ("Somebody has this time by now.", "Offer the alternatives.", "POST /v1/clients/{client_id}"):
            assert said in page.text
        assert 'href="/problems/slot-taken"' in (await http.get("/problems")).text
        assert (await http.get("/problems/unheard-of")).status_code == 404
