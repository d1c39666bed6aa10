"""What is left in a browser once somebody has signed out, and what another site's page can send with its cookies."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, FilePayload

from tests.web.people import Site, Somebody

_AS_BACK_FINDS_IT = "window.dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))"


async def test_back_shows_nothing_of_whoever_was_signed_in(site: Site, visitor: Somebody, browser: Browser) -> None:
    page = visitor.page
    await visitor.books("ana-silva", first_name="Quirin")
    appointment = page.url.partition("?")[0]
    await visitor.activates()
    async with Somebody.at(site, browser, wide=True) as ana:
        await ana.signs_in_as_staff("ana@practice.example")
        await ana.goes("/staff/clients?q=Quirin")
        await ana.page.locator("th a").first.click()
        await ana.sees("Quirin Lind")
        record = ana.page.url
        for somebody, seen in ((visitor, ("/profile", appointment, "/account")), (ana, (record, "/staff/today"))):
            for path in seen:
                answer = await somebody.goes(path)
                assert answer.headers["cache-control"] == "no-store"
            await somebody.presses("Sign out")
            for _ in seen:
                await somebody.page.go_back()
                await somebody.page.get_by_role("heading", name="Sign in").wait_for()
                for secret in ("Quirin", visitor.email):
                    assert secret not in await somebody.page.content()


async def test_a_page_that_was_kept_as_it_was_is_not_shown_again_once_signed_out(site: Site, visitor: Somebody) -> None:
    """Some browsers keep whole pages for Back; and somebody may sign out in another window."""
    page = visitor.page
    await visitor.books("ana-silva", first_name="Runa")
    await visitor.activates()
    await visitor.goes("/profile")
    await page.get_by_label("Phone").fill("+1 212 555 0142")
    async with page.expect_response(f"{site.url}/profile"):
        await page.evaluate(_AS_BACK_FINDS_IT)
    await page.wait_for_function("!document.documentElement.hidden")
    assert await page.get_by_label("Phone").input_value() == "+1 212 555 0142"  # nothing that was typed is lost
    other = await visitor.context.new_page()
    await other.goto(f"{site.url}/appointments")
    await other.get_by_role("button", name="Sign out").click()
    await other.get_by_role("link", name="Sign in").first.wait_for()
    async with page.expect_navigation():
        await page.evaluate(_AS_BACK_FINDS_IT)
    assert await visitor.heading() == "Sign in"
    assert visitor.email not in await page.content()


async def test_no_page_of_another_site_sends_a_form_of_ours(site: Site, visitor: Somebody) -> None:
    """Neither one elsewhere, which gets no cookies sent along, nor one on another port of this host, which does."""
    await visitor.books("ana-silva", first_name="Saga")
    await visitor.activates()
    await visitor.goes("/profile")
    mark = await visitor.page.locator('form[action$="/profile"] [name="mark"], main [name="mark"]').first.input_value()
    for host in ("127.0.0.1", "localhost"):
        for known in ("", mark):  # even if it knew the mark
            form = (
                f'<form method="post" action="{site.url}/profile"><input name="mark" value="{known}">'
                '<input name="first_name" value="Evil"><button>Win</button></form>'
            )
            async with _a_page(form, host) as address:
                await visitor.page.goto(address)
                async with visitor.page.expect_navigation(url=f"{site.url}/profile"):
                    await visitor.page.get_by_role("button", name="Win").click()
                await visitor.sees("Please send that again")
    await visitor.goes("/profile")
    assert await visitor.page.get_by_label("First name").input_value() == "Saga"


async def test_a_file_that_is_too_large_is_told_so_before_and_after(
    site: Site, visitor: Somebody, browser: Browser
) -> None:
    await visitor.books("ana-silva", first_name="Tyra")
    async with Somebody.at(site, browser, wide=True) as ana:
        await ana.signs_in_as_staff("ana@practice.example")
        await ana.goes("/staff/clients?q=Tyra")
        await ana.page.locator("th a").first.click()
        await ana.sees("Tyra Lind")
        await ana.goes(f"{ana.page.url.partition('?')[0]}/documents")
        await ana.sees("At most 10 MB.")
        for size, told in ((11, "has more than 10 MB"), (33, "That is too large")):
            scan = FilePayload(name="scan.txt", mimeType="text/plain", buffer=b"a" * (size * 1024 * 1024))
            await ana.types("Title", "A scan")
            await ana.page.locator('input[type="file"]').set_input_files(scan)
            await ana.presses("Share")
            await ana.sees(told)
            if size == 11:
                assert await ana.page.locator("#file-error").count() == 1
                assert await ana.page.get_by_label("Title").input_value() == "A scan"


@asynccontextmanager
async def _a_page(html: str, host: str) -> AsyncIterator[str]:
    """Of another site, by its address."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n{html}".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://{host}:{server.sockets[0].getsockname()[1]}/"
