"""A therapist's clients: a record in plain words, archived and brought back, groups and what is written to them, a form
with a file filled in together, and a test client that is run."""

import re
from datetime import timedelta
from io import BytesIO

import pytest
from PIL import Image
from playwright.async_api import Browser, FilePayload

from tests.web.people import OWN_PASSWORD, Site, Somebody
from tests.web.staff.test_staff_days import THERAPIST, option_of, record_of

pytestmark = pytest.mark.timeout(600)

PARTS = ("timeline", "sessions", "forms", "notes", "goals", "documents", "chat", "money", "settings")
QUESTIONS = [
    {"name": "why", "label": "Why you come", "type": "long_text", "required": True},
    {"name": "letter", "label": "A letter of your doctor", "type": "file", "accepts": ["application/pdf"]},
]
LETTER = FilePayload(name="from-dr-lee.pdf", mimeType="application/pdf", buffer=b"%PDF-1.4\n%%EOF")


async def test_one_client_from_the_list_to_the_archive_and_back(
    site: Site, browser: Browser, visitor: Somebody
) -> None:
    """Two clients have one name: the reference tells them apart, and no tab's title names anybody."""
    await visitor.books("ana-silva", first_name="Mira")
    async with Somebody.at(site, browser) as namesake:
        await namesake.books("ana-silva", first_name="Mira")
    async with Somebody.at(site, browser, wide=True) as ana:
        await ana.signs_in_as_staff(THERAPIST)
        await ana.goes("/staff/clients?q=Mira")
        names = await ana.page.locator("tbody th").all_inner_texts()
        assert len(set(names)) == 2
        record = await record_of(ana, "Mira")
        ref = (await ana.page.locator("h1 .quiet").inner_text()).strip()
        for part in PARTS:
            await ana.goes(f"{record}/{part}")
            title = await ana.page.title()
            assert ref in title, part
            assert "Mira" not in title, part
        await fills_in_together(ana, site, record)
        await ana.goes(f"{record}/timeline")
        assert await ana.page.locator("ol a[href*='/appointments/']").count() >= 1
        await ana.goes(f"{record}/sessions")
        await ana.page.locator('input[name="starts_at"][value^="2"]').first.check()
        await ana.types("Why, where rules are set aside", "She asked for an early hour.")
        await ana.presses("Book")
        await ana.sees("Booked.")
        await archives_and_brings_back(ana, record)
        await ana.goes("/staff/clients?q=Mirabelle")
        await ana.sees("Nobody matches.")
        await ana.follows("Show all")
        assert await ana.page.locator("tbody tr").count() >= 2


async def fills_in_together(ana: Somebody, site: Site, record: str) -> None:
    """With a file; what was typed stays when something is wrong."""
    await site.api("POST", "/v1/form-templates", {"kind": "beginning", "title": "Beginning", "fields": QUESTIONS})
    await ana.goes(f"{record}/forms")
    await ana.chooses("Form", "beginning")
    await ana.presses("Ask for it")
    await ana.page.get_by_role("link", name=re.compile("Fill in together.*Beginning")).click()
    await ana.page.locator('[name="files.letter"]').set_input_files(LETTER)
    await ana.presses("Complete the form")
    await ana.sees("There is a problem")
    assert await ana.page.get_by_label("from-dr-lee.pdf").is_checked()
    await ana.types("Why you come", "Sleep")
    await ana.types("The client's full name", "Mira Lind")
    await ana.presses("Complete the form")
    await ana.sees("The form is complete.")


async def archives_and_brings_back(ana: Somebody, record: str) -> None:
    """What will be cancelled is seen before, and what would come back."""
    await ana.goes(f"{record}/archive/preview")
    await ana.sees("Cancelled appointments")
    cancelled = await ana.page.locator("h2:has-text('Cancelled appointments') + ul li").all_inner_texts()
    assert len(cancelled) == 2
    await ana.presses("Archive Mira Lind")
    await ana.sees("Archived.")
    await ana.goes("/staff/clients?q=Mira&tab=active")
    assert await ana.page.locator("tbody tr").count() == 1
    await ana.goes("/staff/clients?q=Mira&tab=archived")
    await ana.page.get_by_text("Menu of Mira Lind").first.evaluate("e => e.closest('details').open = true")
    await ana.follows("Make active again")
    back = await ana.page.locator("main li", has_text="comes back if it is still free").all_inner_texts()
    assert [line.split(":")[0] for line in back] == [line.split(":")[0] for line in cancelled]
    await ana.presses("Make active again")
    await ana.sees("2 appointments, as before the archive.")


