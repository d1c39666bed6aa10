"""Days of those who work for the practice, on their pages: a therapist's, the care team's."""

from collections.abc import Callable
from datetime import date, timedelta

from playwright.async_api import Browser, expect

from tests.web.people import Site, Somebody

THERAPIST, DESK = "ana@practice.example", "care@practice.example"


async def day_that(site: Site, fits: Callable[[date], bool], *, after: int) -> date:
    """The first such day, at least so many days from now."""
    day = (await site.now()).date() + timedelta(days=after)
    while not fits(day):
        day += timedelta(days=1)
    return day


async def record_of(somebody: Somebody, name: str) -> str:
    """The address of a client's record, found by their name in the list."""
    await somebody.goes(f"/staff/clients?q={name}")
    await somebody.page.locator("th a").first.click()
    await somebody.page.get_by_label("Parts of the record").wait_for()
    return somebody.page.url.partition("?")[0].removesuffix("/timeline")


async def option_of(somebody: Somebody, name: str) -> str:
    """What a select says for a client: their name and reference."""
    return (await somebody.page.locator("#members option", has_text=name).first.inner_text()).strip()


async def test_a_therapists_day(site: Site, browser: Browser, visitor: Somebody) -> None:
    """Marks and takes it back, writes a note, books a series around what is taken, moves, cancels, takes leave."""
    address = await visitor.books("ana-silva", first_name="Mila")
    appointment = address.rsplit("/", 1)[-1]
    await site.advance(timedelta(days=4))
    async with Somebody.at(site, browser, wide=True) as therapist:
        await therapist.signs_in_as_staff(THERAPIST)
        await therapist.goes("/staff/today")
        await therapist.sees("Mila Lind")
        await therapist.goes(f"/staff/appointments/{appointment}")
        await therapist.presses("Took place")
        await therapist.presses("Undo")
        await therapist.presses("Took place")
        await therapist.page.get_by_label("Note of the session").fill("Sleeps three hours.")
        await therapist.presses("Keep the note")
        await therapist.sees("The note is kept.")

        # A series, and another one over it: what is taken is said, and what is free instead is a button.
        await therapist.page.locator("dl.facts a").first.click()
        await therapist.sees("Mila Lind")
        record = therapist.page.url.partition("?")[0]
        tuesday = await day_that(site, lambda day: day.weekday() == 1, after=7)
        await therapist.goes(f"{record}/sessions?date={tuesday}&time=10:00")
        await therapist.types("How many sessions", "3")
        await therapist.chooses("How often", "2")
        await therapist.presses("Book")
        await therapist.sees("3 appointments")
        await therapist.goes(f"{record}/sessions?date={tuesday}&time=10:00")
        await therapist.presses("Book")
        await therapist.sees("Free instead")
        async with therapist.page.expect_navigation():
            await therapist.page.locator('form:has(input[name="starts_at"]) button').first.click()
        await therapist.sees("1 appointment")
        await therapist.goes(f"{record}/sessions?date={tuesday}&time=10:00")
        await therapist.types("How many sessions", "2")
        await therapist.presses("Book")
        await therapist.sees("These dates do not work")
        await therapist.presses("Book the others, leave these out")
        await therapist.sees("Booked, with dates left out.")

        # The week has them; one is moved to a taken time, then to a free one; another is cancelled.
        await therapist.goes(f"/staff/calendar?from={tuesday}")
        await therapist.page.locator(".week article a").first.click()
        await therapist.page.get_by_text("Move", exact=True).first.click()
        await therapist.page.get_by_label("Date").first.fill((tuesday + timedelta(days=1)).isoformat())
        await therapist.page.locator("#time").fill("11:00")
        await therapist.presses("Move it")
        await therapist.sees("Moved. Both sides are told.")
        await therapist.page.get_by_text("Cancel", exact=True).first.click()
        await therapist.presses("See what it means")
        await therapist.sees("No fee is due.")
        await therapist.presses("Cancel")
        await therapist.sees("Cancelled.")
        await takes_leave(therapist, tuesday + timedelta(weeks=2))


