"""A passkey in a real browser: the options that the API gives are those that it takes, and its answers hold."""

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from playwright.async_api import Page, async_playwright

from tests.api.accounts.factors.apps import a_client
from tests.api.accounts.passkeys.keys import SYNCED, Holder
from tests.api.conftest import StandingClock, api, app, clock, described, engine, rows, whole_app
from tests.care.rows import Rows
from tests.ui.browser import chromium

__all__ = ["api", "app", "clock", "described", "engine", "rows", "whole_app"]  # fixtures

pytestmark = pytest.mark.skipif(
    chromium() is None and "NEED_CHROMIUM" not in os.environ,
    reason="there is no Chromium on this machine (Debian: apt-get install chromium), so no passkey is made in one",
)
PAGE = "http://localhost:8765"
_AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
    "defaultBackupEligibility": True,
    "defaultBackupState": True,
}
_MAKE = """async options => (await navigator.credentials.create(
    {publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options)})).toJSON()"""
_SIGN = """async options => (await navigator.credentials.get(
    {publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options)})).toJSON()"""


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """An empty page on localhost, with a phone that unlocks itself; nothing is listened to, and nobody else asked."""
    alone = ["--no-sandbox"] if os.geteuid() == 0 else []  # as root, Chromium refuses its own sandbox
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=alone)
        page = await browser.new_page()
        await page.route("**/*", lambda route: route.fulfill(content_type="text/html", body="<title>A page</title>"))
        devtools = await page.context.new_cdp_session(page)
        await devtools.send("WebAuthn.enable")
        await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": _AUTHENTICATOR})
        await page.goto(f"{PAGE}/account")
        yield page
        await browser.close()


@pytest.fixture
async def sara(api: httpx.AsyncClient, app: FastAPI, rows: Rows) -> Holder:
    services = app.state.services
    app.state.services = replace(services, settings=replace(services.settings, public_url=PAGE))
    return Holder(await a_client(api, rows, StandingClock()))


async def test_a_browser_makes_a_passkey_and_signs_in_by_it(sara: Holder, page: Page) -> None:
    begun = (await sara.begins()).json()
    made = await page.evaluate(_MAKE, begun["passkey_options"])
    confirmed = await sara.who.ask(f"/{begun['id']}/confirmations", credential=made)
    assert confirmed.status_code == 200, confirmed.text
    [item] = (await sara.who.listed())["items"]
    assert (item["name"], item["backed_up"]) == (SYNCED, True)

    for _ in range(2):
        signed = await page.evaluate(_SIGN, await sara.asked())
        entered = await sara.sends(signed)
        assert entered.status_code == 201, entered.text
        assert (await sara.sends(signed)).status_code == 401
    beside: Any = (await sara.who.signs_in()).json()["passkey_options"]
    assert (await sara.who.signs_in(passkey=await page.evaluate(_SIGN, beside))).status_code == 201


async def test_a_browser_makes_no_second_passkey_for_one_account(sara: Holder, page: Page) -> None:
    """By ``excludeCredentials``."""
    begun = (await sara.begins()).json()
    made = await page.evaluate(_MAKE, begun["passkey_options"])
    assert (await sara.who.ask(f"/{begun['id']}/confirmations", credential=made)).status_code == 200
    shown = (await sara.who.ask("/challenges")).json()["passkey_options"]
    again = (await sara.begins(passkey=await page.evaluate(_SIGN, shown))).json()["passkey_options"]
    said = f"options => ({_MAKE})(options).then(() => '', error => error.name)"
    assert await page.evaluate(said, again) == "InvalidStateError"


async def test_a_browser_gives_another_page_nothing(sara: Holder, page: Page) -> None:
    begun = (await sara.begins()).json()
    await page.goto("https://care.example.evil/")
    said = f"options => ({_MAKE})(options).then(() => '', error => error.name)"
    assert await page.evaluate(said, begun["passkey_options"]) == "SecurityError"
