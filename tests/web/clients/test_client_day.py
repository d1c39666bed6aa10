"""A client's way through the pages: found, booked, activated, forms filled in, a card given, charged, moved."""

from datetime import datetime, timedelta

from playwright.async_api import Browser, Locator

from tests.web.people import Site, Somebody


async def test_the_matching_form_ends_with_whom_we_suggest_and_why(visitor: Somebody) -> None:
    await visitor.goes("/find")
    await visitor.follows("Begin")
    await visitor.chooses("State", "NY")
    await visitor.presses("Continue")
    await visitor.ticks("anxiety")
    await visitor.presses("Continue")
    await visitor.presses("Continue")
    await visitor.page.locator('input[value="mon-morning"]').check()
    await visitor.presses("Continue")
    await visitor.types("Anything else", "I sleep badly")
    await visitor.presses("Continue")
    assert await visitor.heading() == "Check your answers"
    assert "I sleep badly" in await visitor.reads()
    assert "anxiety" not in visitor.page.url
    await visitor.presses("Find my therapist")
    assert "Helps with anxiety." in await visitor.reads()
    await visitor.follows("See open times")
    assert await visitor.page.locator(".slots button").count() > 0


async def test_a_state_is_needed_and_what_was_typed_is_kept(visitor: Somebody) -> None:
    await visitor.goes("/find/where")
    await visitor.ticks("We as a couple")
    await visitor.presses("Continue")
    await visitor.sees("There is a problem")
    assert await visitor.page.get_by_label("We as a couple").is_checked()
    assert await visitor.page.title() == "Error: Where you live - " + (await visitor.page.title()).split(" - ")[-1]


async def test_from_the_first_visit_to_a_paid_session(site: Site, visitor: Somebody, browser: Browser) -> None:
    await visitor.books("ben-okafor", type="intro_call")
    await visitor.activates()
    assert "What we need from you" in await visitor.reads()
    await fills_in_every_form(visitor)
    assert "To do" not in await visitor.reads()
    await visitor.goes("/card")
    assert "ending in 4242" in await visitor.reads()
    address = await visitor.books("ben-okafor", type="session")
    await _is_over(site, address)
    async with Somebody.at(site, browser, wide=True) as therapist:
        await therapist.signs_in_as_staff("ben@practice.example")
        await therapist.goes("/staff/today")
        while await therapist.page.get_by_role("button", name="Took place").count():  # the intro call, and the session
            await therapist.presses("Took place")
    await site.advance(timedelta(days=2))
    await visitor.goes(address)
    await visitor.follows("Its payment")
    assert "120.00 USD" in await visitor.heading()
    await _downloads(visitor, visitor.page.get_by_role("link", name="Download the receipt"), "receipt.pdf")
    await _pays_with_a_bank_that_asks(site, visitor)
    await visitor.goes("/payments")
    await _downloads(visitor, visitor.page.get_by_role("button", name="Download"), "statement.pdf")


async def _is_over(site: Site, address: str) -> None:
    one = await site.api("GET", f"/v1/appointments/{address.rpartition('/')[2]}")
    await site.advance(datetime.fromisoformat(one["ends_at"]) - await site.now() + timedelta(minutes=1))


async def _downloads(visitor: Somebody, what: Locator, name: str) -> None:
    async with visitor.page.expect_download() as begun:
        await what.click()
    file = await begun.value
    assert file.suggested_filename == name
    assert (await file.path()).read_bytes().startswith(b"%PDF")


async def _pays_with_a_bank_that_asks(site: Site, visitor: Somebody) -> None:
    """The charge stops, the client is asked, goes to the bank's page and comes back."""
    await visitor.goes("/card")
    await visitor.presses("Give another card")
    await _types_card(visitor, "4000002760003184")
    await visitor.presses("Complete authentication")
    await visitor.sees("Stripe has your card")
    address = await visitor.books("ben-okafor", type="session")
    await _is_over(site, address)
    id = address.rpartition("/")[2]
    await site.api("POST", f"/v1/appointments/{id}/outcome", {"outcome": "occurred"})
    await site.advance(timedelta(hours=25))  # charged, and not yet owed
    await visitor.signs_in()
    await visitor.goes("/payments")
    assert "Your bank asks for you" in await visitor.reads()
    await visitor.goes(await site.link(visitor.email, "payment_needs_you"))
    await visitor.presses("Pay with my card")
    await visitor.follows("Continue to the bank")
    await visitor.presses("Complete authentication")
    await visitor.sees("Paid.")


