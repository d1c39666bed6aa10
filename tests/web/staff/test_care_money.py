"""The care team and money: what one person decides alone, what waits for a second, the books, the file; and forty
clients archived at once."""

import csv
from collections.abc import AsyncIterator
from io import StringIO

import httpx
import pytest
from playwright.async_api import Browser, expect

from local.stack import LocalStack, Ports
from tests.care.at_stripe import AtStripe
from tests.care.defaults import NO_LIMITS
from tests.web.accessible.looks import wrong_on
from tests.web.cared_for import CaredFor, added, charged
from tests.web.people import Site, Somebody

pytestmark = pytest.mark.timeout(480)

DESK, SECOND = "care@practice.example", "second@practice.example"
CROWD = 40


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[Site]:
    """With a ceiling: above 50.00 USD a second person decides."""
    env = {f"POLICY__{name.upper()}": str(most) for name, most in NO_LIMITS.items()}
    env |= {"POLICY__SECOND_PERSON_ABOVE": "care_team:USD:5000"}
    stack = await LocalStack.start(time_travel=True, ports=Ports.free(), pages=True, env=env)
    async with stack, httpx.AsyncClient(trust_env=False, timeout=180) as http:
        yield Site(stack, http)


async def decides(desk: Somebody, act: str, why: str, **typed: str) -> None:
    """On a payment's page; `typed` by label."""
    await desk.page.locator("summary", has_text=act).click()
    form = desk.page.locator("details[open] form")
    for label, text in typed.items():
        await form.get_by_label(label).fill(text)
    await form.get_by_label("Why").fill(why)
    async with desk.page.expect_navigation():
        await form.get_by_role("button", name=act).click()


async def payment_of(site: Site, client: CaredFor) -> str:
    [payment] = (await site.api("GET", f"/v1/clients/{client.id}/payments"))["items"]
    return str(payment["id"])


async def test_one_person_decides_up_to_the_ceiling_and_two_above(site: Site, browser: Browser) -> None:
    paid = await charged(site, "Paula")
    owing = await charged(site, "Olaf", card="pm_card_chargeCustomerFail")
    async with (
        Somebody.at(site, browser, wide=True) as desk,
        Somebody.at(site, browser, wide=True) as second,
    ):
        await desk.signs_in_as_staff(DESK)
        await desk.goes("/staff/payments?status=owed")
        await desk.page.locator("tbody tr", has_text=owing.ref).locator("a").first.click()
        await desk.sees("All tries were declined")
        # Below the ceiling at once, above it when somebody else has agreed.
        await desk.goes(f"/staff/payments/{await payment_of(site, paid)}")
        await decides(desk, "Give back", "Ended early", Amount="forty")
        await desk.sees("There is a problem")
        await desk.goes(f"/staff/payments/{await payment_of(site, paid)}")
        await decides(desk, "Give back", "Ended early", Amount="20.00")
        await desk.sees("Done.")
        await desk.sees("20.00 USD to the card")
        await decides(desk, "Give back", "Was ill, as we know now")
        await desk.sees("It waits for a second person.")
        assert await wrong_on(desk.page) == []
        await desk.goes(f"{paid.record}/money")
        await desk.types("Amount", "20.00")
        await desk.types("Why", "Goodwill")
        await desk.presses("Give credit")
        await expect(desk.page.locator("tbody", has_text="Goodwill")).to_be_visible()
        await desk.types("Amount", "90.00")
        await desk.types("Why", "More goodwill")
        await desk.presses("Give credit")
        await desk.sees("It waits for a second person.")
        await desk.goes(f"/staff/payments/{await payment_of(site, owing)}")
        await decides(desk, "Waive", "Hardship")
        await desk.sees("Waits for a second person: Waive")
        await is_decided_by_two(site, desk, second, paid, owing)
        await exports(desk, {paid.ref: "refunded", owing.ref: "written_off"})
        await finds_a_difference(site, desk, paid)


