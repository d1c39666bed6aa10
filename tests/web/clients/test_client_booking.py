"""Booking when something comes between, by a pass alone, and from the waitlist."""

from datetime import timedelta

from playwright.async_api import Browser

from tests.web.people import Site, Somebody


async def test_a_hold_that_ended_and_a_time_taken_meanwhile_lose_nothing(
    site: Site, visitor: Somebody, browser: Browser
) -> None:
    page = visitor.page
    await visitor.goes("/book/rosa-jimenez?type=intro_call")
    async with page.expect_navigation():
        await page.locator(".slots button").first.click()
    await visitor.sees("We hold this time")
    address = page.url
    await visitor.types("First name", "Kim")
    await visitor.types("Last name", "Lind")
    await visitor.types("E-mail", "kim@mail.example")
    await visitor.types("Phone", "+1 212 555 0101")
    await page.get_by_label("Phone call").check()
    await site.advance(timedelta(minutes=20))
    async with Somebody.at(site, browser) as other:
        await other.books("rosa-jimenez", first_name="Other")
    await visitor.presses("Book")
    await visitor.sees("What you typed is kept")
    await visitor.sees("Free instead")
    async with page.expect_navigation():
        await page.locator(".slots button").first.click()
    assert await page.get_by_label("First name").input_value() == "Kim"
    assert await page.get_by_label("Phone call").is_checked()
    assert "Kim" not in page.url
    await site.advance(timedelta(minutes=20))  # nobody took it: the booking goes through
    await visitor.presses("Book")
    await visitor.sees("Booked.")
    assert "Phone call" in await visitor.reads()
    answer = await visitor.goes(address)
    assert answer.status == 410
    await visitor.sees("may still be free")


async def test_a_time_is_let_go_when_another_is_chosen(site: Site, visitor: Somebody, browser: Browser) -> None:
    """Look by look, by the button and by Back: one time is held at most, and the others are free for everybody."""
    page, times = visitor.page, visitor.page.locator(".slots button")
    path = "/book/ana-silva?type=intro_call"
    await visitor.goes(path)
    open_ = await times.all_inner_texts()
    for _ in range(2):
        await times.first.click()
        await visitor.sees("We hold this time")
        await visitor.presses("Choose another time")
        assert await times.all_inner_texts() == open_
    for number in range(2):
        await times.nth(number).click()
        await visitor.sees("We hold this time")
        await page.go_back()
        await page.reload()
        assert len(await times.all_inner_texts()) < len(open_)
    await times.last.click()
    await visitor.sees("We hold this time")
    async with Somebody.at(site, browser) as other:
        await other.goes(path)
        assert open_[0] in await other.page.locator(".slots button").all_inner_texts()
        assert open_[-1] not in await other.page.locator(".slots button").all_inner_texts()
    await visitor.presses("Choose another time")


async def test_a_pass_opens_the_booking_alone_and_ends_quietly(site: Site, visitor: Somebody) -> None:
    await visitor.books("ana-silva", first_name="Pia")
    await visitor.goes("/appointments")
    await visitor.sees("Look at your mail.")
    await visitor.presses("Send the link again")
    await visitor.sees("a link is on its way")
    await visitor.goes("/forms")
    assert await visitor.heading() == "Sign in"
    await visitor.goes("/book/ben-okafor")  # who is with one therapist does not book another by an address
    assert await visitor.heading() == "You are with Ana Silva"
    await site.advance(timedelta(hours=1))
    await visitor.goes("/")
    assert await visitor.heading() == "Find a therapist who fits"
    assert "Your booking" not in await visitor.page.locator("nav").inner_text()
    await visitor.activates()


async def test_waiting_for_a_time_and_taking_it(site: Site, visitor: Somebody, browser: Browser) -> None:
    async with Somebody.at(site, browser) as other:
        taken = await other.books("rosa-jimenez", first_name="Ola")
        visitor.email = "wanda@mail.example"
        await visitor.goes("/book/rosa-jimenez?type=intro_call")
        await visitor.follows("Join the waitlist")
        await visitor.types("First name", "Wanda")
        await visitor.types("Last name", "Lind")
        await visitor.types("E-mail", "not an address")
        await visitor.types("Phone", "+1 212 555 0102")
        await visitor.presses("Join the waitlist")
        await visitor.sees("There is a problem")
        assert await visitor.page.get_by_label("First name").input_value() == "Wanda"
        await visitor.types("E-mail", visitor.email)
        await visitor.presses("Join the waitlist")
        await visitor.sees("You are number 1")
        await other.goes(f"{taken}/cancel")
        await other.presses("Cancel the appointment")
    await visitor.goes(await site.link(visitor.email, "slot_offered"))
    await visitor.sees("We hold this time for you until")
    await visitor.presses("Book")
    await visitor.sees("Booked.")
    await visitor.goes("/waitlist")
    await visitor.sees("You wait for nothing.")
