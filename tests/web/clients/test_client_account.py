"""A client's account: second factor, sign-ins, addresses, mails, and the links of mails."""

import hmac
import time
from base64 import b32decode
from struct import pack, unpack

from playwright.async_api import Browser

from tests.web.people import OWN_PASSWORD, Site, Somebody


def code_of(secret: str) -> str:
    """What an authenticator app shows now (RFC 6238)."""
    key = b32decode(secret.replace(" ", ""))
    digest = hmac.new(key, pack(">Q", int(time.time()) // 30), "sha1").digest()
    place = digest[-1] & 15
    return f"{(unpack('>I', digest[place : place + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


async def test_a_second_factor_with_recovery_codes(site: Site, visitor: Somebody, browser: Browser) -> None:
    page = visitor.page
    await visitor.books("ana-silva", first_name="Tove")
    await visitor.activates()
    async with Somebody.at(site, browser) as elsewhere:
        elsewhere.email = visitor.email
        await elsewhere.signs_in()
        await visitor.goes("/account")
        await visitor.presses("Sign out there")
        await elsewhere.goes("/forms")
        assert await elsewhere.heading() == "Sign in"

        await page.locator("#factor-current").fill("not my password")
        await visitor.presses("Set up an authenticator app")
        await visitor.sees("is not your password")
        await page.locator("#factor-current").fill(OWN_PASSWORD)
        await visitor.presses("Set up an authenticator app")
        secret = await page.locator(".card p").inner_text()
        await visitor.types("Code", "000000")
        await visitor.presses("Turn it on")
        await visitor.sees("There is a problem")
        await visitor.types("Code", code_of(secret))
        await visitor.presses("Turn it on")
        codes = await page.locator("ul.card li").all_inner_texts()
        assert len(codes) == 10
        await visitor.follows("I have kept them")
        await visitor.sees("10 recovery codes are left.")

        await elsewhere.signs_in()
        await elsewhere.sees("authenticator app, or a recovery code")
        await elsewhere.page.locator("#password").fill(OWN_PASSWORD)
        await elsewhere.types("Code", codes[0])
        async with elsewhere.page.expect_navigation():
            await elsewhere.page.get_by_role("button", name="Sign in", exact=True).click()
        await elsewhere.goes("/account")
        await elsewhere.sees("9 recovery codes are left.")
        await elsewhere.page.get_by_text("Remove it").first.click()
        await elsewhere.page.locator('[name^="removal."][name$=".current"]').fill(OWN_PASSWORD)
        await elsewhere.page.locator('[name^="removal."][name$=".code"]').fill(codes[1])
        await elsewhere.presses("Remove it")
        await elsewhere.sees("It is removed.")


async def test_password_address_and_mails(site: Site, visitor: Somebody) -> None:
    page = visitor.page
    await visitor.books("ana-silva", first_name="Una")
    await visitor.activates()
    activation = await site.link(visitor.email, "welcome")
    assert (await visitor.goes(activation)).status == 410
    await visitor.goes("/account")
    await page.locator("#password-current").fill(OWN_PASSWORD)
    await page.locator("#password-password").fill("short")
    await visitor.presses("Change my password")
    await visitor.sees("There is a problem")
    await page.locator("#password-current").fill(OWN_PASSWORD)
    await page.locator("#password-password").fill("four slow rivers in june")
    await visitor.presses("Change my password")
    await visitor.sees("Your password is changed")

    await page.locator("#address-email").fill("una@elsewhere.example")
    await page.locator("#address-current").fill("four slow rivers in june")
    await visitor.presses("Send a link to it")
    await visitor.sees("We sent a link")
    await visitor.goes(await site.link("una@elsewhere.example", "email_confirm"))
    await visitor.presses("Use this address")
    await visitor.sees("You sign in with it from now on.")
    visitor.email = "una@elsewhere.example"

    await visitor.goes("/profile")
    await page.get_by_label("Mail me reminders").uncheck()
    await visitor.presses("Save")
    await visitor.sees("Saved.")
    assert not await page.get_by_label("Mail me reminders").is_checked()
    await page.get_by_label("Mail me reminders").check()
    await visitor.types("Phone", "+1 212 555 0199")
    await visitor.presses("Save")
    assert await page.get_by_label("Phone").input_value() == "+12125550199"  # as it is dialled

    await visitor.presses("Sign out")
    await visitor.goes("/reset")
    await visitor.types("E-mail", visitor.email)
    await visitor.presses("Send the link")
    await visitor.goes(await site.link(visitor.email, "password_reset"))
    await page.locator("#password").fill(OWN_PASSWORD)
    await page.locator("#again").fill("another one than that")
    await visitor.presses("Change my password")
    await visitor.sees("Is not the one above")
    await page.locator("#password").fill(OWN_PASSWORD)
    await page.locator("#again").fill(OWN_PASSWORD)
    await visitor.presses("Change my password")
    await visitor.sees("Next")


async def test_a_known_address_joins_its_bookings_and_an_archive_is_never_seen(
    site: Site, visitor: Somebody, browser: Browser
) -> None:
    await visitor.books("ana-silva", first_name="Vera")
    await visitor.activates()
    async with Somebody.at(site, browser) as again:
        again.email = visitor.email
        await again.books("ana-silva", first_name="Vera")
    await visitor.goes(await site.link(visitor.email, "already_known"))
    await visitor.presses("Put them together")
    await visitor.sees("Your booking is with the rest of your record.")

    [client] = [
        one for one in (await site.api("GET", f"/v1/clients?q={visitor.email}"))["items"] if one["account_active"]
    ]
    await site.api("POST", f"/v1/clients/{client['id']}/archive", {"reason": "has moved away"})
    for path in ("/appointments", "/forms", "/chats", "/payments", "/profile", "/account", "/more", "/book/ana-silva"):
        assert (await visitor.goes(path)).status == 200
        assert "archiv" not in (await visitor.page.content()).lower(), path
        assert "moved away" not in await visitor.page.content(), path
