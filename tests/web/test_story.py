"""The whole story of a client, through pages alone: found, booked, in care, charged, archived with others, and back.

The clock is moved, and the mails are read. All else is what somebody sees and presses.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import unescape
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, expect

from local.people import PASSWORD
from tests.web.people import OWN_PASSWORD, ZONE, Site, Somebody

pytestmark = pytest.mark.timeout(600)  # a walk of ten weeks

BEN, DESK = "ben@practice.example", "care@practice.example"

FEE, CREDIT = "120.00 USD", "20.00 USD"
GOOD, DECLINES = "4242424242424242", "4000000000000341"  # the second can be saved, and every charge is declined
DETAILS = {"First name": "Sara", "Last name": "Lind", "E-mail": "sara@mail.example", "Phone": "+1 212 555 0100"}
UNSPOKEN = "archiv"
TWO_DAYS = timedelta(days=2)


@dataclass(frozen=True)
class Appointment:
    """As its client's page tells it."""

    address: str
    starts_at: datetime

    @property
    def id(self) -> str:
        return self.address.rpartition("/")[2]


async def test_the_whole_story(site: Site, browser: Browser, visitor: Somebody) -> None:
    sara = visitor
    await finds_a_therapist(sara)
    intro = await books_the_intro_call(sara)
    await sara.activates()
    await is_refused_before_the_forms(sara)
    await completes_the_forms(sara)
    async with Somebody.at(site, browser, wide=True) as ben, Somebody.at(site, browser, wide=True) as desk:
        ben.email, desk.email = BEN, DESK
        await takes_place(ben, intro)
        first, second, third, fourth, fifth, _ = await books_six(sara)
        await takes_place(ben, first)
        await is_charged_within_two_days(sara)
        await is_declined_and_gives_another_card(sara, ben, second)
        await cancels_late(sara, ben, third)
        await takes_place(ben, fourth)
        await others_come(ben, after=fourth)
        await gets_credit(desk)
        # The fifth is held and not yet charged, and the sixth is ahead, when three clients are archived at once.
        await takes_place(ben, fifth)
        await archives_several(ben)
        await sees_nothing_of_it(sara)
        await is_active_again(ben)
        [restored] = await ahead_of(sara)
        await takes_place(ben, restored)
        await site.advance(TWO_DAYS)
        last = await books_again(sara)
        await takes_place(ben, last)
        await site.advance(TWO_DAYS)
        await adds_up(sara, desk)


# ---------------------------------------------------------------- the way in


async def finds_a_therapist(sara: Somebody) -> None:
    await sara.goes("/")
    await sara.follows("Find a therapist")
    await sara.follows("Begin")
    await sara.chooses("State", "IL")
    await sara.presses("Continue")
    await sara.ticks("trauma")
    for _ in range(4):
        await sara.presses("Continue")
    await sara.presses("Find my therapist")
    assert "Ben Okafor" in await sara.heading()


async def books_the_intro_call(sara: Somebody) -> Appointment:
    await sara.follows("See open times")
    await sara.follows("Free intro call")
    async with sara.page.expect_navigation():
        await sara.page.locator(".slots button").first.click()
    for label, text in DETAILS.items():
        await sara.types(label, text)
    await sara.presses("Book the intro call")
    await sara.sees("Booked.")
    sara.email = DETAILS["E-mail"]
    return await told_on(sara)


async def is_refused_before_the_forms(sara: Somebody) -> None:
    await sara.goes("/book/ben-okafor?type=session")
    await sara.sees("Session: ")
    assert await sara.page.locator(".slots button").count() == 0
    await sara.follows("Fill in your forms")


