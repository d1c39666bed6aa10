"""Each person's day by keyboard alone: where the focus is after each step, and what is told there."""

import re
from datetime import datetime, timedelta

from playwright.async_api import Browser, expect

from tests.web.accessible.keys import Keys
from tests.web.accessible.practice import DESK, OWNER, THERAPIST, Practice
from tests.web.people import OWN_PASSWORD, Site, Somebody


async def test_a_clients_first_day(site: Site, visitor: Somebody) -> None:
    keys = Keys(visitor.page)
    await visitor.goes("/find")
    await keys.goes("Begin")
    await keys.goes("Continue")
    await keys.is_told("State: is needed")
    await keys.to("State: is needed")
    await keys.press("Enter")
    await keys.is_at("State")
    await visitor.page.keyboard.type("New Y")
    for _ in range(5):
        await keys.goes("Continue")
    await keys.goes("Find my therapist")
    await keys.goes("See open times")
    address = visitor.page.url
    await keys.to("Later")
    await keys.press("Enter")
    await visitor.page.wait_for_url(lambda url: url != address)
    await keys.is_at("Later")  # a part that was renewed takes nobody away, and says what it shows now
    await expect(visitor.page.locator("#said")).to_contain_text("and the six days after")
    await visitor.goes("/book/ana-silva?type=intro_call")
    last = visitor.page.get_by_role("list", name="Days with open times").get_by_role("link").last
    day, address = await last.inner_text(), visitor.page.url
    await keys.to(day)
    await keys.press("Enter")  # the times of that day alone
    await visitor.page.wait_for_url(lambda url: url != address)
    await keys.is_at(day)
    await keys.press("Tab")
    described = await visitor.page.locator("h3[id^=day-]").inner_text()
    await expect(visitor.page.locator(":focus")).to_have_accessible_description(described)
    async with visitor.page.expect_navigation():
        await keys.press("Enter")
    await keys.types("First name", "Kim")
    await keys.types("Last name", "Lee")
    await keys.types("E-mail", "kim")
    await keys.types("Phone", "+1 212 555 0100")
    await keys.goes("Book the intro call")
    await keys.is_told("E-mail: must be")
    await keys.to("E-mail: must be")
    await keys.press("Enter")
    await keys.is_at("E-mail")
    await keys.press("End")
    await visitor.page.keyboard.type("@mail.example")
    async with visitor.page.expect_navigation():
        await keys.press("Enter")
    await keys.is_told("Booked.")
    visitor.email = "kim@mail.example"
    await _activates_signs_and_cancels(site, visitor, keys)
    assert not keys.wrong, "\n".join(keys.wrong)


async def _activates_signs_and_cancels(site: Site, visitor: Somebody, keys: Keys) -> None:
    await visitor.goes(await site.link(visitor.email, "welcome"))
    await keys.types("Password", OWN_PASSWORD)
    await keys.press("Tab")
    await visitor.page.keyboard.type(OWN_PASSWORD)
    async with visitor.page.expect_navigation():
        await keys.press("Enter")
    await keys.goes("Informed Consent")
    await keys.goes("Sign and send")
    await keys.is_told("There is a problem")
    await keys.to("Your full name: ")
    await keys.press("Enter")
    await keys.is_at("Your full name")
    await visitor.page.keyboard.type("Kim Lee")
    await keys.to("I have read", back=True)
    await keys.press("Space")
    await keys.goes("Sign and send")
    await keys.is_told("The form is complete.")
    await keys.goes("Appointments")
    await keys.goes("Cancel")
    await keys.goes("Cancel the appointment")
    await keys.is_told("Cancelled.")


