"""What pages cost: how often each asks the API, and how much it weighs. The pages tell the first in development."""

import re

from playwright.async_api import Browser

from tests.web.people import Site, Somebody
from tests.web.test_accessible import OF_CLIENTS, OF_STAFF, PARTS, PUBLIC

MOST_CALLS = 6
MOST_BYTES = 100_000  # the page with its style sheet and its script, as they are before they are packed
OTHERS = ("/start", "/styleguide", "/staff/styleguide")


class Costs:
    def __init__(self, shared: int) -> None:
        self.shared = shared
        self.dear: list[str] = []
        self.seen = 0

    async def look(self, somebody: Somebody, path: str) -> None:
        answer = await somebody.goes(path)
        told = re.search(r'desc="(\d+) calls"', answer.headers.get("server-timing", ""))
        assert told, f"{path} does not tell what it costs"
        calls, size = int(told[1]), len(await answer.body()) + self.shared
        self.seen += 1
        if calls > MOST_CALLS or size > MOST_BYTES:
            self.dear.append(f"{path}: {calls} calls, {size} bytes")


async def test_no_page_asks_more_than_six_times_or_weighs_more_than_a_picture(
    site: Site, visitor: Somebody, browser: Browser
) -> None:
    files = [await site.http.get(f"{site.url}/{name}") for name in ("style.css", "site.js")]
    costs = Costs(sum(len(each.content) for each in files))
    for path in (*PUBLIC, *OTHERS):
        await costs.look(visitor, path)
    appointment = (await visitor.books("ana-silva", first_name="Costa")).removeprefix(site.url)
    await costs.look(visitor, appointment)
    await costs.look(visitor, "/appointments")
    await visitor.activates()
    for path in (*OF_CLIENTS, appointment, f"{appointment}/move", f"{appointment}/cancel"):
        await costs.look(visitor, path)
    for email, paths in OF_STAFF.items():
        async with Somebody.at(site, browser, wide=True) as somebody:
            await somebody.signs_in_as_staff(email)
            for path in paths:
                await costs.look(somebody, f"/staff/{path}")
            if email == "ana@practice.example":
                await costs.look(somebody, f"/staff{appointment}")
                await somebody.goes("/staff/clients?q=Costa")
                await somebody.page.locator("th a").first.click()
                await somebody.sees("Costa Lind")
                address = somebody.page.url.partition("?")[0].removeprefix(site.url)
                for part in PARTS:
                    await costs.look(somebody, f"{address}/{part}")
    assert costs.seen > 60
    assert costs.dear == []
