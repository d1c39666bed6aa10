"""Passkeys at the pages, in a real browser with an authenticator of its own, on both sides of the house."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

from playwright.async_api import Browser, CDPSession

from local.people import PASSWORD
from tests.web.accessible.looks import wrong_on
from tests.web.people import OWN_PASSWORD, Site, Somebody

_PHONE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
    "defaultBackupEligibility": True,
    "defaultBackupState": True,
}
CALLED_OFF = "Nothing was sent"
NO_FIT = "does not fit"


class Authenticator:
    """What unlocks itself by the finger of whoever has it, or refuses; and what is on it."""

    def __init__(self, devtools: CDPSession, id: str) -> None:
        self._devtools, self._id = devtools, id

    @classmethod
    async def of(cls, somebody: Somebody) -> "Authenticator":
        devtools = await somebody.context.new_cdp_session(somebody.page)
        await devtools.send("WebAuthn.enable")
        added = await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": _PHONE})
        return cls(devtools, added["authenticatorId"])

    async def _send(self, what: str, **more: Any) -> Any:
        return await self._devtools.send(f"WebAuthn.{what}", {"authenticatorId": self._id, **more})

    async def recognizes(self, owner: bool) -> None:
        """Whether the finger is its owner's."""
        await self._send("setUserVerified", isUserVerified=owner)

    async def passkeys(self) -> list[dict[str, Any]]:
        return list((await self._send("getCredentials"))["credentials"])

    async def loses_all(self) -> None:
        await self._send("clearCredentials")

    async def has(self, passkey: dict[str, Any]) -> None:
        await self._send("addCredential", credential=passkey)


async def test_a_client_makes_one_signs_in_by_it_and_removes_it(site: Site, visitor: Somebody) -> None:
    page = visitor.page
    phone = await Authenticator.of(visitor)
    await visitor.books("ana-silva", first_name="Pia")
    await visitor.activates()
    await _makes(visitor, OWN_PASSWORD, name="my <b>phone</b>")
    assert len(await page.locator("ul.card li").all()) == 10
    await visitor.goes("/account")
    await visitor.sees("my <b>phone</b>")  # as it was typed
    [kept] = await phone.passkeys()
    assert kept["rpId"] == "localhost"  # the host of the pages, and no other

    # By it alone, and on to where the sign-in was asked for.
    await visitor.presses("Sign out")
    await visitor.goes("/sign-in?next=/profile")
    await _shows(visitor, "Sign in with a passkey")
    assert page.url == f"{site.url}/profile"
    await visitor.presses("Sign out")

    # Called off: nothing was sent, and the same page goes on.
    await visitor.goes("/sign-in")
    await phone.recognizes(False)
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await visitor.sees(CALLED_OFF)
    await phone.recognizes(True)
    await _shows(visitor, "Sign in with a passkey")
    await visitor.sees("Appointments")
    await visitor.presses("Sign out")

    # Beside the password, in place of a code.
    await visitor.signs_in()
    await visitor.sees("show your second factor")
    assert await wrong_on(visitor.page) == []
    await page.locator("#password").fill(OWN_PASSWORD)
    await _shows(visitor, "Use my passkey instead of a code")
    await visitor.sees("Appointments")
    await visitor.presses("Sign out")


async def test_what_was_sent_once_is_good_no_more_nor_is_one_that_was_removed(site: Site, visitor: Somebody) -> None:
    page = visitor.page
    phone = await Authenticator.of(visitor)
    await visitor.books("ana-silva", first_name="Rut")
    await visitor.activates()
    await _makes(visitor, OWN_PASSWORD)
    await visitor.presses("Sign out")
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.post_data or "") if asked.method == "POST" else None)
    await visitor.goes("/sign-in")
    await _shows(visitor, "Sign in with a passkey")
    [shown] = [body for body in sent if "alone=" in body]
    await visitor.presses("Sign out")
    await visitor.goes("/sign-in")
    mark = await page.locator('form[action="/sign-in"] [name="mark"]').input_value()
    again: dict[str, str | float | bool] = {**dict(parse_qsl(shown)), "mark": mark}
    replayed = await visitor.context.request.post(f"{site.url}/sign-in/passkey", form=again)
    assert replayed.status == 401
    assert NO_FIT in await replayed.text()
    for nonsense in ("", "null", "[]", "{}", '{"id": "<script>"}', "x" * 5000):
        refused = await visitor.context.request.post(
            f"{site.url}/sign-in/passkey", form={"mark": mark, "alone": nonsense}
        )
        assert refused.status == 422, nonsense
        assert "There is a problem" not in await refused.text()

    # Removed by itself; what it signs then is refused, and so is a device without one.
    await visitor.goes("/sign-in")
    await _shows(visitor, "Sign in with a passkey")
    await visitor.goes("/account")
    await page.get_by_text("Remove it", exact=True).first.click()
    await page.locator('[name^="removal."][name$=".current"]').fill(OWN_PASSWORD)
    await _shows(visitor, "Remove it with a passkey")
    await visitor.sees("It is removed.")
    await visitor.presses("Sign out")
    await visitor.goes("/sign-in")
    await _shows(visitor, "Sign in with a passkey")
    await visitor.sees(NO_FIT)
    await phone.loses_all()
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await visitor.sees(CALLED_OFF)
    await visitor.signs_in()
    await visitor.sees("Appointments")


