"""An owner and the house: texts and forms, closed days, settings, totals; and no client is shown."""

import csv
from datetime import timedelta
from typing import Any

from playwright.async_api import Browser, expect

from tests.web.people import Site, Somebody

OWNER = "owner@practice.example"


async def adds_a_question(owner: Somebody, kind: str, label: str, **typed: str) -> None:
    """``typed``: by the name of the input."""
    await owner.follows("Add a question")
    await owner.page.locator(f'input[name="type"][value="{kind}"]').check()
    await owner.presses("Go on")
    await owner.types("Question", label)
    for name, text in typed.items():
        await owner.page.locator(f"#{name}").fill(text)


async def test_a_text_is_worded_looked_at_and_signed_again(site: Site, browser: Browser, visitor: Somebody) -> None:
    """Whoever signed the version before is counted, and asked; the draft reads as it will, with what is different."""
    await visitor.books("ana-silva", first_name="Sara")
    await visitor.activates()
    await visitor.goes("/forms/informed_consent")
    await visitor.page.locator('[name="answers.agrees"]').check()
    await visitor.types("Your full name", "Sara Lind")
    await visitor.presses("Sign and send")
    await visitor.sees("Informed Consent")
    async with Somebody.at(site, browser, wide=True) as owner:
        await owner.signs_in_as_staff(OWNER)
        await owner.goes("/staff/texts/informed_consent")
        source = await owner.page.locator("#body").input_value()
        await owner.page.locator("#body").fill("")
        await owner.presses("See it as a client will")
        await owner.sees("must say what is agreed to")
        await owner.page.locator("#body").fill(source + "\n\n# On 24 December\n\n- We are closed.\n- Nobody answers.")
        await owner.presses("See it as a client will")
        await owner.sees("1 client is asked by mail to sign it again.")
        assert "Sara" not in await owner.reads()
        added = owner.page.locator("ins").first
        await expect(added).to_contain_text("We are closed.")
        preview = owner.page.locator(".preview")
        await expect(preview.locator("li", has_text="We are closed.")).to_have_count(1)
        await expect(preview.get_by_role("heading", name="On 24 December")).to_be_visible()
        await expect(preview.get_by_text("I have read the informed consent")).to_be_visible()
        await owner.presses("Publish")
        await owner.sees("1 client is asked by mail to sign it again.")
        await site.link(visitor.email, "form_new_version")
        await visitor.goes("/forms/informed_consent")
        await visitor.sees("We are closed.")

        # The fee policy: numbers stand by name, and whoever leaves the needed one out is told.
        await owner.goes("/staff/texts/fee_policy")
        policy = await owner.page.locator("#body").input_value()
        await owner.page.locator("#body").fill(policy.replace("{notice_window}", "two days"))
        await owner.presses("See it as a client will")
        await owner.sees("must say {notice_window}")
        await owner.page.locator("#body").fill(policy.replace("call is free.", "call is always free."))
        await owner.presses("Keep the draft")
        await owner.sees("Kept as a draft.")
        await owner.goes("/staff/texts")
        await expect(owner.page.locator(".card", has_text="Fee policy")).to_contain_text("Draft")
        await owner.follows("Fee policy")
        await owner.follows("Look at it as a client will, and publish it")
        await owner.sees("Published together with it: billing info")
        await expect(owner.page.locator("ins")).to_have_text(["always "])
        await expect(owner.page.locator(".preview")).to_contain_text("until 48 hours before it begins")


