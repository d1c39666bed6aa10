"""The parts of the pages, where whoever builds one looks for them."""

import re
from pathlib import Path

import httpx

from tests.web.units.serving import pages

TEMPLATES = Path(__file__).parents[4] / "web/templates"
OF_EVERY_FORM = {"mark", "once_field"}
WITHIN_OTHERS = {"slug", "label_of", "summary", "beside", "described"}


def api(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"now": "2026-12-03T14:00:00Z"})


def test_every_part_is_shown() -> None:
    parts = set(re.findall(r"{% macro ([a-z]\w*)", (TEMPLATES / "parts.html").read_text()))
    shown = set(re.findall(r"parts\.(\w+)\(", (TEMPLATES / "styleguide.html").read_text()))
    assert parts - shown - OF_EVERY_FORM - WITHIN_OTHERS == set()


async def test_both_sides_show_them_and_nothing_has_a_style_of_its_own() -> None:
    async with pages(api) as http:
        for path in ("/styleguide", "/staff/styleguide"):
            shown = await http.get(path)
            assert shown.status_code == 200
            assert shown.headers["server-timing"] == 'api;dur=0.0;desc="0 calls"'
    for template in TEMPLATES.rglob("*.html"):
        assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=", template.read_text()), template


async def test_the_start_page_signs_in_who_is_there_and_moves_a_clock_that_can_be_moved() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url.path} {request.content.decode()}")
        return api(request)

    async with pages(answer) as http:
        assert (await http.get("/start")).status_code == 404  # nobody is known
    people = {"demo_people": "therapist:ana@practice.example,admin:o@practice.example", "demo_password": "known to all"}
    async with pages(answer, **people) as http:
        shown = (await http.get("/start")).text
        assert shown.count('action="/staff/sign-in"') == 2
        assert 'value="ana@practice.example"' in shown
        assert "Move the clock" not in shown
        [mark, *_] = re.findall(r'name="mark" value="([0-9a-f.]+)"', shown)
        assert (await http.post("/start/clock", data={"mark": mark, "hours": "24"})).status_code == 404
    async with pages(answer, **people, time_travel=True) as http:
        shown = (await http.get("/start")).text
        assert "Thu 3 December 2026, 14:00, UTC" in shown
        [mark, *_] = re.findall(r'name="mark" value="([0-9a-f.]+)"', shown)
        for hours, status in (("24", 303), ("9999", 404)):
            assert (await http.post("/start/clock", data={"mark": mark, "hours": hours})).status_code == status
    assert [each for each in asked if each.startswith("POST")] == ['POST /dev/clock/advance {"seconds":86400}']
