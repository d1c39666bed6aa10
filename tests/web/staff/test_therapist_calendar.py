"""A therapist's time: sessions marked and taken back, booked, moved and left out of a series; hours, leave, the call,
and the calendar of their own."""

from datetime import date, timedelta

import pytest
from playwright.async_api import Browser

from tests.web.people import Site, Somebody
from tests.web.staff.test_staff_days import THERAPIST, day_that, record_of


@pytest.mark.timeout(600)
async def test_a_therapists_time(site: Site, browser: Browser, visitor: Somebody) -> None:
    """One walk: each step stands on the one before."""
    appointment = (await visitor.books("ana-silva", first_name="Tilda")).rsplit("/", 1)[-1]
    begins = (await site.api("GET", f"/v1/appointments/{appointment}"))["starts_at"][:10]
    async with Somebody.at(site, browser, wide=True) as ana:
        await ana.signs_in_as_staff(THERAPIST)
        await ana.goes("/staff/today")
        if "Tilda Lind" not in await ana.reads():
            await ana.sees("Nothing is booked today.")
        await ana.goes(f"/staff/appointments/{appointment}")
        await ana.follows("Join")
        await ana.sees("VIDEO_ROOM_URL")  # no rooms are set here, and it says so
        await site.advance(timedelta(days=4))
        await ana.signs_in_as_staff(THERAPIST)
        await marks(ana, begins)
        record = await record_of(ana, "Tilda")
        tuesday = await day_that(site, lambda day: day.weekday() == 1, after=8)
        await books(ana, record, tuesday)
        await moves(ana, record, tuesday)
        await takes_leave(ana, site, tuesday + timedelta(weeks=3))
        await looks_at_hours(ana)
        await subscribes(ana, site)


async def marks(ana: Somebody, day: str) -> None:
    """In one click, and back while it says that it can be."""
    await ana.goes(f"/staff/calendar?from={day}")
    card = ana.page.locator(".week article", has_text="Tilda Lind")
    for outcome, told in (("Took place", "Took place"), ("No-show", "No-show")):
        assert "To be marked" in await card.inner_text()
        async with ana.page.expect_navigation():
            await card.get_by_role("button", name=outcome).click()
        said = await card.inner_text()
        assert told in said
        assert "Can be undone until" in said
        async with ana.page.expect_navigation():
            await card.get_by_role("button", name="Undo").click()
    async with ana.page.expect_navigation():
        await card.get_by_role("button", name="Took place").click()
    assert "Tilda" not in await ana.page.title()


async def books(ana: Somebody, record: str, tuesday: date) -> None:
    """A free time is chosen; of a series over it, a taken date gets another time."""
    await ana.goes(f"{record}/sessions")
    await ana.presses("Book")
    await ana.sees("is needed, or choose a free time")
    await ana.goes(f"{record}/sessions?date={tuesday}")
    await ana.page.locator(f'input[name="starts_at"][value^="{tuesday}"]').first.check()
    await ana.presses("Book")
    await ana.sees("1 appointment.")
    taken = ana.page.locator('a[href*="/appointments/"]', has_text=f"{tuesday:%Y}").first
    time = (await taken.inner_text()).rsplit(", ", 1)[-1]
    await ana.goes(f"{record}/sessions?date={tuesday}&time={time}")
    await ana.types("How many sessions", "6")
    await ana.presses("Book")
    await ana.sees("1 of 6 dates are not free")
    await ana.presses("Book the others, leave these out")
    await ana.sees("5 appointments are booked.")
    await ana.page.locator('input[name="instead.0"][value^="2"]').first.check()
    await ana.presses("Book these as well")
    await ana.sees("1 appointment.")
    assert await ana.page.locator("main a[href*='/appointments/']", has_text=":").count() >= 7


