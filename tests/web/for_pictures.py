"""Takes the pictures of docs/pages.md, with ``make pictures``: the same people, on the same day, every time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Browser

from tests.web import pictures
from tests.web.people import Site, Somebody

MONDAY = datetime(2030, 1, 7, 14, 0, tzinfo=UTC)  # 09:00 in New York, and later than any day on which they are taken
MOST = timedelta(days=2 * 366)  # by which the clock is moved at once
SLUG = "ben-okafor"
pytestmark = pytest.mark.timeout(900)


async def test_pictures(site: Site, visitor: Somebody, browser: Browser) -> None:
    await it_is_monday(site)
    await finds(visitor)
    await others_are_there(site)
    sara = await comes_into_care(site, visitor)
    async with (
        Somebody.at(site, browser, wide=True) as ben,
        Somebody.at(site, browser, wide=True) as desk,
    ):
        await for_the_practice(ben, desk, sara)


async def it_is_monday(site: Site) -> None:
    while (ahead := MONDAY - await site.now()) > timedelta():
        body = {"seconds": int(min(ahead, MOST).total_seconds()) or 1}
        (await site.http.post(f"{site.stack.api_url}/dev/clock/advance", json=body)).raise_for_status()


async def finds(visitor: Somebody) -> None:
    page = visitor.page
    await visitor.goes("/find")
    await visitor.follows("Begin")
    await visitor.chooses("State", "NY")
    await visitor.presses("Continue")
    await visitor.ticks("anxiety")
    for _ in range(4):
        await visitor.presses("Continue")
    await visitor.presses("Find my therapist")
    await pictures.take(visitor, pictures.WHY)
    await visitor.goes(f"/book/{SLUG}?type=intro_call")
    await pictures.take(visitor, pictures.TIMES)
    async with page.expect_navigation():
        await page.locator(".slots button").first.click()
    for label, text in (("First name", "Sara"), ("Last name", "Lind"), ("E-mail", "sara@mail.example")):
        await visitor.types(label, text)
    await pictures.take(visitor, pictures.WHO)
    await visitor.types("Phone", "+1 212 555 0100")
    await visitor.presses("Book the intro call")
    await visitor.sees("Booked.")
    visitor.email = "sara@mail.example"


async def others_are_there(site: Site) -> None:
    """Otto has a session each Thursday, Petra none yet; for Tove nobody fits."""
    for name in ("Otto", "Petra"):
        client = await client_of(site, name)
        if name == "Otto":
            await books(site, client, MONDAY + timedelta(days=3, hours=5), weeks=4)
            credit = {"amount": 2000, "currency": "USD", "reason": "Goodwill"}
            await site.api("POST", f"/v1/clients/{client}/credits", credit)
    answers = {"state": "NY", "modality": "individual", "languages": ["pt"], "therapist_gender": "male"}
    details = {"first_name": "Tove", "last_name": "Holm", "email": "tove@mail.example"}
    await site.api("POST", "/v1/journeys", {"source": "matching_form", "answers": answers, "client": details})


async def client_of(site: Site, name: str) -> str:
    details = {"first_name": name, "last_name": "Berg", "email": f"{name.lower()}@mail.example"}
    details |= {"phone": "+1 212 555 0107", "time_zone": "America/New_York"}
    body = {"source": "care_team", "therapist": SLUG, "client": details}
    return str((await site.api("POST", "/v1/journeys", body))["client_id"])


async def books(site: Site, client: str, at: datetime, *, weeks: int) -> list[dict[str, Any]]:
    body = {"type": "session", "starts_at": at.isoformat(), "mode": "video", "weeks": weeks, "reason": "by phone"}
    found: list[dict[str, Any]] = (await site.api("POST", f"/v1/clients/{client}/appointments", body))["appointments"]
    return found


async def comes_into_care(site: Site, sara: Somebody) -> str:
    await sara.activates()
    await sara.goes("/appointments")
    await pictures.take(sara, pictures.HOME)
    await sara.goes("/forms/initial_consultation")
    await pictures.take(sara, pictures.FORM)
    await sara.goes("/card")
    await sara.presses("Give a card")
    await sara.follows("Continue to Stripe")
    await sara.page.get_by_label("Card number").fill("4242424242424242")
    await sara.presses("Save")
    client = str((await site.api("GET", f"/v1/clients?q={sara.email}"))["items"][0]["id"])
    first, second, *_ = await books(site, client, MONDAY + timedelta(days=2, hours=5), weeks=4)
    await site.advance(datetime.fromisoformat(first["ends_at"]) - await site.now())
    await site.api("POST", f"/v1/appointments/{first['id']}/outcome", {"outcome": "occurred"})
    await site.advance(datetime.fromisoformat(second["starts_at"]) - timedelta(hours=30) - await site.now())
    await sara.signs_in()
    await sara.goes(f"/appointments/{second['id']}/cancel")
    await pictures.take(sara, pictures.LATE)
    await sara.goes("/payments")
    await pictures.take(sara, pictures.PAID)
    return client


async def for_the_practice(ben: Somebody, desk: Somebody, sara: str) -> None:
    await ben.signs_in_as_staff("ben@practice.example")
    await desk.signs_in_as_staff("care@practice.example")
    await ben.goes("/staff/today")
    await pictures.take(ben, pictures.TODAY)
    await ben.goes("/staff/calendar")
    await pictures.take(ben, pictures.WEEK)
    await ben.goes("/staff/clients?sort=name")
    for name in ("Otto Berg", "Sara Lind"):
        await ben.ticks(f"Tick {name}")
    await pictures.take(ben, pictures.CLIENTS)
    await ben.asks_to_archive()
    await pictures.take(ben, pictures.ARCHIVE)
    await ben.goes(f"/staff/clients/{sara}")
    await pictures.take(ben, pictures.RECORD)
    await desk.goes("/staff/desk")
    await pictures.take(desk, pictures.DESK)