async def test_a_therapists_day(site: Site, browser: Browser, visitor: Somebody) -> None:
    practice = Practice(site, visitor, "", "")
    one = await practice.adds("Ida")
    others = [await practice.adds(name) for name in ("Otto", "Pia")]
    booked = await practice.books(one)
    await site.advance(datetime.fromisoformat(booked["starts_at"]) - await site.now() + timedelta(minutes=1))
    async with Somebody.at(site, browser, wide=True) as therapist:
        keys = Keys(therapist.page)
        await therapist.goes("/staff/sign-in")
        await therapist.signs_in_as_staff(THERAPIST)
        await therapist.goes("/staff/today")
        for press, then in (("Took place", "Undo"), ("Undo", "Took place"), ("Took place", "Undo")):
            await keys.goes(press)
            await keys.is_told(then)  # where it was pressed, and not at the top of the page
        await expect(therapist.page.locator("#said")).to_have_text("Took place")
        await therapist.goes(f"/staff/clients/{one}/sessions")
        await keys.goes("Book")  # the button; nothing was typed
        await keys.is_told("Date: is needed")
        await keys.to("Date: is needed")
        await keys.press("Enter")
        await keys.is_at("Date (optional)")
        start = datetime.fromisoformat(await practice.first_slot(after=timedelta(days=7)))
        await therapist.page.keyboard.type(start.strftime("%m%d%Y"))
        await therapist.page.get_by_label(re.compile("^Time, ")).focus()
        await therapist.page.keyboard.type("1200PM")
        await keys.goes("Book")
        await keys.is_told("Booked.")

        await therapist.goes("/staff/clients?q=Ida")
        await keys.to("Menu of Ida Berg")
        await keys.press("Enter")
        await keys.press("Tab")
        await keys.is_told("Archive")
        await keys.press("Escape")
        await keys.is_told("Menu of Ida Berg")
        assert await therapist.page.locator("td details[open]").count() == 0
        await keys.press("Space")
        await keys.press("Tab")
        async with therapist.page.expect_navigation():
            await keys.press("Enter")
        await keys.goes("Archive Ida Berg")
        await therapist.sees("Archived")
        await therapist.goes("/staff/clients?q=Berg")
        for name in ("Pia", "Otto"):
            await keys.to(f"Tick {name} Berg")
            await keys.press("Space")
        await keys.to("Archive")
        await keys.press("Enter")
        await therapist.panel.locator("h2").wait_for()
        await keys.is_told(f"Archive {len(others)} clients?")
        await keys.goes(f"Archive {len(others)} clients")
        await expect(therapist.page.get_by_text("2 of 2 done").first).to_be_visible(timeout=60_000)
        assert not keys.wrong, "\n".join(keys.wrong)


async def test_the_desk_settles_a_task(site: Site, browser: Browser) -> None:
    nobody_fits = {"state": "AK", "modality": "individual", "languages": ["en"]}
    body = {"source": "matching_form", "answers": nobody_fits, "client": {"email": "nora@mail.example"}}
    begun = await site.api("POST", "/v1/journeys", body)
    async with Somebody.at(site, browser, wide=True) as desk:
        keys = Keys(desk.page)
        await desk.signs_in_as_staff(DESK)
        await desk.goes("/staff/desk?kind=match_by_hand")
        while await desk.page.get_by_text(begun["ref"]).count() == 0:
            await site.advance(timedelta(seconds=5))
            await desk.page.reload()
        await keys.goes("Match by hand")
        await keys.to("Ana Silva")  # who does not fit, as nobody does
        await keys.press("Space")
        await keys.goes("Match")
        await keys.is_told("Why: must not be empty")
        await keys.to("Why: must not be empty")
        await keys.press("Enter")
        await keys.is_at("Why")
        assert not keys.wrong, "\n".join(keys.wrong)


async def test_an_owner_publishes_a_text(site: Site, browser: Browser) -> None:
    async with Somebody.at(site, browser, wide=True) as owner:
        keys = Keys(owner.page)
        await owner.signs_in_as_staff(OWNER)
        await keys.goes("Texts")
        await keys.goes("Fee policy")
        headings = await owner.page.locator("main .card h2, main h2").count()
        await keys.to("Text (optional)")
        await keys.press("Control+End")
        await owner.page.keyboard.type("\n\n# Questions\n\nAsk us.")
        await keys.goes("Keep the draft")
        await keys.goes("Look at it as a client will")
        await keys.goes("Publish")
        await keys.is_told("Published.")
        assert await owner.page.locator("main .card h2, main h2").count() == headings + 1  # its lines are still lines
        assert not keys.wrong, "\n".join(keys.wrong)
