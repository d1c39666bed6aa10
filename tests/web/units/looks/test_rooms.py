"""Where a video call takes place, and who is led where by the one link that both have."""

from typing import Any

import httpx

from tests.web.units.serving import PRODUCTION, SECRET, pages
from web.rooms import room_of
from web.settings import WebSettings

ID = "d1f28d03-503b-591e-8011-f28dba481bc4"
VIDEO = {"id": ID, "mode": "video", "join_url": f"https://care.test/meet/{ID}"}
ROOMS: dict[str, Any] = {"site_api_key": SECRET, "video_room_url": "https://meet.example/{room}"}


def test_a_rooms_name_is_not_made_of_what_others_know() -> None:
    room = room_of(WebSettings(**ROOMS), VIDEO)
    assert room is not None
    assert room.startswith("https://meet.example/")
    assert len(room.removeprefix("https://meet.example/")) == 32
    assert ID not in room
    assert room == room_of(WebSettings(**ROOMS), VIDEO)
    assert room != room_of(WebSettings(**ROOMS), {**VIDEO, "id": "another"})
    assert room != room_of(WebSettings(**{**ROOMS, "site_api_key": SECRET[::-1]}), VIDEO)


def test_what_has_no_room() -> None:
    assert room_of(WebSettings(), VIDEO) is None
    assert room_of(WebSettings(**ROOMS), {**VIDEO, "mode": "phone", "join_url": None}) is None
    zoom = {**VIDEO, "mode": "zoom", "join_url": "https://zoom.example/j/1"}
    assert room_of(WebSettings(**ROOMS), zoom) == "https://zoom.example/j/1"


async def test_a_therapist_is_led_to_their_own_page_by_the_clients_link() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        me = {"roles": ["therapist"], "name": "Ana"}
        one = {**VIDEO, "starts_at": "2026-12-03T14:00:00Z", "status": "scheduled"}
        return httpx.Response(200, json=me if request.url.path == "/v1/me" else one)

    async with pages(answer, **PRODUCTION, video_room_url="https://meet.example/{room}") as http:
        nobody = await http.get(f"/meet/{ID}")
        assert nobody.headers["location"].startswith("/sign-in?next=")
        http.cookies.set("__Host-staff", "tok", domain="care.test", path="/")
        therapist = await http.get(f"/meet/{ID}")
        assert therapist.headers["location"] == f"https://care.test/staff/meet/{ID}"
        shown = await http.get(f"/staff/meet/{ID}")
        assert "Join the call" in shown.text
        assert str(room_of(WebSettings(**ROOMS), VIDEO)) in shown.text
