"""What a local stack has besides: where to begin. How it looks, tests/web/accessible sees, as of every page."""

from tests.web.people import Site, Somebody


async def test_the_start_page_leads_everybody_to_their_pages(site: Site, visitor: Somebody) -> None:
    await visitor.goes("/start")
    for email, path in (("ana@", "today"), ("care@", "desk"), ("owner@", "desk")):
        await visitor.goes("/start")
        await visitor.presses(f"Sign in as {email}practice.example")
        assert visitor.page.url == f"{site.url}/staff/{path}"
    before = await site.now()
    await visitor.goes("/start")
    await visitor.presses("One hour")
    assert (await site.now() - before).total_seconds() >= 3600
    await visitor.follows("Book as a client")
    assert visitor.page.url == f"{site.url}/"
