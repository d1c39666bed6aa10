"""What is looked at on a page that is open: axe, and what axe does not see."""

from pathlib import Path

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_AXE = Axe().axe_script

_ALSO = (Path(__file__).parent / "looks.js").read_text()


async def wrong_on(page: Page) -> list[str]:
    """As it stands, wide and light."""
    return [*await _axe(page, TAGS), *await page.evaluate(_ALSO)]


async def wrong_otherwise(page: Page) -> list[str]:
    """On the narrowest phone, in the dark, and from right to left; then it is as before."""
    before = page.viewport_size
    wrong = []
    await page.set_viewport_size({"width": 320, "height": 640})
    if await too_wide(page):
        wrong.append("scrolls sideways at 320 px")
    await page.emulate_media(color_scheme="dark", reduced_motion="reduce")  # no colour on its way
    wrong += [f"in the dark: {line}" for line in await _axe(page, {"type": "rule", "values": ["color-contrast"]})]
    await page.evaluate("document.documentElement.dir = 'rtl'")
    if await too_wide(page):
        wrong.append("scrolls sideways from right to left")
    await page.evaluate("document.documentElement.dir = 'ltr'")
    await page.emulate_media(color_scheme="light", reduced_motion="no-preference")
    if before:
        await page.set_viewport_size(before)
    return wrong


async def too_wide(page: Page) -> bool:
    return bool(await page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


async def _axe(page: Page, run_only: object) -> list[str]:
    if await page.evaluate("window.axe === undefined"):
        await page.evaluate(_AXE)
    options = {"runOnly": run_only, "resultTypes": ["violations"]}
    found = await page.evaluate("(options) => axe.run(document, options)", options)
    return [f"{one['id']} at {[node['target'] for node in one['nodes']][:3]}" for one in found["violations"]]
