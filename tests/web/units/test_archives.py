"""An archive of many of whom some failed: each with why, and those who failed tried again alone."""

import re

import httpx

from tests.web.units.serving import pages

ME = {
    "name": "Cora Reed",
    "role": "care_team",
    "roles": ["care_team"],
    "handle": "cora-reed",
    "email": "c@practice.test",
}


def answer(request: httpx.Request) -> httpx.Response:
    if request.url.path == "/v1/me":
        return httpx.Response(200, json=ME)
    results = [
        {
            "client_id": "c2",
            "ref": "BBB",
            "name": "Bo Berg",
            "result": "failed",
            "because": "It did not answer.",
        },
        {"client_id": "c1", "ref": "AAA", "name": "Ada Berg", "result": "archived", "because": None},
        {"client_id": "c3", "ref": "CCC", "name": "Cy Berg", "result": "skipped", "because": "Was archived before."},
    ]
    counted = {"total": 3, "done": 3, "archived": 1, "skipped": 1, "failed": 1}
    return httpx.Response(
        200, json={"archive_id": "a1", "status": "finished", "results": results, "next_cursor": None} | counted
    )


async def test_who_failed_says_why_and_is_tried_again_alone() -> None:
    async with pages(answer) as http:
        http.cookies.set("staff-8080", "token")
        shown = (await http.get("/staff/archives/a1")).text
    assert re.findall(r"\w+ Berg", shown) == ["Bo Berg", "Ada Berg", "Cy Berg"]
    assert "It did not answer." in shown
    assert re.findall(r'name="again" value="(\w+)"', shown) == ["a1"]
    assert "Try again with 1" in shown