async def test_a_form_of_ones_own(site: Site, browser: Browser, visitor: Somebody) -> None:
    """With a condition, a scale and a file: tried by its owner, filled in by a client."""
    await visitor.books("ana-silva", first_name="Nora")
    await visitor.activates()
    async with Somebody.at(site, browser, wide=True) as owner:
        await owner.signs_in_as_staff(OWNER)
        await owner.goes("/staff/texts")
        await owner.follows("New form")
        await owner.types("Title", "Sleep diary")
        await owner.page.locator('input[name="type"][value="yes_no"]').check()
        await owner.presses("Go on")
        await owner.presses("Make the form")
        await owner.sees("say what is asked")
        await owner.types("Question", "Did you sleep?")
        await owner.ticks("An answer is needed")
        await owner.presses("Make the form")
        await owner.sees("It is not published")
        await adds_a_question(owner, "scale", "How well?", least="5", most="1", least_label="badly", most_label="well")
        await owner.page.locator("summary", has_text="Ask it only").click()
        await owner.page.locator('input[name="when"][value="did_you_sleep=true"]').check()
        await owner.presses("Keep the question")
        await owner.sees("must be above the least")
        assert await owner.page.locator('input[name="when"][value="did_you_sleep=true"]').is_checked()
        await owner.page.locator("#least").fill("1")
        await owner.page.locator("#most").fill("5")
        await owner.presses("Keep the question")
        await owner.sees("Only if you answered: Did you sleep - Yes.")
        await adds_a_question(owner, "file", "Your notes", most="2")
        await owner.presses("Keep the question")
        await adds_a_question(owner, "choices", "Where?", options="Bed\nSofa")
        await owner.presses("Keep the question")
        await owner.presses("Up Where?")
        await owner.presses("Take out Where?")
        assert await owner.page.locator("#questions + ol > li").count() == 3
        await owner.presses("Up How well?")  # before the question that it depends on
        await owner.sees("must be the name of a question that is asked before this one")
        await tries_and_publishes(owner)
    await fills_it_in(site, visitor)


async def tries_and_publishes(owner: Somebody) -> None:
    await owner.goes("/staff/texts")
    await owner.sees("Not published yet")
    await owner.follows("Sleep diary")
    await owner.presses("See it as a client will")
    preview = owner.page.locator(".preview")
    await expect(preview.get_by_text("How well?")).to_be_hidden()
    await preview.get_by_label("Yes", exact=True).check()
    await expect(preview.get_by_text("How well?")).to_be_visible()
    await owner.presses("Publish")
    await owner.sees("Published.")


async def fills_it_in(site: Site, visitor: Somebody) -> None:
    [client] = (await site.api("GET", "/v1/clients?q=Nora"))["items"]
    await site.api("POST", f"/v1/clients/{client['id']}/forms", {"kind": "sleep_diary"})
    await visitor.goes("/forms/sleep_diary")
    await visitor.page.get_by_label("Yes", exact=True).check()
    await visitor.page.locator('input[name="answers.how_well"][value="4"]').check()
    note = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"Mon: 7 h"}
    await visitor.page.locator('input[name="files.your_notes"]').set_input_files(note)  # type: ignore[arg-type]
    await visitor.types("Your full name", "Nora Lind")
    await visitor.presses("Sign and send")
    await visitor.goes("/forms/sleep_diary")
    for words in ("How well?", "4", "notes.txt"):
        await visitor.sees(words)


async def test_closed_days_settings_and_what_is_not_an_owners(site: Site, browser: Browser) -> None:
    async with Somebody.at(site, browser, wide=True) as owner:
        await owner.signs_in_as_staff(OWNER)
        await owner.goes("/staff/closures")
        await owner.chooses("Year", str((await site.now()).year + 1))
        await owner.presses("Propose")
        boxes = owner.page.locator('input[name="proposed"]')
        await boxes.nth(0).check()
        await boxes.nth(1).check()
        await owner.presses("Close the ticked days")
        await owner.sees("Closed:")
        assert await owner.page.get_by_role("button", name="Open again").count() == 2
        await owner.presses("Open again")
        await owner.sees("Open again.")
        assert await owner.page.get_by_role("button", name="Open again").count() == 1

        await owner.goes("/staff/settings")
        await expect(owner.page.locator("tr", has_text="POLICY__NOTICE_WINDOW")).to_contain_text("2 days")
        await expect(owner.page.locator("tr", has_text="PAYLOAD_KEYS")).to_contain_text("a secret")
        await owner.follows("Set here")
        assert await owner.page.locator("tr", has_text="POLICY__NOTICE_WINDOW").count() == 0
        await expect(owner.page.locator("tr", has_text="POLICY__MAILS_PER_ADDRESS")).to_contain_text("set here")

        pages = ("desk", "accesses", "reports", "settings", "exceptions", "therapists", "hours?therapist=ana-silva")
        for path in pages:
            assert (await owner.goes(f"/staff/{path}")).status == 200, path
            assert await owner.page.locator('a[href*="/clients"], a[href*="/appointments/"]').count() == 0, path
        for path in ("clients", "calendar", "approvals"):
            assert (await owner.goes(f"/staff/{path}")).status in (403, 404), path


