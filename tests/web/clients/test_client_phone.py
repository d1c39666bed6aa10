"""A client on a phone when things do not go straight on: Back after a form, a second try, a sign-in that ends while
they type, two windows, a change too late, a card that is declined."""

from datetime import datetime, timedelta

from playwright.async_api import Browser

from tests.web.clients.test_client_day import fills_in_every_form
from tests.web.people import OWN_PASSWORD, Site, Somebody


async def back(somebody: Somebody) -> None:
    """As by the button of the browser."""
    await somebody.page.go_back(wait_until="commit")


async def test_nobody_fits_at_first_and_back_finds_the_suggestion_again(visitor: Somebody) -> None:
    page = visitor.page
    await visitor.goes("/find/where")
    await visitor.sees("New York")  # where there are therapists is said before anything is typed
    await visitor.chooses("State", "CO")
    await visitor.presses("Continue")
    await visitor.ticks("Anxiety")
    await visitor.ticks("OCD")
    await visitor.presses("Continue")
    await visitor.presses("Continue")
    await page.locator('input[value="thu-afternoon"]').check()
    for _ in range(2):
        await visitor.presses("Continue")
    await visitor.presses("Find my therapist")
    assert await visitor.heading() == "We will get back to you"
    await visitor.follows("Look at your answers again")
    await visitor.follows("Change")
    await visitor.chooses("State", "NY")
    await visitor.presses("Continue")
    await visitor.presses("Find my therapist")
    await visitor.sees("We suggest")
    suggested = await visitor.reads()
    assert "Helps with anxiety." in suggested
    assert "Does not name OCD among what they work with most." in suggested
    assert "Works at the time that suits you." in suggested
    assert "thu " not in suggested
    await visitor.follows("Read more")
    await back(visitor)
    await visitor.sees("We suggest")

    await _books_thursday_afternoon(visitor)
    await visitor.sees("Free of charge until Thu ")
    await back(visitor)  # to the details, which are booked: said, with the way on
    await visitor.sees("This time is booked for you")
    therapist = page.url.partition("/book/")[2].partition("/")[0]  # who has the soonest time depends on today
    await visitor.goes(f"/book/{therapist}/hold")  # the address of a form, loaded again
    assert page.url.endswith(f"/book/{therapist}")
    await visitor.sees("An intro call is already booked")
    await visitor.follows("Your appointments")
    await visitor.sees("Look at your mail.")
    await visitor.activates()
    await visitor.goes("/find")  # who is in care is not matched anew by a form
    assert await visitor.heading() == "You have a therapist"


async def _books_thursday_afternoon(visitor: Somebody) -> None:
    page = visitor.page
    visitor.email = "dana@mail.example"
    await visitor.follows("See open times")
    thursday = page.get_by_role("link", name="Thu ").first
    await thursday.click()
    await page.locator("h3", has_text="Thu ").wait_for()
    await visitor.sees("Afternoon")
    await page.locator(".slots button").last.click()
    await visitor.sees("We hold this time")
    await visitor.types("First name", "Dana")
    await visitor.types("Last name", "Reyes")
    await visitor.types("E-mail", visitor.email)
    await visitor.types("Phone", "303 555 0147")
    await visitor.presses("Book the intro call")
    await visitor.sees("Booked.")


async def test_what_is_typed_outlives_the_sign_in_and_the_window(
    site: Site, visitor: Somebody, browser: Browser
) -> None:
    page = visitor.page
    await visitor.books("ana-silva", first_name="Dina")
    await visitor.activates()
    await visitor.goes("/forms/initial_consultation")
    await page.locator('[name="answers.reason"]').press_sequentially("I lie awake")  # and no other field is touched
    await visitor.sees("What you typed is kept. You can stop here")
    await visitor.goes("/forms")
    await visitor.sees("Begun")
    await visitor.follows("Initial Consultation Form")
    await visitor.sees("What you typed is as you left it")
    assert await page.locator('[name="answers.reason"]').input_value() == "I lie awake"

    await page.locator('[name="answers.emergency_contact.name"]').fill("Mia Reyes")
    await page.locator('[name="answers.emergency_contact.phone"]').fill("303 555 0199")
    async with Somebody.at(site, browser) as elsewhere:
        elsewhere.email = visitor.email
        await elsewhere.signs_in()
        await elsewhere.goes("/account")
        assert "Mozilla" not in await elsewhere.reads()
        await elsewhere.sees("Chrome on Linux")
        await elsewhere.presses("Sign out everywhere else")
    await visitor.types("Your full name", "Dina Lind")
    await visitor.presses("Sign and send")
    assert await visitor.heading() == "Sign in again"
    await visitor.types("E-mail", visitor.email)
    await page.locator("#password").fill("not my password")
    await page.locator("main").get_by_role("button", name="Sign in", exact=True).click()
    await visitor.sees("That was not done")
    await page.locator("#password").fill(OWN_PASSWORD)
    await page.locator("main").get_by_role("button", name="Sign in", exact=True).click()
    await visitor.sees("You are signed in again.")
    await visitor.presses("Send it again")
    await visitor.sees("The form is complete.")

    await _goes_on_in_another_window(site, visitor)
    await visitor.goes("/card")  # to Stripe, back, and to Stripe after all
    await visitor.presses("Give a card")
    await visitor.follows("Continue to Stripe")
    await back(visitor)
    await visitor.sees("You come back here afterwards.")
    await visitor.follows("Not now")
    assert await visitor.heading() == "Your card"


