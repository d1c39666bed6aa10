"""The pages as people meet them: in a real browser, on a stack whose clock can be moved."""

import os
from collections.abc import AsyncIterator

import httpx
import pytest
from playwright.async_api import Browser, async_playwright

from local.stack import LocalStack, Ports
from tests.care.defaults import NO_LIMITS
from tests.ui.browser import chromium
from tests.web.people import Site, Somebody

WITHOUT = "there is no Chromium on this machine (Debian: apt-get install chromium), so no page is looked at in one"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs a stack and a browser is marked: `make pages` has it."""
    there = chromium() is not None or "NEED_CHROMIUM" in os.environ
    for item in items:
        if {"site", "browser"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.pages)
            if not there:
                item.add_marker(pytest.mark.skip(reason=WITHOUT))


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[Site]:
    """One for each file: a clock that one file has moved by weeks is not the next one's."""
    # All come from one address: nobody's budget is to be another's.
    env = {f"POLICY__{name.upper()}": str(most) for name, most in NO_LIMITS.items()}
    stack = await LocalStack.start(time_travel=True, ports=Ports.free(), pages=True, env=env)
    async with stack, httpx.AsyncClient(trust_env=False, timeout=180) as http:
        yield Site(stack, http)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    alone = ["--no-sandbox"] if os.geteuid() == 0 else []  # as root, Chromium refuses its own sandbox
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=[*alone, "--disable-gpu"])
        yield browser
        await browser.close()


@pytest.fixture
async def visitor(site: Site, browser: Browser) -> AsyncIterator[Somebody]:
    """Somebody with a phone whom the site has never seen."""
    async with Somebody.at(site, browser) as somebody:
        yield somebody