async def takes_leave(therapist: Somebody, first: date) -> None:
    """First who is touched; then it is taken, seen in the week, and given back. Hours are looked at, and not saved."""
    await therapist.goes("/staff/hours")
    await therapist.types("First day", first.isoformat())
    await therapist.types("Last day", (first + timedelta(days=1)).isoformat())
    await therapist.presses("See who is touched")
    await therapist.sees("Mila Lind")
    await therapist.presses("Take leave")
    await therapist.sees("Leave is taken.")
    await therapist.goes(f"/staff/calendar?from={first}")
    assert await therapist.page.get_by_text("Leave", exact=True).count() == 2
    await therapist.goes("/staff/hours")
    await therapist.presses("Give back")
    await therapist.sees("Leave is given back.")
    await therapist.page.locator('input[name="mon.1.from"]').fill("18:00")
    await therapist.page.locator('input[name="mon.1.to"]').fill("late")
    await therapist.presses("See the times they give")
    await therapist.sees("There is a problem")
    assert await therapist.page.locator(".summary a").first.get_attribute("href") == "#mon-1-to"
    await therapist.page.locator('input[name="mon.1.to"]').fill("20:00")
    await therapist.presses("See the times they give")
    await therapist.sees("18:30")
    assert await therapist.page.locator('input[name="mon.1.from"]').input_value() == "18:00"


async def test_a_therapist_and_one_client(site: Site, browser: Browser, visitor: Somebody) -> None:
    """A form filled in together, a form asked for, a goal, a document, a message; and the client's side of it."""
    await visitor.books("ana-silva", first_name="Nora")
    await visitor.activates()
    async with Somebody.at(site, browser, wide=True) as therapist:
        await therapist.signs_in_as_staff(THERAPIST)
        record = await record_of(therapist, "Nora")
        await therapist.goes(f"{record}/forms/initial_consultation/fill")
        await therapist.page.locator('[name="answers.reason"]').fill("Sleep")
        await therapist.presses("Keep it as a draft")
        await therapist.sees("Kept as a draft")
        await therapist.goes(f"{record}/forms/initial_consultation/fill")
        assert await therapist.page.locator('[name="answers.reason"]').input_value() == "Sleep"
        await therapist.presses("Complete the form")
        await therapist.sees("There is a problem")
        assert await therapist.page.locator('[name="answers.reason"]').input_value() == "Sleep"
        await therapist.page.locator('[name="answers.emergency_contact.name"]').fill("Ida Lind")
        await therapist.page.locator('[name="answers.emergency_contact.phone"]').fill("+1 212 555 0101")
        await therapist.types("The client's full name", "Nora Lind")
        await therapist.presses("Complete the form")
        await therapist.sees("The form is complete.")
        await therapist.sees("entered by")
        async with therapist.page.expect_download() as download:
            await therapist.page.get_by_text("What was signed").first.click()
        assert (await download.value).suggested_filename == "initial_consultation.pdf"
        await therapist.goes(f"{record}/goals")
        await therapist.types("Goal", "Two walks a week")
        await therapist.presses("Set it")
        await therapist.sees("Two walks a week")
        await therapist.goes(f"{record}/documents")
        await therapist.types("Title", "Sleep diary")
        await therapist.page.locator("#file").set_input_files(
            {"name": "diary.txt", "mimeType": "text/plain", "buffer": b"Mon: 3 h"}
        )
        await therapist.presses("Share")
        await therapist.sees("Sleep diary")
        await writes_to(therapist, record)
        await therapist.goes(f"{record}/timeline?verify=yes")
        await therapist.sees("Nothing was changed.")
        await therapist.goes(f"{record}/archive/preview")
        await therapist.sees("Cancelled appointments")
        for path, words in (("documents", "Sleep diary"), ("goals", "Two walks a week"), ("chats", "")):
            await visitor.goes(f"/{path}")
            assert words in await visitor.reads()


async def writes_to(therapist: Somebody, record: str) -> None:
    """In the client's own chat, and in a group with them."""
    await therapist.goes(f"{record}/chat")
    if await therapist.page.get_by_role("button", name="Begin one").count():
        await therapist.presses("Begin one")
    await therapist.types("Message", "See you on Monday.")
    await therapist.presses("Send")
    await therapist.sees("See you on Monday.")
    await therapist.goes("/staff/chats")
    await therapist.page.locator('input[name="kind"][value="group"]').check()
    await therapist.page.locator("#members").select_option(label=await option_of(therapist, "Nora"))
    await therapist.types("Title", "Sleep group")
    await therapist.presses("Begin")
    assert await therapist.heading() == "Sleep group"