async def fills_in_every_form(visitor: Somebody) -> None:
    await visitor.goes("/forms/informed_consent")
    for box in await visitor.page.locator('input[type="checkbox"]').all():
        await box.check()
    await visitor.types("Your full name", "Sara Lind")
    await visitor.presses("Sign and send")
    await visitor.sees("The form is complete.")
    await visitor.goes("/forms/initial_consultation")
    for field in await visitor.page.locator("main input[required][type=text], main textarea[required]").all():
        await field.fill("0" if "phone" in (await field.get_attribute("name") or "") else "Better sleep")
    for field in await visitor.page.locator("fieldset:has(input[required][type=radio])").all():
        await field.locator("input").first.check()
    for box in await visitor.page.locator('input[type="checkbox"][required]').all():
        await box.check()
    await visitor.presses("Keep it for later")
    await visitor.sees("Kept.")
    await visitor.goes("/forms/initial_consultation")
    assert (
        await visitor.page.get_by_text("Better sleep").count()
        + await visitor.page.locator('input[value="Better sleep"]').count()
    )
    await visitor.types("Your full name", "Sara Lind")
    await visitor.presses("Sign and send")
    await visitor.sees("The form is complete.")
    await visitor.goes("/forms/billing_info")
    await visitor.page.locator('[name="answers.billing_name"]').fill("Sara Lind")
    await visitor.presses("Give a card")
    await _types_card(visitor, "4242424242424242")
    await visitor.sees("Your card is with Stripe")
    assert await visitor.page.locator('[name="answers.billing_name"]').input_value() == "Sara Lind"
    for box in await visitor.page.locator('input[type="checkbox"]').all():
        await box.check()
    await visitor.types("Your full name", "Sara Lind")
    await visitor.presses("Sign and send")
    await visitor.sees("The form is complete.")


async def _types_card(visitor: Somebody, number: str) -> None:
    """On Stripe's page, which a page of ours leads to."""
    await visitor.follows("Continue to Stripe")
    await visitor.page.get_by_label("Card number").fill(number)
    await visitor.presses("Save")


async def test_a_time_that_was_just_taken_is_answered_with_others(
    site: Site, visitor: Somebody, browser: Browser
) -> None:
    async with Somebody.at(site, browser) as other:
        await visitor.goes("/book/rosa-jimenez?type=intro_call")
        await other.goes("/book/rosa-jimenez?type=intro_call")
        await other.page.locator(".slots button").first.click()
        await other.sees("We hold this time")
        await visitor.page.locator(".slots button").first.click()
        await visitor.sees("Free instead")
        assert await visitor.page.locator("form .slots").first.locator("button").count() in (1, 2, 3)
        await visitor.page.locator(".slots button").first.click()
        await visitor.sees("We hold this time")


async def test_cancelling_and_moving_show_first_what_they_mean(visitor: Somebody) -> None:
    address = await visitor.books("ana-silva")
    await visitor.follows("Move")
    await visitor.page.locator(".slots button").last.click()
    await visitor.sees("It costs nothing.")
    await visitor.presses("Move it")
    await visitor.sees("Moved.")
    await visitor.follows("Cancel")
    await visitor.sees("It costs nothing.")
    await visitor.presses("Cancel the appointment")
    await visitor.sees("Cancelled.")
    assert visitor.page.url.startswith(address)


async def test_a_client_writes_to_the_care_team_and_sees_who_looked(site: Site, visitor: Somebody) -> None:
    await visitor.books("ana-silva")
    await visitor.activates()
    await visitor.goes("/chats")
    await visitor.presses("Write to the care team")
    await visitor.types("Message", "Can I pay by invoice?")
    await visitor.presses("Send")
    await visitor.sees("Can I pay by invoice?")
    chat = visitor.page.url.rpartition("/")[2].partition("#")[0]
    await site.api("POST", f"/v1/chats/{chat}/messages", {"text": "Yes, you can."})
    await visitor.sees("Yes, you can.")  # by itself, a moment later
    assert await visitor.page.locator(".messages .own").count() == 1
    await site.api("POST", f"/v1/chats/{chat}/messages", {"text": "Shall we send one?"})
    await visitor.goes("/chats")
    assert "1 new" in await visitor.reads()
    await visitor.follows("Care team")
    await visitor.goes("/chats")
    assert "1 new" not in await visitor.reads()
    await visitor.goes("/account")
    assert "Where you are signed in" in await visitor.reads()
    looked = visitor.page.get_by_role("table")
    assert "care team" in await looked.inner_text()
    assert "Messages" in await looked.inner_text()


async def test_without_script_everything_works(site: Site, browser: Browser) -> None:
    async with Somebody.at(site, browser, java_script_enabled=False) as visitor:
        await visitor.books("ana-silva", first_name="Nora")
        await visitor.follows("Cancel")
        await visitor.presses("Cancel the appointment")
        await visitor.sees("Cancelled.")
