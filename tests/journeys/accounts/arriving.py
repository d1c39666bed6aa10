"""Mails about accounts are on their way once a request was answered: who looks at once may be too early."""

import asyncio

from tests.care.defaults import Json
from tests.care.story import Care


async def arrived(care: Care, template: str, *, to: str | None = None, number: int = 1) -> list[Json]:
    """So many mails of this kind, waited for at most ten seconds; no clock is moved but to let things come to rest."""
    async with asyncio.timeout(10):
        while True:
            await care.rest()
            mails = await care.mails(template=template, to=to)
            if len(mails) >= number:
                assert len(mails) == number
                return mails
            await asyncio.sleep(0.05)