async def test_many_clients_and_what_is_written_to_them(site: Site, browser: Browser, visitor: Somebody) -> None:
    """A group is made, renamed, filled, written to and archived; chats of a community and with the care team."""
    await visitor.books("ana-silva", first_name="Ulla")
    await visitor.activates()
    async with Somebody.at(site, browser, wide=True) as ana:
        await ana.signs_in_as_staff(THERAPIST)
        await ana.goes("/staff/groups")
        await ana.types("Name", "Walks")
        await ana.presses("Make the group")
        await ana.types("Name", "Walks at noon")
        await ana.presses("Rename")
        assert await ana.heading() == "Walks at noon"
        group = ana.page.url.partition("?")[0]
        await ana.follows("Put clients into it")
        await ana.page.get_by_label("Tick Ulla Lind").check()
        await ana.presses("Move to group")
        await ana.goes(group)
        await ana.sees("Ulla Lind")
        await ana.follows("Write to all of them")
        await ana.types("Message", "We meet at the gate.")
        await ana.presses("Send")
        await ana.sees("to 1 client.")
        await chats(ana)
        await visitor.goes("/chats")
        await visitor.sees("Walkers")
        await ana.goes(group)
        await ana.presses("Archive all clients")
        await ana.sees("Ulla Lind")
        await ana.page.get_by_role("button", name=re.compile("^Archive 1 client")).click()
        await ana.sees("1 of 1 done")
        await ana.goes("/staff/clients?q=Ulla")
        await ana.sees("1 matches among the archived ones")
    async with Somebody.at(site, browser, wide=True) as care:
        await care.signs_in_as_staff("care@practice.example")
        await care.goes("/staff/chats")
        await care.page.locator(
            'main a[href*="/chats/"]', has_text=re.compile("therapist", re.IGNORECASE)
        ).first.click()
        await care.sees("Who covers me on Friday?")


async def chats(ana: Somebody) -> None:
    """A community, whose title is asked for; and the care team, whom no client reads."""
    await ana.goes("/staff/chats")
    await ana.page.locator('input[name="kind"][value="community"]').check()
    await ana.page.locator("#members").select_option(label=await option_of(ana, "Ulla"))
    await ana.presses("Begin")
    await ana.sees("Title: is required")
    await ana.page.locator("#members").select_option(label=await option_of(ana, "Ulla"))
    await ana.types("Title", "Walkers")
    await ana.presses("Begin")
    assert await ana.heading() == "Walkers"
    await ana.types("Message", "Welcome.")
    await ana.presses("Send")
    await ana.sees("Welcome.")
    await ana.goes("/staff/chats")
    await ana.page.locator('input[name="kind"][value="staff"]').check()
    await ana.presses("Begin")
    assert await ana.heading() == "The care team"
    await ana.sees("No client reads this.")
    await ana.types("Message", "Who covers me on Friday?")
    await ana.presses("Send")
    await ana.sees("Who covers me on Friday?")


async def test_a_test_client_is_made_and_run(site: Site, browser: Browser, visitor: Somebody) -> None:
    """By the steps that its page names; its mails come to whoever made it."""
    async with Somebody.at(site, browser, wide=True) as ana:
        await ana.signs_in_as_staff(THERAPIST)
        await ana.goes("/staff/clients/new")
        assert await ana.page.get_by_label("Time zone").input_value() == "America/New_York"
        await ana.types("First name", "Trial")
        await ana.types("Last name", "Run")
        await ana.types("E-mail", "trial@mail.example")
        await ana.types("Phone", "+1 212 555 0100")
        await ana.ticks("A test client")
        await ana.presses("Add client")
        await ana.sees("Run this test client")
        record = ana.page.url.partition("?")[0]
        await ana.follows("Book an intro call for them")
        await ana.page.locator('input[name="starts_at"][value^="2"]').first.check()
        await ana.presses("Book")
        await ana.sees("1 appointment.")
        await visitor.goes(await site.link(THERAPIST, "welcome"))
        await visitor.page.locator("#password").fill(OWN_PASSWORD)
        await visitor.page.locator("#again").fill(OWN_PASSWORD)
        await visitor.presses("Activate my account")
        await visitor.sees("Next")
        await ana.goes(f"{record}/timeline")
        await ana.sees("The account is activated.")
        await ana.follows("together, here")
        await site.advance(timedelta(days=5))
        await ana.signs_in_as_staff(THERAPIST)
        await ana.goes("/staff/today")
        card = ana.page.locator(".card", has_text="Trial Run").first
        async with ana.page.expect_navigation():
            await card.get_by_role("button", name="Took place").click()
        await ana.goes(f"{record}/notes")
        await ana.follows("Intro call of")
        await ana.page.get_by_label("Note of the session").fill("It runs.")
        await ana.presses("Keep the note")
        await ana.sees("The note is kept.")
        assert "[TEST]" in (await site.mails(THERAPIST))[-1]["subject"]


async def test_what_clients_see_of_a_therapist(site: Site, browser: Browser, visitor: Somebody) -> None:
    """Own words and a picture, at once; and nothing that is no picture."""
    made = BytesIO()
    Image.new("RGB", (900, 900), "teal").save(made, "PNG")
    async with Somebody.at(site, browser) as ben:
        await ben.signs_in_as_staff("ben@practice.example")
        await ben.goes("/staff/hours")
        await ben.follows("As clients see you")
        await ben.types("About you and how you work", "I work slowly.\n\nAnd with you.")
        await ben.presses("Save")
        await ben.sees("Clients see it at once.")
        file = ben.page.locator("#file")
        await file.set_input_files(FilePayload(name="me.png", mimeType="image/png", buffer=b"no picture"))
        await ben.presses("Show this picture")
        await ben.sees("There is a problem")
        await file.set_input_files(FilePayload(name="me.png", mimeType="image/png", buffer=made.getvalue()))
        await ben.presses("Show this picture")
        await ben.sees("The picture is there.")
        await visitor.goes("/therapists/ben-okafor")
        await visitor.sees("And with you.")
        picture = visitor.page.locator("main img")
        await picture.evaluate("image => image.decode()")
        assert await picture.evaluate("image => image.naturalWidth") == 640
        await ben.presses("Take the picture away")
        await ben.sees("There is none yet.")
    await visitor.page.reload()
    assert await visitor.page.locator("main img").count() == 0
