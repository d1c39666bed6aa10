"""The main jobs with script switched off, and with a script that comes late."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

from playwright.async_api import Browser, Error, Request, Route, expect

from tests.web.accessible.practice import DESK, OWNER, THERAPIST, Practice
from tests.web.people import OWN_PASSWORD, Site, Somebody


async def test_without_script_a_client_books_signs_and_cancels(site: Site, browser: Browser) -> None:
    async with Somebody.at(site, browser, java_script_enabled=False) as client:
        await client.goes("/book/ana-silva?type=intro_call")
        await client.follows("Later")
        await client.sees("Earlier")
        await client.books("ana-silva", first_name="Noa")
        await client.activates()
        await client.follows("Informed Consent")
        await client.presses("Sign and send")
        await client.sees("There is a problem")
        await client.ticks("I have read")
        await client.types("Your full name", "Noa Lind")
        await client.presses("Sign and send")
        await client.sees("The form is complete.")
        await client.goes("/appointments")
        await client.follows("Cancel")
        await client.presses("Cancel the appointment")
        await client.sees("Cancelled.")


async def test_without_script_the_practice_works(site: Site, browser: Browser, visitor: Somebody) -> None:
    practice = Practice(site, visitor, "", "")
    ida = await practice.adds("Ida")
    booked = await practice.books(ida)
    await site.advance(datetime.fromisoformat(booked["starts_at"]) - await site.now() + timedelta(minutes=1))
    async with Somebody.at(site, browser, wide=True, java_script_enabled=False) as somebody:
        await somebody.signs_in_as_staff(THERAPIST)
        await somebody.goes("/staff/today")
        await somebody.presses("Took place")
        await somebody.presses("Undo")
        await somebody.goes("/staff/clients?q=Ida")
        await somebody.page.locator("td summary").click()
        async with somebody.page.expect_navigation():
            await somebody.page.get_by_role("link", name="Archive", exact=True).click()
        await somebody.presses("Archive Ida Berg")
        await somebody.presses("Sign out")
        await somebody.signs_in_as_staff(DESK)
        await somebody.goes("/staff/clients?tab=archived&q=Ida")
        await somebody.page.get_by_role("checkbox", name="Tick Ida").check()
        await somebody.presses("Move to group")
        await somebody.sees("Moved.")
        await somebody.presses("Sign out")
        await somebody.signs_in_as_staff(OWNER)
        await somebody.goes("/staff/texts/informed_consent")
        words = await somebody.page.locator("#body").input_value()
        await somebody.page.locator("#body").fill(f"{words}\n\nAsk us.")
        await somebody.presses("Keep the draft")
        await somebody.sees("The draft")


async def test_a_script_that_comes_late(site: Site, visitor: Somebody) -> None:
    """The page works before it; when it comes, what was typed stays, and nothing is sent twice."""
    page, comes, sent = visitor.page, asyncio.Event(), []

    async def held(route: Route) -> None:
        await comes.wait()
        with suppress(Error):  # of a page that was left meanwhile
            await route.continue_()

    def heard(request: Request) -> None:
        if request.method == "POST":
            sent.append(request.url.partition("?")[0])

    await visitor.context.route("**/site.js", held)
    page.on("request", heard)
    await page.goto(f"{site.url}/book/ana-silva?type=intro_call", wait_until="commit")
    await page.locator(".slots button").first.click(no_wait_after=True)
    await page.wait_for_url("**/who?*", wait_until="commit")
    for label, text in (("First", "Lea"), ("Last", "Lind"), ("E-mail", "lea@mail.example"), ("Phone", "+12125550100")):
        await visitor.types(label, text)
    comes.set()
    await page.wait_for_load_state("load")
    assert await page.get_by_label("First name").input_value() == "Lea"
    comes.clear()
    await page.get_by_role("button", name="Book").dblclick(no_wait_after=True)
    await page.wait_for_url("**/appointments/*", wait_until="commit")
    await expect(page.get_by_text("Booked.")).to_be_visible()
    comes.set()
    await page.wait_for_load_state("load")
    await expect(page.locator(":focus")).to_contain_text("Booked.")
    assert len([url for url in sent if url.endswith("/hold")]) == 1
    assert [url for url in sent if not url.endswith(("/hold", "/who"))] == []
    visitor.email = "lea@mail.example"
    await visitor.goes(await site.link(visitor.email, "welcome"))
    await page.locator("#password").fill(OWN_PASSWORD)
    await page.locator("#again").fill(OWN_PASSWORD)
    await visitor.presses("Activate my account")
    [client] = (await site.api("GET", f"/v1/clients?q={visitor.email}"))["items"]
    booked = await site.api("GET", f"/v1/appointments?client={client['id']}")
    assert len(booked["items"]) == 1
