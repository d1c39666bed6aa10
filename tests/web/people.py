"""Somebody at the pages, by what they do there."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Self

import httpx
from playwright.async_api import Browser, BrowserContext, Locator, Page, Response, TimeoutError, ViewportSize

from local.people import PASSWORD
from local.stack import LocalStack

ZONE = "America/New_York"
OWN_PASSWORD = "three small boats at sea"
_number = count(1)


@dataclass
class Site:
    stack: LocalStack
    http: httpx.AsyncClient

    @property
    def url(self) -> str:
        return self.stack.site_url

    async def now(self) -> datetime:
        return await self.stack.clock.now()

    async def advance(self, by: timedelta) -> None:
        """A day at a time: what falls due meanwhile is done within the patience of one request."""
        while by > timedelta():
            step = min(by, timedelta(days=1))
            body = {"seconds": int(step.total_seconds())}
            (await self.http.post(f"{self.stack.api_url}/dev/clock/advance", json=body)).raise_for_status()
            by -= step

    async def mails(self, to: str, template: str | None = None) -> list[dict[str, Any]]:
        every = (await self.http.get(f"{self.stack.sandbox_url}/outbox")).json()
        return [mail for mail in every if mail["to"] == to and template in (None, mail["template"])]

    async def link(self, to: str, template: str) -> str:
        """Where the button of the newest such mail leads."""
        for _ in range(100):
            found = await self.mails(to, template)
            if found:
                return str(re.findall(r"https?://\S+", found[-1]["text"])[0]).rstrip(".,)")
            await self.advance(timedelta(seconds=5))
        raise AssertionError(f"{to} never got {template}")

    async def staff_token(self, email: str) -> str:
        """Of one of the local people, for the API itself."""
        body = {"email": email, "password": PASSWORD, "side": "staff"}
        return str((await self.http.post(f"{self.stack.api_url}/v1/sessions", json=body)).json()["token"])

    async def api(self, method: str, path: str, body: object = None, *, key: str = "dev-care-team") -> Any:
        headers = {"Authorization": f"Bearer {key}"}
        answer = await self.http.request(method, f"{self.stack.api_url}{path}", json=body, headers=headers)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None


@dataclass
class Somebody:
    site: Site
    context: BrowserContext
    page: Page
    email: str = ""
    complaints: list[str] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def at(cls, site: Site, browser: Browser, *, wide: bool = False, **more: Any) -> AsyncIterator[Self]:
        """In a browser of their own. Whatever the browser complains about fails the test."""
        size = ViewportSize(width=1280, height=900) if wide else ViewportSize(width=390, height=844)
        context = await browser.new_context(viewport=size, timezone_id=ZONE, **more)
        context.set_default_timeout(20_000)
        page = await context.new_page()
        somebody = cls(site, context, page)
        page.on("console", lambda said: somebody._heard(said.type, said.text))
        page.on("pageerror", lambda error: somebody.complaints.append(str(error)))
        try:
            yield somebody
        finally:
            await context.close()
        assert not somebody.complaints, somebody.complaints

    def _heard(self, kind: str, text: str) -> None:
        if kind == "error" and "the server responded with a status of" not in text:  # a refusal is a page of ours
            self.complaints.append(text)

    # ---------------------------------------------------------------- looking

    async def goes(self, path: str) -> Response:
        answer = await self.page.goto(path if path.startswith("http") else f"{self.site.url}{path}")
        assert answer is not None
        return answer

    async def sees(self, words: str) -> None:
        try:
            await self.page.get_by_text(words, exact=False).first.wait_for()
        except TimeoutError:
            raise AssertionError(f"{words!r} was never seen at {self.page.url}, but: {await self.reads()}") from None

    async def heading(self) -> str:
        return (await self.page.locator("h1").inner_text()).strip()

    async def reads(self) -> str:
        return await self.page.locator("main").inner_text()

    # ---------------------------------------------------------------- doing

    async def types(self, label: str, text: str) -> None:
        typed_in = self.page.locator("input:not([type=radio]):not([type=checkbox]), textarea")
        await self.page.get_by_label(label, exact=False).and_(typed_in).first.fill(text)

    async def chooses(self, label: str, value: str) -> None:
        await self.page.get_by_label(label, exact=False).first.select_option(value)

    async def ticks(self, label: str) -> None:
        await self.page.get_by_label(label, exact=False).first.check()

    async def presses(self, name: str) -> None:
        """A button; the page that follows is there when this returns."""
        async with self.page.expect_navigation():
            await self.page.get_by_role("button", name=name, exact=False).first.click()

    async def follows(self, name: str) -> None:
        async with self.page.expect_navigation():
            await self.page.get_by_role("link", name=name, exact=False).first.click()

    @property
    def panel(self) -> Locator:
        """What stands beside the page, open."""
        return self.page.locator("dialog.panel[open]")

    async def asks_to_archive(self) -> str:
        """Whoever is ticked; the title of the panel with what it would do."""
        await self.page.get_by_role("button", name="Archive", exact=True).click()
        return (await self.panel.locator("h2").inner_text()).strip()

    # ---------------------------------------------------------------- what takes several steps

    async def books(self, slug: str, *, type: str = "intro_call", first_name: str = "Sara") -> str:
        """The first open time; the address of the appointment."""
        self.email = self.email or f"guest-{next(_number)}@mail.example"
        await self.goes(f"/book/{slug}?type={type}")
        await self.page.locator(".slots button").first.wait_for()
        async with self.page.expect_navigation():
            await self.page.locator(".slots button").first.click()
        if await self.page.get_by_label("First name").count():
            await self.types("First name", first_name)
            await self.types("Last name", "Lind")
            await self.types("E-mail", self.email)
            await self.types("Phone", "+1 212 555 0100")
        await self.presses("Book")
        await self.sees("Booked.")
        return self.page.url.partition("?")[0]

    async def activates(self) -> None:
        await self.goes(await self.site.link(self.email, "welcome"))
        await self.page.locator("#password").fill(OWN_PASSWORD)
        await self.page.locator("#again").fill(OWN_PASSWORD)
        await self.presses("Activate my account")
        await self.sees("Next")

    async def signs_in(self, *, password: str = OWN_PASSWORD) -> None:
        """As the client, from the page of sign-in."""
        await self.goes("/sign-in")
        await self.types("E-mail", self.email)
        await self.page.locator("#password").fill(password)
        async with self.page.expect_navigation():
            await self.page.get_by_role("button", name="Sign in", exact=True).click()

    async def signs_in_as_staff(self, email: str) -> None:
        await self.goes("/staff/sign-in")
        await self.types("E-mail", email)
        await self.page.locator("#password").fill(PASSWORD)
        async with self.page.expect_navigation():
            await self.page.get_by_role("button", name="Sign in", exact=True).click()