async def is_decided_by_two(site: Site, desk: Somebody, second: Somebody, paid: CaredFor, owing: CaredFor) -> None:
    """Who asked can take it back, and not approve it."""
    await desk.goes("/staff/desk?kind=second_person")
    await desk.follows("Decide")
    assert await desk.page.get_by_role("button", name="Approve").count() == 0
    waive = desk.page.locator(".card", has_text="Hardship")
    async with desk.page.expect_navigation():
        await waive.get_by_role("button", name="Take it back").click()
    await desk.sees("Settled.")
    await second.signs_in_as_staff(SECOND)
    await second.goes("/staff/approvals")
    assert await wrong_on(second.page) == []
    for words, answer in (("Was ill", "Approve"), ("More goodwill", "Refuse")):
        card = second.page.locator(".card", has_text=words)
        await expect(card.get_by_role("link", name=paid.name, exact=True)).to_be_visible()
        async with second.page.expect_navigation():
            await card.get_by_role("button", name=answer).click()
        await second.sees("Settled.")
    await second.follows("Approved")
    await second.sees("Was ill")
    await desk.goes(f"/staff/payments/{await payment_of(site, paid)}")
    await desk.sees("120.00 USD to the card")
    await desk.sees("approved by")
    await desk.goes(f"/staff/payments/{await payment_of(site, owing)}")
    await decides(desk, "Write off", "Cannot be reached any more")
    await desk.sees("Waits for a second person: Write off")
    await second.goes("/staff/approvals")
    await second.presses("Approve")
    await second.sees("Settled.")
    await desk.page.reload()
    await desk.sees("Written off")
    await desk.goes("/staff/exceptions?kind=written_off")
    await desk.sees("Cannot be reached any more")


async def exports(desk: Somebody, known: dict[str, str]) -> None:
    """The file has what the list has; what is too long for one is said. ``known``: statuses by reference."""
    await desk.goes("/staff/payments")
    async with desk.page.expect_download() as begun:
        await desk.page.get_by_role("link", name="Export as CSV").click()
    file = await begun.value
    assert file.suggested_filename.endswith(".csv")
    lines = list(csv.DictReader(StringIO((await file.path()).read_text())))
    assert {line["client_ref"]: line["status"] for line in lines} == known
    await desk.goes("/staff/payments?from=2020-01-01&to=2026-01-01")
    await desk.follows("Export as CSV")
    await desk.sees("a file has at most 366 days")


async def finds_a_difference(site: Site, desk: Somebody, client: CaredFor) -> None:
    """Somebody has charged once more in Stripe's dashboard; compared, seen, given back there, compared again."""
    at_stripe = AtStripe(site.http, site.stack.sandbox_url)
    state = await at_stripe.ask("GET", "_state")
    payment = await payment_of(site, client)
    first = next(each for each in state["payment_intents"] if each["metadata"].get("payment_id") == payment)
    twice = await at_stripe.made(
        "payment_intents",
        amount=14000,
        currency="usd",
        customer=first["customer"],
        payment_method=first["payment_method"],
        confirm="true",
        off_session="true",
        **{"metadata[payment_id]": payment},
    )
    await desk.goes("/staff/books")
    await desk.presses("Compare now")
    await desk.sees(f"At Stripe: {twice['id']}")
    assert await wrong_on(desk.page) == []
    await desk.sees(client.name)
    await desk.follows("Look at the payment")
    assert payment in desk.page.url
    await desk.goes("/staff/desk?kind=ledger_difference")
    await desk.follows("Why, and settle it")
    await desk.sees("What we have recorded is not what Stripe has")
    await at_stripe.made("refunds", payment_intent=twice["id"])
    await desk.goes("/staff/books")
    await desk.presses("Compare now")
    await desk.sees("None.")
    await desk.goes("/staff/desk?kind=ledger_difference")
    assert await desk.heading() == "Nothing here needs you"


async def test_forty_are_archived_at_once_with_credits_and_debts_seen_first(site: Site, browser: Browser) -> None:
    for number in range(CROWD):
        client = await added(site, f"Many{number:02}")
        if number == 0:
            credit = {"amount": 1500, "currency": "USD", "reason": "For the next time."}
            await site.api("POST", f"/v1/clients/{client.id}/credits", credit)
    async with Somebody.at(site, browser, wide=True) as desk:
        await desk.signs_in_as_staff(DESK)
        await desk.goes("/staff/clients?q=Many")
        for box in await desk.page.locator('table input[name="tick"]').all():
            await box.check()
        assert await desk.asks_to_archive() == f"Archive {CROWD} clients?"
        await expect(desk.panel.locator("tbody tr")).to_have_count(CROWD)
        await desk.sees("credit 15.00 USD, owed 0.00 USD")
        await desk.panel.get_by_label("Many39 Dahl").uncheck()
        await desk.types("Why", "The autumn group is over.")
        await desk.panel.get_by_role("button", name="Archive").click()
        await expect(desk.page.get_by_text(f"{CROWD - 1} of {CROWD - 1} done").first).to_be_visible(timeout=180_000)
        archived = desk.page.locator(".tag.good", has_text="Archived")  # the list comes anew once the archive has ended
        await expect(archived).to_have_count(CROWD - 1, timeout=30_000)
        await desk.goes("/staff/clients?q=Many39")
        await desk.page.get_by_role("link", name="Many39 Dahl").wait_for()