async def test_the_care_teams_day(site: Site, browser: Browser, visitor: Somebody) -> None:
    """A client on the phone, groups, several archived at once with the result of each, one of them back; an opening."""
    async with Somebody.at(site, browser, wide=True) as desk:
        await desk.signs_in_as_staff(DESK)
        for name in ("Otto", "Petra"):
            await desk.goes("/staff/clients/new")
            await desk.types("First name", name)
            await desk.types("Last name", "Berg")
            await desk.types("E-mail", f"{name.lower()}@mail.example")
            await desk.chooses("Therapist", "rosa-jimenez")
            await desk.page.get_by_label("A test client").set_checked(name == "Petra")
            await desk.presses("Add client")
            await desk.sees("Added.")
        assert await desk.page.locator("h1 .tag.test").count() == 1
        await desk.goes("/staff/groups")
        await desk.types("Name", "Tuesday")
        await desk.presses("Make the group")
        await desk.types("Name", "Tuesday evening")
        await desk.presses("Rename")
        assert await desk.heading() == "Tuesday evening"
        await desk.goes("/staff/clients?q=Berg")
        await desk.ticks("All that match: 2")
        await desk.page.locator("#to_group").select_option(label="Tuesday evening")
        await desk.presses("Move to group")
        await desk.sees("2 clients are in another group.")
        await desk.goes("/staff/clients?q=Berg")
        for box in await desk.page.locator('input[name="tick"]').all():
            await box.check()
        assert await desk.asks_to_archive() == "Archive 2 clients?"
        await desk.sees("credit 0.00 USD, owed 0.00 USD")
        await desk.presses("Archive 2 clients")
        # The page renews its progress by itself; nobody has to press anything.
        await expect(desk.page.get_by_text("2 of 2 done").first).to_be_visible(timeout=30_000)
        await expect(desk.page.get_by_text("Archived", exact=True)).to_have_count(2, timeout=30_000)
        await desk.goes("/staff/clients/new")
        await desk.types("First name", "Otto")
        await desk.types("Last name", "Berg")
        await desk.types("E-mail", "otto@mail.example")
        await desk.chooses("Therapist", "rosa-jimenez")
        await desk.presses("Add client")
        await desk.sees("Email in use.")
        await desk.presses("Make Otto Berg active again")
        await desk.sees("Active again.")
        record = desk.page.url.partition("?")[0]
        await decides_about(desk, record)


async def decides_about(desk: Somebody, record: str) -> None:
    """What their role does not show is opened for an hour, with a reason; matched by hand; given credit."""
    await desk.goes(f"{record}/goals")
    await desk.sees("Their therapist is told")
    await desk.types("Why it must be opened", "The client asked on the phone what was agreed.")
    await desk.presses("Open for an hour")
    await desk.sees("Open for an hour. Their therapist is told.")
    await desk.sees("No goal is set.")
    await desk.goes(f"{record}/settings")
    await desk.sees("The client asked on the phone what was agreed.")
    await desk.presses("Close it now")
    await desk.goes(f"{record}/match")
    await desk.page.locator('input[name="therapist"][value="ben-okafor"]').check()
    await desk.types("Why", "Closer to home")
    await desk.presses("Match")
    await desk.sees("Matched.")
    await desk.goes(f"{record}/money")
    await desk.types("Amount", "20.00")
    await desk.types("Why", "Goodwill")
    await desk.presses("Give credit")
    await desk.sees("20.00 USD")
    await desk.goes("/staff/exceptions?kind=credit_granted")
    await desk.sees("Goodwill")


async def test_a_task_leads_to_what_settles_it(site: Site, browser: Browser, visitor: Somebody) -> None:
    """Nobody fits: the care team is told, matches by hand, and the task is gone by itself."""
    body = {
        "source": "matching_form",
        "answers": {"state": "NY", "modality": "individual", "languages": ["pt"], "therapist_gender": "male"},
        "client": {"first_name": "Tove", "last_name": "Holm", "email": "tove@mail.example"},
    }
    begun = await site.api("POST", "/v1/journeys", body)
    assert begun["match"] is None
    async with Somebody.at(site, browser, wide=True) as desk:
        await desk.signs_in_as_staff(DESK)
        await desk.goes("/staff/desk?kind=match_by_hand")
        while await desk.page.get_by_text(begun["ref"]).count() == 0:
            await site.advance(timedelta(seconds=5))
            await desk.page.reload()
        task = desk.page.locator(".card", has_text=begun["ref"])
        async with desk.page.expect_navigation():
            await task.get_by_role("link", name="Match by hand").click()
        await desk.page.locator('input[name="therapist"][value="ana-silva"]').check()
        await desk.types("Why", "The client said that a woman is fine.")
        await desk.presses("Match")
        await desk.sees("Matched.")
        await desk.goes("/staff/desk?kind=match_by_hand")
        assert await desk.page.get_by_text(begun["ref"]).count() == 0
