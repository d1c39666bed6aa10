"""WCAG 2.2 AA by axe: every page, empty, full and where something is wrong; small, dark, from right to left."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser

from tests.web.people import Site, Somebody

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PUBLIC = (
    *("/", "/find", "/find/where", "/therapists/ana-silva", "/book/ana-silva", "/sign-in", "/reset", "/reset/nothing"),
    *("/activate/nothing", "/unsubscribe/nothing", "/join/nothing", "/nowhere", "/staff/sign-in", "/staff/reset"),
)
OF_CLIENTS = (
    *("/appointments", "/forms", "/forms/informed_consent", "/forms/initial_consultation", "/forms/billing_info"),
    *("/chats", "/payments", "/card", "/documents", "/notes", "/goals", "/waitlist?therapist=ana-silva"),
    *("/profile", "/account", "/more"),
)
OF_STAFF = {
    "ana@practice.example": ("today", "calendar", "clients", "groups", "chats", "blasts", "feed", "hours", "account"),
    "care@practice.example": ("desk", "clients", "clients/new", "calendar", "payments", "approvals", "books"),
    "owner@practice.example": (
        *(
            "therapists",
            "therapists/ana-silva",
            "staff",
            "texts",
            "texts/fee_policy",
            "accesses",
            "reports",
            "settings",
        ),
    ),
}
PARTS = ("timeline", "sessions", "forms", "notes", "documents", "goals", "money", "settings", "archive/preview")


async def violations(somebody: Somebody) -> list[str]:
    found = await Axe().run(somebody.page, options={"runOnly": TAGS, "resultTypes": ["violations"]})
    return [
        f"{somebody.page.url}: {one['id']} at {[node['target'] for node in one['nodes']][:3]}"
        for one in found.response["violations"]
    ]


async def too_wide(somebody: Somebody) -> bool:
    return bool(await somebody.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


@pytest.fixture(scope="module")
async def client(site: Site, browser: Browser) -> AsyncIterator[Somebody]:
    async with Somebody.at(site, browser) as somebody:
        await somebody.books("ana-silva", first_name="Alma")
        await somebody.activates()
        yield somebody


@pytest.mark.parametrize("path", PUBLIC)
async def test_public_pages(path: str, visitor: Somebody) -> None:
    await visitor.goes(path)
    assert await violations(visitor) == []


@pytest.mark.parametrize("path", OF_CLIENTS)
async def test_a_clients_pages(path: str, client: Somebody) -> None:
    assert (await client.goes(path)).status == 200
    assert await violations(client) == []


async def test_a_clients_pages_with_something_in_them_and_something_wrong(client: Somebody) -> None:
    page, wrong = client.page, []
    await client.goes("/forms/initial_consultation")
    await client.presses("Sign and send")
    await client.sees("There is a problem")
    wrong += await violations(client)
    await client.goes("/forms/informed_consent")
    await client.ticks("I have read the informed consent")
    await client.types("Your full name", "Alma Lind")
    await client.presses("Sign and send")
    await client.sees("The form is complete.")
    wrong += await violations(client)
    await client.goes("/forms/informed_consent")
    await client.sees("What you read")
    wrong += await violations(client)
    await client.goes("/chats")
    await client.presses("Write to the care team")
    await client.types("Message", "Hello")
    await client.presses("Send")
    await client.sees("Hello")
    wrong += await violations(client)
    await client.goes("/appointments")
    await client.follows("Details")
    wrong += await violations(client)
    address = page.url
    for part in ("cancel", "move"):
        await client.goes(f"{address}/{part}")
        wrong += await violations(client)
    await client.goes(address.replace("appointments", "meet"))
    await client.sees("The link will follow")
    wrong += await violations(client)
    await client.goes("/account")
    await page.locator("#factor-current").fill("wrong")
    await client.presses("Set up an authenticator app")
    await client.sees("There is a problem")
    wrong += await violations(client)
    assert wrong == []


@pytest.mark.parametrize("email", OF_STAFF)
async def test_staff_pages(email: str, site: Site, browser: Browser) -> None:
    async with Somebody.at(site, browser, wide=True) as somebody:
        await somebody.signs_in_as_staff(email)
        wrong = []
        for path in OF_STAFF[email]:
            answer = await somebody.goes(f"/staff/{path}")
            assert answer.status == 200, path
            wrong += await violations(somebody)
        assert wrong == []


async def test_a_clients_record(site: Site, client: Somebody, browser: Browser) -> None:
    async with Somebody.at(site, browser, wide=True) as therapist:
        await therapist.signs_in_as_staff("ana@practice.example")
        await therapist.goes("/staff/clients?q=Alma")
        await therapist.page.locator("th a").first.click()
        await therapist.sees("Alma Lind")
        address = therapist.page.url.partition("?")[0]
        wrong = []
        for part in PARTS:
            assert (await therapist.goes(f"{address}/{part}")).status == 200, part
            wrong += await violations(therapist)
        assert wrong == []


@pytest.mark.parametrize("how", ["small", "dark", "right-to-left"])
async def test_small_dark_and_from_right_to_left(how: str, site: Site, browser: Browser) -> None:
    more: Any = {"color_scheme": "dark"} if how == "dark" else {}
    async with Somebody.at(site, browser, **more) as somebody:
        await somebody.page.set_viewport_size({"width": 320, "height": 640})
        await somebody.signs_in_as_staff("ana@practice.example")
        for path in ("/", "/find/where", "/book/ana-silva", "/sign-in", *(f"/staff/{p}" for p in ("today", "clients"))):
            await somebody.goes(path)
            if how == "right-to-left":
                await somebody.page.evaluate("document.documentElement.dir = 'rtl'")
            assert not await too_wide(somebody), path
            assert await violations(somebody) == []


async def test_errors_lead_to_their_fields(visitor: Somebody) -> None:
    await visitor.goes("/book/ana-silva?type=intro_call")
    await visitor.page.locator(".slots button").first.click()
    await visitor.sees("We hold this time")
    await visitor.types("E-mail", "not an address")
    await visitor.presses("Book")
    await visitor.sees("There is a problem")
    assert await violations(visitor) == []
    assert await visitor.page.get_by_label("E-mail").first.input_value() == "not an address"
    await visitor.page.locator(".summary a").first.click()
    assert await visitor.page.evaluate("document.activeElement.tagName") == "INPUT"
