"""Every link in every mail leads somewhere: to its page for whom it is meant, to an honest one for anybody else."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

from playwright.async_api import Browser

from rules.mail.kinds import MAILS, Mail
from rules.mail.terms import Reader
from tests.web.people import OWN_PASSWORD, Site, Somebody

THERAPIST, DESK, OWNER = "ana@practice.example", "care@practice.example", "owner@practice.example"
WITH_TOKEN = ("activate", "invitations", "reset", "email", "join", "unsubscribe")  # for whoever has the link
SECRET_WORDS = ("Linka", "Lind")


def links(site: Site, mail: dict[str, Any]) -> set[str]:
    """Those to pages, from both of its bodies."""
    found = re.findall(r"https?://[^\s<>\"]+", mail["text"])
    found += [unescape(each) for each in re.findall(r'href="(https?://[^"]+)"', mail["html"] or "")]
    return {each.rstrip(".,)") for each in found if each.startswith(site.url)}


async def as_therapist(site: Site, method: str, path: str, body: object = None) -> Any:
    token = (await site.api("POST", "/v1/therapists/ana-silva/tokens", key="dev-admin"))["token"]
    return await site.api(method, path, body, key=token)


async def what_is_mailed(site: Site, client: Somebody, browser: Browser) -> None:
    """Of the mails that somebody gets in their first weeks, as many as there are."""
    address = await client.books("ana-silva", first_name="Linka")
    assert (await client.goes(await site.link(client.email, "welcome"))).status == 200
    await client.activates()
    client_id = (await site.api("GET", f"/v1/clients?q={client.email}"))["items"][0]["id"]
    await as_therapist(site, "POST", f"/v1/clients/{client_id}/goals", {"text": "A walk", "remind": None})
    chat = await as_therapist(site, "POST", "/v1/chats", {"kind": "direct", "members": [client_id]})
    await as_therapist(site, "POST", f"/v1/chats/{chat['id']}/messages", {"text": "How are you?"})
    await client.goes("/reset")
    await client.types("E-mail", client.email)
    await client.presses("Send")
    async with Somebody.at(site, browser) as somebody:
        await somebody.goes("/reset")
        await somebody.goes("/staff/reset")
        await somebody.types("E-mail", DESK)
        await somebody.presses("Send")
    await client.goes(f"{address}/move")
    await client.page.locator(".slots button").last.click()
    await client.presses("Move it")
    for _ in range(4):
        await site.advance(timedelta(days=5))
    await client.goes("/sign-in")
    await client.types("E-mail", client.email)
    await client.page.locator("#password").fill(OWN_PASSWORD)
    async with client.page.expect_navigation():
        await client.page.get_by_role("button", name="Sign in", exact=True).click()


async def test_every_link_leads_to_its_page_or_to_an_honest_one(
    site: Site, visitor: Somebody, browser: Browser
) -> None:
    await what_is_mailed(site, visitor, browser)
    every = (await site.http.get(f"{site.stack.sandbox_url}/outbox")).json()
    mailed = {(mail["to"], mail["template"], link) for mail in every for link in links(site, mail)}
    async with (
        Somebody.at(site, browser) as nobody,
        Somebody.at(site, browser) as other,
        Somebody.at(site, browser, wide=True) as therapist,
        Somebody.at(site, browser, wide=True) as desk,
        Somebody.at(site, browser, wide=True) as owner,
    ):
        await other.books("ben-okafor", first_name="Other")
        await other.activates()
        for person, email in ((therapist, THERAPIST), (desk, DESK), (owner, OWNER)):
            await person.signs_in_as_staff(email)
        readers = {Reader.CLIENT: visitor, Reader.THERAPIST: therapist, Reader.CARE_TEAM: desk, Reader.ACCOUNT: desk}
        wrong, seen = [], set()
        for to, template, link in sorted(mailed):
            reader = readers[MAILS[Mail(template)].to]
            if reader is visitor and to != visitor.email:
                continue  # of another test's client
            if reader is therapist and not to.startswith("ana"):
                continue
            token = link.removeprefix(site.url).removeprefix("/staff").split("/")[1] in WITH_TOKEN
            status = (await reader.goes(link)).status
            honest = (200, 410) if token else (200,)
            if status not in honest or "/sign-in" in reader.page.url:
                wrong.append(f"{template} to {to}: {link} answers {status} at {reader.page.url}")
            seen.add(template)
            if token:
                continue
            for stranger in (nobody, other, owner):
                answer = await stranger.goes(link)
                text = await stranger.page.content()
                if answer.status >= 500 or any(word in text for word in SECRET_WORDS if stranger is not other):
                    wrong.append(f"{template}: {link} answers {answer.status} to somebody else")
        assert not wrong, "\n".join(wrong)
        assert {"booking_confirmation", "mark_outcome", "new_client", "password_reset", "new_message"} & seen
