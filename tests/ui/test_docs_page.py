"""The page that shows the API, in a real browser: its policy lets it work, and it asks no other host."""

import os
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from playwright.async_api import async_playwright

from api.app import create_app
from tests.api.conftest import CIPHER, SETTINGS
from tests.care.served import served
from tests.ui.browser import chromium

pytestmark = pytest.mark.skipif(
    chromium() is None and "NEED_CHROMIUM" not in os.environ,
    reason="there is no Chromium on this machine (Debian: apt-get install chromium), so the API's page is not tested",
)


@pytest.fixture
def app() -> FastAPI:
    nothing: Any = None
    return create_app(sessions=nothing, engine=nothing, clock=nothing, settings=SETTINGS, cipher=CIPHER)


async def test_the_page_works_and_asks_nobody_else(app: FastAPI) -> None:
    asked: list[str] = []
    said: list[str] = []
    alone = ["--no-sandbox"] if os.geteuid() == 0 else []  # as root, Chromium refuses its own sandbox
    async with served(app) as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=alone)
        page = await browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        await page.goto(f"{url}/docs")
        await page.get_by_text("/healthz", exact=True).click()
        await page.get_by_role("button", name="Try it out").click()
        await page.get_by_role("button", name="Execute").click()
        await page.get_by_text("Server response").wait_for()
        await browser.close()
    assert said == []
    assert {urlsplit(each).netloc for each in asked} == {urlsplit(url).netloc}
    assert f"{url}/healthz" in asked
