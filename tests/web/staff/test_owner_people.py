"""An owner and people: therapists and staff, invited and changed and kept out; programs' keys; who looked."""

import httpx
from playwright.async_api import Browser, expect

from tests.web.people import OWN_PASSWORD, Site, Somebody

OWNER = "owner@practice.example"


async def takes_the_invitation(somebody: Somebody, email: str) -> None:
    await somebody.goes(await somebody.site.link(email, "invitation"))
    await somebody.page.locator("#password").fill(OWN_PASSWORD)
    await somebody.page.locator("#again").fill(OWN_PASSWORD)
    await somebody.presses("Activate my account")


async def test_a_therapist_is_added_invited_and_takes_no_new_clients(
    site: Site, browser: Browser, visitor: Somebody
) -> None:
    """Where a licence, a language and the fee are wrong each is told beside its input, and what was typed is kept."""
    async with Somebody.at(site, browser, wide=True) as owner, Somebody.at(site, browser, wide=True) as therapist:
        await owner.signs_in_as_staff(OWNER)
        await owner.goes("/staff/staff/invite")
        await owner.types("Name", "Nína Ode")
        await owner.types("E-mail", "nina@practice.example")
        await owner.ticks("Therapist")
        await owner.presses("Send the invitation")
        await owner.sees("choose whose profile it is")
        await owner.follows("add the therapist")
        await owner.types("Name", "Nína Ode")
        await owner.types("E-mail", "nina@practice.example")
        await owner.types("Credentials", "LMFT")
        await owner.types("State of licence 1", "NY")
        await owner.types("Number of licence 1", "085512")
        await owner.types("State of licence 2", "ZZ")
        await owner.types("Languages", "english, Portuguese, Elvish")
        await owner.ticks("Anxiety")
        await owner.ticks("Individual")
        await owner.types("Fee of a session", "much")
        await owner.presses("Add therapist")
        await owner.sees("There is a problem")
        await owner.types("Fee of a session", "120.00")
        await owner.presses("Add therapist")
        await owner.sees("Elvish is none of the languages")
        for at in ("#licence-1-state", "#languages"):
            assert await owner.page.locator(at).get_attribute("aria-invalid") == "true"
        assert await owner.page.get_by_label("Anxiety").is_checked()
        await owner.types("State of licence 2", "NJ")
        await owner.types("Languages", "english, Portuguese")
        await owner.presses("Add therapist")
        await owner.sees("Added, and the invitation is on its way.")
        assert owner.page.url.endswith("/staff/therapists/nina-ode?done=invited")
        assert await owner.page.locator("#languages").input_value() == "English, Portuguese"

        await takes_the_invitation(therapist, "nina@practice.example")
        assert therapist.page.url == f"{site.url}/staff/today"
        await visitor.goes("/therapists/nina-ode")
        for words in ("New York, New Jersey", "English, Portuguese", "Anxiety", "120.00 USD", "See open times"):
            await visitor.sees(words)
        await owner.presses("Take no new clients")
        await owner.sees("New clients are not offered this therapist any more.")
        await visitor.goes("/therapists/nina-ode")
        await visitor.sees("takes no new clients at the moment")
        await owner.types("Fee of a session", "130.00")
        await owner.presses("Save")
        await owner.sees("Saved.")
        await owner.goes("/staff/therapists")
        card = owner.page.locator(".card", has_text="Nína Ode")
        await expect(card).to_contain_text("Takes no new clients")  # a saved profile changes nothing in that
        await expect(card).to_contain_text("NY, NJ")


