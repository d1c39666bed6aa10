"""Telling a server that is slow from one that is gone: who has waited long asks, once for all who wait."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

PATIENCE = timedelta(milliseconds=2500)
WITHIN = timedelta(seconds=2)
_OWN_FAULT = 0.3  # seconds later than it was to end: this process stood still itself, and heard no answer for that


class Silent(ConnectionError):
    """A server does not answer at all."""


class Pulse:
    """Whether a server lives, asked only after somebody has waited for it for ``patience``.

    A busy server answers such a question, and is waited for on. One that does not answer within ``within`` is gone:
    whoever waits is let go, and whoever comes next waits for the answer to that question only, until it lives again.

    Args:
        ask: a question that a living server answers at once; false, or any exception, is no answer.
    """

    def __init__(
        self, ask: Callable[[], Awaitable[bool]], *, patience: timedelta = PATIENCE, within: timedelta = WITHIN
    ) -> None:
        self._ask = ask
        self._patience = patience.total_seconds()
        self._within = within.total_seconds()
        self._question: asyncio.Task[bool] | None = None
        self._gone = False

    @asynccontextmanager
    async def felt(self, *, at_most: float | None = None) -> AsyncIterator[None]:
        """Wait for the server in here. Raises Silent once it does not live, or after ``at_most`` seconds."""
        if self._gone and not await self.beats():
            raise Silent
        loop = asyncio.get_running_loop()
        looking: list[asyncio.Task[None]] = []
        bound = asyncio.timeout(at_most)
        try:
            async with bound:
                watch = loop.call_later(self._patience, lambda: looking.append(loop.create_task(self._look(bound))))
                try:
                    yield
                finally:
                    watch.cancel()
                    for task in looking:
                        task.cancel()
        except TimeoutError:
            if bound.expired():
                raise Silent from None
            raise

    async def beats(self) -> bool:
        """Whether the server lives. All who ask at the same time share one question."""
        if self._question is None or self._question.done():
            self._question = asyncio.create_task(self._answered())
        return await asyncio.shield(self._question)

    async def _look(self, bound: asyncio.Timeout) -> None:
        while await self.beats():  # noqa: ASYNC110 - nothing tells when a server dies
            await asyncio.sleep(self._patience)
        bound.reschedule(asyncio.get_running_loop().time())

    async def _answered(self) -> bool:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                async with asyncio.timeout(self._within):
                    lives = await self._ask()
            except Exception:  # noqa: BLE001 - whatever went wrong, it was no answer
                lives = False
            if lives or loop.time() - began < self._within + _OWN_FAULT:
                self._gone = not lives
                return lives