async def test_totals_are_drawn_told_and_taken_along(site: Site, browser: Browser) -> None:
    """A session that was held and is owed, and a no-show: as pictures, in the table, and as CSV."""
    first, second = await two_sessions(site)
    await site.advance(timedelta(days=9))
    await site.api("POST", f"/v1/appointments/{first}/outcome", {"outcome": "occurred", "reason": "It took place."})
    await site.api("POST", f"/v1/appointments/{second}/outcome", {"outcome": "no_show", "reason": "Nobody came."})
    await site.advance(timedelta(days=4))
    async with Somebody.at(site, browser, wide=True) as owner:
        await owner.signs_in_as_staff(OWNER)
        await owner.goes("/staff/reports")
        for title in ("Sessions held", "No-shows", "Owed, USD"):
            picture = owner.page.locator("figure", has_text=title)
            assert await picture.locator("rect").count() >= 12, title
            heights = [float(await bar.get_attribute("height") or 0) for bar in await picture.locator("rect").all()]
            assert max(heights) == 96, title
        await expect(owner.page.locator("figure", has_text="Paid by card")).to_contain_text("None in this time.")
        together = await owner.page.locator("tfoot td").all_inner_texts()
        assert [together[place].strip() for place in (0, 2)] == ["1", "1"]
        async with owner.page.expect_download() as downloading:
            await owner.page.get_by_role("link", name="All of it as CSV").click()
        download = await downloading.value
        assert download.suggested_filename.endswith(".csv")
        rows = list(csv.DictReader((await download.path()).read_text(encoding="utf-8-sig").splitlines()))
        held = sum(int(row["count"]) for row in rows if row["what"] == "sessions_held")
        owed = sum(int(row["amount"]) for row in rows if row["what"] == "owed" and row["amount"])
        assert (held, owed) == (1, 30000)
        assert together[-1].strip() == "300.00 USD"
        await owner.goes("/staff/reports?from=2026-12-31&to=2026-01-01")
        await owner.sees(
            "That was not done" if await owner.page.get_by_text("That was not done").count() else "There is"
        )


async def two_sessions(site: Site) -> tuple[str, str]:
    """Booked by the care team within the next days, with forms missing."""
    person = {"first_name": "Otto", "last_name": "Berg", "email": "otto@mail.example", "phone": "+12125550103"}
    body: dict[str, Any] = {"source": "care_team", "note": "He called.", "therapist": "ana-silva"}
    body["client"] = person | {"time_zone": "America/New_York"}
    client = (await site.api("POST", "/v1/journeys", body))["client_id"]
    slots = await site.api("GET", "/v1/therapists/ana-silva/slots?type=session&time_zone=America/New_York")
    times = [day["slots"][0]["starts_at"] for day in slots["days"] if day["slots"]][:2]
    made = []
    for time in times:
        wanted = {"type": "session", "starts_at": time, "mode": "video", "reason": "He could not wait."}
        booked = await site.api("POST", f"/v1/clients/{client}/appointments", wanted)
        made.append(booked["appointments"][0]["id"])
    return made[0], made[1]
