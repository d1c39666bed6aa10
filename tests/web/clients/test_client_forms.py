"""A form with every kind of question: asked as its conditions say, kept, refused with reasons, sent and read again."""

from typing import Any

from playwright.async_api import Browser, FilePayload

from tests.web.people import Site, Somebody

KIND = "everything"
QUESTIONS: list[dict[str, Any]] = [
    {"name": "nick", "label": "What we call you", "type": "text", "required": True},
    {"name": "story", "label": "Your story", "type": "long_text"},
    {"name": "smokes", "label": "Do you smoke?", "type": "yes_no", "required": True},
    {
        "name": "how_many",
        "label": "How many a day",
        "type": "number",
        "most": 100,
        "required": True,
        "when": {"field": "smokes", "is": [True]},
    },
    {"name": "sleep", "label": "How you sleep", "type": "choice", "options": ["Well", "Badly"], "required": True},
    {
        "name": "why",
        "label": "What keeps you awake",
        "type": "choices",
        "options": ["Noise", "Worry"],
        "when": {"field": "sleep", "is": ["Badly"]},
    },
    {
        "name": "mood",
        "label": "Your mood",
        "type": "scale",
        "least": 0,
        "most": 10,
        "required": True,
        "least_label": "very low",
        "most_label": "very good",
    },
    {"name": "born", "label": "Date of birth", "type": "date"},
    {"name": "scans", "label": "Referrals", "type": "file", "accepts": ["application/pdf"], "required": True},
    {
        "name": "contact",
        "label": "Whom we may call",
        "type": "group",
        "required": True,
        "fields": [
            {"name": "name", "label": "Name", "type": "text", "required": True},
            {"name": "card", "label": "A copy of a card", "type": "file"},
        ],
    },
    {"name": "parent", "label": "Signature of a parent", "type": "signature"},
    {"name": "agrees", "label": "I agree to be written to", "type": "agreement", "required": True},
]


def pdf(name: str) -> FilePayload:
    return FilePayload(name=name, mimeType="application/pdf", buffer=b"%PDF-1.4\n%%EOF")


async def asks(site: Site, somebody: Somebody) -> None:
    await site.api("POST", "/v1/form-templates", {"kind": KIND, "title": "All about you", "fields": QUESTIONS})
    [client] = (await site.api("GET", f"/v1/clients?q={somebody.email}"))["items"]
    await site.api("POST", f"/v1/clients/{client['id']}/forms", {"kind": KIND})


async def test_every_kind_of_question(site: Site, visitor: Somebody) -> None:
    page = visitor.page
    await visitor.books("ana-silva", first_name="Fia")
    await visitor.activates()
    await asks(site, visitor)
    await visitor.goes("/forms")
    await visitor.follows("All about you")
    assert not await page.get_by_label("How many a day").is_visible()
    await page.get_by_label("Yes", exact=True).check()
    await visitor.types("How many a day", "many")
    await page.get_by_label("Badly").check()
    await page.get_by_label("Worry").check()
    await visitor.types("What we call you", "Fi")
    await page.locator('[name="files.scans"]').set_input_files(pdf("from-dr-lee.pdf"))
    await visitor.presses("Sign and send")
    wrong = await page.locator("#summary").inner_text()
    for line in ("How many a day: must be a number", "Your mood: is required", "Your full name: type your full name"):
        assert line in wrong
    await page.get_by_role("link", name="How many a day").click()
    assert await page.evaluate("document.activeElement.name") == "answers.how_many"

    await visitor.goes(f"/forms/{KIND}")  # as another day: what was typed and sent is there
    assert await page.get_by_label("What we call you").input_value() == "Fi"
    assert await page.get_by_label("from-dr-lee.pdf").is_checked()
    await page.get_by_label("No", exact=True).check()  # how many is asked no more, and not sent
    assert not await page.get_by_label("How many a day").is_visible()
    await page.get_by_label("8", exact=True).check()
    await visitor.types("Date of birth", "1990-04-01")
    await page.locator('[name="answers.contact.name"]').fill("Mo")
    await page.locator('[name="files.contact.card"]').set_input_files(pdf("card.pdf"))
    await visitor.types("Signature of a parent", "Ida Lind")
    await visitor.ticks("I agree to be written to")
    await visitor.types("Your full name", "Fia Lind")
    await visitor.presses("Sign and send")
    await visitor.sees("The form is complete.")

    await visitor.follows("All about you")
    said = await visitor.reads()
    for words in (
        "Signed by Fia Lind",
        "Do you smoke?\nNo",
        "Your mood\n8",
        "Worry",
        "1990-04-01",
        "card.pdf",
        "Agreed",
    ):
        assert words in said
    assert "How many" not in said
    for link, name in (("Download what I signed", f"signed-{KIND}-1.pdf"), ("from-dr-lee.pdf", "from-dr-lee.pdf")):
        async with page.expect_download() as begun:
            await page.get_by_role("link", name=link).click()
        assert (await begun.value).suggested_filename == name


async def test_without_script_a_question_says_when_it_is_asked(site: Site, browser: Browser) -> None:
    async with Somebody.at(site, browser, java_script_enabled=False) as somebody:
        await somebody.books("ana-silva", first_name="Noa")
        await somebody.activates()
        await asks(site, somebody)
        await somebody.goes(f"/forms/{KIND}")
        await somebody.sees("Only if you answered: Do you smoke - Yes.")
        await somebody.page.get_by_label("No", exact=True).check()
        await somebody.types("How many a day", "3")
        await somebody.types("Your full name", "Noa Lind")
        await somebody.presses("Sign and send")
        await somebody.sees("is not asked with these answers")
        assert await somebody.page.get_by_label("How many a day").input_value() == "3"
