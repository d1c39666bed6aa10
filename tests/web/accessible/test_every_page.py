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
from tests.web.accessible.practice import DESK, OWNER, THERAPIST, Practice, by_their_ids, filled, with_a_client
from tests.web.people import Site, Somebody

MOST_CALLS = 6
MOST_BYTES = 100_000  # the page with its style sheet and its script, as they are before they are packed
# Forms that need something to be typed, by their place on the page; and one of them sent with nothing in it.
NEEDS = "input[required]:not([type=radio], [type=checkbox], [type=hidden]), textarea[required]"
FORMS = f"""() => [...document.querySelectorAll("main form[method=post]")]
  .flatMap((form, place) => form.querySelector("{NEEDS}") ? [place] : [])"""
# No pages; what they answer, others try.
FILES = {"/forms/files/{upload_id}", "/staff/feeds/{slug}/{secret}.ics", "/therapists/{slug}/photo"}
SEND = f"""(place) => {{
  const form = document.querySelectorAll("main form[method=post]")[place];
  form.noValidate = true;
  for (const one of form.querySelectorAll("{NEEDS}")) one.value = "";
  form.requestSubmit(form.querySelector("button:not([formnovalidate])"));
}}"""


@dataclass
class Walk:
    """One person, from page to page by what is linked there; each kind of page once."""

    somebody: Somebody
    everywhere: Everywhere
    shared: int
    full: bool
    seen: set[str] = field(default_factory=set)
    looked_at: set[str] = field(default_factory=set)
    forms: list[tuple[str, int]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    async def walks(self, addresses: list[str]) -> None:
        await self.somebody.goes("/staff/sign-in")  # from here on the zone is known: no page is loaded twice for it
        waiting = list(addresses)
        while waiting:
            address = waiting.pop(0)
            route, kind = self.everywhere.route_of(address), self._kind(address)
            path = address.removeprefix(self.everywhere.site).partition("#")[0]
            if route is None or kind in self.seen or not path.startswith("/"):
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
            route = self.everywhere.route_of(path)
            if "Download is starting" not in str(error) or route is None:
                raise
            self.everywhere.walked.setdefault(route.path, path)
            return False
        assert answer
        if "text/html" not in answer.headers.get("content-type", ""):
            return True
        if answer.status >= 500:
            self.wrong.append(f"{path} answers {answer.status}")
            return False
        told = re.search(r'desc="(\d+) calls"', answer.headers.get("server-timing", ""))
        size = int(answer.headers["content-length"]) + self.shared
        if not told or int(told[1]) > MOST_CALLS or size > MOST_BYTES:
            self.wrong.append(f"{path}: {told and told[1]} calls, {size} bytes")
        shown = str(answer.status) if answer.status in (403, 404) else self._kind(answer.url)
        if shown not in self.looked_at:  # a sign-in, a refusal: looked at once
            self.looked_at.add(shown)
            await self.looks(path)
            if answer.status == 200:
                self.forms += [(path, place) for place in await self.somebody.page.evaluate(FORMS)]
        return True

    async def sends_nothing(self) -> None:
        """Each form that was seen, without what it needs: what is wrong is said at the top, and beside its fields."""
        page = self.somebody.page
        for path, place in self.forms:
            await page.goto(f"{self.everywhere.site}{path}")
            if await page.locator("main form[method=post]").count() <= place:  # what was sent before has settled it
                continue
            async with page.expect_navigation():
                await page.evaluate(SEND, place)
            if await page.locator("#summary").count():
                self.refused.add(f"{self._kind(page.url)} {place}")
                await self.looks(f"{path}, form {place} with nothing in it")

    async def looks(self, name: str) -> None:
        page = self.somebody.page
        wrong = await wrong_on(page)
        if self.full and not await page.locator("#summary").count():
            wrong += await wrong_otherwise(page)
        self.wrong += [f"{name}: {line}" for line in wrong]

    async def _links(self) -> list[str]:
        found = await self.somebody.page.eval_on_selector_all("a[href]", "all => all.map((one) => one.href)")
        return [each for each in found if self.everywhere.ours(each)]


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


async def walked(
    site: Site, practice: Practice, people: dict[str, Somebody], visitor: Somebody, *, full: bool
) -> Everywhere:
    """By everybody at once, each in a browser of their own."""
    everywhere = Everywhere(site.url)
    shared = await shared_bytes(site)
    every = (await site.http.get(f"{site.stack.sandbox_url}/outbox")).json()
    mailed = [link.rstrip(".,)") for mail in every for link in re.findall(r"https?://[^\s<>\"]+", mail["text"])]
    besides = await by_their_ids(site) if full else {}
    walks = []
    for somebody in (visitor, practice.client, *people.values()):
        side = "staff" if somebody in people.values() else "client"
        walk = Walk(somebody, everywhere, shared, full)
        begin = ["/staff/" if side == "staff" else "/"]
        of_this_side = [each for each in mailed if ("/staff/" in each) == (side == "staff")]
        begin += [*(of_this_side if full else ()), *everywhere.of_links(side)]
        begin += besides.get(next((email for email, one in people.items() if one is somebody), ""), [])
        walks.append((walk, begin))
    await asyncio.gather(*(walk.walks(begin) for walk, begin in walks))
    if full:  # what nobody was led to, though it needs no more than its address
        for walk, side in ((walks[1][0], "client"), (walks[-2][0], "staff")):
            await walk.walks([path for path in everywhere.without_parameters(side) if path in everywhere.not_walked()])
        await asyncio.gather(*(walk.sends_nothing() for walk, _ in walks))
        assert len(set.union(*(walk.refused for walk, _ in walks))) > 20
    wrong = [line for walk, _ in walks for line in walk.wrong]
    assert not wrong, "\n".join(wrong)
    return everywhere


@pytest.mark.timeout(600)
async def test_every_page_with_nothing_on_it(
    site: Site, practice: Practice, people: dict[str, Somebody], visitor: Somebody
) -> None:
    await walked(site, practice, people, visitor, full=False)


@pytest.mark.timeout(600)
async def test_every_page_with_something_on_it(
    site: Site, practice: Practice, people: dict[str, Somebody], visitor: Somebody, browser: Browser
) -> None:
    await filled(practice, browser)
    for email, somebody in people.items():
        await somebody.signs_in_as_staff(email)
    everywhere = await walked(site, practice, people, visitor, full=True)
    left = set(everywhere.not_walked()) - FILES
    assert not left, "\n".join(left)