async def completes_the_forms(sara: Somebody) -> None:
    for kind in ("informed_consent", "initial_consultation", "billing_info"):
        await sara.goes(f"/forms/{kind}")
        if kind == "billing_info":
            await sara.page.locator('[name="answers.billing_name"]').fill("Sara Lind")
            await sara.presses("Give a card")
            await types_card(sara, GOOD)
            await sara.sees("Your card is with Stripe")
        for field in await sara.page.locator("main :is(input[type=text], textarea)[required]").all():
            if not await field.input_value():
                await field.fill("+1 212 555 0199" if "phone" in (await field.get_attribute("name") or "") else "Sleep")
        for question in await sara.page.locator("fieldset:has(input[required][type=radio])").all():
            await question.locator("input").first.check()
        for box in await sara.page.locator('main input[type="checkbox"]').all():
            await box.check()
        await sara.types("Your full name", "Sara Lind")
        await sara.presses("Sign and send")
        await sara.sees("The form is complete.")


async def types_card(sara: Somebody, number: str) -> None:
    await sara.follows("Continue to Stripe")
    await sara.page.get_by_label("Card number").fill(number)
    await sara.presses("Save")


# ---------------------------------------------------------------- in care


async def told_on(sara: Somebody) -> Appointment:
    """The appointment whose page she has before her."""
    found = re.search(r"\w{3} \d+ \w+ \d{4}, \d\d:\d\d(?=, New York time)", await sara.reads())
    assert found, await sara.reads()
    starts_at = datetime.strptime(found[0], "%a %d %B %Y, %H:%M").replace(tzinfo=ZoneInfo(ZONE))
    return Appointment(sara.page.url.partition("?")[0], starts_at)


async def ahead_of(sara: Somebody) -> list[Appointment]:
    await opens(sara, "/appointments")
    links = await sara.page.get_by_role("link", name="Details").all()
    addresses = [str(await link.get_attribute("href")) for link in links]
    ahead = []
    for address in addresses:
        await sara.goes(address)
        ahead.append(await told_on(sara))
    return ahead


async def until(site: Site, instant: datetime) -> None:
    await site.advance(instant - await site.now())


async def opens(somebody: Somebody, path: str) -> None:
    """By the sign-in, where that of before has ended; it leads to the very page."""
    await somebody.goes(path)
    if "/sign-in" not in somebody.page.url:
        return
    await somebody.types("E-mail", somebody.email)
    await somebody.page.locator("#password").fill(PASSWORD if somebody.email in (BEN, DESK) else OWN_PASSWORD)
    async with somebody.page.expect_navigation():
        await somebody.page.get_by_role("button", name="Sign in", exact=True).click()
    assert somebody.page.url.endswith(path), somebody.page.url


async def takes_place(ben: Somebody, one: Appointment) -> None:
    """And is marked, as soon as it is over, with all else that Ben finds unmarked."""
    await until(ben.site, one.starts_at + timedelta(hours=1))
    await opens(ben, "/staff/today")
    await ben.page.get_by_role("button", name="Took place").first.wait_for()
    while await ben.page.get_by_role("button", name="Took place").count():
        await ben.presses("Took place")


async def books_six(sara: Somebody) -> Sequence[Appointment]:
    await opens(sara, "/book/ben-okafor?type=session")
    async with sara.page.expect_navigation():
        await sara.page.locator(".slots button").first.click()
    await sara.sees(f"A session costs {FEE}. You are charged after it took place, never before.")
    await sara.chooses("How many sessions", "6")
    await sara.presses("Book these dates")
    await sara.sees("6 appointments, of which this is the first")
    return await ahead_of(sara)


async def follows_mail(sara: Somebody, template: str) -> None:
    """The newest such mail's link leads to its page, by the sign-in."""
    link = await sara.site.link(sara.email, template)
    await sara.context.clear_cookies()
    await opens(sara, link)


async def is_charged_within_two_days(sara: Somebody) -> None:
    await sara.site.advance(TWO_DAYS)
    await follows_mail(sara, "receipt")
    assert await sara.heading() == FEE
    await sara.sees("Download the receipt")


