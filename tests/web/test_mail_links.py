"""Every link in every mail leads somewhere: to its page for whom it is meant, to an honest one for anybody else."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from html import unescape
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import quote, unquote, urlsplit

import pytest
from playwright.async_api import Browser

from activities.mail.about import About
from activities.mail.buttons import OF_ACCOUNTS, OF_THE_PRACTICE, PAGES, WITH_TOKEN
from activities.mail.overrides.samples import FULL, each_way
from activities.mail.rendering import render
from activities.practice import Links
from local.people import PASSWORD
from rules.accounts.sides import AccountSide
from rules.mail.kinds import MAILS, Mail
from rules.mail.terms import Reader
from tests.web.people import OWN_PASSWORD, Site, Somebody

pytestmark = pytest.mark.timeout(480)

THERAPIST, OTHER_THERAPIST = "ana@practice.example", "ben@practice.example"
DESK, OWNER = "care@practice.example", "owner@practice.example"
SECRETS = ("Linka", "linka@", "How are you tonight?")
NEW_ADDRESS, NEW_OF_DESK = "linka.new@mail.example", "care.new@practice.example"
GONE = 410
TOKEN = "a-token"
WITH_NOTHING = {  # that say what was done, and leave it at that; who gets one knows where to sign in
    *(Mail.WE_WILL_GET_BACK, Mail.APPOINTMENT_CANCELLED, Mail.PROFILE_ACCESS_CHANGED, Mail.RECORD_OPENED),
    Mail.CALENDAR_UNREADABLE,
    *(Mail.DAILY_ANCHOR, Mail.EMAIL_CHANGED, Mail.PASSWORD_CHANGED, Mail.SECOND_FACTOR_CHANGED, Mail.SIGN_IN_LINKED),
}


def links_in(site: Site, text: str, html: str | None) -> set[str]:
    """Those to pages, from both bodies of a mail."""
    found = re.findall(r"https?://[^\s<>\"]+", text)
    found += [unescape(each) for each in re.findall(r'href="(https?://[^"]+)"', html or "")]
    return {each.rstrip(".,)") for each in found if each.startswith(site.url)}


def shape(link: str) -> str:
    """Its path, without what tells one row or token from another."""
    path = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "<id>", urlsplit(link).path)
    return re.sub(r"/(activate|invitations|reset|email|join|unsubscribe)/[^/]+$", r"/\1/<token>", path)


@dataclass(kw_only=True)
class Rows:
    """Of one client, that mails are about."""

    client: str
    appointment: str
    payment: str
    task: str
    hold: str
    starts_at: datetime
    join_url: str
    unsubscribe: str

    @property
    def about(self) -> About:
        row = SimpleNamespace
        offered = row(offer=row(id=self.hold, starts_at=self.starts_at), place=row(type="session"))
        told = row(
            client=row(id=self.client),
            therapist=row(slug="ana-silva"),
            appointments=[row(id=self.appointment)],
            payment=row(id=self.payment),
            task=row(id=self.task),
            offered=offered,
        )
        return cast(About, told)


async def as_therapist(site: Site, method: str, path: str, body: object = None) -> Any:
    token = (await site.api("POST", "/v1/therapists/ana-silva/tokens", key="dev-admin"))["token"]
    return await site.api(method, path, body, key=token)


async def rows_of(site: Site, client: Somebody) -> Rows:
    """A client with an account, a session that took place and no card, and a message that waits."""
    client.email = "linka@mail.example"
    await client.books("ana-silva", first_name="Linka")
    await client.activates()
    client_id = (await site.api("GET", f"/v1/clients?q={client.email}"))["items"][0]["id"]
    chat = await as_therapist(site, "POST", "/v1/chats", {"kind": "direct", "members": [client_id]})
    await as_therapist(site, "POST", f"/v1/chats/{chat['id']}/messages", {"text": SECRETS[2]})
    soon = (await site.now()).replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)
    body = {"type": "session", "starts_at": soon.isoformat(), "mode": "video", "reason": "soon"}
    booked = await site.api("POST", f"/v1/clients/{client_id}/appointments", body)
    [appointment] = booked["appointments"]
    await site.advance(timedelta(hours=4))
    await site.api("POST", f"/v1/appointments/{appointment['id']}/outcome", {"outcome": "occurred"})
    await site.link(client.email, "new_message")
    [mail] = await site.mails(client.email, "new_message")
    unsubscribe = next(link for link in links_in(site, mail["text"], mail["html"]) if "/unsubscribe/" in link)
    body = {"type": "intro_call", "starts_at": await open_time(site)}
    hold = await site.api("POST", "/v1/therapists/ana-silva/holds", body, key="dev-booking-site")
    return Rows(
        client=client_id,
        appointment=appointment["id"],
        payment=(await site.api("GET", f"/v1/clients/{client_id}/payments"))["items"][0]["id"],
        task=await a_task(site),
        hold=hold["hold_id"],
        starts_at=datetime.fromisoformat(body["starts_at"]),
        join_url=appointment["join_url"],
        unsubscribe=unsubscribe,
    )


async def a_task(site: Site) -> str:
    """Of somebody whom nobody fits."""
    answers = {"state": "NY", "modality": "individual", "languages": ["pt"], "therapist_gender": "male"}
    begun = await site.api("POST", "/v1/journeys", {"source": "matching_form", "answers": answers})
    while not (found := (await site.api("GET", f"/v1/tasks?client={begun['client_id']}"))["items"]):
        await site.advance(timedelta(seconds=5))
    return str(found[0]["id"])


async def open_time(site: Site) -> str:
    first = (await site.now()).date() + timedelta(days=2)
    last = first + timedelta(days=6)
    asked = f"type=intro_call&time_zone=UTC&from={first}&to={last}"
    found = await site.api("GET", f"/v1/therapists/ana-silva/slots?{asked}")
    return str(found["days"][0]["slots"][-1]["starts_at"])


def ways_of(kind: Mail, site: Site, rows: Rows) -> Iterator[set[str]]:
    """The links of each way in which a mail of this kind may meet its reader. Tokens stand in the place of one."""
    links, button = Links(public_url=site.url), MAILS[kind].button
    targets: list[str | None]
    if button is None:
        targets = [None]
    elif button in PAGES:
        targets = [PAGES[button](links, rows.about)]
    elif button in OF_THE_PRACTICE:
        targets = [OF_THE_PRACTICE[button](links)]
    elif button in WITH_TOKEN:
        targets = [WITH_TOKEN[button][1](links, TOKEN)]
    else:
        targets = [OF_ACCOUNTS[button][1](links, TOKEN, side) for side in AccountSide]
    for link in targets:
        for _, context in each_way(kind):
            held = replace(
                context,
                link=link,
                pay_link=links.payment(rows.payment) if context.pay_link else None,
                unsubscribe_link=rows.unsubscribe if context.unsubscribe_link else None,
                appointments=tuple(replace(one, join_url=rows.join_url) for one in context.appointments),
                practice=FULL.practice,
            )
            mail = render(kind, held)
            yield links_in(site, mail.text, mail.html)


@dataclass
class People:
    """Who may follow a link: for whom it is meant, and others, with what was wrong so far."""

    site: Site
    meant: dict[Reader, Somebody]
    others: dict[str, Somebody]
    wrong: list[str] = field(default_factory=list)

    async def try_page(self, link: str, to: Reader) -> None:
        """One behind a sign-in: for its reader the very page, for others nothing of the client."""
        reader = self.meant[to]
        status = (await reader.goes(link)).status
        if status != 200 or "/sign-in" in reader.page.url or not await reader.heading():
            self.wrong.append(f"{link} answers its {to} with {status} at {reader.page.url}")
        for who, stranger in self.others.items():
            if stranger is reader:
                continue
            answer = await stranger.context.request.get(link)
            text = await answer.text()
            if answer.status not in (200, 403, 404, GONE) or "<h1" not in text or told(text):
                self.wrong.append(f"{link} answers {who} with {answer.status}, {told(text)}")
            path = f"{urlsplit(link).path}{'?' + query if (query := urlsplit(link).query) else ''}"
            leads_on = f"next={quote(path, safe='')}" in answer.url
            if who == "nobody" and "/book/" not in link and not leads_on:
                self.wrong.append(f"{link} leads who has not signed in to {answer.url}")

    async def try_token(self, link: str, *, status: int) -> None:
        """One that is for whoever has it: it says whether it is good, and nothing of whose it is."""
        for who, somebody in (*self.others.items(), *self.meant.items()):
            answer = await somebody.context.request.get(link)
            text = await answer.text()
            if answer.status != status or told(text):
                self.wrong.append(f"{link} answers {who} with {answer.status}, {told(text)}")


def told(text: str) -> list[str]:
    return [word for word in SECRETS if word in text]


async def test_every_link_of_every_kind_leads_to_its_page(site: Site, visitor: Somebody, browser: Browser) -> None:
    rows = await rows_of(site, visitor)
    async with (
        Somebody.at(site, browser, wide=True) as ana,
        Somebody.at(site, browser, wide=True) as desk,
        Somebody.at(site, browser) as nobody,
        Somebody.at(site, browser) as client,
        Somebody.at(site, browser, wide=True) as ben,
        Somebody.at(site, browser, wide=True) as owner,
    ):
        await visitor.signs_in()
        await client.books("ben-okafor", first_name="Otta")
        await client.activates()
        for person, email in ((ana, THERAPIST), (desk, DESK), (ben, OTHER_THERAPIST), (owner, OWNER)):
            await person.signs_in_as_staff(email)
        people = People(
            site,
            {Reader.CLIENT: visitor, Reader.THERAPIST: ana, Reader.CARE_TEAM: desk, Reader.ACCOUNT: desk},
            {"nobody": nobody, "another client": client, "another therapist": ben, "an owner": owner},
        )
        shapes: dict[Mail, set[str]] = {}
        pages: set[tuple[str, Reader]] = set()
        for kind, about in MAILS.items():
            ways = list(ways_of(kind, site, rows))
            links = set[str]().union(*ways)
            shapes[kind] = {shape(link) for link in links}
            if about.to is not Reader.WITNESS:
                pages |= {(link, about.to) for link in links if "<token>" not in shape(link)}
        assert {kind for kind, found in shapes.items() if not found} == WITH_NOTHING
        for link, to in sorted(pages):
            await people.try_page(link, to)
        assert not people.wrong, "\n".join(people.wrong)
        await tells_the_sign_in_where_to_lead(nobody, visitor, Links(public_url=site.url).payment(rows.payment))
        # What is mailed for good has no other link than those that were tried.
        for mail in (await site.http.get(f"{site.stack.sandbox_url}/outbox")).json():
            found = {shape(link) for link in links_in(site, mail["text"], mail["html"])}
            assert found <= shapes[Mail(mail["template"])], mail["template"]


async def tells_the_sign_in_where_to_lead(nobody: Somebody, client: Somebody, link: str) -> None:
    await nobody.goes(link)
    nobody.email = client.email
    assert unquote(nobody.page.url).endswith(f"next={urlsplit(link).path}")
    await nobody.types("E-mail", client.email)
    await nobody.page.locator("#password").fill(OWN_PASSWORD)
    async with nobody.page.expect_navigation():
        await nobody.page.get_by_role("button", name="Sign in", exact=True).click()
    assert nobody.page.url == link


async def test_a_link_with_a_token_says_whether_it_is_good(site: Site, visitor: Somebody, browser: Browser) -> None:
    """Good, unknown, used and too old: of each kind, on either side of the house."""
    visitor.email = "linka.token@mail.example"
    await visitor.books("ana-silva", first_name="Linka")
    async with (
        Somebody.at(site, browser) as again,
        Somebody.at(site, browser) as nobody,
        Somebody.at(site, browser, wide=True) as desk,
        Somebody.at(site, browser, wide=True) as owner,
    ):
        await desk.signs_in_as_staff(DESK)
        await owner.signs_in_as_staff(OWNER)
        people = People(site, {Reader.CLIENT: visitor, Reader.ACCOUNT: desk}, {"nobody": nobody, "an owner": owner})
        welcome = await site.link(visitor.email, "welcome")
        await people.try_token(welcome, status=200)
        await visitor.activates()
        await people.try_token(welcome, status=GONE)
        again.email = visitor.email
        await again.books("ben-okafor", first_name="Linka")
        for side in ("", "/staff"):
            await nobody.goes(f"{side}/reset")
            await nobody.types("E-mail", DESK if side else visitor.email)
            await nobody.presses("Send")
        await asks_for_another_address(visitor, "", new=NEW_ADDRESS, password=OWN_PASSWORD)
        await asks_for_another_address(desk, "/staff", new=NEW_OF_DESK, password=PASSWORD)
        body = {"email": "nils@practice.example", "name": "Nils Ode", "roles": ["care_team"]}
        await site.api("POST", "/v1/staff", body, key="dev-admin")
        looked_up = {  # before they are followed
            await site.link(visitor.email, "password_reset"),
            await site.link(DESK, "password_reset"),
            await site.link("nils@practice.example", "invitation"),
        }
        pressed = {  # only when their button is pressed
            await site.link(visitor.email, "already_known"),
            await site.link(NEW_ADDRESS, "email_confirm"),
            await site.link(NEW_OF_DESK, "email_confirm"),
        }
        assert {shape(link) for link in looked_up | pressed} == {
            *("/reset/<token>", "/email/<token>", "/join/<token>"),
            *("/staff/reset/<token>", "/staff/email/<token>", "/staff/invitations/<token>"),
        }
        for link in looked_up:
            await people.try_token(link, status=200)
            await people.try_token(f"{link[:-6]}AAAAAA", status=GONE)
        for link in pressed:
            await people.try_token(link, status=200)
            await presses_the_one_button(nobody, f"{link[:-6]}AAAAAA", status=GONE)
        used = await site.link(NEW_ADDRESS, "email_confirm")
        for status in (200, GONE):
            await presses_the_one_button(nobody, used, status=status)
        await site.advance(timedelta(days=8))
        for link in looked_up:
            await people.try_token(link, status=GONE)
        for link in pressed:
            await presses_the_one_button(nobody, link, status=GONE)
        assert not people.wrong, "\n".join(people.wrong)
        await no_more_mails(site, nobody, visitor.email)


async def asks_for_another_address(somebody: Somebody, base: str, *, new: str, password: str) -> None:
    await somebody.goes(f"{base}/account")
    await somebody.types("New e-mail", new)
    await somebody.page.locator('[name="address.current"]').fill(password)
    await somebody.presses("Send a link to it")
    await somebody.sees("We sent a link to the new address.")


async def presses_the_one_button(somebody: Somebody, link: str, *, status: int) -> None:
    await somebody.goes(link)
    async with somebody.page.expect_navigation() as went:
        await somebody.page.locator("main form button").first.click()
    answer = await went.value
    assert answer is not None
    assert answer.status == status, link
    assert not told(await somebody.page.content())


async def no_more_mails(site: Site, nobody: Somebody, email: str) -> None:
    """By a person's press, and as a mail program does it; once more changes nothing, and an unknown one is told so."""
    mails = [mail for mail in await site.mails(email) if "/unsubscribe/" in mail["text"]]
    [link] = {link for mail in mails for link in links_in(site, mail["text"], mail["html"]) if "/unsubscribe/" in link}
    await presses_the_one_button(nobody, link, status=200)
    one_click = {"List-Unsubscribe": "One-Click"}
    assert (await site.http.post(link, data=one_click)).status_code == 200
    assert (await site.http.post(f"{link[:-6]}AAAAAA", data=one_click)).status_code in (404, GONE)
