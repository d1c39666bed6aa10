"""What the pages tell whoever watches: requests by route and status, of nobody."""

import httpx
import pytest

from tests.api.watching.scraped import Scraped
from web.settings import WebSettings
from website import counted


@pytest.mark.parametrize("staff_url", [None, "http://team.test"])
async def test_requests_are_counted_by_route_and_status_and_name_nobody(staff_url: str | None) -> None:
    """Those for staff apart, wherever their pages are."""
    settings = WebSettings(public_url="http://care.test", staff_url=staff_url)
    answer: dict[str, object] = {"items": [], "next_cursor": None}
    app = counted(settings, transport=httpx.MockTransport(lambda _: httpx.Response(200, json=answer)))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://care.test") as http,
    ):
        staff = settings.staff_site_url
        for path in ("/", "/sign-in?next=/quillfeather", "/quillfeather", f"{staff}/sign-in", f"{staff}/tasks/12"):
            await http.get(path)
        await http.get(f"{staff}/quillfeather")
        told = await http.get("/metrics")
    assert told.headers["content-type"].startswith("text/plain; version=")
    assert "quillfeather" not in told.text
    numbers = Scraped.of(told.text).numbers
    found = {
        (dict(labels)["route"], dict(labels)["status"]): value
        for (name, labels), value in numbers.items()
        if name == "pages_requests_total"
    }
    assert found == {
        ("/", "200"): 1,
        ("/sign-in", "200"): 1,
        ("none", "404"): 2,
        ("/staff/sign-in", "200"): 1,
        ("/staff/tasks/{task_id}", "303"): 1,
    }
    assert Scraped.of(told.text).sum_of("pages_request_seconds_count") == 6
