"""WCAG 2.2 AA on every page there is: empty, full and where something is wrong; small, dark, from right to left.

Which pages there are is read from the program. A route that nobody was led to fails, and so does what it costs."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest
from playwright.async_api import Browser, Error

from tests.web.accessible.everywhere import Everywhere
from tests.web.accessible.looks import wrong_on, wrong_otherwise
from tests.web.accessible.practice import DESK, OWNER, THERAPIST, Practice, filled, with_a_client
from tests.web.people import Site, Somebody

MOST_CALLS = 6
MOST_BYTES = 100_000  # the page with its style sheet and its script, as they are before they are packed
ENDS_SOMETHING = re.compile(r"/sign-out$")


@dataclass
class Walk:
    """One person, from page to page by what is linked there; each kind of page once."""

    somebody: Somebody
    everywhere: Everywhere
    shared: int
    full: bool
    seen: set[str] = field(default_factory=set)
    looked_at: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    async def walks(self, addresses: list[str]) -> None:
        await self.somebody.goes("/styleguide")  # from here on the zone is known: no page is loaded twice for it
        waiting = list(addresses)
        while waiting:
            address = waiting.pop(0)
            route, kind = self.everywhere.route_of(address), self._kind(address)
            path = address.removeprefix(self.everywhere.site)
            if route is None or kind in self.seen:
                continue
            self.seen.add(kind)
            if await self._looks_at(path):
                self.everywhere.walked.setdefault(route.path, path)
                waiting += await self._links()

    def _kind(self, address: str) -> str:
        """Two pages of one route can be different kinds of page: the forms, the parts of a record."""
        route, path = self.everywhere.route_of(address), address.partition("?")[0]
        found = re.search(r"/(?:forms|texts|find)/(\w+)|/clients/[0-9a-f-]{36}/(\w+)$", path)
        return f"{route.path if route else path} {(found[1] or found[2]) if found else ''}"

    async def _looks_at(self, path: str) -> bool:
        """False where it is not a page, but a file."""
        page = self.somebody.page
        try:
            answer = await page.goto(f"{self.everywhere.site}{path}")
        except Error as error:  # a download
            assert "Download is starting" in str(error), f"{path}: {error}"
            route = self.everywhere.route_of(path)
            assert route
            self.everywhere.walked.setdefault(route.path, path)
            return False
        assert answer
        if "text/html" not in answer.headers.get("content-type", ""):
            return True
        assert answer.status < 500, path
        told = re.search(r'desc="(\d+) calls"', answer.headers.get("server-timing", ""))
        size = int(answer.headers["content-length"]) + self.shared
        if not told or int(told[1]) > MOST_CALLS or size > MOST_BYTES:
            self.wrong.append(f"{path}: {told and told[1]} calls, {size} bytes")
        shown = str(answer.status) if answer.status in (403, 404) else self._kind(answer.url)
        if shown not in self.looked_at:  # a sign-in, a refusal: looked at once
            self.looked_at.add(shown)
            await self.looks(path)
        return True

    async def looks(self, name: str) -> None:
        page = self.somebody.page
        wrong = await wrong_on(page)
        if self.full:
            wrong += await wrong_otherwise(page)
        self.wrong += [f"{name}: {line}" for line in wrong]

    async def _links(self) -> list[str]:
        found = await self.somebody.page.eval_on_selector_all("a[href]", "all => all.map((one) => one.href)")
        return [each for each in found if self.everywhere.ours(each) and not ENDS_SOMETHING.search(each)]


@pytest.fixture(scope="module")
async def practice(site: Site, browser: Browser) -> AsyncIterator[Practice]:
    async with Somebody.at(site, browser) as client:
        yield await with_a_client(site, client)


@pytest.fixture(scope="module")
async def people(site: Site, browser: Browser) -> AsyncIterator[dict[str, Somebody]]:
    async with AsyncExitStack() as stack:
        found = {}
        for email in (THERAPIST, DESK, OWNER):
            found[email] = await stack.enter_async_context(Somebody.at(site, browser, wide=True))
            await found[email].signs_in_as_staff(email)
        yield found


async def shared_bytes(site: Site) -> int:
    files = [await site.http.get(f"{site.url}/{name}") for name in ("style.css", "site.js")]
    return sum(len(each.content) for each in files)


async def walked(site: Site, practice: Practice, people: dict[str, Somebody], visitor: Somebody, *, full: bool) -> Everywhere:
    """By everybody at once, each in a browser of their own."""
    everywhere = Everywhere(site.url)
    shared = await shared_bytes(site)
    every = (await site.http.get(f"{site.stack.sandbox_url}/outbox")).json()
    mailed = [link.rstrip(".,)") for mail in every for link in re.findall(r"https?://[^\s<>\"]+", mail["text"])]
    walks = []
    for somebody in (visitor, practice.client, *people.values()):
        side = "staff" if somebody in people.values() else "client"
        walk = Walk(somebody, everywhere, shared, full)
        begin = everywhere.without_parameters(side) + everywhere.of_links(side)
        begin += [each for each in mailed if ("/staff/" in each) == (side == "staff") and everywhere.ours(each)]
        walks.append((walk, begin))
    await asyncio.gather(*(walk.walks(begin) for walk, begin in walks))
    wrong = [line for walk, _ in walks for line in walk.wrong]
    assert not wrong, "\n".join(wrong)
    return everywhere


async def test_every_page_with_nothing_on_it(
    site: Site, practice: Practice, people: dict[str, Somebody], visitor: Somebody
) -> None:
    await walked(site, practice, people, visitor, full=False)


async def test_every_page_with_something_on_it(
    site: Site, practice: Practice, people: dict[str, Somebody], visitor: Somebody, browser: Browser
) -> None:
    await filled(practice, browser)
    for email, somebody in people.items():
        await somebody.signs_in_as_staff(email)
    everywhere = await walked(site, practice, people, visitor, full=True)
    assert everywhere.not_walked() == []
