"""What a local stack has besides: where to begin, and the parts."""

import pytest
from playwright.async_api import Browser

from tests.web.people import Site, Somebody
from tests.web.test_accessible import too_wide, violations


async def test_the_start_page_leads_everybody_to_their_pages(site: Site, visitor: Somebody) -> None:
    await visitor.goes("/start")
    assert await violations(visitor) == []
    for email, path in (("ana@", "today"), ("care@", "desk"), ("owner@", "therapists")):
        await visitor.goes("/start")
        await visitor.presses(f"Sign in as {email}practice.example")
        assert visitor.page.url == f"{site.url}/staff/{path}"
    before = await site.now()
    await visitor.goes("/start")
    await visitor.presses("One hour")
    assert (await site.now() - before).total_seconds() >= 3600
    await visitor.follows("Book as a client")
    assert visitor.page.url == f"{site.url}/"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_part_can_be_used_by_everybody(scheme: str, site: Site, browser: Browser) -> None:
    async with Somebody.at(site, browser, color_scheme=scheme) as somebody:
        await somebody.page.set_viewport_size({"width": 320, "height": 640})
        for path in ("/styleguide", "/staff/styleguide"):
            await somebody.goes(path)
            assert await violations(somebody) == []
            assert not await too_wide(somebody)
            await somebody.page.evaluate("document.documentElement.dir = 'rtl'")
            assert not await too_wide(somebody)