async def moves(ana: Somebody, record: str, tuesday: date) -> None:
    """To a free time at once; outside the hours only after it was said."""
    await ana.goes(f"{record}/sessions")
    async with ana.page.expect_navigation():
        await ana.page.locator('main a[href*="/appointments/"]').first.click()
    address = ana.page.url.partition("?")[0]
    await ana.goes(f"{address}?date={tuesday + timedelta(days=1)}")
    await ana.page.locator('input[name="starts_at"][value^="2"]').first.check()
    await ana.presses("Move it")
    await ana.sees("Moved. Both sides are told.")
    await ana.goes(f"{address}?move=yes")
    await ana.page.get_by_label("Date").first.fill((tuesday + timedelta(days=1)).isoformat())
    await ana.page.locator("#time").fill("22:00")
    await ana.presses("Move it")
    assert await ana.heading() == "Move it outside the rules?"
    await ana.sees("This time is outside the therapist's hours.")
    await ana.presses("Move it anyway")
    await ana.sees("It is outside the hours: that is recorded.")
    await ana.page.get_by_text("Cancel", exact=True).first.click()
    await ana.presses("See what it means")
    await ana.sees("No fee is due.")
    await ana.presses("Cancel")
    await ana.sees("Cancelled.")
    assert await ana.page.get_by_role("link", name="Join").count() == 0


async def takes_leave(ana: Somebody, site: Site, day: date) -> None:
    """By her own days, wherever she looks from; whoever is touched gets another time."""
    await ana.goes("/staff/hours?zone=Asia/Tokyo")
    await ana.types("First day", day.isoformat())
    await ana.presses("See who is touched")
    await ana.sees("By New York time. 1 appointment of 1 client is touched.")
    await ana.presses("Take leave")
    await ana.sees("1 client is told by mail.")
    [leave] = (await site.api("GET", "/v1/therapists/ana-silva/leaves"))["items"]
    assert leave["starts_at"].startswith(f"{day}T05:00")
    assert leave["ends_at"].startswith(f"{day + timedelta(days=1)}T05")
    touched = ana.page.url
    await ana.follows("Other times")
    await ana.page.locator('input[name="starts_at"][value^="2"]').first.check()
    await ana.presses("Move it")
    await ana.sees("Moved. Both sides are told.")
    await ana.goes(touched)
    await ana.sees("Nothing.")
    await ana.presses("Give back")
    await ana.sees("Leave is given back.")
    await ana.goes("/staff/today?zone=America/New_York")


async def looks_at_hours(ana: Somebody) -> None:
    """What they would give is seen before they are saved; then they are."""
    await ana.goes("/staff/hours")
    await ana.page.locator('input[name="sat.0.from"]').fill("10:00")
    await ana.page.locator('input[name="sat.0.to"]').fill("12:00")
    await ana.presses("See the times they give")
    await ana.sees("Sessions, by New York time")
    preview = await ana.page.locator("section", has_text="The times they would give").inner_text()
    assert "Sat" in preview
    assert "10:00" in preview
    await ana.presses("Save")
    await ana.sees("Saved.")
    await ana.goes("/staff/hours")
    assert await ana.page.locator('input[name="sat.0.from"]').input_value() == "10:00"


async def subscribes(ana: Somebody, site: Site) -> None:
    """The address works without a sign-in, until there is a new one, or none."""
    await ana.goes("/staff/calendar")
    await ana.follows("In your own calendar")
    await ana.presses("Make the address")
    first = await ana.page.get_by_label("Address to subscribe to").input_value()
    answer = await site.http.get(first)
    assert answer.headers["content-type"].startswith("text/calendar")
    assert "BEGIN:VEVENT" in answer.text
    assert "Tilda" not in answer.text
    await ana.presses("Make a new address")
    second = await ana.page.get_by_label("Address to subscribe to").input_value()
    assert [(await site.http.get(each)).status_code for each in (first, second)] == [404, 200]
    await ana.presses("End it")
    await ana.sees("The address leads nowhere now.")
    assert (await site.http.get(second)).status_code == 404