async def is_declined_and_gives_another_card(sara: Somebody, ben: Somebody, second: Appointment) -> None:
    await opens(sara, "/card")
    await sara.presses("Give another card")
    await types_card(sara, DECLINES)
    await sara.sees("Stripe has your card")
    await takes_place(ben, second)
    await sara.site.advance(timedelta(hours=25))
    await follows_mail(sara, "payment_failed")
    await sara.goes("/payments")
    assert [row[2:] for row in await rows(sara)] == [[FEE, "Paid"], [FEE, "Failed, will be tried again"]]
    await sara.goes("/card")
    await sara.presses("Give another card")
    await types_card(sara, GOOD)
    await sara.sees("Stripe has your card")
    await sara.site.advance(timedelta(minutes=5))
    await sara.goes("/payments")
    assert [row[2:] for row in await rows(sara)] == [[FEE, "Paid"], [FEE, "Paid"]]


async def cancels_late(sara: Somebody, ben: Somebody, third: Appointment) -> None:
    """She cannot alone any more, and reads what it costs; Ben cancels for her, and sees it too before he does."""
    await until(sara.site, third.starts_at - timedelta(hours=30))
    await opens(sara, f"{third.address}/cancel")
    await sara.sees(f"If you cancel now or do not come, {FEE} is due.")
    await opens(ben, f"/staff/appointments/{third.id}")
    await ben.page.get_by_text("Cancel", exact=True).first.click()
    await ben.page.get_by_label("The client's").check()
    await ben.presses("See what it means")
    await ben.sees(f"In all {FEE} would be charged to the client.")
    await ben.presses("Cancel")
    await ben.sees("Cancelled late")
    await until(sara.site, third.starts_at + TWO_DAYS)
    await opens(sara, third.address)
    await sara.sees("Cancelled late, the fee is due")
    await sara.follows("Its payment")
    await sara.sees("Late cancellation")
    await sara.sees("Download the receipt")


async def record_of(staff: Somebody, name: str, *, tab: str = "active") -> str:
    await opens(staff, f"/staff/clients?tab={tab}&q={name}")
    await staff.page.locator("th a").first.click()
    await staff.page.get_by_label("Parts of the record").wait_for()
    return staff.page.url.partition("?")[0]


async def gets_credit(desk: Somebody) -> None:
    await opens(desk, f"{await record_of(desk, 'Sara')}/money")
    await desk.types("Amount", "20.00")
    await desk.types("Why", "Goodwill")
    await desk.presses("Give credit")
    await desk.sees(CREDIT)


# ---------------------------------------------------------------- archived, and back


async def others_come(ben: Somebody, *, after: Appointment) -> None:
    """Otto, who has a session and no card, so that he owes it; and Petra, who has nothing yet."""
    for name in ("Petra", "Otto"):
        await opens(ben, "/staff/clients/new")
        await ben.types("First name", name)
        await ben.types("Last name", "Berg")
        await ben.types("E-mail", f"{name.lower()}@mail.example")
        await ben.types("Phone", "+1 212 555 0107")
        await ben.presses("Add client")
        await ben.sees("Added.")
    starts_at = after.starts_at + timedelta(days=1)
    await opens(ben, f"{await record_of(ben, 'Otto')}/sessions?date={starts_at:%Y-%m-%d}&time={starts_at:%H:%M}")
    await ben.types("Why, where rules are set aside", "He asked for this hour.")
    await ben.presses("Book")
    await ben.sees("1 appointment")
    await takes_place(ben, Appointment("", starts_at))
    await ben.site.advance(TWO_DAYS)


async def archives_several(ben: Somebody) -> None:
    await opens(ben, "/staff/clients")
    for name in ("Sara Lind", "Otto Berg", "Petra Berg"):
        await ben.ticks(f"Tick {name}")
    assert await ben.asks_to_archive() == "Archive 3 clients?"
    listed = {row[1].split("\n")[0]: row[2:] for row in await rows(ben, "dialog tbody tr")}
    assert {name.rsplit(" ", 1)[0]: cells for name, cells in listed.items()} == {
        "Sara Lind": [CREDIT, FEE, "1", "1"],
        "Otto Berg": ["0.00 USD", FEE, "0", "0"],
        "Petra Berg": ["0.00 USD", "0.00 USD", "0", "0"],
    }
    await ben.sees(f"credit {CREDIT}, owed 240.00 USD")
    await ben.presses("Archive 3 clients")
    await expect(ben.page.get_by_text("3 of 3 done").first).to_be_visible(timeout=30_000)
    await expect(ben.page.get_by_text("Archived", exact=True)).to_have_count(3, timeout=30_000)
    await ben.follows("The archived clients")
    assert len(await rows(ben)) == 3