async def _goes_on_in_another_window(site: Site, visitor: Somebody) -> None:
    """In the second they sign out and in, in the first they send what they had typed."""
    await visitor.goes("/profile")
    await visitor.types("Phone", "303 555 0148")
    other = await visitor.context.new_page()
    second = Somebody(site, visitor.context, other, email=visitor.email)
    await second.goes("/appointments")
    await second.presses("Sign out")
    await second.signs_in()
    await other.close()
    await visitor.presses("Save")
    await visitor.sees("You have signed in or out since this form was shown.")
    await visitor.presses("Send it again")
    await visitor.sees("Saved.")
    assert await visitor.page.get_by_label("Phone").input_value() == "3035550148"


async def test_a_series_a_change_too_late_and_a_card_that_is_declined(site: Site, visitor: Somebody) -> None:
    page = visitor.page
    intro = await visitor.books("ana-silva", first_name="Dora")
    await visitor.activates()
    await fills_in_every_form(visitor)
    await _takes_place(site, intro)
    await visitor.signs_in()
    await visitor.goes("/book/ana-silva")
    await page.locator(".slots button").first.click()
    await visitor.sees("How many sessions")
    dates = page.locator(".dates li:visible")
    assert await dates.count() == 4
    await page.get_by_label("How many sessions").select_option("5")
    await page.get_by_label("How often").select_option("2")
    assert await dates.count() == 5
    told = await dates.all_inner_texts()
    await visitor.presses("Book these dates")
    await visitor.sees("5 appointments, of which this is the first")
    first = page.url.partition("?")[0]
    await visitor.goes("/appointments")
    ahead = await visitor.reads()
    assert all(date in ahead for date in told)

    await _changes_one_too_late_and_another(site, visitor, first)
    await _pays_after_a_decline(site, visitor, first)


async def _changes_one_too_late_and_another(site: Site, visitor: Somebody, first: str) -> None:
    session = await site.api("GET", f"/v1/appointments/{first.rpartition('/')[2]}")
    await _until(site, session["change_until"])
    await visitor.signs_in()
    await visitor.goes(first)
    await visitor.sees("By your therapist alone now")
    await visitor.goes(f"{first}/move")
    await visitor.sees("150.00 USD is due")
    await visitor.presses("Write to Ana Silva")
    await visitor.sees("No message yet.")
    await visitor.goes("/appointments")
    await visitor.page.get_by_role("link", name="Details").last.click()
    await visitor.sees("Free of charge until")
    await visitor.follows("Move")
    await _takes_first_time(visitor)
    await visitor.sees("Move this appointment?")
    await back(visitor)
    await visitor.sees("Move your appointment with")
    await _takes_first_time(visitor)
    await visitor.presses("Move it")
    await visitor.sees("Moved.")


async def _pays_after_a_decline(site: Site, visitor: Somebody, first: str) -> None:
    page = visitor.page
    await visitor.goes("/card")
    await _gives(visitor, "4000000000000341")  # taken, and declined when it is charged
    await _takes_place(site, first)
    await site.advance(timedelta(hours=25))
    await visitor.signs_in()
    await visitor.sees("Your card was declined")
    await page.get_by_role("link", name="Your card was declined").click()
    await visitor.sees("ending in 0341 is charged 150.00 USD now")
    await visitor.presses("Pay with my card")
    await visitor.sees("The bank said no.")
    await visitor.follows("Give another card")
    await _gives(visitor, "4000002760003184")  # the bank asks, at the card and at the payment
    await site.advance(timedelta(minutes=1))
    await visitor.goes("/appointments")
    await page.get_by_role("link", name="150.00 USD").click()
    await visitor.presses("Pay with my card")
    await visitor.follows("Continue to the bank")
    await back(visitor)
    await visitor.follows("Continue to the bank")
    await visitor.presses("Complete authentication")
    await visitor.sees("Paid.")
    assert "secret" not in page.url
    await visitor.goes("/appointments")
    assert "To pay" not in await visitor.reads()


async def _gives(visitor: Somebody, number: str) -> None:
    await visitor.presses("Give a")
    await visitor.follows("Continue to Stripe")
    await visitor.page.get_by_label("Card number").fill(number)
    await visitor.presses("Save")
    if await visitor.page.get_by_role("button", name="Complete authentication").count():
        await visitor.presses("Complete authentication")
    await visitor.sees("Stripe has your card")


async def _takes_first_time(visitor: Somebody) -> None:
    async with visitor.page.expect_navigation():
        await visitor.page.locator(".slots button").first.click()


async def _takes_place(site: Site, address: str) -> None:
    id = address.rpartition("/")[2]
    await _until(site, (await site.api("GET", f"/v1/appointments/{id}"))["ends_at"])
    await site.api("POST", f"/v1/appointments/{id}/outcome", {"outcome": "occurred"})


async def _until(site: Site, time: str) -> None:
    """A minute after it."""
    await site.advance(datetime.fromisoformat(time) - await site.now() + timedelta(minutes=1))
