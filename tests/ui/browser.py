"""One page of the Temporal UI in headless Chromium, by the verbs of a support person."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from playwright.async_api import Error, Locator, Page, async_playwright

from tests.ui.pictures import Picture

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_WIDTH, _HEIGHT = 1280, 880
_RAIL = 256  # pixels at the left, with the names of all pages
_PATIENCE, _PAUSE = 15_000, 300  # milliseconds


def chromium() -> str | None:
    """The browser's path, if there is one on this machine."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


class TemporalUI:
    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url

    async def open(self, workflow_id: str) -> None:
        """A workflow's page, on the tab that has its summary and its current details."""
        await self.page.goto(f"{self.url}/namespaces/default/workflows/{workflow_id}")
        await self.page.get_by_text("User Metadata", exact=True).click()
        await self.shows("Current Details")

    async def shows(self, words: str, *, loads_again: bool = False) -> None:
        """Wait until the words are seen. Details are asked for when the page is loaded, and then stay as they are."""
        text = ""
        for _ in range(_PATIENCE // _PAUSE):
            text = await self.seen()
            if words in text:
                return
            await self.page.wait_for_timeout(_PAUSE)
            if loads_again:
                await self.page.reload()
                await self.shows("Current Details")
        raise AssertionError(f"{words!r} was never seen, but: {text}")

    async def seen(self) -> str:
        """The words on the page, and those in its frames, in which the UI shows what others have written."""
        parts: list[str] = []
        for frame in self.page.frames:
            with suppress(Error):  # it is gone already: the page is drawn anew
                parts += (await frame.locator("body").inner_text()).split()
        return " ".join(parts)

    async def choose(self, kind: str, name: str) -> None:
        """Open the dialog of an ``Update`` or a ``Signal``, and choose one by name."""
        await self.open_names(kind)
        option = self.page.get_by_role("option").filter(has=self.page.get_by_text(name, exact=True))
        await option.first.click()

    async def open_names(self, kind: str) -> None:
        await self.page.get_by_role("button", name="More Actions").click()
        article = "an" if kind == "Update" else "a"
        await self.page.get_by_role("menuitem", name=f"Send {article} {kind}").click()
        await self._seen(self.page.get_by_role("button", name=f"Select {article} {kind}")).click()

    async def submit(self, data: str = "") -> None:
        if data:
            editor = self._seen(self.page.locator(".cm-content"))
            await editor.fill(data)
            await editor.blur()  # it then writes the JSON on several lines, and the button below moves
            await self.page.wait_for_timeout(_PAUSE)
        await self._seen(self.page.get_by_role("button", name="Submit")).click()

    async def close_dialog(self) -> None:
        await self._seen(self.page.get_by_test_id("cancel-modal-button")).click()

    async def succeeded(self) -> None:
        await self.shows("successful")

    async def request_cancellation(self) -> None:
        await self.page.get_by_role("button", name="Request Cancellation").click()
        await self._seen(self.page.get_by_role("button", name="Confirm")).click()

    async def terminate(self) -> None:
        await self.page.get_by_role("button", name="More Actions").click()
        await self.page.get_by_role("menuitem", name="Terminate").click()
        await self._seen(self.page.get_by_role("button", name="Terminate", exact=True)).click()

    async def picture(self, picture: Picture) -> None:
        """Look for the words; where pictures are asked for (``PICTURES`` names a folder), take it."""
        for words in picture.words:
            await self.shows(words)
        if folder := os.environ.get("PICTURES"):
            await self.page.wait_for_timeout(300)  # until what moves stands still
            path = Path(folder) / picture.file
            dialog = self._seen(self.page.get_by_role("dialog"))
            if await dialog.count():
                await dialog.first.screenshot(path=path)
            else:
                await self.page.screenshot(
                    path=path, clip={"x": _RAIL, "y": 0, "width": _WIDTH - _RAIL, "height": _HEIGHT}
                )

    def _seen(self, found: Locator) -> Locator:
        """The UI has some of its parts twice, of which one is seen."""
        return found.locator("visible=true")


@asynccontextmanager
async def browsing(url: str) -> AsyncIterator[TemporalUI]:
    path = chromium()
    assert path is not None, "the caller has looked"
    async with async_playwright() as playwright:
        alone = ["--no-sandbox"] if os.geteuid() == 0 else []  # as root, Chromium refuses its own sandbox
        browser = await playwright.chromium.launch(executable_path=path, args=alone)
        try:
            context = await browser.new_context(viewport={"width": _WIDTH, "height": _HEIGHT})
            context.set_default_timeout(_PATIENCE)
            yield TemporalUI(await context.new_page(), url)
        finally:
            await browser.close()