async def test_people_come_have_two_roles_and_are_kept_out_at_once(site: Site, browser: Browser) -> None:
    async with Somebody.at(site, browser, wide=True) as owner, Somebody.at(site, browser, wide=True) as carl:
        await owner.signs_in_as_staff(OWNER)
        for name in ("Carl", "Wanda"):
            await owner.goes("/staff/staff/invite")
            await owner.types("Name", f"{name} Work")
            await owner.types("E-mail", f"{name.lower()}@practice.example")
            await owner.ticks("Care team")
            await owner.presses("Send the invitation")
            await owner.sees("The invitation is on its way.")
        link = await site.link("wanda@practice.example", "invitation")
        await owner.presses("Revoke the invitation of Wanda Work")
        await owner.sees("The invitation is taken back")
        assert (await carl.goes(link)).status == 410
        await takes_the_invitation(carl, "carl@practice.example")
        assert carl.page.url == f"{site.url}/staff/desk"

        await owner.goes("/staff/staff")
        await owner.follows("Carl Work")
        await owner.ticks("Owner")
        await owner.presses("Save")
        await owner.sees("It holds from this moment.")
        assert (await carl.goes("/staff/texts")).status == 200
        await carl.goes("/staff/clients")
        assert await carl.page.get_by_role("link", name="Who looked").count() == 1
        await owner.page.get_by_label("Owner").uncheck()
        await owner.presses("Save")
        assert (await carl.goes("/staff/accesses")).status == 403
        await owner.presses("Lock")
        await owner.sees("Locked, and signed out everywhere.")
        await carl.goes("/staff/clients")
        assert await carl.heading() == "Sign in"
        await owner.presses("Unlock")
        await carl.goes(await site.link("carl@practice.example", "password_reset"))
        await carl.page.locator("#password").fill(OWN_PASSWORD)
        await carl.page.locator("#again").fill(OWN_PASSWORD)
        await carl.presses("Change my password")
        assert (await carl.goes("/staff/clients")).status == 200
        await owner.page.get_by_text("End the account for good").click()
        await owner.presses("End the account of Carl Work")
        await owner.sees("The account is ended")
        await carl.goes("/staff/clients")
        assert await carl.heading() == "Sign in"
        await owner.goes("/staff/staff")
        await expect(owner.page.locator("tr", has_text="Carl Work")).to_contain_text("Ended")
        await owner.follows("Olive Gray")
        await owner.sees("This is you.")
        assert await owner.page.get_by_role("button", name="Lock").count() == 0


async def test_a_program_gets_a_key_and_the_log_tells_of_it(site: Site, browser: Browser, visitor: Somebody) -> None:
    """Made, used, changed, ended; the log is filtered by who did what, and verified."""
    await visitor.books("ana-silva", first_name="Lena")

    async def listed(key: str) -> int:
        headers = {"Authorization": f"Bearer {key}"}
        answer: httpx.Response = await site.http.get(f"{site.stack.api_url}/v1/clients", headers=headers)
        return answer.status_code

    async with Somebody.at(site, browser, wide=True) as owner:
        await owner.signs_in_as_staff(OWNER)
        await owner.goes("/staff/keys")
        await owner.types("Name of the program", "our-bookkeeping")
        await owner.chooses("As", "care_team")
        await owner.ticks("Read")
        await owner.presses("Make the key")
        await owner.sees("Shown once:")
        key = await owner.page.locator(".notice code").first.inner_text()
        assert await listed(key) == 200
        await owner.page.locator("summary", has_text="Change it").click()
        await owner.presses("Make a new key for it")
        other = await owner.page.locator(".notice code").first.inner_text()
        assert [await listed(each) for each in (key, other)] == [200, 200]  # the former one holds for a day
        await owner.page.locator("summary", has_text="End it").click()
        await owner.presses("End it at once")
        await owner.sees("It is ended.")
        assert [await listed(each) for each in (key, other)] == [401, 401]

        await owner.goes("/staff/accesses")
        await owner.sees("Looked at the record")
        await owner.chooses("Who", "olive-gray")
        await owner.chooses("What", "key_made")
        await owner.presses("Show")
        rows = owner.page.locator("tbody tr")
        await expect(rows).to_have_count(1)
        await expect(rows.first).to_contain_text("Made a key: our-bookkeeping")
        await owner.presses("Verify the log")
        await owner.sees("The log holds.")
        await expect(rows).to_have_count(1)  # the filter stays
        await owner.goes("/staff/accesses?who=our-bookkeeping&event=read")
        await owner.follows("1 client")
        await owner.sees("Of one client alone.")
        assert await owner.page.locator('a[href*="/clients"]').count() == 0  # whom it is about is not shown