def kind_of_address(path: str) -> str:
    """One week of open times stands for those after it, which have no end."""
    path, _, query = path.partition("?")
    return "&".join((path, *sorted(parse_qs(query))))


async def sees_nothing_of_it(sara: Somebody) -> None:
    """Every page that she can reach, and every mail, as the browser and the mail program have them."""
    await sara.site.advance(timedelta(minutes=5))
    await opens(sara, "/appointments")
    seen, ahead = dict[str, str](), ["/", "/appointments"]
    while ahead:
        path = ahead.pop()
        answer = await sara.context.request.get(f"{sara.site.url}{path}")
        assert answer.status == 200, path
        seen[kind_of_address(path)] = path
        if not answer.headers["content-type"].startswith("text/"):
            continue
        text = await answer.text()
        assert UNSPOKEN not in text.lower(), path
        found = {unescape(link.partition("#")[0]) for link in re.findall(r'href="(/[^"]*)"', text)}
        ahead += sorted(link for link in found - set(ahead) if kind_of_address(link) not in seen)
    assert {"/account", "/card", "/chats", "/documents", "/goals", "/notes", "/payments", "/profile"} <= set(seen)
    assert len(seen) > 30, sorted(seen)
    mails = await sara.site.mails(sara.email)
    assert mails[-1]["template"] == "appointment_cancelled"
    assert not [mail for mail in mails if UNSPOKEN in f"{mail['subject']} {mail['text']} {mail['html']}".lower()]


async def is_active_again(ben: Somebody) -> None:
    await ben.site.advance(TWO_DAYS)
    await record_of(ben, "Sara", tab="archived")
    await ben.page.get_by_text("Menu", exact=True).click()
    await ben.presses("Make active again")
    await ben.sees("Active again.")
    assert "Sara" in (await rows_of(ben, "/staff/clients?q=Sara"))[0][1]


async def books_again(sara: Somebody) -> Appointment:
    await opens(sara, "/appointments")
    await sara.books("ben-okafor", type="session")
    return await told_on(sara)


# ---------------------------------------------------------------- what was paid


async def rows(somebody: Somebody, which: str = "main tbody tr") -> list[list[str]]:
    """Of the table that is seen: the words of each cell."""
    found = await somebody.page.locator(which).all()
    return [[text.strip() for text in await row.locator("th, td").all_inner_texts()] for row in found]


async def rows_of(somebody: Somebody, path: str) -> list[list[str]]:
    await opens(somebody, path)
    return await rows(somebody)


async def adds_up(sara: Somebody, desk: Somebody) -> None:
    """Seven times the fee, once each: all by card but for the credit."""
    paid = await rows_of(sara, "/payments")
    assert sorted(row[1] for row in paid) == ["Late cancellation", *["Session"] * 6]
    assert [row[2:] for row in paid] == [[FEE, "Paid"]] * 7
    receipts = await sara.site.mails(sara.email, "receipt")
    assert len({re.findall(r"https?://\S+", mail["text"])[0] for mail in receipts}) == len(receipts) == 7

    await opens(desk, f"{await record_of(desk, 'Sara')}/money")
    assert [row[2:] for row in await rows(desk) if row[-1] == "Paid"] == [[FEE, "Paid"]] * 7
    facts = await desk.reads()
    assert re.search(r"Owed\s+0\.00 USD", facts)
    assert re.search(r"Credit\s+0\.00 USD", facts)
    await opens(desk, "/staff/books")
    await desk.presses("Compare now")
    await desk.sees("None.")
    today = await desk.site.now()
    months = await rows_of(desk, f"/staff/reports?from={today.year - 1}-06-01&to={today:%Y-%m-%d}")
    assert sum(float(row[6].split()[0].replace(",", "")) for row in months if row[6] != "-") == 820
