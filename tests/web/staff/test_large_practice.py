"""A practice of hundreds of clients: what pages cost there, ticks over pages, and all that match archived and moved."""

from typing import Any

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import text

from bench.large_practice import LargePractice
from bench.pages import MOST_BYTES, MOST_CALLS, fill_stack, measure
from models.database import connect
from tests.web.accessible.looks import too_wide, wrong_on
from tests.web.people import Site, Somebody

ANA = "ana@practice.example"
pytestmark = pytest.mark.timeout(600)

CLIENTS = 600  # of whom each first name is a tenth


@pytest.fixture(scope="module")
async def practice(site: Site) -> LargePractice:
    return await fill_stack(site.stack, clients=CLIENTS)


async def test_no_page_of_a_large_practice_asks_often_or_weighs_much(site: Site, practice: LargePractice) -> None:
    costs, shared = await measure(site.stack, practice, times=1)
    assert len(costs) > 80
    assert [
        f"{cost.who} {cost.path}: {cost.calls} calls, {cost.size + shared} bytes"
        for cost in costs
        if cost.calls > MOST_CALLS or cost.size + shared > MOST_BYTES
    ] == []


async def _in_database(site: Site, statement: str, **values: Any) -> None:
    database = connect(site.stack.database_url)
    async with database.begin() as connection:
        await connection.execute(text(statement), values)
    await database.dispose()


async def _done(somebody: Somebody, number: int) -> None:
    """The page renews its progress by itself; nobody has to press anything."""
    await expect(somebody.page.get_by_text(f"{number} of {number} done").first).to_be_visible(timeout=180_000)
    await expect(somebody.page.get_by_role("link", name="The archived clients")).to_be_visible(timeout=60_000)


async def _ticked(somebody: Somebody) -> int:
    return await somebody.page.locator('table input[name="tick"]:checked').count()


async def test_ticks_stay_over_pages_and_all_that_match_are_moved_and_archived(
    site: Site, browser: Browser, practice: LargePractice
) -> None:
    async with Somebody.at(site, browser, wide=True) as ana:
        await ana.signs_in_as_staff(ANA)
        await ana.goes("/staff/clients?q=Elif")
        boxes = ana.page.locator('table input[name="tick"]')
        await boxes.nth(0).check()
        await boxes.nth(3).check()
        await ana.presses("Next page")
        await ana.sees("2 ticked on other pages.")
        await boxes.nth(1).check()
        async with ana.page.expect_navigation():
            await ana.page.locator("ul.tabs a", has_text="Archived").click()
        await ana.page.go_back()
        await ana.sees("2 ticked on other pages.")
        await boxes.nth(1).check()
        assert await ana.asks_to_archive() == "Archive 3 clients?"
        assert await wrong_on(ana.page) == []
        await ana.panel.get_by_role("link", name="Cancel").click()
        await ana.sees("2 ticked on other pages.")
        assert await _ticked(ana) == 1
        await ana.presses("First page")
        assert await _ticked(ana) == 2
        await ana.asks_to_archive()
        await ana.panel.locator('input[name="tick"]').nth(0).uncheck()
        await ana.presses("Archive 3 clients")
        await _done(ana, 2)
        await _moves_all(ana)
        await _archives_all(ana)
        await _tries_again(site, ana)
        await _sees_that_others_match_by_now(site, ana)
        await _finds_whom_to_write_to(ana)


async def _moves_all(ana: Somebody) -> None:
    for said in ("58 clients are in another group.", "0 clients are in another group. 58 were there before."):
        await ana.goes("/staff/clients?q=Elif")
        await ana.ticks("All that match: 58")
        await ana.page.locator("#to_group").select_option(label="Group 5")
        await ana.presses("Move to group")
        await ana.sees(said)


async def _archives_all(ana: Somebody) -> None:
    """Each with credit and debts, some at a time; what was typed stays while the others are looked at."""
    await ana.ticks("All that match: 58")
    assert await ana.asks_to_archive() == "Archive 58 clients?"
    await ana.sees("1 to 50 of 58; the totals are of all")
    await ana.types("Why", "The group has ended.")
    await ana.presses("The next ones")
    await ana.sees("51 to 58 of 58")
    assert await ana.page.get_by_label("Why").input_value() == "The group has ended."
    assert await ana.page.locator("tbody tr").count() == 8
    await ana.presses("Archive 58 clients")
    assert await wrong_on(ana.page) == []
    await _done(ana, 58)
    async with ana.page.expect_navigation():
        await ana.page.locator(".tabs a", has_text="Archived").click()
    assert await ana.page.locator("tbody tr").count() == 50
    await ana.follows("Show more")
    assert await ana.page.locator("tbody tr").count() == 8


async def _tries_again(site: Site, ana: Somebody) -> None:
    """Who failed stands first, with the reason, and can be tried again at once."""
    archive = ana.page.url.partition("?")[0]
    last = (await ana.page.locator("tbody th a").last.inner_text()).strip()
    failed = "UPDATE bulk_archive_line SET result = 'failed', because = 'It did not answer.' WHERE archive_id = :id"
    id = archive.rpartition("/")[2]
    await _in_database(site, f"{failed} AND number = 58", id=id)
    await ana.goes(archive)
    assert last in await ana.page.locator("tbody tr").first.inner_text()
    await ana.sees("It did not answer.")
    assert await wrong_on(ana.page) == []
    await ana.presses("Try again with 1")
    await ana.sees("Was archived already.")
    await ana.follows("Cancel")


async def _sees_that_others_match_by_now(site: Site, ana: Somebody) -> None:
    """Who confirms 60 archives 60, or nobody."""
    await ana.goes("/staff/clients?q=Chlo%C3%A9")
    await ana.ticks("All that match: 60")
    await ana.asks_to_archive()
    await _in_database(site, "UPDATE client SET first_name = 'Claire' WHERE ref = 'L0000102'")
    await ana.presses("Archive 60 clients")
    assert await ana.heading() == "Archive 59 clients?"
    await ana.sees("is not how many there are now: 59")
    await ana.page.set_viewport_size({"width": 320, "height": 800})
    assert not await too_wide(ana.page)
    await ana.page.set_viewport_size({"width": 1280, "height": 900})


async def _finds_whom_to_write_to(ana: Somebody) -> None:
    await ana.goes("/staff/chats")
    assert await ana.page.locator("#members option").count() == 20
    await ana.types("Find a client", "L0000301")
    await ana.presses("Find")
    await ana.sees("1 found.")
    assert await ana.page.locator("#members option").count() == 1
