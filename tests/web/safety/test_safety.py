"""What others might try with somebody's browser: each refused, and nothing changed."""

import asyncio

from playwright.async_api import Browser

from tests.web.people import Site, Somebody


async def test_a_form_of_another_site_is_refused(site: Site, visitor: Somebody) -> None:
    await visitor.books("ana-silva")
    address = visitor.page.url.partition("?")[0]
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {}):
        for mark in ("", "0" * 64):
            answer = await visitor.context.request.post(  # with the cookies that this browser has
                f"{address}/cancel", form={"mark": mark, "scope": "one"}, headers=headers
            )
            assert answer.status == 403
    await visitor.goes(address)
    assert "Booked" in await visitor.reads()


async def test_a_mark_from_before_a_sign_in_is_none(site: Site, visitor: Somebody) -> None:
    await visitor.books("ana-silva")
    before = await visitor.page.context.new_page()
    await before.goto(f"{site.url}/profile")
    await visitor.activates()
    await before.get_by_role("button", name="Save").click()
    assert "Please send that again" in await before.locator("h1").inner_text()


async def test_pages_are_framed_by_nobody_and_run_no_script_but_their_own(site: Site) -> None:
    for path in ("/", "/find", "/sign-in", "/staff/sign-in", "/book/ana-silva", "/nowhere"):
        answer = await site.http.get(f"{site.url}{path}")
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "style=" not in answer.text
        assert "<script>" not in answer.text
        assert "onclick" not in answer.text


async def test_a_frame_around_a_page_stays_empty(site: Site, browser: Browser) -> None:
    frames = f'<iframe src="{site.url}/sign-in"></iframe><iframe src="{site.url}/staff/sign-in"></iframe>'

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n{frames}".encode())
        await writer.drain()
        writer.close()

    context = await browser.new_context()
    page = await context.new_page()
    failed: list[str | None] = []
    page.on("requestfailed", lambda request: failed.append(request.failure))
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        await page.goto(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", wait_until="load")
        assert [await frame.locator("form").count() for frame in page.frames] == [0, 0, 0]
        assert failed == ["net::ERR_BLOCKED_BY_RESPONSE"] * 2
    await context.close()


async def test_no_script_reads_who_has_signed_in(site: Site, visitor: Somebody) -> None:
    await visitor.books("ana-silva")
    await visitor.activates()
    assert "client" not in await visitor.page.evaluate("document.cookie")
    [token] = [one for one in await visitor.context.cookies() if one["name"].startswith("client")]
    assert token["httpOnly"]
    assert token["sameSite"] == "Lax"
    assert token["value"] not in await visitor.page.content()


async def test_a_sign_in_leads_to_no_other_site(site: Site, browser: Browser) -> None:
    for next in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "/today"):
        async with Somebody.at(site, browser) as somebody:
            await somebody.goes(f"/staff/sign-in?next={next}")
            await somebody.types("E-mail", "ana@practice.example")
            await somebody.page.locator("#password").fill("a local stack only")
            async with somebody.page.expect_navigation():
                await somebody.page.get_by_role("button", name="Sign in", exact=True).click()
            assert somebody.page.url == f"{site.url}/staff/today"


async def test_nothing_personal_is_kept_after_signing_out(site: Site, visitor: Somebody) -> None:
    await visitor.books("ana-silva")
    await visitor.activates()
    answer = await visitor.goes("/profile")
    assert answer.headers["cache-control"] == "no-store"
    await visitor.presses("Sign out")
    await visitor.page.go_back()
    await visitor.page.wait_for_load_state()
    assert visitor.email not in await visitor.page.content()
    assert "Sign in" in await visitor.reads()


async def test_one_persons_page_under_anothers_sign_in_is_not_there(
    site: Site, visitor: Somebody, browser: Browser
) -> None:
    address = await visitor.books("ana-silva")
    async with Somebody.at(site, browser) as other:
        await other.books("ana-silva")
        assert (await other.goes(address)).status == 404
        assert (await other.goes("/staff/clients")).url.startswith(f"{site.url}/staff/sign-in")


async def test_a_path_cannot_reach_another_call_of_the_api(site: Site, visitor: Somebody) -> None:
    await visitor.books("ana-silva")
    for path in ("/appointments/..%2F..%2Fhealthz", "/therapists/..%2F..%2Freadyz", "/book/%2e%2e%2fme"):
        assert (await visitor.goes(path)).status == 404
