"""Somebody who has a keyboard and no mouse: Tab, Shift+Tab, Enter, Space, arrows and letters. They go by what a screen
reader would say of where they are, and that must be seen, too."""

from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Page, expect

MOST_STOPS = 150

_WHERE = (Path(__file__).parent / "where.js").read_text()


@dataclass
class Keys:
    page: Page
    wrong: list[str] = field(default_factory=list)

    async def at(self) -> str:
        """What is said of where they are."""
        found = await self.page.evaluate(_WHERE)
        if found["wrong"]:
            self.wrong.append(f"{self.page.url}: {found['wrong']}")
        return str(found["name"])

    async def to(self, words: str, *, back: bool = False) -> None:
        """On, stop by stop, until it is there."""
        stops = []
        for _ in range(MOST_STOPS):
            stops.append(await self.at())
            if words in stops[-1] and len(stops) > 1:
                return
            await self.page.keyboard.press("Shift+Tab" if back else "Tab")
        raise AssertionError(f"{words!r} is not reached at {self.page.url}, but {stops[:40]}")

    async def goes(self, words: str, key: str = "Enter") -> None:
        """To it, and on to the page that it leads to."""
        await self.to(words)
        async with self.page.expect_navigation():
            await self.page.keyboard.press(key)

    async def types(self, label: str, text: str) -> None:
        await self.to(label)
        await self.page.keyboard.type(text)

    async def press(self, key: str) -> None:
        await self.page.keyboard.press(key)

    async def is_told(self, words: str) -> None:
        """The focus is where it is said, without a key."""
        await expect(self.page.locator(":focus")).to_contain_text(words)

    async def is_at(self, words: str) -> None:
        """As ``is_told``, of a field or a button."""
        await expect(self.page.locator(":focus")).to_have_accessible_name(words)
