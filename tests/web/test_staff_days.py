"""Days of those who work for the practice, on their pages: a therapist's, the care team's, an owner's."""

from datetime import timedelta

from playwright.async_api import Browser

from tests.web.people import Site, Somebody

THERAPIST, DESK, OWNER = "ana@practice.example", "care@practice.example", "owner@practice.example"


async def test_a_therapist_marks_undoes_books_and_writes_a_note(
    site: Site, browser: Browser, visitor: Somebody
) -> None:
    address = await visitor.books("ana-silva", first_name="Mila")
    appointment = address.rsplit("/", 1)[-1]
    await site.advance(timedelta(days=4))
    async with Somebody.at(site, browser, wide=True) as therapist:
        await therapist.signs_in_as_staff(THERAPIST)
        await therapist.goes(f"/staff/appointments/{appointment}")
        await therapist.presses("Took place")
        await therapist.presses("Undo")
        await therapist.presses("Took place")
        await therapist.page.get_by_label("Note of the session").fill("Sleeps three hours.")
        await therapist.presses("Keep the note")
        await therapist.sees("The note is kept.")
        await therapist.page.locator("dl.facts a").first.click()
        await therapist.sees("Mila Lind")
        await therapist.follows("Sessions")
        day = (await site.now()).date() + timedelta(days=7)
        while day.weekday() != 1:
            day += timedelta(days=1)
        await therapist.page.get_by_label("Date").fill(day.isoformat())
        await therapist.page.locator("#time").fill("10:00")
        await therapist.presses("Book")
        await therapist.sees("Done.")
        await therapist.goes("/staff/calendar?from=" + day.isoformat())
        await therapist.sees("Mila Lind")


async def test_the_care_team_archives_several_and_makes_one_active_again(
    site: Site, browser: Browser, visitor: Somebody
) -> None:
    async with Somebody.at(site, browser, wide=True) as desk:
        await desk.signs_in_as_staff(DESK)
        for name in ("Otto", "Petra"):
            await desk.goes("/staff/clients/new")
            await desk.types("First name", name)
            await desk.types("Last name", "Berg")
            await desk.types("E-mail", f"{name.lower()}@mail.example")
            await desk.chooses("Therapist", "rosa-jimenez")
            await desk.presses("Add client")
            await desk.sees("Added.")
        await desk.goes("/staff/clients?q=Berg")
        for box in await desk.page.locator('input[name="tick"]').all():
            await box.check()
        await desk.presses("Archive")
        assert await desk.heading() == "Archive 2 clients?"
        await desk.presses("Archive 2 clients")
        for _ in range(50):
            if "2 of 2 done" in await desk.heading():
                break
            await desk.page.reload()
        assert await desk.heading() == "2 of 2 done"
        await desk.goes("/staff/clients/new")
        await desk.types("First name", "Otto")
        await desk.types("Last name", "Berg")
        await desk.types("E-mail", "otto@mail.example")
        await desk.chooses("Therapist", "rosa-jimenez")
        await desk.presses("Add client")
        await desk.sees("Email in use.")
        await desk.presses("Make Otto Berg active again")
        await desk.sees("Active again.")


async def test_an_owner_words_a_text_and_invites_somebody(site: Site, browser: Browser) -> None:
    async with Somebody.at(site, browser, wide=True) as owner:
        await owner.signs_in_as_staff(OWNER)
        await owner.goes("/staff/texts/informed_consent")
        source = await owner.page.locator("#body").input_value()
        await owner.page.locator("#body").fill(source + "\n\nWe close on 24 December.")
        await owner.presses("Keep the draft")
        await owner.sees("would be asked to sign it again")
        await owner.presses("Publish")
        await owner.sees("Published.")
        assert "We close on 24 December." in await owner.reads()
        await owner.goes("/staff/staff")
        await owner.types("Name", "Nils Ode")
        await owner.types("E-mail", "nils@practice.example")
        await owner.page.locator('#roles input[value="care_team"]').check()
        await owner.presses("Invite")
        await owner.sees("nils@practice.example")
        assert "/staff/invitations/" in await site.link("nils@practice.example", "invitation")
        for path in ("/staff/accesses", "/staff/reports", "/staff/settings", "/staff/approvals", "/staff/therapists"):
            assert (await owner.goes(path)).status == 200