async def test_people_of_the_practice_have_their_own_beside_a_clients(site: Site, browser: Browser) -> None:
    async with Somebody.at(site, browser, wide=True) as ana:
        page = ana.page
        key = await Authenticator.of(ana)
        await ana.signs_in_as_staff("ana@practice.example")
        await _makes(ana, PASSWORD, base="/staff")
        codes = await page.locator("ul.card li").all_inner_texts()
        await ana.follows("I have kept them")
        await ana.sees("Synced passkey")

        # A second one on the same device is refused by the device.
        await page.get_by_text("Add a passkey").click()
        await page.locator("#key-current").fill(PASSWORD)
        await _shows(ana, "Set it up by another passkey")
        await page.get_by_role("button", name="Make the passkey").click()
        await ana.sees("has a passkey for this account already")

        # A new password by a mailed link asks for it, too.
        await ana.presses("Sign out")
        await ana.goes("/staff/reset")
        await ana.types("E-mail", "ana@practice.example")
        await ana.presses("Send the link")
        link = await site.link("ana@practice.example", "password_reset")
        await ana.goes(link)
        for _ in range(2):  # the first time it is told that one is wanted
            await page.locator("#password").fill("nine grey geese in a row")
            await page.locator("#again").fill("nine grey geese in a row")
            if await page.get_by_role("button", name="Use my passkey instead of a code").count():
                await _shows(ana, "Use my passkey instead of a code")
            else:
                await ana.presses("Change my password")
        await ana.sees("Today")

        # What is a colleague's opens nobody else's account, and nothing on the clients' side.
        await ana.presses("Sign out")
        await ana.goes("/sign-in")
        await _shows(ana, "Sign in with a passkey")
        await ana.sees(NO_FIT)
        await ana.goes("/staff/sign-in?next=//evil.example")
        await _shows(ana, "Sign in with a passkey")
        assert page.url == f"{site.url}/staff/today"
        await site.advance(
            timedelta(days=31)
        )  # passkeys keep the world's clock, and sign-ins of a stack like this do not end
        await ana.goes("/staff/account")
        await ana.sees("Synced passkey")
        await page.get_by_text("Make new recovery codes").click()
        await page.locator("#renewal-current").fill("nine grey geese in a row")
        await _shows(ana, "Make new codes with a passkey")
        assert set(await page.locator("ul.card li").all_inner_texts()).isdisjoint(codes)
        assert len(await key.passkeys()) == 1


async def test_a_browser_without_script_or_at_another_address_is_told_so(site: Site, browser: Browser) -> None:
    async with Somebody.at(site, browser, java_script_enabled=False) as plain:
        await plain.goes("/sign-in")
        assert "A passkey needs script, which is off in this browser. Sign in by your password." in await plain.reads()
        assert not await plain.page.get_by_role("button", name="Sign in with a passkey").is_visible()
    async with Somebody.at(site, browser) as elsewhere:
        await Authenticator.of(elsewhere)
        await elsewhere.goes(site.url.replace("localhost", "127.0.0.1") + "/sign-in")
        await elsewhere.page.get_by_role("button", name="Sign in with a passkey").click()
        await elsewhere.sees("load this page again")


# ---------------------------------------------------------------- what is done


async def _makes(somebody: Somebody, password: str, *, base: str = "", name: str = "") -> None:
    await somebody.goes(f"{base}/account")
    if name:
        await somebody.page.locator("#key-name").fill(name)
    await somebody.page.locator("#key-current").fill(password)
    await somebody.presses("Set up a passkey")
    assert await wrong_on(somebody.page) == []
    await _shows(somebody, "Make the passkey")
    await somebody.sees("Your recovery codes")


async def _shows(somebody: Somebody, button: str) -> None:
    """A passkey, by the press of a button; what follows is there when this returns."""
    async with somebody.page.expect_navigation():
        await somebody.page.get_by_role("button", name=button, exact=True).click()
