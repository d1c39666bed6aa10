"""What is looked at on a page that is open: axe, and what axe does not see."""

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_AXE = Axe().axe_script

# Without a name, too small for a finger, a table without headers, an error that leads nowhere, an id twice.
_ALSO = """() => {
  const wrong = [];
  const seen = (one) => one.checkVisibility() && one.getBoundingClientRect().width > 1;
  const told = (one) => one.outerHTML.slice(0, 90);
  for (const one of document.querySelectorAll("a[href], button, summary, input:not([type=hidden]), select, textarea")) {
    const box = one.getBoundingClientRect();
    if (seen(one) && !one.closest(".hidden-text, .skip") && (box.height < 23.5 || box.width < 23.5)) {
      wrong.push(`${Math.round(box.width)} x ${Math.round(box.height)} is small: ${told(one)}`);
    }
  }
  for (const one of document.querySelectorAll("table")) if (!one.querySelector("th[scope]")) wrong.push(`no headers: ${told(one)}`);
  for (const one of document.querySelectorAll('#summary a, a[href^="#"]')) {
    if (!document.getElementById(one.getAttribute("href").slice(1))) wrong.push(`leads nowhere: ${told(one)}`);
  }
  let level = 1;
  for (const one of document.querySelectorAll("main :is(h1, h2, h3, h4):not(#summary *)")) {
    const now = Number(one.tagName[1]);
    if (now > level + 1) wrong.push(`a heading jumps to ${now}: ${told(one)}`);
    level = now;
  }
  if (document.querySelectorAll("main h1").length !== 1) wrong.push("not one h1");
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push(`twice: ${id}`);
  return wrong;
}"""


async def wrong_on(page: Page) -> list[str]:
    """As it stands, wide and light."""
    return [*await _axe(page, TAGS), *await page.evaluate(_ALSO)]


async def wrong_otherwise(page: Page) -> list[str]:
    """On the narrowest phone, in the dark, and from right to left; then it is as before."""
    before = page.viewport_size
    wrong = []
    await page.set_viewport_size({"width": 320, "height": 640})
    if await _too_wide(page):
        wrong.append("scrolls sideways at 320 px")
    await page.emulate_media(color_scheme="dark")
    wrong += [f"in the dark: {line}" for line in await _axe(page, {"type": "rule", "values": ["color-contrast"]})]
    await page.evaluate("document.documentElement.dir = 'rtl'")
    if await _too_wide(page):
        wrong.append("scrolls sideways from right to left")
    await page.evaluate("document.documentElement.dir = 'ltr'")
    await page.emulate_media(color_scheme="light")
    if before:
        await page.set_viewport_size(before)
    return wrong


async def _too_wide(page: Page) -> bool:
    return bool(await page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


async def _axe(page: Page, run_only: object) -> list[str]:
    if await page.evaluate("window.axe === undefined"):
        await page.evaluate(_AXE)
    options = {"runOnly": run_only, "resultTypes": ["violations"]}
    found = await page.evaluate("(options) => axe.run(document, options)", options)
    return [f"{one['id']} at {[node['target'] for node in one['nodes']][:3]}" for one in found["violations"]]
